#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "control/selection/vendor_labels.h"
#include "control/selection/zones.h"
#include "dataplane/core/policy_rule.h"

namespace anytick::selection {
namespace {

using core::PolicyBounds;

/// A rule that is added to what an operator wrote.
struct Throttle {
  std::string name;
  std::string pattern;
  std::string action;
};

/// Names of rules that nobody has yet.
class RuleNames {
 public:
  explicit RuleNames(const std::vector<core::PolicyRule>& own) {
    for (const core::PolicyRule& rule : own) taken_.insert(rule.name);
  }

  std::string fresh(const std::string& wanted) {
    std::string name = wanted.substr(0, PolicyBounds::name);
    for (unsigned number = 2; !taken_.insert(name).second; ++number) {
      const std::string suffix = fmt::format(".{}", number);
      name = wanted.substr(0, PolicyBounds::name - suffix.size()) + suffix;
    }
    return name;
  }

 private:
  std::set<std::string> taken_;
};

std::string escaped(const std::string& name) {
  std::string pattern;
  for (const char c : name) {
    if (c == '.') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// None where a rate of 0 is meant: everything is refused.
std::string action_of(uint32_t per_second) {
  if (per_second == 0) return "refuse";
  return fmt::format("limit {}/s", std::min(per_second, static_cast<uint32_t>(PolicyBounds::per_second)));
}

std::vector<Throttle> throttles_of(const registry::Snapshot& snapshot, const std::vector<core::PolicyRule>& own) {
  RuleNames names(own);
  std::vector<Throttle> throttles;
  for (const registry::VendorZone& vendor : snapshot.vendors) {
    if (!vendor.throttle || !is_published(vendor)) continue;
    throttles.push_back({names.fresh("vendor-" + vendor.name),
                         fmt::format(R"(^([0-3]\.)?{}\.{}$)", escaped(vendor.name), escaped(vendor.root)),
                         action_of(*vendor.throttle)});
  }
  return throttles;
}

bool is_limit(const Throttle& throttle) {
  return throttle.action != "refuse";
}

std::string rule_text(const Throttle& throttle) {
  return fmt::format("\n[[rule]]\nname = \"{}\"\npattern = '{}'\non = \"all\"\naction = \"{}\"\n", throttle.name,
                     throttle.pattern, throttle.action) +
         (is_limit(throttle) ? "beyond = \"refuse\"\n" : "");
}

/// Own rules that are written as one array, `rule = [{...}]`, cannot be added to: the same, written out anew.
std::string rewritten(const std::string& own, const std::vector<Throttle>& throttles) {
  toml::table table = toml::parse(own);
  toml::array& rules = *table["rule"].as_array();
  for (const Throttle& each : throttles) {
    toml::table rule{{"name", each.name}, {"pattern", each.pattern}, {"on", "all"}, {"action", each.action}};
    if (is_limit(each)) rule.insert("beyond", "refuse");
    rules.push_back(std::move(rule));
  }
  std::ostringstream text;
  text << table << '\n';
  return text.str();
}

} // namespace

std::string query_policy(const registry::Snapshot& snapshot, const std::string& own) {
  const core::ParsedPolicy parsed = core::parse_policy(own, "policy");
  const std::vector<Throttle> throttles = throttles_of(snapshot, parsed.rules);
  if (throttles.empty()) return own;
  std::string text = own;
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  for (const Throttle& each : throttles) text += rule_text(each);
  // What is wrong with the operator's own is for who reads it to say.
  if (!parsed.faults.empty() || core::parse_policy(text, "policy").faults.empty()) return text;
  const bool is_array = toml::parse(own)["rule"].is_array();
  return is_array ? rewritten(own, throttles) : text;
}

} // namespace anytick::selection
