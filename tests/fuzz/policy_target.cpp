#include "tests/fuzz/policy_target.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "dataplane/core/policy.h"
#include "dataplane/core/random.h"
#include "tests/packets/policies.h"

namespace anytick::test {
namespace {

using core::Policy;
using core::PolicyAction;
using core::PolicyBounds;
using core::PolicyRule;
using core::PolicyVerdict;

void require(bool condition, const std::string& property) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", property.c_str());
  std::abort();
}

core::FoldedName folded(std::string_view wire) {
  core::FoldedName name;
  require(core::read_name({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()}, name), "a name");
  return name;
}

/// Repeats of repeats may keep Hyperscan busy for minutes: that is for its own fuzzers.
bool is_simple(const PolicyRule& rule) {
  return rule.pattern.size() <= 40 &&
         std::ranges::count_if(rule.pattern, [](char c) { return c == '{' || c == '*' || c == '+' || c == '?'; }) <= 2;
}

void check_rule(const PolicyRule& rule) {
  require(!rule.name.empty() && rule.name.size() <= PolicyBounds::name, "a rule has a name");
  require(rule.pattern.size() <= PolicyBounds::pattern && rule.clients.size() <= PolicyBounds::clients, "bounds hold");
  require((rule.action == PolicyAction::limit) == (rule.per_second > 0), "a limit has a rate, and nothing else has");
  require((rule.action == PolicyAction::tag) == !rule.tag.empty(), "a tag has a name, and nothing else has");
  require(rule.line > 0 && !core::action_text(rule).empty(), "a rule has a line and an action");
  require(std::ranges::is_sorted(rule.qtypes) && std::ranges::is_sorted(rule.clients), "lists are sorted");
}

// One policy of many rules, and what its patterns mean.

enum class Form { any, part, head, tail, whole, hex };

struct Meaning {
  Form form;
  std::string word;

  bool matches(const std::string& text) const {
    switch (form) {
    case Form::any:
      return true;
    case Form::part:
      return text.find(word) != text.npos;
    case Form::head:
      return text.starts_with(word);
    case Form::tail:
      return text.ends_with(word);
    case Form::whole:
      return text == word;
    case Form::hex:
      return text.find_first_not_of("0123456789abcdef") >= 4 && text.find('.') != text.npos &&
             text.find_first_not_of("0123456789abcdef") == text.find('.');
    }
    return false;
  }

  std::string pattern() const {
    std::string escaped;
    for (const char c : word) escaped += c == '.' || c == '\\' ? std::string{'\\', c} : std::string{c};
    switch (form) {
    case Form::any:
      return {};
    case Form::part:
      return escaped;
    case Form::head:
      return '^' + escaped;
    case Form::tail:
      return escaped + '$';
    case Form::whole:
      return '^' + escaped + '$';
    case Form::hex:
      return "^[0-9a-f]{4,}\\.";
    }
    return {};
  }
};

template <class T, size_t size> const T& one_of(const std::array<T, size>& list, core::Random& random) {
  return list[random.next() % size];
}

struct ManyRules {
  ManyRules() {
    core::Random random(7);
    static constexpr std::array<std::string_view, 12> words{"pool.", "ntp",  "a",       "1.", ".example", "\\.",
                                                            "\\255", "www.", "vendor7", ".",  "x.y",      "\\000"};
    static constexpr std::array<std::string_view, 8> types{"",      "",          "",     "'A'", "'A', 'AAAA'",
                                                           "'TXT'", "'TYPE513'", "'ANY'"};
    static constexpr std::array<std::string_view, 6> clients{"",
                                                             "",
                                                             "",
                                                             "'192.0.2.0/24', '192.0.3.0/25', '::/1'",
                                                             "'128.0.0.0/1', '10.0.0.1'",
                                                             "'2001:db8::/32', '0.0.0.0/0'"};
    static constexpr std::array<std::string_view, 5> countries{"", "", "", "'us', 'fr'", "'zw', 'ad'"};
    static constexpr std::array<std::string_view, 10> actions{
        "tag a", "tag b", "tag c", "limit 1/s per source", "tag d", "tag e", "allow", "drop", "refuse", "truncate"};
    std::string text;
    const auto list = [&](const char* key, std::string_view value) {
      if (!value.empty()) text += fmt::format("{} = [{}]\n", key, value);
    };
    for (int i = 0; i < 600; ++i) {
      const Meaning& meaning =
          meanings.emplace_back(Meaning{static_cast<Form>(random.next() % 6), std::string(one_of(words, random))});
      // Deciding rules stand late, so that most rules are reached.
      text += fmt::format("[[rule]]\nname = 'r{}'\naction = '{}'\n", i, actions[random.next() % (i < 400 ? 6 : 10)]);
      if (meaning.form != Form::any) text += fmt::format("pattern = '{}'\n", meaning.pattern());
      if (random.next() % 2 == 0) text += "on = 'all'\n";
      list("qtypes", one_of(types, random));
      list("clients", one_of(clients, random));
      list("countries", one_of(countries, random));
    }
    policy = make_policy(text);
  }

  std::vector<Meaning> meanings;
  std::unique_ptr<Policy> policy;
};

const ManyRules& many_rules() {
  static const ManyRules rules;
  return rules;
}

/// What core::write_name_text() is to write.
std::string text_of(std::string_view wire) {
  std::string text;
  for (size_t at = 0; wire[at] != 0; at += static_cast<uint8_t>(wire[at]) + 1u) {
    if (at > 0) text += '.';
    for (const char c : wire.substr(at + 1, static_cast<uint8_t>(wire[at]))) {
      if (c >= 'A' && c <= 'Z')
        text += static_cast<char>(c | 0x20);
      else if (c < 0x20 || c == 0x7f)
        text += fmt::format("\\{:03}", static_cast<uint8_t>(c));
      else
        text += std::strchr(".\\\"();@$ ", c) != nullptr ? std::string{'\\', c} : std::string{c};
    }
  }
  return text.empty() ? "." : text;
}

bool naive_match(const PolicyRule& rule, const Meaning& meaning, const core::PolicyQuery& query,
                 const std::string& text) {
  const auto among = [](const auto& list, const auto& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  return (query.miss || rule.on_all) && among(rule.qtypes, query.qtype) && among(rule.countries, query.country) &&
         (rule.clients.empty() ||
          std::ranges::any_of(rule.clients, [&](const geo::Prefix& each) { return each.contains(query.source); })) &&
         meaning.matches(text);
}

PolicyVerdict naive_verdict(PolicyAction action, bool udp) {
  if (action == PolicyAction::drop) return PolicyVerdict::drop;
  if (action == PolicyAction::refuse) return PolicyVerdict::refuse;
  return action == PolicyAction::truncate && udp ? PolicyVerdict::truncate : PolicyVerdict::allow;
}

bool decides(PolicyAction action) {
  return action != PolicyAction::tag && action != PolicyAction::limit;
}

/// Judged and explained as naive code does.
void compare(const core::PolicyQuery& query, const std::string& text) {
  const ManyRules& many = many_rules();
  const std::vector<PolicyRule>& rules = many.policy->rules();
  const auto steps = many.policy->explain(query, 0);
  PolicyVerdict expected = PolicyVerdict::allow;
  std::optional<size_t> decider;
  std::vector<uint64_t> matched;
  for (size_t i = 0; i < rules.size(); ++i) {
    const bool match = naive_match(rules[i], many.meanings[i], query, text);
    require((steps[i] == Policy::Step::matched) == match, fmt::format("explain: {} of '{}'", rules[i].name, text));
    matched.push_back(many.policy->count(0, i).matched + (match && !decider ? 1 : 0));
    if (!match || decider || !decides(rules[i].action)) continue;
    decider = i;
    expected = naive_verdict(rules[i].action, query.udp);
  }
  const uint64_t before = decider ? many.policy->count(0, *decider).decided.load() : 0;
  require(many.policy->judge(query, 0, nullptr, 0) == expected, "judge: the verdict on '" + text + "'");
  if (decider) require(many.policy->count(0, *decider).decided == before + 1, "judge: who decides on '" + text + "'");
  for (size_t i = 0; i < rules.size(); ++i)
    require(many.policy->count(0, i).matched == matched[i], "judge: counts of " + rules[i].name);
}

} // namespace

void check_policy(const uint8_t* data, size_t size) {
  const core::ParsedPolicy policy = core::parse_policy({reinterpret_cast<const char*>(data), size}, "fuzz");
  require(policy.faults.empty() || policy.rules.empty(), "rules or faults, not both");
  for (const Refusal& fault : policy.faults) require(!fault.reason.empty(), "a fault has a reason");
  require(policy.rules.size() <= PolicyBounds::rules, "bounds hold");
  std::ranges::for_each(policy.rules, check_rule);
  for (const core::ShadowedRule& each : core::shadowed_rules(policy.rules))
    require(each.earlier < each.rule && each.rule < policy.rules.size(), "an earlier rule shadows a later one");
  if (policy.rules.size() > 4 || !std::ranges::all_of(policy.rules, is_simple)) return;
  const auto compiled = core::compile_patterns(policy.rules, "fuzz");
  if (!compiled) return require(!compiled.refusal().reason.empty(), "a refusal has a reason");
  const auto ready = Policy::build(policy.rules, *compiled, 1, 1);
  require(bool(ready), "compiled patterns are taken");
  const core::FoldedName name = folded(std::string_view("\4pool\7example\0", 14));
  const geo::Address source = geo::Address::ipv4(0xc0000201);
  for (const bool miss : {true, false}) {
    const core::PolicyQuery query{name, 1, miss, true, source, {'u', 's'}};
    require((*ready)->looks_at(miss) || (*ready)->judge(query, 0, nullptr, 0) == PolicyVerdict::allow,
            "who looks judges");
    require((*ready)->explain(query, 0).size() == policy.rules.size(), "a step for each rule");
  }
}

void check_policy_name(const uint8_t* data, size_t size) {
  constexpr size_t head = 4;
  static constexpr std::array<std::array<char, 2>, 5> countries{
      {{'u', 's'}, {'z', 'w'}, {'d', 'e'}, {0, 0}, {'a', '{'}}};
  if (size < head) return;
  const bool ipv6 = (data[0] & 4) != 0;
  const size_t address = ipv6 ? 16 : 4;
  if (size < head + address) return;
  geo::Address source{.family = ipv6 ? geo::Family::ipv6 : geo::Family::ipv4};
  std::copy_n(data + head, address, source.bytes.begin());
  core::FoldedName name;
  const std::span<const uint8_t> wire(data + head + address, size - head - address);
  if (!core::read_name(wire, name)) return;
  const auto type = static_cast<uint16_t>(data[1] << 8 | data[2]);
  compare({name, type, (data[0] & 1) == 0, (data[0] & 2) == 0, source, countries[data[3] % countries.size()]},
          text_of({reinterpret_cast<const char*>(wire.data()), wire.size()}));
}

std::vector<Bytes> policy_seeds() {
  const std::array<std::string_view, 4> texts{
      "[[rule]]\nname = \"hex\"\npattern = '^[0-9a-f]{12,}\\.'\non = \"all\"\nqtypes = [\"A\", \"TYPE65\"]\n"
      "clients = [\"192.0.2.0/24\", \"2001:db8::1\"]\ncountries = [\"us\", \"fr\"]\naction = \"limit 10/s per "
      "source\"\n"
      "beyond = \"refuse\"\n",
      "[[rule]]\nname='a'\npattern='a|b'\naction='drop'\n[[rule]]\nname='b'\naction='tag x'\n[[rule]]\nname='c'\n"
      "action='truncate'\n[[rule]]\nname='d'\naction='refuse'\n",
      "rule = [{name='a', action='limit 5/s', pattern='^\\.$'}, {name='a', action='allow', x=1}]\n",
      "[[rule]]\nname=1\npattern=[]\nqtypes='A'\nclients=['192.0.2.1/24', 7]\ncountries=[]\naction='limit 0/s'\n"};
  std::vector<Bytes> seeds;
  for (const std::string_view text : texts) seeds.emplace_back(text.begin(), text.end());
  return seeds;
}

std::vector<Bytes> policy_name_seeds() {
  std::vector<Bytes> seeds;
  for (const char* name : {"0.pool.example", "www.ntp.example", "deadbeef.x.y", "vendor7", "1.a", "."})
    for (const unsigned flags : {0u, 1u, 2u, 4u}) {
      Bytes seed{static_cast<uint8_t>(flags), 0, 1, 0, 192, 0, 2, 1};
      if ((flags & 4) != 0) seed.resize(20, 0x20);
      append(seed, wire_name(name));
      seeds.push_back(seed);
    }
  seeds.push_back({0, 2, 1, 1, 10, 0, 0, 1, 4, '.', 0xff, 0, 'a', 0});
  return seeds;
}

} // namespace anytick::test
