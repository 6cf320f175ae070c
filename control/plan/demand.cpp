#include "control/plan/demand.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "geo/location.h"

namespace anytick::plan {
namespace {

using Place = std::pair<std::string, std::string>; ///< country and continent
using Counts = std::map<Place, double>;

/// IPv4 addresses of each place of the map. From the start of a block of addresses to the start of the next, in order:
/// neighbours share the cache lines of the map.
Counts addresses_of(const geo::Map& map) {
  std::vector<uint64_t> by_location(map.locations().size());
  for (uint64_t address = 0; address >> 32 == 0;) {
    const geo::Place& place = map.places()[map.find_ipv4(static_cast<uint32_t>(address))];
    const unsigned length = std::max(place.length[static_cast<size_t>(geo::Level::country)],
                                     place.length[static_cast<size_t>(geo::Level::continent)]);
    const uint64_t size = uint64_t{1} << (32 - length);
    by_location[place.location] += size;
    address = (address & ~(size - 1)) + size;
  }
  Counts counts;
  for (size_t i = 0; i < by_location.size(); ++i) {
    const geo::Location& location = map.locations()[i];
    Place place{location.country_text(), std::string(geo::continent_name(location.continent))};
    if (by_location[i] > 0 && place != Place{}) counts[std::move(place)] += static_cast<double>(by_location[i]);
  }
  return counts;
}

/// The queries of a stated country, on the continents where the map has it.
void add_stated(const std::string& stated, double queries, const Counts& mapped, Counts& counts) {
  if (stated == "@") {
    counts[{}] += queries;
    return;
  }
  if (geo::continent_by_name(stated)) {
    counts[{"", stated}] += queries;
    return;
  }
  const std::string country = stated == "uk" ? "gb" : stated;
  const auto first = mapped.lower_bound({country, ""});
  auto last = first;
  double addresses = 0;
  for (; last != mapped.end() && last->first.first == country; ++last) addresses += last->second;
  for (auto each = first; each != last; ++each) counts[each->first] += queries * each->second / addresses;
  if (first == last) counts[{country, std::string(geo::continent_name(geo::continent_of(country)))}] += queries;
}

} // namespace

Demand demand_of(const hub::DemandConfig& config, const geo::Map* map) {
  Counts mapped, counts;
  if (map != nullptr) mapped = addresses_of(*map);
  for (const auto& [country, queries] : config.countries) add_stated(country, queries, mapped, counts);
  if (config.countries.empty()) counts = std::move(mapped);
  double sum = 0;
  for (const auto& [place, count] : counts) sum += count;
  Demand demand{.groups = {}, .unnumbered = config.unnumbered};
  for (const auto& [place, count] : counts)
    if (count > 0) demand.groups.push_back({place.first, place.second, count / sum});
  if (demand.groups.empty()) demand.groups.push_back({.country = "", .continent = "", .share = 1});
  return demand;
}

std::string canonical_text(const Demand& demand) {
  std::string text = fmt::format("unnumbered {}\n", demand.unnumbered);
  for (const ClientGroup& each : demand.groups)
    text += fmt::format("{} {} {}\n", each.country, each.continent, each.share);
  return text;
}

} // namespace anytick::plan
