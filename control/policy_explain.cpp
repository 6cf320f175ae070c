#include "control/policy_explain.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/dns_text.h"

namespace anytick::control {
namespace {

using core::Policy;
using core::PolicyAction;
using core::PolicyRule;
using nlohmann::ordered_json;

using Step = Policy::Step;

PolicyOutcome outcome_of(const Policy& policy, const core::PolicyQuery& query) {
  PolicyOutcome outcome{query.miss, policy.judge(query, 0, nullptr, 0), {}, {}, policy.explain(query, 0)};
  const std::vector<PolicyRule>& rules = policy.rules();
  for (size_t i = 0; i < rules.size() && !outcome.decided_by; ++i) {
    if (policy.count(0, i).decided > 0)
      outcome.decided_by = i;
    else if (rules[i].action == PolicyAction::limit && outcome.steps[i] == Step::matched)
      outcome.limits.push_back(i);
  }
  return outcome;
}

std::string_view verdict_text(core::PolicyVerdict verdict) {
  static constexpr std::array<std::string_view, 4> texts{"allow", "drop", "refuse", "truncate"};
  return texts[static_cast<size_t>(verdict)];
}

std::string_view step_word(Step step) {
  static constexpr std::array<std::string_view, 6> words{"matched", "on", "qtypes", "clients", "countries", "pattern"};
  return words[static_cast<size_t>(step)];
}

std::string step_text(const PolicyRule& rule, Step step, const PolicyQuestion& question) {
  switch (step) {
  case Step::matched:
    return "matches: " + action_text(rule);
  case Step::on:
    return "no: on: it is for misses only";
  case Step::qtype:
    return "no: qtypes: not of these";
  case Step::client:
    return question.source ? "no: clients: none of these" : "no: clients: the source is not known (--source)";
  case Step::country:
    return question.country[0] != 0 ? "no: countries: none of these" : "no: countries: the client's is not known";
  case Step::pattern:
    return "no: pattern: does not match";
  }
  return {};
}

std::string country_text(const std::array<char, 2>& country) {
  return country[0] != 0 ? std::string(country.data(), country.size()) : std::string();
}

std::string asker_text(const PolicyQuestion& question) {
  std::string text = question.source ? geo::to_text(*question.source) : "a source that is not known";
  if (question.subnet) text += " with client subnet " + geo::to_text(*question.subnet);
  const std::string country = country_text(question.country);
  return text + (country.empty() ? ", country not known" : ", country " + country) +
         (question.udp ? ", over UDP" : ", over a stream");
}

std::string decision_text(const std::vector<PolicyRule>& rules, const PolicyOutcome& outcome) {
  std::string text = fmt::format("verdict: {}, ", verdict_text(outcome.verdict));
  text += outcome.decided_by ? "by " + rules[*outcome.decided_by].name : "no rule decides";
  for (const size_t limit : outcome.limits)
    text += fmt::format("; beyond the rate of {}: {}", rules[limit].name, action_text(rules[limit].beyond));
  return text + '\n';
}

} // namespace

Result<std::vector<PolicyOutcome>> explain_policy(std::vector<PolicyRule> rules, const std::string& file,
                                                  const PolicyQuestion& question) {
  // No source is this one.
  constexpr geo::Address nobody;
  for (PolicyRule& rule : rules)
    if (!question.source && !rule.clients.empty()) rule.clients = {geo::prefix_of(geo::Address::ipv4(UINT32_MAX), 32)};
  const auto compiled = core::compile_patterns(rules, file);
  if (!compiled) return compiled.refusal();
  core::FoldedName name;
  if (!core::read_name({reinterpret_cast<const uint8_t*>(question.name.data()), question.name.size()}, name))
    return Refusal{"name", "", "not in wire format"};
  std::vector<PolicyOutcome> outcomes;
  for (const bool miss : question.misses) {
    // One policy for each: its counters tell who decided.
    const auto policy = Policy::build(rules, *compiled, 1, 1);
    if (!policy) return policy.refusal();
    outcomes.push_back(outcome_of(**policy, {name, question.type, miss, question.udp,
                                             question.source ? *question.source : nobody, question.country}));
  }
  return outcomes;
}

std::string outcomes_text(const std::vector<PolicyRule>& rules, const PolicyQuestion& question,
                          const std::vector<PolicyOutcome>& outcomes) {
  size_t width = 0;
  for (const PolicyRule& rule : rules) width = std::max(width, rule.name.size());
  std::string text =
      fmt::format("{} {} from {}\n", name_text(question.name), type_text(question.type), asker_text(question));
  for (const PolicyOutcome& outcome : outcomes) {
    text += outcome.miss ? "a miss: no zone has the name\n" : "a hit: a zone answers for the name\n";
    for (size_t i = 0; i < rules.size(); ++i)
      text += fmt::format("  {:{}}  {}\n", rules[i].name, width, step_text(rules[i], outcome.steps[i], question));
    text += decision_text(rules, outcome);
  }
  return text;
}

std::string outcomes_json(const std::vector<PolicyRule>& rules, const PolicyQuestion& question,
                          const std::vector<PolicyOutcome>& outcomes) {
  const std::string country = country_text(question.country);
  ordered_json json{{"name", name_text(question.name)},
                    {"type", type_text(question.type)},
                    {"source", question.source ? ordered_json(geo::to_text(*question.source)) : ordered_json()},
                    {"subnet", question.subnet ? ordered_json(geo::to_text(*question.subnet)) : ordered_json()},
                    {"country", country.empty() ? ordered_json() : ordered_json(country)},
                    {"udp", question.udp},
                    {"outcomes", ordered_json::array()}};
  for (const PolicyOutcome& outcome : outcomes) {
    ordered_json each{{"miss", outcome.miss},
                      {"verdict", verdict_text(outcome.verdict)},
                      {"rule", outcome.decided_by ? ordered_json(rules[*outcome.decided_by].name) : ordered_json()},
                      {"limits", ordered_json::array()},
                      {"rules", ordered_json::array()}};
    for (const size_t limit : outcome.limits) each["limits"].push_back(rules[limit].name);
    for (size_t i = 0; i < rules.size(); ++i)
      each["rules"].push_back({{"name", rules[i].name},
                               {"line", rules[i].line},
                               {"action", action_text(rules[i])},
                               {"step", step_word(outcome.steps[i])}});
    json["outcomes"].push_back(std::move(each));
  }
  return json.dump(2) + '\n';
}

} // namespace anytick::control
