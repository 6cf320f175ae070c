#include "dataplane/core/limit.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace anytick::core {
namespace {

constexpr std::array<uint64_t, 2> secret{0x0123456789abcdef, 0xfedcba9876543210};
constexpr Ticks start = Ticks{1} << 36;
constexpr Ticks second = ticks_per_second;

geo::Address address(const char* text) {
  return *geo::parse_address(text);
}

/// A limiter, its memory, and who counts.
struct Limits {
  explicit Limits(LimitRules rules, size_t line_count = 1024)
      : lines(line_count), limiter(rules, lines, secret), random(7) {}

  LimitVerdict ask(const geo::Address& from, AnswerClass which, Ticks now) {
    return limiter.judge(limiter.source_of(from), from, which, now, counters, random);
  }
  /// Replies that are sent of so many that are asked for at once.
  unsigned sent(const char* from, AnswerClass which, Ticks now, unsigned asked) {
    unsigned count = 0;
    for (unsigned i = 0; i < asked; ++i) count += ask(address(from), which, now) == LimitVerdict::send;
    return count;
  }

  std::vector<Limiter::Line> lines;
  Limiter limiter;
  Counters counters;
  Random random;
};

LimitRules rules(double per_second, double burst_seconds = 1) {
  LimitRules rules;
  rules.mode = LimitMode::on;
  rules.per_second.fill(per_second);
  rules.burst_seconds = burst_seconds;
  return rules;
}

struct RateCase {
  const char* name;
  double per_second;
  double burst;
};

class Rates : public testing::TestWithParam<RateCase> {};

TEST_P(Rates, ABurstAtOnceThenTheRate) {
  const RateCase& row = GetParam();
  std::vector<Limiter::Line> lines(1);
  Limiter limiter(rules(0), lines, secret);
  const Rate rate = Rate::of(row.per_second, row.burst);
  const LimitSource source = limiter.source_of(address("192.0.2.1"));
  unsigned burst = 0;
  while (limiter.take(source, 0, rate, start)) ++burst;
  EXPECT_EQ(burst, static_cast<unsigned>(row.burst));
  // Asked for far too often, it gives what flows in, and no more.
  const Ticks seconds = 20;
  uint64_t granted = 0;
  for (Ticks now = start; now < start + seconds * second; now += rate.interval / 3 + 1)
    granted += limiter.take(source, 0, rate, now);
  const double expected = row.per_second * static_cast<double>(seconds);
  EXPECT_NEAR(static_cast<double>(granted), expected, expected * 0.005 + 1);
}

INSTANTIATE_TEST_SUITE_P(Limit, Rates,
                         testing::Values(RateCase{"one", 1, 1}, RateCase{"one_in_four_seconds", 0.25, 1},
                                         RateCase{"eight_at_once", 0.125, 8}, RateCase{"hundred", 100, 500},
                                         RateCase{"thousand", 1000, 5000}, RateCase{"many", 20'000, 100'000}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Limit, NoRateIsNoLimit) {
  Limits limits(rules(0));
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, start, 100'000), 100'000u);
}

TEST(Limit, ClassesHaveBucketsOfTheirOwn) {
  Limits limits(rules(10));
  for (const AnswerClass which :
       {AnswerClass::answer, AnswerClass::nodata, AnswerClass::nxdomain, AnswerClass::referral, AnswerClass::error})
    EXPECT_EQ(limits.sent("192.0.2.1", which, start, 100), 10u);
  for (const Counter counter : {Counter::limit_answer, Counter::limit_nodata, Counter::limit_nxdomain,
                                Counter::limit_referral, Counter::limit_error})
    EXPECT_EQ(limits.counters.get(counter), 90u);
}

struct PrefixCase {
  const char* name;
  const char* first;
  const char* second;
  bool same;
};

class Sources : public testing::TestWithParam<PrefixCase> {};

TEST_P(Sources, ArePrefixes) {
  Limits limits(rules(10));
  limits.sent(GetParam().first, AnswerClass::answer, start, 100);
  EXPECT_EQ(limits.sent(GetParam().second, AnswerClass::answer, start, 100), GetParam().same ? 0u : 10u);
}

INSTANTIATE_TEST_SUITE_P(Limit, Sources,
                         testing::Values(PrefixCase{"ipv4_24", "192.0.2.1", "192.0.2.255", true},
                                         PrefixCase{"ipv4_next", "192.0.2.1", "192.0.3.1", false},
                                         PrefixCase{"ipv6_56", "2001:db8:0:ff::1", "2001:db8:0:1::2", true},
                                         PrefixCase{"ipv6_like_ipv4", "192.0.0.1", "0:0:c0::1", false},
                                         PrefixCase{"ipv6_next", "2001:db8:0:ff::1", "2001:db8:0:100::1", false},
                                         PrefixCase{"families", "192.0.2.1", "2001:db8::c000:201", false}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Limit, ConfiguredPrefixLengths) {
  LimitRules wide = rules(10);
  wide.ipv4_prefix = 16;
  wide.ipv6_prefix = 32;
  Limits limits(wide);
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, start, 100), 10u);
  EXPECT_EQ(limits.sent("192.0.99.1", AnswerClass::answer, start, 100), 0u);
  EXPECT_EQ(limits.sent("2001:db8::1", AnswerClass::answer, start, 100), 10u);
  EXPECT_EQ(limits.sent("2001:db8:ffff::1", AnswerClass::answer, start, 100), 0u);
}

TEST(Limit, AFullBucketIsFullHoweverLongAgoItWasUsed) {
  for (const Ticks pause : {second, second * 3600, second * 86'400 * 12, (Ticks{1} << 44) + second * 60}) {
    Limits limits(rules(10));
    EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, start, 100), 10u);
    EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, start + pause + second, 100), 10u) << pause;
  }
}

TEST(Limit, TheClockMayWrap) {
  Limits limits(rules(10));
  const Ticks before = (Ticks{1} << 44) - second / 2;
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, before, 100), 10u);
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, before + second / 4, 100), 2u);
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, before + second * 5 / 4, 100), 10u);
}

TEST(Limit, OffCountsNothingAndLogSendsAll) {
  LimitRules off = rules(10);
  off.mode = LimitMode::off;
  Limits first(off);
  EXPECT_EQ(first.sent("192.0.2.1", AnswerClass::answer, start, 100), 100u);
  EXPECT_EQ(first.counters.get(Counter::limit_answer), 0u);
  EXPECT_FALSE(first.limiter.report());

  LimitRules log = rules(10);
  log.mode = LimitMode::log;
  Limits second_limits(log);
  EXPECT_EQ(second_limits.sent("192.0.2.1", AnswerClass::answer, start, 100), 100u);
  EXPECT_EQ(second_limits.counters.get(Counter::limit_answer), 90u);
  EXPECT_TRUE(second_limits.limiter.report());
}

TEST(Limit, SomeAreTruncatedInsteadOfDropped) {
  for (const uint32_t slip : {0u, 1u, 2u, 10u}) {
    LimitRules slipping = rules(1);
    slipping.slip = slip;
    Limits limits(slipping);
    const unsigned asked = 20'000;
    std::map<LimitVerdict, double> seen;
    for (unsigned i = 0; i < asked; ++i) ++seen[limits.ask(address("192.0.2.1"), AnswerClass::nxdomain, start)];
    const double share = slip == 0 ? 0 : 1.0 / slip;
    EXPECT_EQ(seen[LimitVerdict::send], 1);
    EXPECT_NEAR(seen[LimitVerdict::truncate], asked * share, slip <= 1 ? 1 : 5 * std::sqrt(asked * share));
  }
}

TEST(Limit, AllowedSourcesHaveNone) {
  LimitRules allowing = rules(1);
  allowing.allow = {*geo::parse_prefix("192.0.2.128/25"), *geo::parse_prefix("2001:db8::/32"),
                    *geo::parse_prefix("2001:db8:1::/48")};
  Limits limits(allowing);
  EXPECT_EQ(limits.sent("192.0.2.200", AnswerClass::answer, start, 100), 100u);
  EXPECT_EQ(limits.sent("2001:db8:1::1", AnswerClass::answer, start, 100), 100u);
  EXPECT_EQ(limits.sent("2001:db9::1", AnswerClass::answer, start, 100), 1u);
  EXPECT_EQ(limits.sent("198.51.100.1", AnswerClass::answer, start, 100), 1u);
  EXPECT_EQ(limits.counters.get(Counter::limit_answer), 198u);
}

TEST(Limit, ReportsWhoIsOver) {
  Limits limits(rules(1));
  EXPECT_EQ(limits.sent("192.0.2.1", AnswerClass::answer, start, 1), 1u);
  EXPECT_FALSE(limits.limiter.report());
  limits.sent("2001:db8:0:aa11::5", AnswerClass::nxdomain, start, 2);
  const auto report = limits.limiter.report();
  ASSERT_TRUE(report);
  EXPECT_EQ(geo::to_text(report->source), "2001:db8:0:aa00::/56");
  EXPECT_EQ(report->which, AnswerClass::nxdomain);
  EXPECT_FALSE(limits.limiter.report());
}

TEST(Limit, UsesAPowerOfTwoOfItsMemory) {
  for (const size_t lines : {1u, 2u, 3u, 1000u}) {
    Limits limits(rules(1), lines);
    for (uint32_t i = 0; i < 100'000; ++i) limits.ask(geo::Address::ipv4(i << 8), AnswerClass::answer, start);
    size_t used = 0;
    for (const auto& line : limits.lines) used += line.buckets != Limiter::Line().buckets;
    EXPECT_EQ(used, std::bit_floor(lines));
  }
}

/// In a single line, so that all compete for its eight places.
TEST(Limit, WhoeverAsksForTooMuchIsNotForgottenForWhoAsksOnce) {
  Limits limits(rules(100), 1);
  const Ticks seconds = 10;
  uint64_t hot = 0;
  uint64_t once_limited = 0;
  uint32_t stranger = 0;
  for (Ticks now = start; now < start + seconds * second; now += second / 10'000) {
    hot += limits.ask(address("192.0.2.1"), AnswerClass::answer, now) == LimitVerdict::send;
    for (int i = 0; i < 20; ++i)
      once_limited += limits.ask(geo::Address::ipv4(0x0b000000 + (++stranger << 8)), AnswerClass::answer, now) !=
                      LimitVerdict::send;
  }
  EXPECT_LE(hot, 100 * seconds + 100);
  // Each of 2 million has one chance in 2^20 to be taken for the one that asks for too much.
  EXPECT_LE(once_limited, 15u);
}

TEST(Limit, ManyHotSourcesAreHeldThroughAFlood) {
  Limits limits(rules(50), 4096);
  const Ticks seconds = 4;
  constexpr uint32_t hot_count = 1000;
  std::vector<uint64_t> granted(hot_count);
  uint32_t stranger = 0;
  for (Ticks now = start; now < start + seconds * second; now += second / 500) {
    for (uint32_t i = 0; i < hot_count; ++i)
      granted[i] +=
          limits.ask(geo::Address::ipv4(0x0a000000 + (i << 8)), AnswerClass::error, now) == LimitVerdict::send;
    for (int i = 0; i < 2000; ++i)
      ASSERT_EQ(limits.ask(geo::Address::ipv4(0x14000000 + (++stranger << 8)), AnswerClass::error, now),
                LimitVerdict::send);
  }
  for (const uint64_t each : granted) EXPECT_LE(each, 50 * seconds + 50);
}

} // namespace
} // namespace anytick::core
