#include "control/hub/planner.h"

#include <sys/stat.h>

#include <string_view>
#include <utility>

#include "control/command.h"
#include "control/delivery/pushes.h"
#include "control/delivery/revisions.h"
#include "control/plan/plan_json.h"
#include "control/registry/snapshot.h"

namespace anytick::hub {
namespace {

using control::CommandFailure;
using control::exit_refused;

/// Tells one state of a file from the next.
struct Stamp {
  ino_t inode = 0;
  off_t size = 0;
  timespec changed{};

  bool operator==(const Stamp& other) const {
    return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
           changed.tv_nsec == other.changed.tv_nsec;
  }
};

Stamp stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim};
}

} // namespace

/// What hub.toml names, read anew when it was changed.
struct Planner::Files {
  explicit Files(const Config& configured) : config(configured) {}

  void refresh() {
    refresh_map();
    if (!config.policy.empty()) policy = control::as_text(control::read_file(config.policy));
  }

  void refresh_map() {
    if (config.geo_map.empty()) return;
    const Stamp now = stamp_of(config.geo_map);
    if (map && now == map_stamp) return;
    std::vector<std::byte> bytes = control::read_file(config.geo_map);
    geo::Map read = control::taken(geo::Map::validate(bytes), config.geo_map);
    // A vector keeps its place when it is moved.
    map_bytes = std::move(bytes);
    map = std::move(read);
    map_stamp = now;
  }

  const Config& config;
  std::vector<std::byte> map_bytes;
  std::optional<geo::Map> map;
  Stamp map_stamp;
  std::string policy;
};

Planner::Planner(store::Database& database, const Config& config)
    : database_(database), config_(config), files_(std::make_unique<Files>(config)) {}

Planner::~Planner() = default;

const geo::Map* Planner::map() {
  files_->refresh_map();
  return files_->map ? &*files_->map : nullptr;
}

const plan::Plan* Planner::base() {
  database_.read([this](soci::session& sql) { read_base(sql); });
  return base_ ? &*base_ : nullptr;
}

plan::Sources Planner::sources() {
  return {snapshot_,  config_, files_->policy, files_->map ? &*files_->map : nullptr, base_ ? &*base_ : nullptr,
          &inclusion_};
}

void Planner::read_base(soci::session& sql) {
  const auto current = delivery::current_push(sql);
  const std::optional<int64_t> serial = current ? std::optional(current->serial) : std::nullopt;
  if (serial == base_serial_) return;
  base_.reset();
  base_serial_.reset();
  if (serial) {
    const std::string name = "the plan of serial " + std::to_string(*serial);
    base_ = control::taken(plan::read_plan(delivery::read_plan(sql, *serial), name), name).plan;
  }
  base_serial_ = serial;
}

void Planner::read_state() {
  files_->refresh();
  database_.read([this](soci::session& sql) {
    snapshot_ = registry::read_snapshot(sql);
    read_base(sql);
  });
}

plan::MadePlan Planner::make(const selection::Scores& scores, int64_t running, int64_t now) {
  read_state();
  int64_t serial = 0;
  database_.read([&](soci::session& sql) { serial = delivery::next_serial(sql, running, now); });
  auto made = plan::make_plan(sources(), scores, serial, now);
  inclusion_.forget_unused();
  if (!made) throw CommandFailure(exit_refused, made.refusal().text());
  return std::move(*made);
}

plan::MadePlan Planner::verify(const plan::Plan& reviewed) {
  read_state();
  auto made = plan::verify_plan(reviewed, sources());
  if (!made) throw CommandFailure(exit_refused, made.refusal().text());
  return std::move(*made);
}

delivery::PushRequest push_request(const plan::MadePlan& made, const registry::Actor& actor, bool forced,
                                   const delivery::Manner& manner) {
  const plan::Plan& plan = made.plan;
  delivery::Revision revision;
  revision.serial = plan.serial;
  revision.base = plan.base;
  revision.created = plan.created;
  revision.checksum = plan::plan_checksum(plan);
  revision.digest = plan.image_digest;
  revision.query_policy = plan.query_policy;
  delivery::PushRequest request{.revision = std::move(revision),
                                .plan = plan::plan_json(plan),
                                .image = made.image,
                                .forced = forced,
                                .registry_state = plan.registry_state,
                                .actor = actor,
                                .manner = manner};
  for (const plan::Objection& objection : plan.objections) request.objections.push_back(objection.text);
  return request;
}

} // namespace anytick::hub
