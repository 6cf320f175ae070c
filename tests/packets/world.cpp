#include "tests/packets/world.h"

#include <stdexcept>

#include "control/compile.h"
#include "control/geodns_json.h"
#include "geo/map_builder.h"
#include "geo/overrides.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::test {
namespace {

template <class T> T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.refusal().text());
  return std::move(*result);
}

std::vector<std::byte> compile_zones(const std::vector<std::pair<std::string, std::string_view>>& sources) {
  std::vector<control::Zone> zones;
  for (const auto& [origin, json] : sources) {
    control::Findings findings(origin);
    auto zone = control::read_geodns_zone(origin + ".json", json, 0, findings);
    if (!zone) throw std::runtime_error(findings.all().front().text());
    zones.push_back(std::move(*zone));
  }
  return take(control::compile(zones, 1, 0));
}

std::vector<std::byte> compile_map(std::string_view text) {
  std::vector<Refusal> faults;
  const geo::Layer layer = geo::parse_overrides("overrides", text, faults);
  if (!faults.empty()) throw std::runtime_error(faults.front().text());
  return take(geo::build_map(std::span(&layer, 1), 0));
}

} // namespace

World::World(const std::vector<std::pair<std::string, std::string_view>>& zones, std::string_view overrides)
    : image_bytes_(compile_zones(zones)), map_bytes_(compile_map(overrides)),
      image_(std::make_unique<core::ZoneImage>(take(core::ZoneImage::validate(image_bytes_)))),
      map_(std::make_unique<geo::Map>(take(geo::Map::validate(map_bytes_)))),
      join_(take(core::Join::build(*image_, &*map_))) {}

core::View World::view() const {
  return {&*image_, &*map_, join_.get(), &cookie_keys_of_cases(), &identity_of_cases()};
}

core::WallTime wall_of_cases() {
  constexpr int64_t second = 1'000'000'000;
  return {1'795'348'800 * second + 123'456'789, 5000 * second};
}

core::ClockState clock_of_cases(const core::WallTime& at) {
  core::ClockState state;
  state.synchronised = 1;
  state.leap = 0;
  state.stratum = 2;
  state.refid = 0x7b0200c0;
  state.precision = -25;
  state.reference_time = core::ntp_time(at.realtime - 100'000'000'000);
  state.root_delay = 0.010;
  state.root_dispersion = 0.005;
  state.measured = at.monotonic;
  state.expires = INT64_MAX;
  state.epoch = at.epoch();
  return state;
}

void set_up_ntp(core::WorkerState& worker) {
  static const core::NtpKeys keys = take(core::NtpKeys::make(ntp_keys_of_cases()));
  worker.clock_state = clock_of_cases();
  worker.wall = wall_of_cases();
  worker.waited = core::ntp_duration(10'000);
  worker.ntp_keys = &keys;
}

void handle_whole(const core::View& view, const core::Ingress& ingress, core::WorkerState& worker,
                  std::span<core::Frame> frames) {
  core::handle(view, ingress, worker, frames);
  core::depart(worker, ingress, worker.clock.now + core::ntp_duration(5'000), core::ntp_duration(100));
}

} // namespace anytick::test
