#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/core/cookie.h"
#include "dataplane/core/identity.h"
#include "dataplane/core/join.h"
#include "dataplane/core/path.h"
#include "tests/packets/wire.h"

namespace anytick::test {

/// A zone file and overrides, compiled and joined by the real compilers, and the port that asks.
class World {
 public:
  /// `zones`: pairs of origin and GeoDNS JSON. `overrides`: as `anytick geo compile --override` takes them.
  World(const std::vector<std::pair<std::string, std::string_view>>& zones, std::string_view overrides);

  core::View view() const;
  const core::ZoneImage& image() const { return *image_; }
  const geo::Map& map() const { return *map_; }
  const core::Join& join() const { return *join_; }

  /// The zone of the case tables (zone.cpp), with its clients: 192.0.2.0/24 and 2001:db8:1::/48 in the us,
  /// 198.51.100.0/24 in fr, 100.128.0.0/9 in jp; everybody else nowhere.
  static const World& of_cases();

 private:
  std::vector<std::byte> image_bytes_;
  std::vector<std::byte> map_bytes_;
  std::unique_ptr<core::ZoneImage> image_;
  std::unique_ptr<geo::Map> map_;
  std::unique_ptr<const core::Join> join_;
};

/// Characters of the TXT at e512.test.example, which makes a reply of 512 bytes without EDNS, and at
/// f1232.test.example, one of 1,232 bytes with an OPT. The TXT at e513 and f1233 has one more.
inline constexpr size_t e512_text = 512 - (12 + 23 + 12 + 2);
inline constexpr size_t f1232_text = 1232 - (12 + 24 + 12 + 5 + 11);

/// What World::of_cases() is compiled from: test.example as GeoDNS JSON, and overrides.
std::string_view zone_json_of_cases();
std::string_view overrides_of_cases();
/// Two secrets, of which the first makes cookies. The tables' clock stands at 0 unless they are told.
const core::CookieKeys& cookie_keys_of_cases();
/// nsid "pop1", hostname "pop1.example", no version.
const core::Identity& identity_of_cases();

/// A clock at noon of 2026-11-22, synchronised 100 s before: stratum 2, refid 192.0.2.123, delay 10 ms, dispersion 5
/// ms.
core::WallTime wall_of_cases();
/// Or at another moment.
core::ClockState clock_of_cases(const core::WallTime& at = wall_of_cases());
/// Gives the worker that clock and ntp_keys_of_cases().
void set_up_ntp(core::WorkerState& worker);
/// handle(), and the NTP replies complete.
void handle_whole(const core::View& view, const core::Ingress& ingress, core::WorkerState& worker,
                  std::span<core::Frame> frames);

/// Port 02:00:00:00:00:01 with the addresses 203.0.113.53 and 2001:db8:53::53, sums done in software.
core::Ingress ingress_of_cases();

} // namespace anytick::test
