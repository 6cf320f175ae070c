#include "control/daemon/hub.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/delivery/fleet.h"
#include "control/delivery/settings.h"
#include "control/plan/plan_text.h"
#include "control/registry/servers.h"
#include "control/text.h"

namespace anytick::hub {
namespace {

constexpr const char* self = "anytick hub run";
constexpr int64_t prune_interval = 3600;
/// What became of pushes is kept so long.
constexpr int64_t push_seconds = 90 * 86400;
/// Pushes that one transaction prunes, lest others wait for long.
constexpr size_t prune_part = 500;
/// The gravest of a plan's; `anytick plan` has all.
constexpr size_t told_objections = 5;
/// Twice the time each time, up to an hour of an interval of a minute.
constexpr unsigned failures_max = 6;

registry::Actor actor(std::string reason, int64_t now) {
  return {self, std::move(reason), now};
}

std::string line_of(const delivery::Push& push) {
  return fmt::format("serial {}: {}{}{}", push.serial, name_of(push.state), push.detail.empty() ? "" : ": ",
                     push.detail);
}

/// Of what runs, a detail is what it lacks.
void warn_of(const delivery::Delivery& each) {
  if (each.runs() && !each.detail.empty()) spdlog::warn("{}: {}", each.pop, each.detail);
}

/// Seconds since 1970; 0: there is none.
int64_t newest_check(const scores::Scoreboard& board) {
  int64_t newest = 0;
  for (const auto& [address, standings] : board.servers())
    for (const scores::Standing& standing : standings)
      if (standing.checks > 0) newest = std::max(newest, standing.when());
  return newest;
}

} // namespace

Result<std::unique_ptr<Hub>> Hub::open(const Dependencies& dependencies) {
  const auto done = dependencies.config.scores.keep_files ? scores::Spool::Done::keep : scores::Spool::Done::remove;
  Result<scores::Spool> spool = scores::Spool::open(dependencies.config.spool, done);
  if (!spool) return spool.refusal();
  return std::unique_ptr<Hub>(new Hub(dependencies, std::move(*spool)));
}

Hub::Hub(const Dependencies& dependencies, scores::Spool spool)
    : config_(dependencies.config), database_(dependencies.database), desk_(dependencies.desk),
      spool_(std::move(spool)), board_(database_), files_(config_), planner_(config_, files_) {
  desk_.told = [told = std::move(desk_.told)](const delivery::Delivery& each) {
    if (told) told(each);
    warn_of(each);
  };
}

void Hub::work() {
  const int64_t now = desk_.clock();
  part("spool", [this] { ingest(); });
  if (now >= next_look_) {
    part("recovery", [this] { recover(); });
    part("deliveries", [this] { bring_up_pops(); });
    part("pops", [this] { look_at_pops(); });
    // From here on: POPs that are away take their time.
    next_look_ = desk_.clock() + config_.run.retry.count();
  }
  if (now >= next_plan_) {
    part("registry", [this] { remove_due(); });
    part("plan", [this] { plan_and_push(); });
    next_plan_ = now + config_.run.interval.count();
  }
  if (now >= next_prune_) {
    part("history", [this] { prune(); });
    next_prune_ = now + prune_interval;
  }
  metrics_.last_loop.Set(static_cast<double>(desk_.clock()));
}

void Hub::part(const std::string& name, const std::function<void()>& work) {
  std::string fault;
  try {
    work();
  } catch (const delivery::LeaseTaken& taken) {
    // Somebody pushes by hand. The next time will do.
    spdlog::info("{}: {}", name, taken.what());
    return;
  } catch (const std::exception& error) {
    fault = error.what();
  }
  const std::lock_guard lock(failing_mutex_);
  std::string& before = failing_[name];
  if (fault != before) {
    if (fault.empty())
      spdlog::info("{}: works again", name);
    else
      spdlog::error("{}: {}", name, fault);
  }
  before = std::move(fault);
}

std::string Hub::health() const {
  const std::lock_guard lock(failing_mutex_);
  std::string text;
  for (const auto& [name, fault] : failing_)
    if (!fault.empty()) text += name + ": " + fault + "\n";
  return text.empty() ? "ok\n" : text;
}

void Hub::ingest() {
  const scores::Spool::Counts counts = spool_.process([this](const std::string& path) { return ingest_file(path); });
  metrics_.files.Increment(static_cast<double>(counts.done));
  metrics_.files_failed.Increment(static_cast<double>(counts.failed));
}

scores::Retention Hub::retention() const {
  return scores::retention_of(config_.scores.history_days, config_.scores.full_history_days, desk_.clock());
}

std::string Hub::ingest_file(const std::string& path) {
  scores::IngestOptions options;
  options.read.not_after = desk_.clock() + scores::ahead_max;
  const scores::Ingested file = board_.ingest(path, options, {.history_from = retention().from}, {});
  const auto counted = file.taken[static_cast<size_t>(scores::Taken::counted)];
  metrics_.rows.Increment(static_cast<double>(counted));
  metrics_.row_faults.Increment(static_cast<double>(file.faults.count()));
  spdlog::info("{}: {} rows, {} of them new, {} faults", path, file.read.rows, counted, file.faults.count());
  // A few bad rows of a large file are no reason to set it aside: what is good of it counts.
  if (file.refusal || (file.read.rows == 0 && file.faults.count() > 0)) return file.why();
  if (!file.clean()) spdlog::warn("{}", file.why());
  return "";
}

void Hub::remove_due() {
  std::vector<registry::Server> gone;
  database_.transact([&](soci::session& sql) {
    gone = registry::remove_due_servers(sql, actor("the time that was set", desk_.clock()));
  });
  for (const registry::Server& server : gone)
    spdlog::info("{} is removed, as its time has come", geo::to_text(server.address));
}

void Hub::recover() {
  if (const auto outcome = delivery::recover(desk_)) spdlog::warn("{}", line_of(outcome->push));
}

void Hub::bring_up_pops() {
  if (const auto outcome = delivery::retry(desk_)) spdlog::info("{}", line_of(outcome->push));
}

void Hub::look_at_pops() {
  const delivery::FleetReport fleet = delivery::ask_fleet(desk_, std::nullopt);
  greatest_running_ = std::max(greatest_running_, delivery::greatest_running(fleet));
  const std::optional<int64_t> current = fleet.current ? std::optional(fleet.current->serial) : std::nullopt;
  std::set<std::string> names;
  for (const delivery::PopReport& pop : fleet.pops) {
    metrics_.pop(pop.pop.name, static_cast<bool>(pop.status), current && pop.serial == current, pop.serial.value_or(0));
    names.insert(pop.pop.name);
  }
  metrics_.keep_pops(names);
  metrics_.current_serial.Set(static_cast<double>(current.value_or(0)));
  metrics_.held.Set(fleet.hold ? 1 : 0);
}

void Hub::plan_and_push() {
  const int64_t now = desk_.clock();
  files_.refresh();
  board_.refresh();
  delivery::CurrentPlan current = planner_.make(database_, board_.overall(now), greatest_running_, now);
  tell(current.made.plan);
  metrics_.last_score.Set(static_cast<double>(newest_check(board_.board())));
  const std::string why = current.is_as_base ? "" : reason_to_wait(current.made.plan);
  if (!why.empty() && why != told_) spdlog::warn("{}", why);
  told_ = why;
  if (!current.is_as_base && why.empty()) push(std::move(current));
}

void Hub::tell(const plan::Plan& plan) {
  const auto& servers = plan.selection.servers;
  metrics_.plans.Increment();
  metrics_.servers.Set(static_cast<double>(servers.size()));
  metrics_.servers_in.Set(
      static_cast<double>(std::ranges::count(servers, selection::Verdict::in, &selection::Judged::verdict)));
  metrics_.guarded.Set(plan.objections.empty() ? 0 : 1);
  if (!plan.objections.empty()) metrics_.objections.Increment();
}

/// "" where there is none.
std::string Hub::reason_to_wait(const plan::Plan& plan) {
  if (!plan.objections.empty()) {
    std::string why = fmt::format("the guard has {} objections to what is planned:", plan.objections.size());
    for (size_t i = 0; i < std::min(plan.objections.size(), told_objections); ++i)
      why += "\n  " + plan.objections[i].text;
    return why;
  }
  std::optional<delivery::Hold> hold;
  std::optional<delivery::Push> open;
  database_.read([&](soci::session& sql) {
    hold = delivery::read_hold(sql);
    open = delivery::open_push(sql);
  });
  if (hold) return fmt::format("held since POPs went back to {}, by {}: {}", hold->serial, hold->who, hold->reason);
  if (desk_.clock() < next_push_)
    return fmt::format("the last push failed: the next one is tried at {}",
                       control::date_text(static_cast<uint64_t>(next_push_)));
  if (open) return fmt::format("serial {} is {}", open->serial, delivery::name_of(open->state));
  return config_.run.push ? "" : "there is something to push, and run.push is false";
}

void Hub::push(delivery::CurrentPlan current) {
  const plan::Plan plan = current.made.plan;
  spdlog::info("{}", plan::plan_summary(plan));
  delivery::PushRequest request =
      delivery::push_request(std::move(current.made), plan, current.state, actor("by itself", desk_.clock()));
  request.manner = {.canaries_first = config_.run.canary, .soak = config_.run.soak.count()};
  metrics_.pushes.Increment();
  const delivery::Outcome outcome = delivery::push(desk_, request);
  if (outcome.push.state != delivery::PushState::done) metrics_.pushes_failed.Increment();
  // What canaries did not take they are not given each minute.
  failures_ = outcome.push.state == delivery::PushState::failed ? std::min(failures_ + 1, failures_max) : 0;
  next_push_ = failures_ == 0 ? 0 : desk_.clock() + (config_.run.interval.count() << failures_);
  spdlog::info("{}", line_of(outcome.push));
}

void Hub::prune() {
  scores::prune(database_, retention());
  delivery::prune(desk_, config_.run.revisions);
  size_t dropped = 0;
  do
    database_.transact(
        [&](soci::session& sql) { dropped = delivery::prune_pushes(sql, desk_.clock() - push_seconds, prune_part); });
  while (dropped == prune_part);
}

HttpHandlers http_handlers(const Hub& hub, store::Database& database, std::function<int64_t()> clock) {
  const auto verifying = std::make_shared<std::mutex>();
  const auto verify = [&database, verifying, clock = std::move(clock)](const std::string& token,
                                                                       const geo::Address& peer) -> HttpReply {
    const std::lock_guard lock(*verifying);
    std::string address;
    try {
      database.transact([&](soci::session& sql) {
        address = geo::to_text(
            registry::verify_by_token(sql, actor("asked for from " + geo::to_text(peer), clock()), token, peer)
                .address);
      });
    } catch (const registry::Fault& fault) {
      return {403, std::string(fault.what()) + "\n"};
    }
    return {200, address + " is verified\n"};
  };
  return {.metrics =
              [&hub] {
                return HttpReply{200, hub.metrics().text(), "text/plain; version=0.0.4"};
              },
          .health =
              [&hub] {
                const std::string health = hub.health();
                return HttpReply{health == "ok\n" ? 200 : 503, health};
              },
          .verify = verify};
}

} // namespace anytick::hub
