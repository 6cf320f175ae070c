// What rows of one frame cannot say: the clock's state, the era, bursts.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/packets/ntp_server.h"

namespace anytick::test {
namespace {

using core::ClockState;
using core::Counter;
using core::NtpTime;
using core::WallTime;

// --- The clock's state

struct StateCase {
  const char* name;
  std::function<void(ClockState&, WallTime&)> change;
  const char* state;
};

void PrintTo(const StateCase& row, std::ostream* out) {
  *out << row.name;
}

class States : public testing::TestWithParam<StateCase> {};

TEST_P(States, AreTold) {
  NtpServer server;
  GetParam().change(server.worker.clock_state, server.worker.wall);
  EXPECT_EQ(server.state(), GetParam().state);
  const bool unsynchronised = std::string(GetParam().state).find("LI 3") != std::string::npos;
  EXPECT_EQ(server.count(Counter::ntp_unsynchronised), unsynchronised ? 1u : 0u);
  const Bytes reply = server.ask(NtpMessage{}).value();
  EXPECT_EQ(static_cast<uint32_t>(get64(reply, 12) >> 32), unsynchronised ? 0x494e4954u : 0xc000027bu) << "INIT";
  EXPECT_EQ(get64(reply, 16) == 0, unsynchronised) << "reference time";
}

using S = ClockState&;
using W = WallTime&;
constexpr const char* good = "v4 mode 4 LI 0 stratum 2 poll 6";
constexpr const char* bad = "v4 mode 4 LI 3 stratum 0 poll 6";

INSTANTIATE_TEST_SUITE_P(
    Ntp, States,
    testing::Values(StateCase{"synchronised", [](S, W) {}, good},
                    StateCase{"second_more", [](S s, W) { s.leap = 1; }, "v4 mode 4 LI 1 stratum 2 poll 6"},
                    StateCase{"second_less", [](S s, W) { s.leap = 2; }, "v4 mode 4 LI 2 stratum 2 poll 6"},
                    StateCase{"stratum_15", [](S s, W) { s.stratum = 15; }, "v4 mode 4 LI 0 stratum 15 poll 6"},
                    StateCase{"nothing_known", [](S s, W) { s = {}; }, bad},
                    StateCase{"not_synchronised", [](S s, W) { s.synchronised = 0; }, bad},
                    StateCase{"just_good", [](S s, W w) { s.expires = w.monotonic + 1; }, good},
                    StateCase{"expired", [](S s, W w) { s.expires = w.monotonic; }, bad},
                    StateCase{"stepped_forwards", [](S, W w) { w.realtime += second; }, bad},
                    StateCase{"stepped_backwards", [](S, W w) { w.realtime -= second; }, bad},
                    StateCase{"stepped_less_than_a_reading_takes", [](S, W w) { w.realtime += 99'000; }, good},
                    StateCase{"stepped_a_little", [](S, W w) { w.realtime += 101'000; }, bad},
                    StateCase{"suspended", [](S, W w) { w.realtime += 3600 * second; }, bad},
                    StateCase{"slewed", [](S, W w) { w.realtime += 9 * second, w.monotonic += 9 * second; }, good},
                    StateCase{"never_set", [](S s, W w) { s.not_before = w.realtime + 1; }, bad},
                    StateCase{"just_set", [](S s, W w) { s.not_before = w.realtime; }, good},
                    StateCase{"distance_of_1", [](S s, W) { s.root_dispersion = 0.995 - 5e-6; }, good},
                    StateCase{"distance_beyond", [](S s, W) { s.root_dispersion = 0.9951; }, bad},
                    StateCase{"wandered_off",
                              [](S s, W) {
                                s.wander = 0.1;
                                s.measured -= 10 * second;
                              },
                              bad},
                    StateCase{"no_number", [](S s, W) { s.root_dispersion = std::nan(""); }, bad}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Ntp, DispersionGrows) {
  NtpServer server;
  server.worker.clock_state.wander = 1e-3;
  server.worker.clock_state.measured -= 10 * second;
  const NtpMessage message;
  EXPECT_NE(render_ntp(message.bytes(), server.ask(message).value()).find("dispersion 15 ms"), std::string::npos);
}

TEST(Ntp, DelayAndDispersionAreRoundedUp) {
  NtpServer server;
  server.worker.clock_state.root_delay = 1e-9;
  server.worker.clock_state.root_dispersion = 1.00001 / 65536;
  EXPECT_EQ(get64(server.ask(NtpMessage{}).value(), 4), 0x00000001'00000002u);
}

// --- Time

TEST(Ntp, TimesAreTheClocks) {
  NtpServer server;
  ClockState& state = server.worker.clock_state;
  state.correction = 250'000'000;
  const Bytes reply = server.ask(NtpMessage{}).value();
  const NtpTime now = core::ntp_time(wall_of_cases().realtime + state.correction);
  // One frame in a window of 10 us came in its middle, and left 5 us and a step of 100 later.
  EXPECT_NEAR(static_cast<double>(now - receive_of(reply)), static_cast<double>(core::ntp_duration(5'000)), 64);
  EXPECT_EQ(transmit_of(reply) - now, core::ntp_duration(5'000) + 100);
  EXPECT_EQ(get64(reply, 16), state.reference_time);
}

TEST(Ntp, CorrectionHasASlope) {
  NtpServer server;
  server.worker.clock_state.slope = -0.083333;
  server.worker.wall.realtime += second, server.worker.wall.monotonic += second;
  const Bytes reply = server.ask(NtpMessage{}).value();
  const NtpTime now = core::ntp_time(server.worker.wall.realtime - 83'333'000);
  EXPECT_EQ(transmit_of(reply) - now, server.leaves_after + 100);
}

TEST(Ntp, AStampOfTheDeviceIsBelieved) {
  NtpServer server;
  Bytes bytes = request_frame({});
  core::Frame frame = tight_frame(bytes);
  frame.waited = core::ntp_duration(700'000);
  core::handle(World::of_cases().view(), ingress_of_cases(), server.worker, std::span(&frame, 1));
  const NtpTime received = get64({frame.data + ntp_payload_at, frame.data + frame.length}, 32);
  EXPECT_NEAR(static_cast<double>(server.worker.clock.now - received), static_cast<double>(core::ntp_duration(700'000)),
              64);
}

TEST(Ntp, WhatATimeOfReceiptMayBeWrongByIsDispersion) {
  NtpServer server;
  server.worker.waited = core::ntp_duration(40'000'000);
  EXPECT_EQ(get64(server.ask(NtpMessage{}).value(), 4) & UINT32_MAX, core::ntp_short(0.025));
  Bytes stamped = request_frame({}), guessed = request_frame({});
  std::array frames{tight_frame(stamped), tight_frame(guessed)};
  const auto dispersion = [&](std::span<core::Frame> burst) {
    core::handle(World::of_cases().view(), ingress_of_cases(), server.worker, burst);
    return static_cast<uint32_t>(get64({burst[0].data + ntp_payload_at, burst[0].data + burst[0].length}, 4));
  };
  frames[0].waited = core::ntp_duration(700'000);
  EXPECT_EQ(dispersion(frames), core::ntp_short(0.025));
  stamped = request_frame({});
  frames[0] = tight_frame(stamped);
  frames[0].waited = core::ntp_duration(700'000);
  EXPECT_EQ(dispersion(std::span(frames.data(), 1)), core::ntp_short(0.005));
  server.worker.waited = core::ntp_duration(2 * second);
  EXPECT_EQ(server.state(), bad) << "a client would find a second that is none";
}

TEST(Ntp, ADelayBeforeTheQueueIsKnownAndNoError) {
  NtpServer server;
  server.worker.delay = core::ntp_duration(40'000'000);
  const Bytes reply = server.ask(NtpMessage{}).value();
  EXPECT_NEAR(static_cast<double>(server.worker.clock.now - receive_of(reply)),
              static_cast<double>(core::ntp_duration(40'005'000)), 64);
  EXPECT_EQ(get64(reply, 4) & UINT32_MAX, core::ntp_short(0.005 + 5e-6));
}

// A clock that was corrected backwards, or a device that says nonsense.
TEST(Ntp, TransmitIsAlwaysAfterReceive) {
  for (const NtpTime after : {NtpTime{0}, static_cast<NtpTime>(-core::ntp_duration(5'000)),
                              static_cast<NtpTime>(-core::ntp_duration(1'000'000'000))}) {
    NtpServer server;
    server.leaves_after = after;
    const Bytes reply = server.ask(NtpMessage{}).value();
    EXPECT_GT(static_cast<int64_t>(transmit_of(reply) - receive_of(reply)), 0) << after;
  }
}

TEST(Ntp, ReferenceIsNeverAfterTransmit) {
  NtpServer server;
  server.worker.clock_state.reference_time += core::ntp_duration(500 * second);
  const NtpMessage message;
  EXPECT_NO_THROW(render_ntp(message.bytes(), server.ask(message).value()));
}

// 2036-02-07 06:28:16 UTC: the first moment of era 1 is zero, which is no time.
TEST(Ntp, TheEraChanges) {
  constexpr int64_t change = 2'085'978'496;
  for (const int64_t off : {-second, int64_t{-2'500}, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{2'500}, second}) {
    NtpServer server;
    server.worker.wall.realtime = change * second + off;
    ClockState& state = server.worker.clock_state;
    state.epoch = server.worker.wall.epoch();
    state.reference_time = core::ntp_time(server.worker.wall.realtime - 100 * second);
    const NtpMessage message;
    const Bytes reply = server.ask(message).value();
    EXPECT_EQ(render_ntp(message.bytes(), reply).substr(0, std::string(good).size()), good) << off;
    EXPECT_GT(get64(reply, 16), uint64_t{0xffffff00} << 32) << "reference in era 0";
    const auto since = static_cast<int64_t>(transmit_of(reply)); // modulo 2^64, since the era began
    EXPECT_NEAR(static_cast<double>(since) / 4294967296.0 * 1e9, static_cast<double>(off) + 5'023, 10) << off;
  }
}

// --- Bursts

TEST(Ntp, ABurstCameEvenlyAndLeavesInOrder) {
  constexpr size_t count = core::burst_max;
  NtpServer server;
  const auto replies = server.ask_all(std::vector(count, request_frame({})));
  ASSERT_EQ(replies.size(), count);
  for (size_t i = 1; i < count; ++i) {
    EXPECT_GT(receive_of(replies[i]), receive_of(replies[i - 1]));
    EXPECT_EQ(transmit_of(replies[i]) - transmit_of(replies[i - 1]), 100u);
  }
  const double window = static_cast<double>(core::ntp_duration(10'000)), step = window / (count + 1);
  EXPECT_NEAR(static_cast<double>(server.worker.clock.now - receive_of(replies[0])), window - step, 100);
  EXPECT_NEAR(static_cast<double>(server.worker.clock.now - receive_of(replies[count - 1])), step, 100);
}

TEST(Ntp, NoTwoOfABurstAreAlike) {
  NtpServer server;
  server.worker.waited = 0;
  const auto replies = server.ask_all(std::vector(core::burst_max, request_frame({})));
  std::set<NtpTime> received;
  for (const Bytes& reply : replies) received.insert(receive_of(reply));
  EXPECT_EQ(received.size(), core::burst_max);
}

TEST(Ntp, AmongDns) {
  NtpServer server;
  const Bytes query = Packet{}.bytes(), request = request_frame({}), punt = Packet{.to_port = 5353}.bytes();
  const auto replies = server.ask_all({query, request, punt, query, request, Packet{.from_port = 0}.bytes(), request});
  EXPECT_EQ(replies.size(), 5u);
  EXPECT_EQ(server.worker.departing, 3u);
  EXPECT_EQ(server.count(Counter::dns_answered), 2u);
  EXPECT_EQ(server.count(Counter::ntp_answered), 3u);
  server.ask_all({query});
  EXPECT_EQ(server.worker.departing, 0u);
}

// Left to the kernel where another server has that port.
TEST(Ntp, WhereItIsNotAnswered) {
  core::Ingress ingress = ingress_of_cases();
  ingress.ntp = false;
  Bytes bytes = request_frame({});
  core::Frame frame{
      .data = bytes.data(), .length = static_cast<uint32_t>(bytes.size()), .room = static_cast<uint32_t>(bytes.size())};
  NtpServer server;
  core::handle(World::of_cases().view(), ingress, server.worker, std::span(&frame, 1));
  EXPECT_EQ(frame.verdict, core::Verdict::punt);
}

// A device that sums finds the pseudo-header's sum, whatever was written last.
TEST(Ntp, TheDeviceSums) {
  core::Ingress ingress = ingress_of_cases();
  ingress.tx_udp_checksum = true;
  NtpServer server;
  Bytes bytes = request_frame({});
  core::Frame frame{
      .data = bytes.data(), .length = static_cast<uint32_t>(bytes.size()), .room = static_cast<uint32_t>(bytes.size())};
  core::handle(World::of_cases().view(), ingress, server.worker, std::span(&frame, 1));
  const Bytes before(bytes.begin() + 40, bytes.begin() + 42);
  core::depart(server.worker, ingress, server.worker.clock.now + 1'000'000, 0);
  EXPECT_EQ(Bytes(bytes.begin() + 40, bytes.begin() + 42), before);
  EXPECT_NE(get64(bytes, ntp_payload_at + 40), 0u);
}

} // namespace
} // namespace anytick::test
