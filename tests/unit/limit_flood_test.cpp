#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/packets/world.h"
#include "tests/unit/allocations.h"

/// Spoofed sources that are each seen once, half of them in prefixes of their own, half all over the networks of honest
/// clients, who are a tenth of the load; and one prefix that asks for too much. Through the packet path, in simulated
/// time.
namespace anytick::test {
namespace {

using core::Counter;

constexpr uint32_t honest_count = 100'000;
constexpr uint64_t per_second = 10'000'000; ///< of all
constexpr uint32_t hot_prefix = 0xcb007100; ///< 203.0.113.0/24

/// Of twenty queries in turn two are honest, one is of the hot prefix and the others are spoofed.
constexpr unsigned turn = 20;
constexpr unsigned honest_of_turn = 2;
constexpr unsigned hot_of_turn = 1;

/// A permutation of 28 bits, so that sources that differ come in no order.
uint32_t scattered(uint32_t index) {
  return index * 0x9e3779b1u & 0x0fffffff;
}

enum class Who : uint8_t { honest, hot, spoofed };

/// A query of each family, copied for each frame; only the source differs.
struct Templates {
  Bytes ipv4 = Packet{}.bytes();
  Bytes ipv6 = Packet{.from = "2001:db8:1::7", .to = "2001:db8:53::53"}.bytes();
};

class Flood {
 public:
  explicit Flood(std::vector<core::Limiter::Line>& lines) : limiter_(rules_, lines, {0x5eed, 0xfeed}), worker_(1) {
    worker_.limiter = &limiter_;
    for (auto& memory : memory_) memory.resize(2048);
  }

  void run(uint64_t spoofed_count) {
    for (uint64_t sent = 0; spoofed_ < spoofed_count; sent += core::burst_max) {
      worker_.ticks = core::ticks_per_second + sent * core::ticks_per_second / per_second;
      for (size_t i = 0; i < core::burst_max; ++i) write_frame(i, sent + i);
      core::handle(view_, ingress_, worker_, frames_);
      for (size_t i = 0; i < core::burst_max; ++i) count(i);
    }
  }

  double seconds() const {
    return static_cast<double>(worker_.ticks) / static_cast<double>(core::ticks_per_second) - 1;
  }

  core::LimitRules rules_;
  uint64_t honest_asked = 0, honest_answered = 0, hot_asked = 0, hot_answered = 0;

 private:
  void write_frame(size_t i, uint64_t number) {
    const auto place = static_cast<unsigned>(number % turn);
    who_[i] = place < honest_of_turn ? Who::honest : place < honest_of_turn + hot_of_turn ? Who::hot : Who::spoofed;
    uint32_t source = hot_prefix | (number & 0xff);
    bool ipv6 = false;
    if (who_[i] == Who::honest) {
      const uint32_t client = honest_next_++ % honest_count;
      ipv6 = client % 2 != 0;
      source = ipv6 ? 0x10000000 | client : 0x10000001 | client << 8; // a prefix of its own
    } else if (who_[i] == Who::spoofed) {
      const auto index = static_cast<uint32_t>(spoofed_++);
      ipv6 = index % 2 != 0;
      // Each /56 once. IPv4 has fewer /24 than that: all of 16.0.0.0/4, those of honest clients too.
      source = ipv6 ? 0x20000000 | scattered(index) : 0x10000000 | scattered(index);
    }
    if (ipv6)
      write_ipv6(i, source);
    else
      write_ipv4(i, source);
  }

  void write_ipv4(size_t i, uint32_t source) {
    write(i, templates_.ipv4);
    const uint32_t wire = __builtin_bswap32(source);
    std::memcpy(frames_[i].data + 26, &wire, sizeof wire);
  }
  /// The source's /56 has the number.
  void write_ipv6(size_t i, uint32_t source) {
    write(i, templates_.ipv6);
    const uint64_t wire = __builtin_bswap64(0x2600000000000000 | uint64_t{source} << 8);
    std::memcpy(frames_[i].data + 22, &wire, sizeof wire);
  }
  void write(size_t i, const Bytes& query) {
    std::memcpy(memory_[i].data(), query.data(), query.size());
    // The device has looked at the checksums.
    frames_[i] = {.data = memory_[i].data(),
                  .length = static_cast<uint32_t>(query.size()),
                  .room = 2048,
                  .ip_checksum = core::Checksum::good,
                  .udp_checksum = core::Checksum::good};
  }

  void count(size_t i) {
    // A reply of the record that was asked for, not only TC.
    const core::Frame& frame = frames_[i];
    const bool answered =
        frame.verdict == core::Verdict::reply && (frame.data[frame.l2_length + frame.l3_length + 8 + 2] & 0x02) == 0;
    honest_asked += who_[i] == Who::honest;
    honest_answered += who_[i] == Who::honest && answered;
    hot_asked += who_[i] == Who::hot;
    hot_answered += who_[i] == Who::hot && answered;
  }

  core::Limiter limiter_;
  core::WorkerState worker_;
  core::View view_ = World::of_cases().view();
  core::Ingress ingress_ = ingress_of_cases();
  Templates templates_;
  std::array<std::vector<uint8_t>, core::burst_max> memory_;
  std::array<core::Frame, core::burst_max> frames_;
  std::array<Who, core::burst_max> who_{};
  uint64_t spoofed_ = 0;
  uint32_t honest_next_ = 0;
};

struct FloodCase {
  const char* name;
  size_t memory_bytes;
  uint64_t spoofed;
};

class Floods : public testing::TestWithParam<FloodCase> {};

TEST_P(Floods, HonestClientsKeepTheirAnswersAndTheHotPrefixItsRate) {
  std::vector<core::Limiter::Line> lines(GetParam().memory_bytes / sizeof(core::Limiter::Line));
  Flood flood(lines);
  const uint64_t before = allocations();
  flood.run(GetParam().spoofed);
  EXPECT_EQ(allocations(), before);
  std::printf("%.1f simulated seconds: honest %lu asked, %lu answered; hot prefix %lu asked, %lu answered\n",
              flood.seconds(), flood.honest_asked, flood.honest_answered, flood.hot_asked, flood.hot_answered);
  EXPECT_GE(static_cast<double>(flood.honest_answered), 0.999 * static_cast<double>(flood.honest_asked));
  const core::LimitRules& rules = flood.rules_;
  const double granted = rules.per_second[0] * (flood.seconds() + rules.burst_seconds);
  EXPECT_LE(static_cast<double>(flood.hot_answered), granted);
  EXPECT_GE(static_cast<double>(flood.hot_answered), 0.99 * granted);
}

// The second has fewer buckets than there are sources whose last query is not forgiven yet.
INSTANTIATE_TEST_SUITE_P(Limit, Floods,
                         testing::Values(FloodCase{"of_100_million_in_16_MiB", size_t{16} << 20, 100'000'000},
                                         FloodCase{"of_10_million_in_32_KiB", size_t{32} << 10, 10'000'000}),
                         [](const auto& row) { return std::string(row.param.name); });

} // namespace
} // namespace anytick::test
