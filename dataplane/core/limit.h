#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/prefix_set.h"
#include "dataplane/core/random.h"
#include "geo/prefix.h"

/// What one source may cost: token buckets per source prefix and kind of answer, of bounded memory.
///
/// A bucket is one word in a cache line that the prefix chooses: who it is, and when it will be full again (the
/// theoretical arrival time of the generic cell rate algorithm, ITU-T I.371). A bucket that is full again says nothing
/// and is forgotten without loss. Where a line has no such bucket, now and then the one that is nearest to being full
/// makes room for a newcomer: what is forgiven is less than anybody else there has asked for. So sources that are seen
/// once push out each other, never one that asks for too much, and nobody is ever limited for what others ask: a
/// newcomer's bucket is full.
namespace anytick::core {

/// Unit of rates and times: 2^-24 s, of a clock that never steps.
using Ticks = uint64_t;
inline constexpr Ticks ticks_per_second = Ticks{1} << 24;

/// What a reply is to whom it is sent (or not): each has a rate of its own.
enum class AnswerClass : uint8_t { answer, nodata, nxdomain, referral, error, ntp };
inline constexpr size_t answer_class_count = 6;

enum class LimitMode : uint8_t {
  off, ///< nothing is counted
  log, ///< counts what it would do, and does not
  on,
};

/// A rate, and how far ahead of it a source may be. Both in ticks.
struct Rate {
  Ticks interval = 0; ///< of one unit; 0: no limit
  Ticks ahead = 0;    ///< that the next full moment of a bucket may lie ahead for one more to be granted

  /// `burst`: units that are granted at once after a pause, at least 1. per_second 0: no limit.
  static Rate of(double per_second, double burst);
};

/// What is configured. Constant while it is used.
struct LimitRules {
  LimitMode mode = LimitMode::on;
  /// Replies a second to one source, by AnswerClass; 0: no limit.
  std::array<double, answer_class_count> per_second{1000, 200, 200, 200, 100, 50};
  double burst_seconds = 5;     ///< of its rate that a source may have at once after a pause
  uint8_t ipv4_prefix = 24;     ///< bits that make a source of DNS queries, 8..32
  uint8_t ipv6_prefix = 56;     ///< 16..64
  uint8_t ntp_ipv4_prefix = 32; ///< and of NTP requests
  uint8_t ntp_ipv6_prefix = 64;
  uint32_t slip = 2;              ///< one of so many limited replies is sent truncated; 0: none, 1: all
  std::vector<geo::Prefix> allow; ///< sources without limits
  uint32_t reply_ratio = 10;      ///< most bytes of a UDP reply for each of its query; 0: no bound. Not where a cookie
                                  ///< proves who asked
  uint32_t ntp_leak = 4;          ///< one of so many limited NTP requests is answered all the same, for who shares an
                                  ///< address with somebody greedy; 0: none
  uint32_t ntp_kod = 0;           ///< one of so many of the others is told by a kiss-o'-death RATE; 0: none
};

/// Who asked, as far as limits tell sources apart. From Limiter::source_of().
struct LimitSource {
  uint64_t line;
  uint64_t identity;
};

/// What becomes of a reply.
enum class LimitVerdict : uint8_t {
  send,
  truncate, ///< of DNS
  kiss,     ///< of NTP: a kiss-o'-death RATE goes out instead
  drop,
};

/// A source that was over its rate.
struct LimitReport {
  geo::Prefix source;
  AnswerClass which = AnswerClass::answer;
};

/// The buckets of one thread. O(1), no allocation after construction.
class Limiter {
 public:
  static constexpr size_t ways = 8;
  /// One cache line of buckets.
  struct alignas(64) Line {
    std::array<uint64_t, ways> buckets;
  };

  /// Uses the largest power of two of `lines`, at least one, which must be zero and outlive it. `secret` keeps
  /// strangers from choosing who shares a line with whom.
  Limiter(const LimitRules& rules, std::span<Line> lines, const std::array<uint64_t, 2>& secret);
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  const LimitRules& rules() const { return rules_; }
  bool is_off() const { return rules_.mode == LimitMode::off; }

  LimitSource source_of(const geo::Address& address) const {
    return source_of(address, rules_.ipv4_prefix, rules_.ipv6_prefix);
  }
  LimitSource ntp_source_of(const geo::Address& address) const {
    return source_of(address, rules_.ntp_ipv4_prefix, rules_.ntp_ipv6_prefix);
  }
  /// Prefix lengths in bits, IPv6 at most 64.
  LimitSource source_of(const geo::Address& address, uint8_t ipv4_prefix, uint8_t ipv6_prefix) const;
  void prefetch(const LimitSource& source) const { __builtin_prefetch(&lines_[source.line], 1); }

  /// Takes one unit from a bucket of the source if `rate` grants it. `bucket` tells those of a source apart: those
  /// below answer_class_count are of replies.
  bool take(const LimitSource& source, uint32_t bucket, const Rate& rate, Ticks now);

  /// Judges a reply to `address`, whose source_of() is `source`, ntp_source_of() for NTP, and counts those that are
  /// over a rate, and which of them are dropped or truncated.
  LimitVerdict judge(const LimitSource& source, const geo::Address& address, AnswerClass which, Ticks now,
                     Counters& counters, Random& random) {
    if (take(source, static_cast<uint32_t>(which), rates_[index(which)], now)) [[likely]]
      return LimitVerdict::send;
    return judge_excess(source, address, which, now, counters, random);
  }

  /// Some source that was over its rate since the last call. Another thread may call it, one at a time.
  std::optional<LimitReport> report();

 private:
  static constexpr size_t index(AnswerClass which) { return static_cast<size_t>(which); }
  LimitVerdict judge_excess(const LimitSource& source, const geo::Address& address, AnswerClass which, Ticks now,
                            Counters& counters, Random& random);
  LimitVerdict judge_dns_excess(Random& random) const;
  LimitVerdict judge_ntp_excess(const LimitSource& source, Ticks now, Random& random);
  void write_report(const geo::Address& address, AnswerClass which);

  LimitRules rules_;
  std::array<Rate, answer_class_count> rates_; ///< none where limits are off
  PrefixSet allowed_;
  std::span<Line> lines_;
  std::array<uint64_t, 2> secret_;
  uint32_t unseen_ = 0;
  std::atomic<bool> reported_ = false; ///< report_ is for report() to read, else for judge() to write
  LimitReport report_;
};

} // namespace anytick::core
