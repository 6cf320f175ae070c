#include "control/hub/config.h"

#include <filesystem>

#include <fmt/format.h>

#include "control/command.h"
#include "control/dns_text.h"
#include "dataplane/core/toml_reader.h"
#include "geo/location.h"
#include "geo/prefix.h"
#include "geo/text.h"

namespace anytick::hub {
namespace {

using core::Faults;
using core::TomlReader;

constexpr uint64_t many = 1'000'000;

void read_selection(TomlReader& reader, Faults& faults, selection::Policy& policy) {
  // A score is at most 20; those below 0 are bad enough for nobody to want them.
  constexpr double score_high = 20;
  reader.number("leave_score", policy.leave_score, 0, score_high);
  reader.number("enter_score", policy.enter_score, 0, score_high);
  reader.number("ramp_score", policy.ramp_score, 0, score_high);
  reader.number("ramp_floor", policy.ramp_floor, 0, 1);
  reader.integer("ramp_steps", policy.ramp_steps, 1, 1000);
  reader.integer("deletion_days", policy.deletion_days, 0, 3650);
  reader.integer("split_servers", policy.split_servers, 4, many);
  reader.flag("ipv6_everywhere", policy.ipv6_everywhere);
  reader.integer("backfill_servers", policy.backfill_servers, 0, 1000);
  reader.integer("backfill_capacity", policy.backfill_capacity, 0, many * many);
  reader.number("backfill_donor_share", policy.backfill_donor_share, 0, 1);
  constexpr double share_low = 0.01;
  reader.number("account_share", policy.account_share, share_low, 1);
  reader.number("prefix_share", policy.prefix_share, share_low, 1);
  reader.number("asn_share", policy.asn_share, share_low, 1);
  reader.each("sink", [&](const toml::node& node, const std::string& key) {
    const auto address = geo::parse_address(node.value_or(std::string()));
    if (address)
      policy.sink.push_back(*address);
    else
      faults.add(node.source(), key, "must be an IP address");
  });
}

/// What each of some keys says is only wrong beside the others.
void check_selection(TomlReader& reader, const toml::node& section, const selection::Policy& policy) {
  if (policy.enter_score < policy.leave_score)
    reader.fault(section, "selection",
                 fmt::format("enter_score {} is below leave_score {}", policy.enter_score, policy.leave_score));
  if (policy.ramp_score < policy.leave_score)
    reader.fault(section, "selection",
                 fmt::format("ramp_score {} is below leave_score {}", policy.ramp_score, policy.leave_score));
}

void read_scores(TomlReader& reader, ScoresConfig& scores) {
  constexpr uint64_t century = 36525;
  reader.integer("history_days", scores.history_days, 0, century);
  reader.integer("full_history_days", scores.full_history_days, 0, century);
  reader.flag("keep_files", scores.keep_files);
}

void read_countries(TomlReader& reader, Faults& faults, DemandConfig& demand) {
  section(reader, "countries", faults, [&](TomlReader& countries) {
    for (const auto& [key, node] : *reader.find("countries")->as_table()) {
      std::string code = control::lower_case(key.str());
      // As the pool's zones name it, and as the geo map does.
      if (code == "uk") code = "gb";
      const bool known =
          geo::continent_of(code) != geo::Continent::unknown || geo::continent_by_name(code) || code == "@";
      if (!known) {
        countries.find(key.str());
        countries.fault(node, key.str(), "is no country of ISO 3166-1, no continent and not \"@\"");
      } else {
        double queries = 0;
        countries.number(key.str(), queries, 0, 1e18);
        demand.countries[code] += queries;
      }
    }
  });
  double sum = 0;
  for (const auto& [country, queries] : demand.countries) sum += queries;
  if (!demand.countries.empty() && sum <= 0)
    reader.fault(*reader.find("countries"), "countries", "nobody asks: all are 0");
}

void read_demand(TomlReader& reader, Faults& faults, DemandConfig& demand) {
  read_countries(reader, faults, demand);
  reader.number("unnumbered", demand.unnumbered, 0, 1);
}

void read_guard(TomlReader& reader, GuardConfig& guard) {
  reader.number("zone_servers_removed", guard.zone_servers_removed, 0, 1);
  reader.number("zone_capacity_removed", guard.zone_capacity_removed, 0, 1);
  reader.number("servers_demoted", guard.servers_demoted, 0, 1);
  reader.number("first_servers_out", guard.first_servers_out, 0, 1);
  reader.integer("zone_servers_least", guard.zone_servers_least, 0, many);
  reader.integer("zone_emptied_least", guard.zone_emptied_least, 1, many);
}

void read_tls(TomlReader& reader, TlsConfig& tls) {
  reader.text("ca", tls.ca);
  reader.text("certificate", tls.certificate);
  reader.text("key", tls.key);
  for (const char* key : {"ca", "certificate", "key"}) reader.require(key);
}

bool is_listen(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (text.empty()) return true;
  if (colon == text.npos || !geo::number_of<uint16_t>(std::string_view(text).substr(colon + 1))) return false;
  const std::string host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const auto address = geo::parse_address(brackets ? host.substr(1, host.size() - 2) : host);
  return address && brackets == (address->family == geo::Family::ipv6);
}

void read_run(TomlReader& reader, RunConfig& run) {
  constexpr uint64_t day = 86400;
  const auto seconds = [&](const char* key, std::chrono::seconds& value, uint64_t least) {
    uint64_t count = static_cast<uint64_t>(value.count());
    reader.integer(key, count, least, day);
    value = std::chrono::seconds(count);
  };
  seconds("interval", run.interval, 1);
  seconds("retry", run.retry, 1);
  seconds("soak", run.soak, 0);
  if (const toml::node* node = reader.find("soak"); node != nullptr && run.soak + canary_grace > confirm_max)
    reader.fault(
        *node, "soak",
        fmt::format("canaries would wait for their confirmation for {} s and {} s more, and POPs do so for {} s "
                    "at most",
                    run.soak.count(), canary_grace.count(), confirm_max.count()));
  reader.short_text("listen", run.listen);
  if (const toml::node* node = reader.find("listen"); node != nullptr && !is_listen(run.listen))
    reader.fault(*node, "listen", "must be ADDRESS:PORT, an IPv6 address in brackets, or empty");
  reader.flag("push", run.push);
  reader.flag("canary", run.canary);
  uint64_t revisions = run.revisions;
  reader.integer("revisions", revisions, 2, 1'000'000);
  run.revisions = static_cast<uint32_t>(revisions);
}

/// Relative ones are the configuration's neighbours; "" stays.
void resolve(std::string& path, const std::string& directory) {
  if (!path.empty()) path = (std::filesystem::path(directory) / path).lexically_normal();
}

void resolve_all(Config& config) {
  constexpr std::string_view sqlite = "sqlite:";
  for (std::string* path : {&config.spool, &config.geo_map, &config.policy, &config.sign_key, &config.tls.ca,
                            &config.tls.certificate, &config.tls.key})
    resolve(*path, config.directory);
  if (!config.database.starts_with(sqlite)) return;
  std::string file = config.database.substr(sqlite.size());
  resolve(file, config.directory);
  config.database = std::string(sqlite) + file;
}

Config read_root(const toml::table& table, const std::string& file, Faults& faults) {
  Config config;
  config.file = file;
  config.directory = std::filesystem::path(file).parent_path();
  if (config.directory.empty()) config.directory = ".";
  TomlReader root(table, "", faults);
  root.text("database", config.database);
  if (const toml::node* node = root.find("database");
      node != nullptr && !config.database.starts_with("sqlite:") && !config.database.starts_with("postgresql:"))
    root.fault(*node, "database", "must begin with \"sqlite:\" or \"postgresql:\"");
  root.text("spool", config.spool);
  root.text("geo_map", config.geo_map);
  root.text("policy", config.policy);
  root.text("sign_key", config.sign_key);
  section(root, "selection", faults, [&](TomlReader& reader) { read_selection(reader, faults, config.selection); });
  if (const toml::node* node = root.find("selection"); node != nullptr) check_selection(root, *node, config.selection);
  section(root, "scores", faults, [&](TomlReader& reader) { read_scores(reader, config.scores); });
  section(root, "demand", faults, [&](TomlReader& reader) { read_demand(reader, faults, config.demand); });
  section(root, "guard", faults, [&](TomlReader& reader) { read_guard(reader, config.guard); });
  section(root, "tls", faults, [&](TomlReader& reader) { read_tls(reader, config.tls); });
  section(root, "run", faults, [&](TomlReader& reader) { read_run(reader, config.run); });
  root.finish();
  resolve_all(config);
  return config;
}

} // namespace

ParsedConfig parse_config(std::string_view text, const std::string& file) {
  Faults faults(file);
  try {
    Config config = read_root(toml::parse(text, file), file, faults);
    if (faults.none()) return {std::move(config), {}};
  } catch (const toml::parse_error& error) {
    faults.add(error.source(), "", std::string(error.description()));
  }
  return {std::nullopt, faults.sorted()};
}

Config read_config(const std::string& file) {
  const std::vector<std::byte> bytes = control::read_file(file);
  ParsedConfig parsed = parse_config(control::as_text(bytes), file);
  if (parsed.config) return std::move(*parsed.config);
  std::string faults;
  for (const Refusal& fault : parsed.faults) faults += (faults.empty() ? "" : "\n") + fault.text();
  throw control::CommandFailure(control::exit_refused, faults);
}

} // namespace anytick::hub
