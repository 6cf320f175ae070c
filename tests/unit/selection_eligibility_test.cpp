#include "control/selection/eligibility.h"

#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "control/selection/membership.h"

namespace anytick::selection::test {
namespace {

constexpr int64_t now = 1'800'000'000;
constexpr int64_t day = 86400;
const geo::Address address = geo::Address::ipv4(0xc0000201);

registry::Server server_with(uint32_t netspeed = 1000) {
  registry::Server server;
  server.zones = {"de"};
  server.address = address;
  server.account = 7;
  server.state = registry::ServerState::active;
  server.netspeed = netspeed;
  return server;
}

Selection judged_as(Verdict verdict) {
  Selection selection;
  selection.servers.push_back({.address = address, .verdict = verdict, .score = {}});
  return selection;
}

Judged judged(const registry::Server& server, std::optional<double> score, const Selection& previous = {},
              const Policy& policy = {}) {
  Scores scores;
  if (score) scores[address] = *score;
  const std::vector<Judged> all = judge({server}, scores, previous, policy, now);
  return all.at(0);
}

struct VerdictCase {
  const char* description;
  std::optional<double> score;
  bool was_in;
  Verdict verdict;
};

TEST(Eligibility, ScoresAtTheirBoundaries) {
  const double below_leave = std::nextafter(10.0, 0.0), below_enter = std::nextafter(11.0, 0.0);
  const VerdictCase cases[]{
      {"no score", {}, false, Verdict::no_score},
      {"no score, in before", {}, true, Verdict::no_score},
      {"not a number", std::numeric_limits<double>::quiet_NaN(), true, Verdict::no_score},
      {"worst", -100, true, Verdict::low_score},
      {"just below leaving, in before", below_leave, true, Verdict::low_score},
      {"just below leaving", below_leave, false, Verdict::low_score},
      {"leaving, in before", 10, true, Verdict::in},
      {"leaving", 10, false, Verdict::recovering},
      {"just below entering, in before", below_enter, true, Verdict::in},
      {"just below entering", below_enter, false, Verdict::recovering},
      {"entering", 11, false, Verdict::in},
      {"best", 20, false, Verdict::in},
  };
  for (const VerdictCase& each : cases) {
    SCOPED_TRACE(each.description);
    const Judged result =
        judged(server_with(), each.score, each.was_in ? judged_as(Verdict::in) : judged_as(Verdict::low_score));
    EXPECT_EQ(result.verdict, each.verdict);
    EXPECT_EQ(result.account, 7);
    EXPECT_EQ(result.ramp > 0, each.verdict == Verdict::in);
  }
}

TEST(Eligibility, WhoWasNotThereWasOut) {
  EXPECT_EQ(judged(server_with(), 10.5).verdict, Verdict::recovering);
  for (const Verdict before : {Verdict::unverified, Verdict::monitoring, Verdict::leaving, Verdict::no_score,
                               Verdict::low_score, Verdict::recovering})
    EXPECT_EQ(judged(server_with(), 10.5, judged_as(before)).verdict, Verdict::recovering);
}

TEST(Eligibility, FirstReasonThatHolds) {
  registry::Server server = server_with(0);
  server.state = registry::ServerState::unverified;
  server.deletion = now;
  EXPECT_EQ(judged(server, {}).verdict, Verdict::unverified);
  server.state = registry::ServerState::active;
  EXPECT_EQ(judged(server, {}).verdict, Verdict::monitoring);
  server.netspeed = 512;
  EXPECT_EQ(judged(server, {}).verdict, Verdict::leaving);
  server.deletion.reset();
  EXPECT_EQ(judged(server, {}).verdict, Verdict::no_score);
  server.state = registry::ServerState::removed;
  EXPECT_EQ(judged(server, 20).verdict, Verdict::unverified);
}

TEST(Eligibility, DeletionAtItsBoundary) {
  registry::Server server = server_with();
  for (const auto& [ahead, verdict] : {std::pair{14 * day + 1, Verdict::in},
                                       {14 * day, Verdict::leaving},
                                       {int64_t{0}, Verdict::leaving},
                                       {-100 * day, Verdict::leaving}}) {
    server.deletion = now + ahead;
    EXPECT_EQ(judged(server, 20).verdict, verdict) << ahead;
  }
  Policy policy;
  policy.deletion_days = 0;
  server.deletion = now + 1;
  EXPECT_EQ(judged(server, 20, {}, policy).verdict, Verdict::in);
  server.deletion = now;
  EXPECT_EQ(judged(server, 20, {}, policy).verdict, Verdict::leaving);
}

TEST(Eligibility, HysteresisOverASequence) {
  // 'i' in, '-' out.
  const std::vector<double> scores{9, 10.2, 10.9, 11, 10.9, 10.2, 10, 9.99, 10, 10.5, 10.99, 11.01, 10};
  const std::string expected = "---iiii----ii";
  Selection previous;
  std::string got;
  for (const double score : scores) {
    previous.servers = {judged(server_with(), score, previous)};
    got += previous.servers[0].verdict == Verdict::in ? 'i' : '-';
  }
  EXPECT_EQ(got, expected);
}

TEST(Eligibility, RampByScore) {
  const std::pair<double, double> cases[]{
      {10, 0.1},    {std::nextafter(10.5, 0.0), 0.1},
      {10.5, 0.19}, {11, 0.28},
      {12.5, 0.55}, {14.49, 0.82},
      {14.5, 0.91}, {14.99, 0.91},
      {15, 1},      {20, 1},
      {9, 0.1},
  };
  for (const auto& [score, share] : cases) EXPECT_NEAR(ramp(score, {}), share, 1e-12) << score;
}

TEST(Eligibility, RampOfOtherPolicies) {
  Policy one_step;
  one_step.ramp_steps = 1;
  EXPECT_DOUBLE_EQ(ramp(14.9, one_step), 0.1);
  EXPECT_DOUBLE_EQ(ramp(15, one_step), 1);
  Policy flat;
  flat.ramp_score = flat.leave_score;
  EXPECT_DOUBLE_EQ(ramp(10, flat), 1);
  Policy from_nothing;
  from_nothing.ramp_floor = 0;
  EXPECT_DOUBLE_EQ(ramp(10, from_nothing), 0);
  EXPECT_EQ(ramped(3'000'000, 0), 1u);
}

TEST(Eligibility, RampNeverFallsWithTheScore) {
  double last = 0;
  std::set<double> values;
  for (double score = 9; score < 16; score += 0.001) {
    const double share = ramp(score, {});
    EXPECT_GE(share, last);
    values.insert(last = share);
  }
  EXPECT_EQ(values.size(), 11u);
}

TEST(Eligibility, WeightIsNetspeedByRamp) {
  EXPECT_EQ(ramped(0, 1), 0u);
  EXPECT_EQ(ramped(512, 0.1), 51u);
  EXPECT_EQ(ramped(1, 0.1), 1u);
  EXPECT_EQ(ramped(3'000'000, 1), 3'000'000u);
  EXPECT_EQ(ramped(3'000'000, 0.55), 1'650'000u);
}

} // namespace
} // namespace anytick::selection::test
