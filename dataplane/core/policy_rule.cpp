#include "dataplane/core/policy_rule.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "dataplane/core/prefix_set.h"
#include "dataplane/core/toml_reader.h"
#include "dataplane/core/type_names.h"
#include "geo/location.h"

namespace anytick::core {
namespace {

constexpr std::array<std::string_view, 6> action_names{"allow", "drop", "refuse", "truncate", "limit", "tag"};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= PolicyBounds::name && std::ranges::all_of(text, is_name_character);
}

const std::string name_form =
    fmt::format("1 to {} letters, digits, '-', '_' and '.'", static_cast<size_t>(PolicyBounds::name));

/// "10/s" or "10/s per source", behind "limit ". The reason why it is not.
std::string take_rate(std::string_view text, PolicyRule& rule) {
  const char* const end = text.data() + text.size();
  uint32_t rate = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, rate);
  const std::string_view rest(stop, static_cast<size_t>(end - stop));
  rule.per_source = rest == "/s per source";
  if (error == std::errc::invalid_argument || (!rule.per_source && rest != "/s"))
    return R"(must be "limit N/s" or "limit N/s per source")";
  const uint32_t most = rule.per_source ? PolicyBounds::per_source : PolicyBounds::per_second;
  if (error != std::errc{} || rate == 0 || rate > most) return fmt::format("the rate must be from 1 to {}", most);
  rule.per_second = rate;
  return {};
}

/// What `action` says, word for word. The reason why it says nothing.
std::string take_action(std::string_view text, PolicyRule& rule) {
  const size_t space = text.find(' ');
  const bool more = space != text.npos;
  const auto found = std::ranges::find(action_names, text.substr(0, space));
  const std::string_view rest = more ? text.substr(space + 1) : std::string_view();
  if (found != action_names.end()) {
    rule.action = static_cast<PolicyAction>(found - action_names.begin());
    if (rule.action == PolicyAction::limit) return take_rate(rest, rule);
    if (rule.action == PolicyAction::tag) {
      rule.tag = rest;
      return is_name(rest) ? std::string() : R"(must be "tag NAME", where NAME has )" + name_form;
    }
    if (!more) return {};
  }
  return R"(must be "allow", "drop", "refuse", "truncate", "limit N/s", "limit N/s per source" or "tag NAME")";
}

/// One [[rule]].
class RuleReader {
 public:
  RuleReader(const toml::table& table, const std::string& path, Faults& faults)
      : reader_(table, path, faults), faults_(faults) {
    rule_.line = table.source().begin.line;
  }

  PolicyRule read() {
    read_name();
    read_pattern();
    reader_.choice("on", rule_.on_all, Choices<bool>{{"miss", false}, {"all", true}});
    read_list("qtypes", rule_.qtypes, parse_qtype, "is no type known here; write it as TYPE64");
    read_list("clients", rule_.clients, geo::parse_network,
              "is no address, and no prefix with the bits beyond its length zero");
    if (rule_.clients.size() > PolicyBounds::clients)
      reader_.fault(*reader_.find("clients"), "clients", fmt::format("more than {} prefixes", PolicyBounds::clients));
    read_list("countries", rule_.countries, country, "is no country of ISO 3166-1");
    read_action();
    reader_.finish();
    return std::move(rule_);
  }

 private:
  void read_name() {
    reader_.require("name");
    reader_.text("name", rule_.name);
    if (!rule_.name.empty() && !is_name(rule_.name))
      reader_.fault(*reader_.find("name"), "name", "must have " + name_form);
  }

  void read_pattern() {
    reader_.text("pattern", rule_.pattern);
    const std::string& pattern = rule_.pattern;
    std::string reason;
    if (pattern.size() > PolicyBounds::pattern) reason = fmt::format("longer than {} bytes", PolicyBounds::pattern);
    if (pattern.find('\0') != pattern.npos) reason = "has a zero byte; in names that is \\000";
    if (std::ranges::any_of(pattern, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      reason = "is not ASCII: other bytes of a name read \\195, and xn-- labels read as such";
    if (!reason.empty()) reader_.fault(*reader_.find("pattern"), "pattern", reason);
  }

  void read_action() {
    reader_.require("action");
    std::string text;
    reader_.text("action", text);
    if (!text.empty())
      if (const std::string reason = take_action(text, rule_); !reason.empty())
        reader_.fault(*reader_.find("action"), "action", reason);
    reader_.choice("beyond", rule_.beyond,
                   Choices<PolicyAction>{{"drop", PolicyAction::drop},
                                         {"refuse", PolicyAction::refuse},
                                         {"truncate", PolicyAction::truncate}});
    if (const toml::node* beyond = reader_.find("beyond"); beyond != nullptr && rule_.action != PolicyAction::limit)
      reader_.fault(*beyond, "beyond", "is for a limit only");
  }

  /// Elements that `parse` takes, sorted and each once.
  template <class T, class Parse>
  void read_list(std::string_view key, std::vector<T>& list, Parse parse, const char* reason) {
    bool empty = true;
    reader_.each(key, [&](const toml::node& node, const std::string& path) {
      empty = false;
      const auto* text = node.as_string();
      const auto value = text != nullptr ? parse(text->get()) : std::nullopt;
      if (value)
        list.push_back(*value);
      else
        faults_.add(node.source(), path,
                    text != nullptr ? fmt::format("'{}' {}", text->get(), reason) : "must be a string");
    });
    if (const toml::node* node = reader_.find(key); node != nullptr && node->is_array() && empty)
      reader_.fault(*node, key, "must not be empty; without the key all match");
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  static std::optional<std::array<char, 2>> country(std::string_view text) {
    if (geo::continent_of(text) == geo::Continent::unknown) return {};
    return std::array{text[0], text[1]};
  }

  TomlReader reader_;
  Faults& faults_;
  PolicyRule rule_;
};

std::vector<PolicyRule> read_rules(const toml::table& table, Faults& faults) {
  std::vector<PolicyRule> rules;
  std::map<std::string, uint32_t, std::less<>> lines;
  TomlReader root(table, "", faults);
  root.each("rule", [&](const toml::node& node, const std::string& path) {
    const toml::table* each = node.as_table();
    if (each == nullptr) return faults.add(node.source(), path, "must be a table: [[rule]]");
    if (rules.size() == PolicyBounds::rules)
      return faults.add(node.source(), path, fmt::format("more than {} rules", PolicyBounds::rules));
    PolicyRule rule = RuleReader(*each, path, faults).read();
    if (!rule.name.empty())
      if (const auto [first, is_new] = lines.emplace(rule.name, rule.line); !is_new)
        faults.add((*each)["name"].node()->source(), path + ".name",
                   fmt::format("'{}' is the name of the rule of line {}", rule.name, first->second));
    rules.push_back(std::move(rule));
  });
  root.finish();
  return rules;
}

/// Behind a string that begins at `at`, which may be one of three quotes.
size_t behind_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string thrice(3, quote);
  const std::string_view end = text.substr(at, 3) == thrice ? std::string_view(thrice) : text.substr(at, 1);
  for (at += end.size(); at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (text.substr(at, end.size()) == end || (end.size() == 1 && text[at] == '\n')) {
      at += end.size();
      // Up to two quotes before the three are the string's own.
      for (int more = 0; end.size() == 3 && more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
      return at;
    }
  }
  return text.size();
}

/// The first line with a key of so many parts that the parser's recursion over them may exhaust the stack; 0: none has.
/// Outside of strings and comments few dots are in anything else. What is no TOML may be seen otherwise than the parser
/// does, behind the place at which it ends.
uint32_t line_of_deep_key(std::string_view text) {
  constexpr unsigned dots_max = 100;
  uint32_t line = 1;
  unsigned dots = 0;
  for (size_t at = 0; at < text.size();) {
    size_t next = at + 1;
    if (text[at] == '"' || text[at] == '\'') next = behind_string(text, at);
    if (text[at] == '#') next = std::min(text.find('\n', at), text.size());
    if (text[at] == '.' && ++dots > dots_max) return line;
    const auto lines = static_cast<uint32_t>(std::ranges::count(text.substr(at, next - at), '\n'));
    line += lines;
    if (lines > 0) dots = 0;
    at = next;
  }
  return 0;
}

bool decides_always(const PolicyRule& rule) {
  return rule.action != PolicyAction::limit && rule.action != PolicyAction::tag;
}

/// Whether a condition of `earlier` holds wherever that of `rule` does. Sorted lists; an empty one is all.
template <class T> bool covers(const std::vector<T>& earlier, const std::vector<T>& rule) {
  return earlier.empty() || (!rule.empty() && std::ranges::includes(earlier, rule));
}

bool covers(const PrefixSet& earlier, const std::vector<geo::Prefix>& rule) {
  return earlier.empty() ||
         (!rule.empty() && std::ranges::all_of(rule, [&](const geo::Prefix& each) { return earlier.covers(each); }));
}

} // namespace

ParsedPolicy parse_policy(std::string_view text, const std::string& file) {
  if (text.size() > PolicyBounds::text)
    return {{}, {{file, "", fmt::format("larger than {} bytes", PolicyBounds::text)}}};
  if (const uint32_t line = line_of_deep_key(text); line != 0)
    return {{}, {{file, fmt::format("line {}", line), "keys of too many parts"}}};
  Faults faults(file);
  try {
    std::vector<PolicyRule> rules = read_rules(toml::parse(text, file), faults);
    if (faults.none()) return {std::move(rules), {}};
  } catch (const toml::parse_error& error) {
    faults.add(error.source(), "", std::string(error.description()));
  }
  return {{}, faults.sorted()};
}

std::string_view action_text(PolicyAction action) {
  return action_names[static_cast<size_t>(action)];
}

std::string action_text(const PolicyRule& rule) {
  if (rule.action == PolicyAction::tag) return "tag " + rule.tag;
  if (rule.action != PolicyAction::limit) return std::string(action_text(rule.action));
  return fmt::format("limit {}/s{}, beyond: {}", rule.per_second, rule.per_source ? " per source" : "",
                     action_text(rule.beyond));
}

std::vector<ShadowedRule> shadowed_rules(const std::vector<PolicyRule>& rules) {
  std::vector<ShadowedRule> shadowed;
  std::vector<size_t> deciding;
  std::vector<PrefixSet> clients;
  for (size_t i = 0; i < rules.size(); ++i) {
    const PolicyRule& rule = rules[i];
    const auto hides = [&](size_t index) {
      const PolicyRule& earlier = rules[index];
      return (earlier.on_all || !rule.on_all) && (earlier.pattern.empty() || earlier.pattern == rule.pattern) &&
             covers(earlier.qtypes, rule.qtypes) && covers(earlier.countries, rule.countries) &&
             covers(clients[index], rule.clients);
    };
    clients.emplace_back(rule.clients);
    if (const auto found = std::ranges::find_if(deciding, hides); found != deciding.end())
      shadowed.push_back({i, *found});
    else if (decides_always(rule))
      deciding.push_back(i);
  }
  return shadowed;
}

} // namespace anytick::core
