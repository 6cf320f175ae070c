#include "dataplane/io/clock_service.h"

#include <chrono>
#include <ctime>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/io/wall_clock.h"
#include "tests/unit/io_fake_chronyd.h"

namespace anytick::io {
namespace {

using namespace std::chrono_literals;
using test::FakeChronyd;

constexpr int64_t second = 1'000'000'000;

ClockConfig asking(const FakeChronyd& chronyd) {
  ClockConfig config;
  config.source = ClockSource::chrony;
  config.chronyd = chronyd.address();
  return config;
}

int64_t realtime() {
  return read_wall_clock().wall.realtime;
}

/// Another one each time, as a chronyd's is.
ClockReport good_report(uint8_t stratum = 2) {
  return {.synchronised = true,
          .stratum = stratum,
          .refid = 0x01020304,
          .reference_time = realtime() - second,
          .root_dispersion = 0.001};
}

core::NtpClock told_by(const ClockService& service) {
  core::ClockState state;
  while (!service.cell().load(state)) std::this_thread::yield();
  return core::clock_at(state, read_wall_clock().wall);
}

/// Whether it becomes so, however long this machine takes for it.
bool comes_to(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (!condition() && std::chrono::steady_clock::now() < give_up) std::this_thread::sleep_for(5ms);
  return condition();
}

class Serves : public testing::TestWithParam<FakeChronyd::At> {
 protected:
  FakeChronyd chronyd_{GetParam()};
};

TEST_P(Serves, WhatChronydSaysFromTheFirstMomentOn) {
  chronyd_.says(good_report(4));
  ClockService service(asking(chronyd_), 0);
  EXPECT_FALSE(told_by(service).is_synchronised());
  service.start();
  const core::NtpClock clock = told_by(service);
  EXPECT_EQ(clock.stratum, 4);
  EXPECT_EQ(clock.refid, 0x01020304u);
  const ClockStatus status = service.status();
  EXPECT_EQ(status.source, "chrony");
  EXPECT_EQ(status.reason, "");
  EXPECT_EQ(status.state.stratum, 4u);
}

TEST_P(Serves, WhatItSaysNext) {
  chronyd_.says(good_report(4));
  ClockService service(asking(chronyd_), 0);
  service.start();
  chronyd_.says(good_report(9));
  EXPECT_TRUE(comes_to([&] { return told_by(service).stratum == 9; }));
  chronyd_.says({});
  EXPECT_TRUE(comes_to([&] { return !told_by(service).is_synchronised(); }));
  EXPECT_NE(service.status().reason, "");
  chronyd_.says(good_report(5));
  EXPECT_TRUE(comes_to([&] { return told_by(service).stratum == 5; }));
}

TEST_P(Serves, NothingLongAfterTheLastAnswer) {
  chronyd_.says(good_report());
  ClockConfig config = asking(chronyd_);
  config.max_age = 1s;
  ClockService service(config, 0);
  service.start();
  EXPECT_TRUE(told_by(service).is_synchronised());
  chronyd_.goes();
  EXPECT_TRUE(comes_to([&] { return service.status().state.synchronised == 0; }));
  EXPECT_FALSE(told_by(service).is_synchronised());
  EXPECT_NE(service.status().reason, "");
  chronyd_.says(good_report(3));
  chronyd_.comes();
  EXPECT_TRUE(comes_to([&] { return told_by(service).stratum == 3; }));
}

INSTANTIATE_TEST_SUITE_P(, Serves,
                         testing::Values(FakeChronyd::At::unix_socket, FakeChronyd::At::ipv4, FakeChronyd::At::ipv6),
                         [](const auto& each) { return FakeChronyd::name(each.param); });

TEST(ClockService, AsksAgainSoonWhereItDoesNotKnowTheSlope) {
  FakeChronyd chronyd(FakeChronyd::At::unix_socket);
  chronyd.says(good_report());
  ClockService service(asking(chronyd), 0);
  service.start();
  EXPECT_TRUE(comes_to([&] { return chronyd.questions() >= 3; }));
}

TEST(ClockService, DoesNotTakeTheKernelForAChronydThatIsWanted) {
  ClockConfig config;
  config.source = ClockSource::chrony;
  config.chronyd.path = "/nowhere/chronyd.sock";
  ClockService service(config, 0);
  service.start();
  EXPECT_FALSE(told_by(service).is_synchronised());
  EXPECT_NE(service.status().reason.find("/nowhere"), std::string::npos) << service.status().reason;
}

TEST(ClockService, AnEarlyClockIsNotTold) {
  FakeChronyd chronyd(FakeChronyd::At::unix_socket);
  chronyd.says(good_report());
  ClockService service(asking(chronyd), realtime() + 1'000 * second);
  service.start();
  EXPECT_FALSE(told_by(service).is_synchronised());
  EXPECT_NE(service.status().reason, "");
}

TEST(ClockService, InALaboratoryItIsWhatIsConfigured) {
  ClockConfig config;
  config.source = ClockSource::fixed;
  config.fixed = {.leap = 1, .stratum = 6, .refid = 0x04030201, .root_delay = 0.25, .root_dispersion = 0.125};
  config.fixed.correction = -0.0625;
  config.max_age = 1s;
  ClockService service(config, 0);
  service.start();
  const core::WallTime at = read_wall_clock().wall;
  core::ClockState state;
  while (!service.cell().load(state)) std::this_thread::yield();
  const core::NtpClock clock = core::clock_at(state, at);
  EXPECT_EQ(clock.leap, 1);
  EXPECT_EQ(clock.stratum, 6);
  EXPECT_EQ(clock.refid, 0x04030201u);
  EXPECT_EQ(clock.root_delay, core::ntp_short(0.25));
  EXPECT_EQ(clock.now, core::ntp_time(at.realtime - 62'500'000));
  EXPECT_EQ(service.status().source, "fixed");
  // Beyond its age: it goes on saying so.
  const core::NtpTime later = clock.now + core::ntp_duration(2 * second);
  EXPECT_TRUE(comes_to([&] { return told_by(service).now > later; }));
  EXPECT_TRUE(told_by(service).is_synchronised());
}

TEST(ClockService, TheKernelSaysWhetherItIsSynchronised) {
  ClockConfig config;
  config.source = ClockSource::kernel;
  config.kernel_stratum = 11;
  ClockService service(config, 0);
  service.start();
  const bool synchronised = KernelClock{}.ask().synchronised;
  const core::NtpClock clock = told_by(service);
  EXPECT_TRUE(!clock.is_synchronised() || synchronised) << "it was while we asked, or it was not told";
  EXPECT_EQ(service.status().source, "kernel");
  EXPECT_EQ(service.status().state.synchronised != 0, service.status().reason.empty());
}

TEST(ClockService, EndsWhileItWaits) {
  FakeChronyd chronyd(FakeChronyd::At::unix_socket);
  chronyd.is_silent(true);
  for (int i = 0; i < 3; ++i) {
    ClockService service(asking(chronyd), 0);
    service.start();
  }
  EXPECT_GE(chronyd.questions(), 3u);
  EXPECT_EQ(chronyd.files(), 1u) << "no socket is left behind";
}

TEST(Precision, IsOfTheOrderOfAReading) {
  // From a nanosecond to a clock of milliseconds.
  const int precision = measure_precision();
  EXPECT_GE(precision, -30);
  EXPECT_LE(precision, -9);
}

} // namespace
} // namespace anytick::io
