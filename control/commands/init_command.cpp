#include "control/commands/init_command.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <toml++/toml.h>

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

/// All that hub.toml may say. What stands behind "#" is the default, or where there is none an example.
constexpr std::string_view hub_toml =
    R"(# The hub: every key. Paths are relative to this file. What is behind "# " is the default.
database = {}
spool = "spool"                # feeders drop score logs here
# geo_map = "geo.map"          # no default: anytick geo compile --mmdb country.mmdb -o geo.map
# policy = "policy.toml"       # no default: query policy of the POPs
# sign_key = "hub.pem"         # no default: anytick key generate -o hub.pem

[selection]                    # who is given to clients
# leave_score = 10             # a server that is in leaves below it
# enter_score = 11             # one that is out comes in from it on
# ramp_score = 15              # its weight is whole from here on, and falls towards leave_score
# ramp_floor = 0.1             # to this share of it
# ramp_steps = 10              # in so many steps
# deletion_days = 14           # a server leaves so long before it is deleted
# split_servers = 8            # servers of a family in a zone that is split over 0 to 3
# ipv6_everywhere = true       # false: IPv6 is never split, and only in the zone itself and in 2
# backfill_servers = 4         # of a family: a zone with servers but fewer borrows from the zone above
# backfill_capacity = 100000   # and one with less netspeed together, in kbit/s
# backfill_donor_share = 0.1   # most of a server's weight that it lends, to all zones together
# account_share = 0.5          # most of a zone's weight for the servers of an account
# prefix_share = 0.34          # of an IPv4 /24 or IPv6 /48
# asn_share = 0.5              # of an AS
# sink = []                    # addresses that suspended vendors get, where they are to get some

[scores]                       # what is kept of what monitors say
# history_days = 30            # rows older than that are pruned
# full_history_days = 3        # older ones are thinned to one an hour
# keep_files = true            # files that were taken stay in the spool's done/

[demand]                       # who asks what, to tell shares of traffic
# countries = {{us = 3, de = 1}} # no default: by IPv4 addresses in the geo map
# unnumbered = 0.2             # share of queries for the zone itself; the rest asks 0 to 3 alike

[guard]                        # what a push needs --force for
# zone_servers_removed = 0.3   # more than this share of a zone's servers goes
# zone_capacity_removed = 0.3  # or of their weight
# servers_demoted = 0.1        # or of all servers that were in, by their scores
# first_servers_out = 0.3      # or, before the first push, of all that only their scores keep out
# zone_servers_least = 4       # zones that had fewer are only guarded from being emptied
# zone_emptied_least = 1       # and that only if they had so many servers of their own

# [tls]                        # for POPs that are reached by TCP: all three keys
# ca = "pop-ca.pem"
# certificate = "hub-cert.pem"
# key = "hub-key.pem"

[run]                          # anytick hub run
# interval = 60                # seconds between plans
# retry = 15                   # seconds between looks at POPs
# push = true                  # false: it only plans
# canary = false               # POPs that are canaries get it first
# soak = 30                    # seconds that they must keep it
# revisions = 100              # so many of the newest can be rolled back to
# listen = "127.0.0.1:9153"    # /metrics, /health, /verify/TOKEN; "": nothing
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

/// In quotes, with all that must not stand between them escaped.
std::string toml_text(const std::string& text) {
  constexpr auto unquoted = toml::format_flags::allow_literal_strings | toml::format_flags::allow_multi_line_strings;
  std::ostringstream quoted;
  quoted << toml::toml_formatter(toml::value<std::string>(text), toml::toml_formatter::default_flags & ~unquoted);
  return quoted.str();
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
  const std::string text = fmt::format(fmt::runtime(hub_toml), toml_text(options.database));
  write_new_file(config, std::as_bytes(std::span(text)), store::has_password(options.database) ? 0600 : 0644);
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
