#include "dataplane/core/dns_location.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <string_view>

#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"
#include "geo/region_groups.h"

namespace anytick::core {
namespace {

/// Character-strings, one behind the other. Room for all that are written was counted in location_record_max.
class Strings {
 public:
  explicit Strings(uint8_t* to) : at_(to) {}

  void begin(std::string_view key) {
    size_ = at_++;
    add(key);
  }
  void add(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }
  void add(uint32_t number) {
    std::array<char, 10> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    add({digits.data(), static_cast<size_t>(end - digits.data())});
  }
  void add(const geo::Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(address.family == geo::Family::ipv4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
    add(std::string_view(text.data()));
  }
  void end() { *size_ = static_cast<uint8_t>(at_ - size_ - 1); }
  const uint8_t* here() const { return at_; }

  void pair(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    add(value);
    end();
  }

 private:
  uint8_t* at_;
  uint8_t* size_ = nullptr;
};

void add_client(Strings& strings, const LocatedClient& client, uint8_t scope) {
  if (client.by_subnet) {
    strings.begin("subnet=");
    strings.add(geo::prefix_of(client.address, scope).address);
    strings.add("/");
    strings.add(uint32_t{scope});
  } else {
    strings.begin("address=");
    strings.add(client.address);
  }
  strings.end();
}

void add_location(Strings& strings, const geo::Location& location) {
  strings.pair("continent=", geo::continent_name(location.continent));
  const std::string_view country(location.country.data(), location.country[0] == 0 ? 0 : 2);
  strings.pair("country=", country);
  strings.pair("group=", geo::region_group(location));
  if (location.region[0] != 0) {
    strings.begin("region=");
    strings.add(country);
    strings.add("-");
    strings.add(std::string_view(location.region.data(), strnlen(location.region.data(), location.region.size())));
    strings.end();
  }
  if (location.asn != 0) {
    strings.begin("asn=");
    strings.add(location.asn);
    strings.end();
  }
}

} // namespace

uint8_t location_scope(const geo::Map* map, uint32_t place) {
  return map == nullptr ? uint8_t{0} : *std::ranges::max_element(map->places()[place].length);
}

std::span<const uint8_t> write_location(const geo::Map* map, const LocatedClient& client, uint32_t ttl,
                                        std::array<uint8_t, location_record_max>& record) {
  constexpr size_t head = 10;
  store_big16(&record[0], dns::TXT);
  store_big16(&record[2], dns::IN);
  store_big32(&record[4], ttl);
  Strings strings(record.data() + head);
  add_client(strings, client, location_scope(map, client.place));
  if (map != nullptr) add_location(strings, map->location_of(client.place));
  const auto length = static_cast<size_t>(strings.here() - record.data());
  store_big16(&record[8], static_cast<uint16_t>(length - head));
  return std::span(record).first(length);
}

} // namespace anytick::core
