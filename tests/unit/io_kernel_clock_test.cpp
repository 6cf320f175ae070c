#include "dataplane/io/kernel_clock.h"

#include <ctime>
#include <ostream>

#include <gtest/gtest.h>

namespace anytick::io {
namespace {

struct KernelCase {
  const char* name;
  int state;  ///< what ntp_adjtime() returned
  int status; ///< STA_*
  bool synchronised;
  uint8_t leap = 0;
  long maxerror = 16'000; ///< us
};

void PrintTo(const KernelCase& c, std::ostream* out) {
  *out << c.name;
}

class KernelSays : public testing::TestWithParam<KernelCase> {};

TEST_P(KernelSays, IsReported) {
  timex time{};
  time.status = GetParam().status;
  time.maxerror = GetParam().maxerror;
  const KernelClock kernel{7, 0x01020304, 0.25, 0};
  const ClockReport report = kernel.report(time, GetParam().state, 0, 1'800'000'000'123'456'789);
  ASSERT_EQ(report.synchronised, GetParam().synchronised);
  if (!report.synchronised) return;
  EXPECT_EQ(report.leap, GetParam().leap);
  EXPECT_EQ(report.stratum, 7);
  EXPECT_EQ(report.refid, 0x01020304u);
  EXPECT_EQ(report.root_delay, 0.25);
  EXPECT_DOUBLE_EQ(report.root_dispersion, 1e-6 * static_cast<double>(GetParam().maxerror));
  EXPECT_EQ(report.correction, 0);
  EXPECT_EQ(report.reference_time, 1'800'000'000'123'456'789);
  EXPECT_TRUE(report.knows_steps);
}

INSTANTIATE_TEST_SUITE_P(, KernelSays,
                         testing::Values(KernelCase{"ok", TIME_OK, STA_PLL, true},
                                         KernelCase{"no_error", TIME_OK, 0, true, 0, 0},
                                         KernelCase{"second_to_be_inserted", TIME_INS, STA_PLL | STA_INS, true, 1},
                                         KernelCase{"second_to_be_deleted", TIME_DEL, STA_PLL | STA_DEL, true, 2},
                                         KernelCase{"leap_second", TIME_OOP, STA_PLL | STA_INS, false},
                                         KernelCase{"after_the_leap_second", TIME_WAIT, STA_PLL | STA_INS, true},
                                         KernelCase{"error", TIME_ERROR, 0, false},
                                         KernelCase{"unsynchronised", TIME_OK, STA_PLL | STA_UNSYNC, false},
                                         KernelCase{"unsynchronised_error", TIME_ERROR, STA_UNSYNC, false},
                                         KernelCase{"call_failed", -1, 0, false},
                                         KernelCase{"negative_error", TIME_OK, STA_PLL, false, 0, -1}),
                         [](const auto& each) { return each.param.name; });

struct ErrorCase {
  const char* name;
  int status;
  long offset, maxerror, esterror;
  double dispersion;    ///< seconds, on top of the operator's 0.01
  double adjusting = 0; ///< seconds
};

void PrintTo(const ErrorCase& c, std::ostream* out) {
  *out << c.name;
}

class KernelIsOff : public testing::TestWithParam<ErrorCase> {};

TEST_P(KernelIsOff, ByAllThatIsKnown) {
  timex time{};
  time.status = GetParam().status;
  time.offset = GetParam().offset;
  time.maxerror = GetParam().maxerror;
  time.esterror = GetParam().esterror;
  const ClockReport report = KernelClock{3, 0, 0, 0.01}.report(time, TIME_OK, GetParam().adjusting, 1);
  ASSERT_TRUE(report.synchronised);
  EXPECT_DOUBLE_EQ(report.root_dispersion, 0.01 + GetParam().dispersion);
}

constexpr int nano = STA_PLL | STA_NANO;

INSTANTIATE_TEST_SUITE_P(, KernelIsOff,
                         testing::Values(ErrorCase{"nothing_told", nano, 0, 0, 0, 0},
                                         ErrorCase{"nanoseconds", nano, 399'000'000, 0, 0, 0.399},
                                         ErrorCase{"nanoseconds_ahead", nano, -399'000'000, 0, 0, 0.399},
                                         ErrorCase{"microseconds", STA_PLL, 399'000, 0, 0, 0.399},
                                         ErrorCase{"microseconds_ahead", STA_PLL, -399'000, 0, 0, 0.399},
                                         ErrorCase{"maximum_error", nano, 0, 20'000, 0, 0.020},
                                         ErrorCase{"estimated_error", STA_PLL, 0, 0, 3'000, 0.003},
                                         ErrorCase{"no_estimate", nano, 0, 20'000, -1, 0.020},
                                         ErrorCase{"adjusting", STA_PLL, 0, 0, 0, 0.128, 0.128},
                                         ErrorCase{"adjusting_ahead", nano, 0, 0, 0, 0.128, -0.128},
                                         ErrorCase{"all", nano, -5'000'000, 20'000, 3'000, 0.030, 0.002}),
                         [](const auto& each) { return each.param.name; });

TEST(KernelClock, AsksTheRealOne) {
  const ClockReport report = KernelClock{}.ask();
  EXPECT_NEAR(static_cast<double>(report.reference_time) * 1e-9, static_cast<double>(std::time(nullptr)), 60);
  EXPECT_GE(report.root_dispersion, 0);
  EXPECT_LE(report.leap, 2);
}

} // namespace
} // namespace anytick::io
