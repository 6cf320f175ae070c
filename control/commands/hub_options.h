#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "control/hub/config.h"
#include "control/registry/actor.h"
#include "control/registry/model.h"
#include "control/store/database.h"

namespace CLI {
class App;
}

/// What commands on the hub's state have in common. All throw CommandFailure.
namespace anytick::control {

struct HubOptions {
  std::string hub = "hub.toml";
  std::string database; ///< "": the configuration's
  std::string as;       ///< "": whoever is logged in
  std::string reason;
};

/// --hub and --database.
void add_hub_options(CLI::App& command, HubOptions& options);
/// --as and --reason, of commands that change something.
void add_actor_options(CLI::App& command, HubOptions& options);

hub::Config hub_config(const HubOptions& options);
/// The same, or what is so by default where a database was told and there is no configuration.
hub::Config hub_config_or_default(const HubOptions& options);
/// A database that was told needs no configuration.
std::unique_ptr<store::Database> open_database(const HubOptions& options);

/// At this time.
registry::Actor actor_of(const HubOptions& options);

/// Runs `work` as one transaction. What the registry refuses is exit_refused.
void change_registry(const HubOptions& options,
                     const std::function<void(soci::session&, const registry::Actor&)>& work);
/// The same, and prints what `work` returns once it is kept.
void print_change(const HubOptions& options,
                  const std::function<std::string(soci::session&, const registry::Actor&)>& work);
/// The same for what only reads.
void read_registry(const HubOptions& options, const std::function<void(soci::session&)>& work);

/// Tells whether something was changed in a transaction since this was made, or since the last line.
class ChangeWatch {
 public:
  explicit ChangeWatch(soci::session& sql);
  /// "NAME: CHANGED", or "NAME: unchanged".
  std::string line(const std::string& name, const std::string& changed);

 private:
  soci::session& sql_;
  registry::Id last_;
};

/// As JSON, or field by field.
void print_object(const nlohmann::ordered_json& object, bool json);

} // namespace anytick::control
