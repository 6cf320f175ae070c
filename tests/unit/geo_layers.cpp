#include "tests/unit/geo_layers.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

namespace anytick::geo::test {

namespace {

void set_country(Location& location, std::string_view code) {
  std::copy(code.begin(), code.end(), location.country.begin());
  location.continent = continent_of(code);
}

Location random_statement(std::mt19937_64& random) {
  constexpr std::array<std::string_view, 5> countries{"us", "ca", "mx", "de", "jp"};
  constexpr std::array<std::string_view, 3> regions{"ca", "9", "eng"};
  Location location;
  if (random() % 4 != 0) set_country(location, countries[random() % countries.size()]);
  if (location.country[0] != 0 && random() % 3 == 0) {
    const std::string_view region = regions[random() % regions.size()];
    std::copy(region.begin(), region.end(), location.region.begin());
  }
  if (random() % 8 == 0) location.continent = static_cast<Continent>(1 + random() % (continent_count - 1));
  if (random() % 2 == 0) location.asn = static_cast<uint32_t>(1 + random() % 3);
  return location;
}

/// Few bases and few bits beside them, so that prefixes nest and touch.
Prefix random_prefix(std::mt19937_64& random, std::span<const Address> bases) {
  Address address = bases[random() % bases.size()];
  const unsigned width = address.width();
  for (uint64_t flips = random() % 3; flips > 0; --flips) {
    const auto bit = static_cast<unsigned>(random() % width);
    address.bytes[bit / 8] ^= static_cast<uint8_t>(0x80 >> bit % 8);
  }
  return prefix_of(address, static_cast<unsigned>(random() % 8 == 0 ? random() % 9 : 8 + random() % (width - 7)));
}

} // namespace

Address random_address(std::mt19937_64& random, Family family) {
  const uint64_t high = random();
  const uint64_t low = random();
  return family == Family::ipv4 ? Address::ipv4(static_cast<uint32_t>(high)) : Address::ipv6(high, low);
}

std::vector<Layer> random_layers(std::mt19937_64& random) {
  std::vector<Address> bases;
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (int i = 0; i < 3; ++i) bases.push_back(random_address(random, family));
  std::vector<Layer> layers(1 + random() % 4);
  for (Layer& layer : layers) {
    for (int i = 0; i < 8; ++i) layer.statements.push_back(random_statement(random));
    std::set<Prefix> prefixes;
    for (uint64_t i = random() % 40; i > 0; --i) prefixes.insert(random_prefix(random, bases));
    for (const Prefix& prefix : prefixes)
      layer.entries.push_back({prefix, static_cast<uint32_t>(random() % layer.statements.size())});
  }
  return layers;
}

Location covered(Location below, const Location& stated) {
  const bool is_other_country = stated.country[0] != 0 && stated.country != below.country;
  if (is_other_country || stated.region[0] != 0) below.region = stated.region;
  if (stated.country[0] != 0) below.country = stated.country;
  if (stated.continent != Continent::unknown) below.continent = stated.continent;
  if (stated.asn != 0) below.asn = stated.asn;
  return below;
}

Location naive_location(std::span<const Layer> layers, const Address& address) {
  Location location;
  for (const Layer& layer : layers) {
    const Layer::Entry* best = nullptr;
    for (const Layer::Entry& entry : layer.entries)
      if (entry.prefix.contains(address) && (best == nullptr || entry.prefix.length > best->prefix.length))
        best = &entry;
    if (best != nullptr) location = covered(location, layer.statements[best->statement]);
  }
  return location;
}

Address successor(Address address) {
  for (size_t i = address.width() / 8; i-- > 0;)
    if (++address.bytes[i] != 0) break;
  return address;
}

Address predecessor(Address address) {
  for (size_t i = address.width() / 8; i-- > 0;)
    if (address.bytes[i]-- != 0) break;
  return address;
}

Address last_of(const Prefix& prefix) {
  Address last = prefix.address;
  for (unsigned bit = prefix.length; bit < last.width(); ++bit)
    last.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
  return last;
}

std::vector<Address> boundaries(std::span<const Layer> layers, Family family) {
  std::set<Address> found{Address{.family = family}};
  for (const Layer& layer : layers) {
    for (const Layer::Entry& entry : layer.entries) {
      if (entry.prefix.address.family != family) continue;
      found.insert(entry.prefix.address);
      found.insert(successor(last_of(entry.prefix)));
    }
  }
  return {found.begin(), found.end()};
}

Layer layer_of(std::string_view lines) {
  Layer layer;
  std::istringstream stream{std::string{lines}};
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words{line};
    std::string prefix, place;
    Location location;
    words >> prefix >> place >> location.asn;
    if (!parse_prefix(prefix)) throw std::invalid_argument(line);
    if (place != "-") set_country(location, std::string_view{place}.substr(0, 2));
    if (place.size() > 3) std::copy(place.begin() + 3, place.end(), location.region.begin());
    layer.entries.push_back({*parse_prefix(prefix), static_cast<uint32_t>(layer.statements.size())});
    layer.statements.push_back(location);
  }
  std::sort(layer.entries.begin(), layer.entries.end(),
            [](const Layer::Entry& a, const Layer::Entry& b) { return a.prefix < b.prefix; });
  return layer;
}

} // namespace anytick::geo::test
