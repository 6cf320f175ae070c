#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/commands/hub_options.h"
#include "control/delivery/desk.h"
#include "control/delivery/operations.h"

/// What commands about pushes have in common.
namespace anytick::control {

/// The hub as a command works with it. On a terminal, each POP is told of on stderr as it is done.
class DeliveryDesk {
 public:
  /// Throws CommandFailure.
  explicit DeliveryDesk(const HubOptions& options);

  const hub::Config& config() const { return config_; }
  store::Database& database() { return *database_; }
  const delivery::Desk& desk() const { return desk_; }

 private:
  hub::Config config_;
  std::unique_ptr<store::Database> database_;
  delivery::Desk desk_;
};

/// Runs `work`; what it throws becomes CommandFailure: exit_guarded for what the guard holds, exit_refused for the
/// rest.
void as_command(const std::function<void()>& work);

/// Prints what became of a push, and fails with the exit code that tells: exit_incomplete where not all POPs that were
/// asked run it, exit_refused where it failed or was not confirmed in time.
void print_outcome(const delivery::Outcome& outcome, bool json);

std::string outcome_text(const delivery::Outcome& outcome);
nlohmann::ordered_json outcome_json(const delivery::Outcome& outcome);
int exit_code_of(const delivery::Outcome& outcome);

} // namespace anytick::control
