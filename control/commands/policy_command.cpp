#include "control/commands/policy_command.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/query_options.h"
#include "control/dns_parse.h"
#include "control/pattern_trial.h"
#include "control/policy_explain.h"
#include "dataplane/core/dns_answer.h"
#include "dataplane/core/join.h"
#include "dataplane/core/policy_rule.h"

namespace anytick::control {
namespace {

constexpr const char* policy_test = "policy test";

struct PolicyOptions {
  std::string file;
  std::string name;
  std::string type = "A";
  std::string client;
  std::string source; ///< "": the client, unless it states a subnet
  std::string image;  ///< "": a miss or a hit
  std::string map;    ///< "": nobody is anywhere
  bool miss = false;
  bool tcp = false;
  bool json = false;
};

std::string counted(size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::vector<core::PolicyRule> read_policy(const std::string& file) {
  const std::vector<std::byte> bytes = read_file(file);
  core::ParsedPolicy policy = core::parse_policy(as_text(bytes), file);
  for (const Refusal& fault : policy.faults) fmt::print(stderr, "{}\n", fault.text());
  if (!policy.faults.empty()) throw CommandFailure(exit_refused, counted(policy.faults.size(), "fault"));
  return std::move(policy.rules);
}

void run_check(const PolicyOptions& options) {
  const std::vector<core::PolicyRule> rules = read_policy(options.file);
  const std::vector<Refusal> faults = try_patterns(rules, options.file);
  for (const Refusal& fault : faults) fmt::print(stderr, "{}\n", fault.text());
  const std::vector<core::ShadowedRule> shadowed = core::shadowed_rules(rules);
  for (const core::ShadowedRule& each : shadowed)
    fmt::print(stderr, "{} at line {}: warning: rule '{}' is left nothing by rule '{}' of line {}\n", options.file,
               rules[each.rule].line, rules[each.rule].name, rules[each.earlier].name, rules[each.earlier].line);
  const std::string warnings = counted(shadowed.size(), "warning");
  if (!faults.empty())
    throw CommandFailure(exit_refused, fmt::format("{}, {}", counted(faults.size(), "fault"), warnings));
  fmt::print("{}: no faults, {}, {}\n", options.file, counted(rules.size(), "rule"), warnings);
}

/// With or without the last dot, escaped or not (RFC 1035 5.1): also names that no zone file would have.
std::string name_option(const std::string& text) {
  auto name = parse_escaped_name(text);
  if (!name) name = parse_escaped_name(text + '.');
  if (!name)
    throw CommandFailure(exit_usage, fmt::format("{}: '{}' is no name: {}", policy_test, text, name.refusal().reason));
  return *std::move(name);
}

core::ClientSubnet subnet_of(const geo::Prefix& prefix) {
  return {.present = true,
          .family = static_cast<uint16_t>(prefix.address.family == geo::Family::ipv4 ? 1 : 2),
          .source_length = prefix.length,
          .address = prefix.address};
}

std::array<char, 2> country_of(const std::string& file, const PolicyQuestion& question) {
  const std::vector<std::byte> bytes = read_file(file);
  const auto map = taken(geo::Map::validate(bytes), file);
  const bool by_subnet = question.subnet && core::is_locatable(subnet_of(*question.subnet));
  if (!by_subnet && !question.source) return {};
  return map.location_of(map.find(by_subnet ? question.subnet->address : *question.source)).country;
}

/// As the packet path has it.
bool is_miss(const std::string& file, const PolicyQuestion& question) {
  const std::vector<std::byte> bytes = read_file(file);
  const auto image = taken(core::ZoneImage::validate(bytes), file);
  const auto join = taken(core::Join::build(image, nullptr), file);
  const core::View view{.image = &image, .join = join.get()};
  core::DnsQuery query{};
  query.qtype = question.type;
  core::read_name({reinterpret_cast<const uint8_t*>(question.name.data()), question.name.size()}, query.name);
  core::Lookup lookup;
  core::begin_lookup(view, query, {}, lookup);
  core::finish_lookup(view, query, lookup);
  return core::is_miss(view, query, lookup);
}

PolicyQuestion question_of(const PolicyOptions& options) {
  const ClientOption client = client_option(policy_test, options.client);
  PolicyQuestion question;
  question.name = name_option(options.name);
  question.type = type_option(policy_test, options.type);
  question.udp = !options.tcp;
  if (client.subnet_length)
    question.subnet = geo::prefix_of(client.address, *client.subnet_length);
  else
    question.source = client.address;
  if (!options.source.empty()) question.source = address_option(policy_test, options.source);
  if (!options.map.empty()) question.country = country_of(options.map, question);
  if (!options.image.empty())
    question.misses = {is_miss(options.image, question)};
  else
    question.misses = options.miss ? std::vector{true} : std::vector{true, false};
  return question;
}

void run_test(const PolicyOptions& options) {
  const PolicyQuestion question = question_of(options);
  const std::vector<core::PolicyRule> rules = read_policy(options.file);
  const auto outcomes = explain_policy(rules, options.file, question);
  if (!outcomes) throw CommandFailure(exit_refused, outcomes.refusal().text());
  const std::string text =
      options.json ? outcomes_json(rules, question, *outcomes) : outcomes_text(rules, question, *outcomes);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw CommandFailure(exit_refused, "standard output: cannot write");
}

} // namespace

void add_policy_command(CLI::App& app) {
  const auto options = std::make_shared<PolicyOptions>();
  CLI::App* policy = app.add_subcommand("policy", "Query policies: which names and clients are not answered");
  policy->require_subcommand(1);

  CLI::App* check = policy->add_subcommand("check", "Report all that is wrong with a policy");
  check->add_option("FILE", options->file, "policy (TOML)")->required();
  check->callback([options] { run_check(*options); });

  CLI::App* test = policy->add_subcommand("test", "Say which rules match a query, and which one decides");
  test->add_option("FILE", options->file, "policy (TOML)")->required();
  test->add_option("NAME", options->name, "name asked for")->required();
  test->add_option("--type", options->type, "type asked for, e.g. AAAA or TYPE64")->capture_default_str();
  test->add_option("--client", options->client, "ADDR of the asker, or ADDR/BITS that it sends as client subnet")
      ->required();
  test->add_option("--source", options->source, "address that the query comes from; default: ADDR without BITS");
  CLI::Option* image = test->add_option("--zone", options->image, "zone image, to see whether the name is a miss");
  test->add_option("--geo", options->map, "geo map; default: nobody is anywhere");
  test->add_flag("--miss", options->miss, "no zone has the name; default: both cases")->excludes(image);
  test->add_flag("--tcp", options->tcp, "over a stream");
  test->add_flag("--json", options->json, "as one JSON object");
  test->callback([options] { run_test(*options); });
}

} // namespace anytick::control
