#include "control/commands/hub_options.h"

#include <pwd.h>
#include <unistd.h>

#include <ctime>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/listing.h"
#include "control/registry/audit.h"

namespace anytick::control {
namespace {

std::string login_user() {
  const passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? "user " + std::to_string(::geteuid()) : user->pw_name;
}

template <class Work> void or_fail(const Work& work) {
  try {
    work();
  } catch (const registry::Fault& fault) {
    throw CommandFailure(exit_refused, fault.what());
  } catch (const soci::soci_error& error) {
    throw CommandFailure(exit_refused, "database: " + error.get_error_message());
  }
}

} // namespace

void add_hub_options(CLI::App& command, HubOptions& options) {
  command.add_option("--hub", options.hub, "the hub's configuration")
      ->envname("ANYTICK_HUB")
      ->capture_default_str()
      ->group("Hub");
  command
      .add_option("--database", options.database,
                  "sqlite:FILE, or postgresql: and what libpq takes; default: the configuration's")
      ->envname("ANYTICK_DATABASE")
      ->group("Hub");
}

void add_actor_options(CLI::App& command, HubOptions& options) {
  command.add_option("--as", options.as, "who does it, for the audit log; default: the login user")
      ->envname("ANYTICK_USER")
      ->group("Hub");
  command.add_option("--reason", options.reason, "why, for the audit log")->group("Hub");
}

hub::Config hub_config(const HubOptions& options) {
  hub::Config config = hub::read_config(options.hub);
  if (!options.database.empty()) config.database = options.database;
  return config;
}

hub::Config hub_config_or_default(const HubOptions& options) {
  const bool is_needed = options.database.empty() || ::access(options.hub.c_str(), F_OK) == 0;
  return is_needed ? hub_config(options) : hub::Config();
}

std::unique_ptr<store::Database> open_database(const HubOptions& options) {
  auto database = store::Database::open(options.database.empty() ? hub_config(options).database : options.database);
  if (!database) throw CommandFailure(exit_refused, database.refusal().text());
  return std::move(*database);
}

registry::Actor actor_of(const HubOptions& options) {
  return {options.as.empty() ? login_user() : options.as, options.reason, std::time(nullptr)};
}

void change_registry(const HubOptions& options,
                     const std::function<void(soci::session&, const registry::Actor&)>& work) {
  const auto database = open_database(options);
  const registry::Actor actor = actor_of(options);
  or_fail([&] { database->transact([&](soci::session& sql) { work(sql, actor); }); });
}

void print_change(const HubOptions& options,
                  const std::function<std::string(soci::session&, const registry::Actor&)>& work) {
  std::string text;
  change_registry(options, [&](soci::session& sql, const registry::Actor& actor) { text = work(sql, actor); });
  fmt::print("{}", text);
}

void read_registry(const HubOptions& options, const std::function<void(soci::session&)>& work) {
  const auto database = open_database(options);
  or_fail([&] { database->read(work); });
}

ChangeWatch::ChangeWatch(soci::session& sql) : sql_(sql), last_(registry::last_audit(sql)) {}

std::string ChangeWatch::line(const std::string& name, const std::string& changed) {
  const registry::Id last = registry::last_audit(sql_);
  const bool is_changed = last != std::exchange(last_, last);
  return fmt::format("{}: {}\n", name, is_changed ? changed : "unchanged");
}

void print_object(const nlohmann::ordered_json& object, bool json) {
  fmt::print("{}", json ? object.dump(2) + "\n" : fields_text(object));
}

} // namespace anytick::control
