#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/load/answer_sets.h"
#include "bench/load/checker.h"
#include "bench/load/cookie_jar.h"
#include "bench/load/expected.h"
#include "bench/load/sources.h"
#include "bench/load/traffic.h"
#include "dataplane/core/dns_query.h"
#include "tests/packets/wire.h"

namespace anytick::bench {

/// A name that is asked for, so many times as often as one of weight 1.
struct Choice {
  Answerable asked;
  double weight;
};

/// Names by their weights, most asked first, of which a share asks for AAAA. Zipf's exponent of 0 makes them equal.
std::vector<Choice> zipf_choices(const core::ZoneImage& image, double exponent, double aaaa);

/// What is asked, by whom and of whom. Shares are 0..1 of all frames, those of EDNS, client subnets and cookies of all
/// queries.
struct MixOptions {
  std::string server_mac, client_mac; ///< hexadecimal
  std::string server, server6;        ///< addresses; IPv6 only where that has a share
  double ipv6 = 0;
  double edns = 0, subnet = 0, cookies = 0;
  double ntp = 0;
  double garbage = 0; ///< messages shorter than a header of DNS, which nobody answers
  bool echo = false;  ///< what comes back is the request, its addresses and ports swapped: nothing in it is judged
  uint64_t seed = 1;
};

/// A frame but for source, port and number, which are zero in it. To write it takes one cache line of this.
struct alignas(64) MixFrame {
  enum class Kind : uint8_t { query, time, garbage };
  Kind kind = Kind::query;
  bool ipv6 = false;
  const Answerable* asked = nullptr; ///< of a query
  test::Bytes bytes = {};
  test::Bytes with_server_cookie = {}; ///< the same with room for one behind the client's; empty: sends no cookies
  core::ClientSubnet subnet = {};      ///< that it states
  test::Bytes subnet_option = {};      ///< its data
};

/// Frames of a mix; they are sent in turn.
inline constexpr size_t mix_frames = 1 << 14;

/// A sample of it. `choices` outlive it; empty only where all is NTP or garbage.
std::vector<MixFrame> draw_mix(const MixOptions& options, std::span<const Choice> choices);

/// A number is the id of a query and, from 1024 on, its port's upper bits; or the low half of an NTP request's stamp.
class Mix : public Traffic {
 public:
  /// `sources` and `sources6` are the clients of the families. Without a locator, the addresses of all places are good
  /// for each of them.
  Mix(const MixOptions& options, std::span<const Choice> choices, Sources sources, Sources sources6,
      const Locator* locator);

  Written write(uint32_t number, uint8_t* to) override;
  std::optional<uint32_t> number_of(const Datagram& reply) const override;
  const char* fault_of(uint32_t number, const Datagram& reply) override;
  std::string name_of(uint32_t number) const override;

  const MixFrame& frame_of(uint32_t number) const { return frames_[number % mix_frames]; }

 private:
  /// Clients of one family.
  struct Side {
    Side(const std::string& address, Sources clients, bool cookies);

    geo::Address server;
    Sources sources;
    CookieJar jar;
  };

  Side& side_of(const MixFrame& frame) { return frame.ipv6 ? six_ : four_; }
  const Side& side_of(const MixFrame& frame) const { return frame.ipv6 ? six_ : four_; }
  uint64_t client_cookie(uint32_t client) const;
  Expected expected(const MixFrame& frame, std::span<const uint8_t> source) const;

  uint64_t seed_;
  bool echo_;
  Side four_, six_;
  const Locator* locator_;
  std::vector<MixFrame> frames_;
};

} // namespace anytick::bench
