#include "tests/packets/world.h"

#include <stdexcept>

#include "control/compile.h"
#include "control/geodns_json.h"
#include "geo/map_builder.h"
#include "geo/overrides.h"

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

} // namespace anytick::test
