#include "control/init_command.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/registry/actor.h"
#include "control/registry/tree.h"
#include "control/sample/fill.h"
#include "control/sample/score_log.h"
#include "control/sample/world.h"
#include "control/store/database.h"

namespace anytick::control {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
  std::string directory;
  std::string database = "sqlite:hub.db";
  std::string pop = "unix:/run/anytick/pop.sock";
  sample::WorldOptions world;
  uint32_t monitors = 8;
  uint32_t hours = 4;
  std::optional<int64_t> now;
  bool empty = false;
};

/// What stands behind "#" are the defaults; README tells what they do.
constexpr std::string_view hub_toml =
    R"(# The hub. Paths are relative to this file. Each key and its default: README, "Keep a registry" to "Run a hub".
database = "{}"
spool = "spool"              # feeders drop score logs here
# geo_map = "geo.map"        # anytick geo compile --mmdb country.mmdb -o geo.map
# policy = "policy.toml"     # query policy of the POPs
# sign_key = "hub.pem"       # anytick key generate -o hub.pem

[selection]
# leave_score = 10
# enter_score = 11
# ramp_score = 15

[guard]
# zone_servers_removed = 0.3
# zone_capacity_removed = 0.3
# servers_demoted = 0.1

[run]
# interval = 60             # seconds between plans
# listen = "127.0.0.1:9153"  # /metrics, /health, /verify/TOKEN
)";

/// Countries of the tree that servers of a sample may be in.
std::vector<std::string> countries() {
  std::vector<std::string> names;
  for (const registry::TreeZone& zone : registry::default_tree())
    if (!zone.parent.empty() && zone.parent != "@") names.push_back(zone.name);
  return names;
}

void make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw CommandFailure(exit_refused, path.string() + ": " + error.message());
}

/// A path in the directory, as whoever is elsewhere needs it.
std::string connection(const InitOptions& options) {
  constexpr std::string_view prefix = "sqlite:";
  if (!options.database.starts_with(prefix)) return options.database;
  const fs::path path = options.database.substr(prefix.size());
  return std::string(prefix) + (fs::path(options.directory) / path).string();
}

void make_registry(const InitOptions& options, const sample::World& world, int64_t now) {
  auto opened = store::Database::open(connection(options));
  if (!opened) throw CommandFailure(exit_refused, opened.refusal().text());
  const registry::Actor actor{"anytick init", "a new working directory", now};
  try {
    (*opened)->transact([&](soci::session& sql) {
      if (!registry::list_tree(sql).empty()) throw registry::Fault("there is a registry in it already");
      if (options.empty)
        registry::add_default_tree(sql, actor);
      else
        sample::fill_registry(sql, actor, world, options.pop);
    });
  } catch (const registry::Fault& fault) {
    throw CommandFailure(exit_refused, store::shown_connection(connection(options)) + ": " + fault.what());
  }
}

void run_init(const InitOptions& options) {
  const fs::path directory = options.directory;
  const fs::path config = directory / "hub.toml";
  if (fs::exists(config)) throw CommandFailure(exit_refused, config.string() + ": is there already");
  make_directory(directory / "spool");
  const int64_t now = options.now.value_or(std::time(nullptr));
  sample::World world;
  if (!options.empty) world = sample::make_world(options.world, countries());
  make_registry(options, world, now);
  // Last, so that what failed before can be tried again.
  const std::string text = fmt::format(fmt::runtime(hub_toml), options.database);
  write_new_file(config, std::as_bytes(std::span(text)), 0644);
  fmt::print("{}: hub.toml, spool/ and the registry are made\n", options.directory);
  if (options.empty) return;
  const sample::LogOptions log{.seed = options.world.seed,
                               .monitors = options.monitors,
                               .begin = now - int64_t{options.hours} * 3600,
                               .end = now};
  const auto written = sample::write_score_log(directory / "spool" / "sample.csv", world, log);
  fmt::print("{} servers of {} accounts, {} vendor zones; {}: {} rows of {} monitors\n\nNext, there:\n"
             "  anytick score ingest --spool spool\n  anytick plan\n  anytick push        # to the POP \"{}\" at {}\n",
             world.servers.size(), world.accounts.size(), world.vendors.size(), written.path, written.rows,
             options.monitors, sample::pop_name, options.pop);
}

} // namespace

void add_init_command(CLI::App& app) {
  const auto options = std::make_shared<InitOptions>();
  CLI::App* init = app.add_subcommand("init", "Make a working directory of a hub, with a made-up pool in it");
  init->add_option("DIRECTORY", options->directory, "made where it is not there; must have no hub.toml")->required();
  init->add_flag("--empty", options->empty, "no made-up pool: the tree of zones alone");
  init->add_option("--database", options->database, "sqlite:PATH, relative to DIRECTORY, or postgresql:...")
      ->capture_default_str();
  init->add_option("--pop", options->pop, "control service of the sample's POP")->capture_default_str();
  init->add_option("--servers", options->world.servers, "sites of the sample; one in three has IPv6, too")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  init->add_option("--vendors", options->world.vendors, "of the sample")
      ->check(CLI::Range(0, 2000))
      ->capture_default_str();
  init->add_option("--monitors", options->monitors, "of the sample")->check(CLI::Range(1, 100))->capture_default_str();
  init->add_option("--hours", options->hours, "of score logs, up to now")
      ->check(CLI::Range(1, 24 * 90))
      ->capture_default_str();
  init->add_option("--seed", options->world.seed, "of all that is made up")->capture_default_str();
  init->add_option("--now", options->now, "when that is, s since 1970; default: now");
  init->footer("Example: anytick init hub && cd hub && anytick score ingest --spool spool && anytick plan");
  init->callback([options] { run_init(*options); });
}

} // namespace anytick::control
