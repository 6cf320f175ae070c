#include "control/delivery/planning.h"

#include <sys/stat.h>

#include <utility>

#include <fmt/format.h>

#include "control/command.h"
#include "control/plan/data_changes.h"
#include "control/registry/snapshot.h"

namespace anytick::delivery {
namespace {

plan::MadePlan or_fault(Result<plan::MadePlan> made) {
  if (!made) throw Fault(made.refusal().text());
  return std::move(*made);
}

} // namespace

PlanFiles::PlanFiles(const hub::Config& config) : config_(config) {
  refresh();
}

PlanFiles::Stamp PlanFiles::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, static_cast<uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void PlanFiles::refresh() {
  if (!config_.policy.empty()) policy_ = control::as_text(control::read_file(config_.policy));
  if (config_.geo_map.empty()) return;
  const Stamp now = stamp_of(config_.geo_map);
  if (map_ && now == map_stamp_) return;
  std::vector<std::byte> bytes = control::read_file(config_.geo_map);
  geo::Map map = control::taken(geo::Map::validate(bytes), config_.geo_map);
  // The map points into the bytes, which stay where they are when their vector is moved.
  map_bytes_ = std::move(bytes);
  map_ = std::move(map);
  map_stamp_ = now;
}

PlanState read_plan_state(store::Database& database) {
  PlanState state;
  std::string text;
  std::optional<Push> current;
  database.read([&](soci::session& sql) {
    state.snapshot = registry::read_snapshot(sql);
    current = current_push(sql);
    text = current ? delivery::read_plan(sql, current->serial) : "";
  });
  if (!current) return state;
  auto read = plan::read_plan(text, fmt::format("plan of serial {}", current->serial));
  if (!read) throw Fault(read.refusal().text());
  state.base = std::move(read->plan);
  return state;
}

plan::Sources Planner::sources(const PlanState& state) {
  return {state.snapshot, config_, files_.policy(), files_.map(), state.base ? &*state.base : nullptr, &inclusion_};
}

CurrentPlan Planner::make(store::Database& database, const selection::Scores& scores, int64_t running, int64_t now) {
  CurrentPlan current;
  current.state = read_plan_state(database);
  int64_t serial = 0;
  database.read([&](soci::session& sql) { serial = next_serial(sql, running, now); });
  current.made = or_fault(plan::make_plan(sources(current.state), scores, serial, now));
  current.is_as_base = is_as_base(current.state, current.made.plan);
  plan::note_data(current.made.plan, sources(current.state), current.is_as_base);
  inclusion_.forget_unused();
  return current;
}

plan::MadePlan Planner::verify(const PlanState& state, const plan::Plan& reviewed) {
  return or_fault(plan::verify_plan(reviewed, sources(state)));
}

/// An image has its serial and time in it: so it is made once more with those of what is current.
bool Planner::is_as_base(const PlanState& state, const plan::Plan& plan) {
  if (!state.base || !plan.changes_nothing() || plan.query_policy != state.base->query_policy) return false;
  const auto again = plan::make_plan(sources(state), plan.scores, state.base->serial, state.base->created);
  return again && again->plan.image_digest == state.base->image_digest;
}

PushRequest push_request(plan::MadePlan made, const plan::Plan& reviewed, const PlanState& state,
                         const registry::Actor& actor) {
  PushRequest request;
  request.revision.serial = reviewed.serial;
  request.revision.base = reviewed.base;
  request.revision.created = reviewed.created;
  request.revision.checksum = plan::plan_checksum(reviewed);
  request.revision.digest = made.plan.image_digest;
  request.revision.query_policy = made.plan.query_policy;
  request.plan = plan::plan_json(reviewed);
  request.image = std::move(made.image);
  for (const plan::Objection& each : made.plan.objections) request.objections.push_back(each.text);
  request.registry_state = state.snapshot.last_audit;
  request.actor = actor;
  return request;
}

} // namespace anytick::delivery
