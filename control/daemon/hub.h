#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "control/daemon/http.h"
#include "control/daemon/metrics.h"
#include "control/delivery/desk.h"
#include "control/delivery/operations.h"
#include "control/delivery/planning.h"
#include "control/hub/config.h"
#include "control/scores/prune.h"
#include "control/scores/spool.h"
#include "control/scores/stored_board.h"
#include "control/store/database.h"

namespace anytick::hub {

/// What `anytick hub run` does, again and again: takes score feeds from the spool, lets servers go whose time has come,
/// ends what a dead owner left, plans and, within the guard, pushes; brings POPs up to date that were away. All that it
/// knows is in the database, so it may be killed anywhere. One thread's, but for what says otherwise.
class Hub {
 public:
  struct Dependencies {
    const Config& config;
    store::Database& database;
    delivery::Desk desk; ///< of the same database
  };
  /// Refused: a spool that another process works on. Throws CommandFailure for the files of the configuration.
  static Result<std::unique_ptr<Hub>> open(const Dependencies& dependencies);

  /// Takes what is in the spool and does what is due; to be called every second or so. What fails is logged, told by
  /// health() and tried again the next time.
  void work();
  /// "ok", or a line for each thing that fails. Any thread.
  std::string health() const;
  /// Any thread.
  const Metrics& metrics() const { return metrics_; }

 private:
  Hub(const Dependencies& dependencies, scores::Spool spool);

  /// Runs a part of the work; remembers whether it failed.
  void part(const std::string& name, const std::function<void()>& work);
  void ingest();
  std::string ingest_file(const std::string& path);
  scores::Retention retention() const;
  void remove_due();
  void recover();
  void plan_and_push();
  void tell(const plan::Plan& plan);
  std::string reason_to_wait(const plan::Plan& plan);
  void push(delivery::CurrentPlan current);
  void bring_up_pops();
  void look_at_pops();
  void prune();

  const Config& config_;
  store::Database& database_;
  delivery::Desk desk_;
  scores::Spool spool_;
  scores::StoredBoard board_;
  delivery::PlanFiles files_;
  delivery::Planner planner_;
  Metrics metrics_;
  int64_t greatest_running_ = 0;
  unsigned failures_ = 0; ///< pushes in a row
  int64_t next_push_ = 0;
  int64_t next_plan_ = 0, next_look_ = 0, next_prune_ = 0;
  std::string told_; ///< why nothing was pushed the last time, which is not said again
  mutable std::mutex failing_mutex_;
  std::map<std::string, std::string> failing_; ///< by part
};

/// Handlers for HttpServer. Verification has a connection of its own; all outlives the server.
HttpHandlers http_handlers(const Hub& hub, store::Database& database, std::function<int64_t()> clock);

} // namespace anytick::hub
