// What rows of one frame cannot say: the clock's state, the era, bursts, limits, interleaved mode.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/core/interleave.h"
#include "dataplane/core/path.h"
#include "tests/packets/cases.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

namespace anytick::test {
namespace {

using core::ClockState;
using core::Counter;
using core::NtpTime;
using core::WallTime;

constexpr uint64_t seed = 1;
constexpr int64_t second = 1'000'000'000;
constexpr size_t payload_at = 14 + 20 + 8;

Bytes request_frame(const NtpMessage& message, const char* from = "192.0.2.1") {
  return Packet{.payload = message.bytes(), .from = from, .to_port = 123}.bytes();
}

/// A worker that is asked frame by frame, or in bursts.
struct Server {
  Server() : worker(seed) { set_up_ntp(worker); }

  /// The payloads of the replies, of those that there are.
  std::vector<Bytes> ask_all(std::vector<Bytes> frames, const core::Ingress& ingress = ingress_of_cases()) {
    std::vector<core::Frame> burst;
    for (Bytes& frame : frames)
      burst.push_back({.data = frame.data(),
                       .length = static_cast<uint32_t>(frame.size()),
                       .room = static_cast<uint32_t>(frame.size())});
    core::handle(World::of_cases().view(), ingress, worker, burst);
    core::depart(worker, ingress, worker.clock.now + leaves_after, 100);
    std::vector<Bytes> replies;
    for (const core::Frame& frame : burst)
      if (frame.verdict == core::Verdict::reply)
        replies.emplace_back(frame.data + payload_at, frame.data + frame.length);
    return replies;
  }
  std::optional<Bytes> ask(const NtpMessage& message, const char* from = "192.0.2.1") {
    const auto replies = ask_all({request_frame(message, from)});
    return replies.empty() ? std::nullopt : std::optional(replies.front());
  }
  /// As render_ntp() shows it, up to the first "|".
  std::string state() {
    const NtpMessage message;
    const std::string text = render_ntp(message.bytes(), ask(message).value());
    return text.substr(0, text.find(" | "));
  }
  uint64_t count(Counter counter) const { return worker.counters.get(counter); }

  core::WorkerState worker;
  NtpTime leaves_after = core::ntp_duration(5'000);
};

NtpTime receive_of(const Bytes& reply) {
  return get64(reply, 32);
}
NtpTime transmit_of(const Bytes& reply) {
  return get64(reply, 40);
}

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
  Server server;
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
                    StateCase{"distance_of_1", [](S s, W) { s.root_dispersion = 0.995; }, good},
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
  Server server;
  server.worker.clock_state.wander = 1e-3;
  server.worker.clock_state.measured -= 10 * second;
  const NtpMessage message;
  EXPECT_NE(render_ntp(message.bytes(), server.ask(message).value()).find("dispersion 15 ms"), std::string::npos);
}

TEST(Ntp, DelayAndDispersionAreRoundedUp) {
  Server server;
  server.worker.clock_state.root_delay = 1e-9;
  server.worker.clock_state.root_dispersion = 1.00001 / 65536;
  EXPECT_EQ(get64(server.ask(NtpMessage{}).value(), 4), 0x00000001'00000002u);
}

// --- Time

TEST(Ntp, TimesAreTheClocks) {
  Server server;
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
  Server server;
  server.worker.clock_state.slope = -0.083333;
  server.worker.wall.realtime += second, server.worker.wall.monotonic += second;
  const Bytes reply = server.ask(NtpMessage{}).value();
  const NtpTime now = core::ntp_time(server.worker.wall.realtime - 83'333'000);
  EXPECT_EQ(transmit_of(reply) - now, server.leaves_after + 100);
}

TEST(Ntp, AStampOfTheDeviceIsBelieved) {
  Server server;
  Bytes bytes = request_frame({});
  core::Frame frame{.data = bytes.data(),
                    .length = static_cast<uint32_t>(bytes.size()),
                    .room = static_cast<uint32_t>(bytes.size()),
                    .waited = core::ntp_duration(700'000)};
  core::handle(World::of_cases().view(), ingress_of_cases(), server.worker, std::span(&frame, 1));
  const NtpTime received = get64({frame.data + payload_at, frame.data + frame.length}, 32);
  EXPECT_NEAR(static_cast<double>(server.worker.clock.now - received), static_cast<double>(core::ntp_duration(700'000)),
              64);
}

// A clock that was corrected backwards, or a device that says nonsense.
TEST(Ntp, TransmitIsAlwaysAfterReceive) {
  for (const NtpTime after : {NtpTime{0}, static_cast<NtpTime>(-core::ntp_duration(5'000)),
                              static_cast<NtpTime>(-core::ntp_duration(1'000'000'000))}) {
    Server server;
    server.leaves_after = after;
    const Bytes reply = server.ask(NtpMessage{}).value();
    EXPECT_GT(static_cast<int64_t>(transmit_of(reply) - receive_of(reply)), 0) << after;
  }
}

TEST(Ntp, ReferenceIsNeverAfterTransmit) {
  Server server;
  server.worker.clock_state.reference_time += core::ntp_duration(500 * second);
  const NtpMessage message;
  EXPECT_NO_THROW(render_ntp(message.bytes(), server.ask(message).value()));
}

// 2036-02-07 06:28:16 UTC: the first moment of era 1 is zero, which is no time.
TEST(Ntp, TheEraChanges) {
  constexpr int64_t change = 2'085'978'496;
  for (const int64_t off : {-second, int64_t{-2'500}, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{2'500}, second}) {
    Server server;
    server.worker.wall.realtime = change * second + off;
    ClockState& state = server.worker.clock_state;
    state.epoch = server.worker.wall.realtime - server.worker.wall.monotonic;
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
  Server server;
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
  Server server;
  server.worker.waited = 0;
  const auto replies = server.ask_all(std::vector(core::burst_max, request_frame({})));
  std::set<NtpTime> received;
  for (const Bytes& reply : replies) received.insert(receive_of(reply));
  EXPECT_EQ(received.size(), core::burst_max);
}

TEST(Ntp, AmongDns) {
  Server server;
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
  Server server;
  core::handle(World::of_cases().view(), ingress, server.worker, std::span(&frame, 1));
  EXPECT_EQ(frame.verdict, core::Verdict::punt);
}

// A device that sums finds the pseudo-header's sum, whatever was written last.
TEST(Ntp, TheDeviceSums) {
  core::Ingress ingress = ingress_of_cases();
  ingress.tx_udp_checksum = true;
  Server server;
  Bytes bytes = request_frame({});
  core::Frame frame{
      .data = bytes.data(), .length = static_cast<uint32_t>(bytes.size()), .room = static_cast<uint32_t>(bytes.size())};
  core::handle(World::of_cases().view(), ingress, server.worker, std::span(&frame, 1));
  const Bytes before(bytes.begin() + 40, bytes.begin() + 42);
  core::depart(server.worker, ingress, server.worker.clock.now + 1'000'000, 0);
  EXPECT_EQ(Bytes(bytes.begin() + 40, bytes.begin() + 42), before);
  EXPECT_NE(get64(bytes, payload_at + 40), 0u);
}

// --- Limits

core::LimitRules rules_of(double per_second, uint32_t leak, uint32_t kod) {
  core::LimitRules rules;
  rules.per_second.fill(1000);
  rules.per_second[static_cast<size_t>(core::AnswerClass::ntp)] = per_second;
  rules.burst_seconds = 1;
  rules.ntp_leak = leak;
  rules.ntp_kod = kod;
  return rules;
}

struct LimitedServer : Server {
  explicit LimitedServer(const core::LimitRules& rules) : lines(64), limiter(rules, lines, {1, 2}) {
    worker.limiter = &limiter;
    worker.ticks = 100 * core::ticks_per_second;
  }
  unsigned answered(const char* from, unsigned asked) {
    unsigned replies = 0;
    for (unsigned i = 0; i < asked; ++i) replies += ask(NtpMessage{}, from).has_value() ? 1 : 0;
    return replies;
  }

  std::vector<core::Limiter::Line> lines;
  core::Limiter limiter;
};

TEST(NtpLimit, OfAnAddress) {
  LimitedServer server(rules_of(10, 0, 0));
  EXPECT_EQ(server.answered("192.0.2.1", 100), 10u);
  EXPECT_EQ(server.count(Counter::limit_ntp), 90u);
  EXPECT_EQ(server.count(Counter::drop_limit), 90u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 0u);
  EXPECT_EQ(server.answered("192.0.2.2", 100), 10u) << "the same /24";
  server.worker.ticks += core::ticks_per_second * 55 / 100;
  EXPECT_EQ(server.answered("192.0.2.1", 100), 5u);
  EXPECT_EQ(server.ask_all({Packet{}.bytes()}).size(), 1u) << "DNS has rates of its own";
  const auto report = server.limiter.report();
  ASSERT_TRUE(report);
  EXPECT_EQ(geo::to_text(report->source), "192.0.2.1/32");
}

TEST(NtpLimit, OfAnIpv6Network) {
  const auto ask_from = [](LimitedServer& server, const char* from) {
    unsigned replies = 0;
    for (unsigned i = 0; i < 50; ++i)
      replies +=
          !server
               .ask_all({Packet{.payload = NtpMessage{}.bytes(), .from = from, .to = "2001:db8:53::53", .to_port = 123}
                             .bytes()})
               .empty();
    return replies;
  };
  LimitedServer server(rules_of(10, 0, 0));
  EXPECT_EQ(ask_from(server, "2001:db8:1::7"), 10u);
  EXPECT_EQ(ask_from(server, "2001:db8:1::8"), 0u) << "the same /64";
  EXPECT_EQ(ask_from(server, "2001:db8:1:1::7"), 10u);
}

TEST(NtpLimit, LeaksOneInFour) {
  LimitedServer server(rules_of(10, 4, 0));
  EXPECT_NEAR(server.answered("192.0.2.1", 4010), 10 + 1000, 120);
}

TEST(NtpLimit, KissesAreFewAndSaySo) {
  LimitedServer server(rules_of(10, 0, 1));
  EXPECT_EQ(server.answered("192.0.2.1", 1000), 11u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 1u);
  server.worker.ticks += 8 * core::ticks_per_second;
  server.answered("192.0.2.1", 10);
  const NtpMessage message{.transmit = 0x0123456789abcdef};
  const Bytes kiss = server.ask(message, "192.0.2.1").value();
  EXPECT_EQ(render_ntp(message.bytes(), kiss),
            "v4 mode 4 LI 3 stratum 0 poll 6 | delay 10 ms, dispersion 5 ms, 52415445 | origin 0123456789abcdef | -");
  EXPECT_FALSE(server.ask(message, "192.0.2.1"));
}

TEST(NtpLimit, AKeyIsNotLimited) {
  LimitedServer server(rules_of(1, 0, 0));
  const Bytes frame = Packet{.payload = with_mac(3, NtpMessage{}.bytes()), .to_port = 123}.bytes();
  EXPECT_EQ(server.ask_all(std::vector(50, frame)).size(), 50u);
}

TEST(NtpLimit, LogOnly) {
  core::LimitRules rules = rules_of(10, 0, 1);
  rules.mode = core::LimitMode::log;
  LimitedServer server(rules);
  EXPECT_EQ(server.answered("192.0.2.1", 100), 100u);
  EXPECT_EQ(server.count(Counter::limit_ntp), 90u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 0u);
}

// Of all rows, with all that may be behind a header: never more bytes than were asked with (render_ntp() looks), and no
// reply to a reply of ours.
TEST(NtpLoop, RepliesAreNotAnswered) {
  Server server;
  size_t replies = 0;
  for (const PacketCase& row : ntp_cases()) {
    if (row.reply.empty()) continue;
    const Bytes request = row.frame;
    for (const Bytes& reply : server.ask_all({request})) {
      ++replies;
      for (const unsigned port : {123u, 40000u})
        EXPECT_TRUE(server.ask_all({Packet{.payload = reply, .from_port = port, .to_port = 123}.bytes()}).empty())
            << row.description;
    }
  }
  EXPECT_GT(replies, 20u);
}

// --- Interleaved mode (RFC 9769)

struct InterleavingServer : Server {
  InterleavingServer() : entries(1024), table(entries) { worker.interleave = &table; }

  /// A reply, and when it really left.
  Bytes exchange(const NtpMessage& message, NtpTime really) {
    const Bytes reply = ask(message).value();
    core::remember_departures(worker, really, 0);
    worker.wall.realtime += second, worker.wall.monotonic += second;
    return reply;
  }

  std::vector<core::InterleaveTable::Entry> entries;
  core::InterleaveTable table;
};

TEST(Interleaved, TellsWhenTheLastOneLeft) {
  InterleavingServer server;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  EXPECT_EQ(server.count(Counter::ntp_interleaved), 0u);
  // The client gives back the server's receive time, and its own.
  const NtpMessage again{.origin = receive_of(first), .receive = 200, .transmit = 300};
  const Bytes second_reply = server.exchange(again, 8888);
  EXPECT_EQ(get64(second_reply, 24), 200u) << "origin";
  EXPECT_EQ(transmit_of(second_reply), 7777u);
  EXPECT_EQ(server.count(Counter::ntp_interleaved), 1u);
  const Bytes third = server.exchange({.origin = receive_of(second_reply), .receive = 400, .transmit = 500}, 9999);
  EXPECT_EQ(transmit_of(third), 8888u);
}

struct BasicCase {
  const char* name;
  std::function<NtpMessage(NtpTime received)> again;
};

void PrintTo(const BasicCase& row, std::ostream* out) {
  *out << row.name;
}

class BasicInstead : public testing::TestWithParam<BasicCase> {};

TEST_P(BasicInstead, IsAnswered) {
  InterleavingServer server;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  const NtpMessage again = GetParam().again(receive_of(first));
  const Bytes reply = server.ask(again).value();
  EXPECT_EQ(get64(reply, 24), again.transmit) << "origin";
  EXPECT_NE(transmit_of(reply), 7777u);
  EXPECT_EQ(server.count(Counter::ntp_interleaved), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Ntp, BasicInstead,
    testing::Values(
        BasicCase{"a_basic_request", [](NtpTime) { return NtpMessage{.transmit = 300}; }},
        BasicCase{"origin_of_nobody",
                  [](NtpTime received) { return NtpMessage{.origin = received + 1, .receive = 2, .transmit = 3}; }},
        BasicCase{"receive_is_transmit",
                  [](NtpTime received) { return NtpMessage{.origin = received, .receive = 3, .transmit = 3}; }},
        BasicCase{
            "version_3",
            [](NtpTime received) { return NtpMessage{.version = 3, .origin = received, .receive = 2, .transmit = 3}; }},
        BasicCase{
            "symmetric",
            [](NtpTime received) { return NtpMessage{.mode = 1, .origin = received, .receive = 2, .transmit = 3}; }}),
    [](const auto& row) { return std::string(row.param.name); });

// Newer replies take the place of older ones: then it is basic mode, never a wrong time.
TEST(Interleaved, IsForgotten) {
  InterleavingServer server;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  for (int i = 0; i < 20'000; ++i) server.exchange({.transmit = 100}, 5555);
  const Bytes reply = server.ask({.origin = receive_of(first), .receive = 200, .transmit = 300}).value();
  EXPECT_EQ(get64(reply, 24), 300u);
}

/// The reply to an interleaved request after what happened since the first exchange.
Bytes second_reply_after(const std::function<void(InterleavingServer&)>& what) {
  InterleavingServer server;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  what(server);
  return server.ask({.origin = receive_of(first), .receive = 200, .transmit = 300}).value();
}

// What was told before by a clock that was wrong is not told again by one that is right.
TEST(Interleaved, NotOverAStep) {
  const auto step = [](InterleavingServer& server) {
    server.worker.clock_state.epoch += second;
    server.worker.wall.realtime += second;
  };
  EXPECT_EQ(transmit_of(second_reply_after([](InterleavingServer&) {})), 7777u);
  const Bytes reply = second_reply_after(step);
  EXPECT_EQ(get64(reply, 24), 300u) << "origin";
  EXPECT_EQ(reply[1], 2) << "stratum";
}

TEST(Interleaved, NotOfAClockThatIsNotSynchronised) {
  InterleavingServer server;
  server.worker.clock_state.synchronised = 0;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  EXPECT_EQ(first[1], 0) << "stratum";
  server.worker.clock_state.synchronised = 1;
  const Bytes reply = server.ask({.origin = receive_of(first), .receive = 200, .transmit = 300}).value();
  EXPECT_EQ(get64(reply, 24), 300u) << "origin";
  EXPECT_EQ(reply[1], 2) << "stratum";
}

TEST(Interleaved, WithAKey) {
  InterleavingServer server;
  const Bytes first = server.exchange({.transmit = 100}, 7777);
  const Bytes request = with_mac(3, NtpMessage{.origin = receive_of(first), .receive = 200, .transmit = 300}.bytes());
  const Bytes frame = Packet{.payload = request, .to_port = 123}.bytes();
  Bytes bytes = frame;
  core::Frame asked{
      .data = bytes.data(), .length = static_cast<uint32_t>(bytes.size()), .room = static_cast<uint32_t>(bytes.size())};
  handle_whole(World::of_cases().view(), ingress_of_cases(), server.worker, std::span(&asked, 1));
  EXPECT_EQ(render_reply(frame, bytes).substr(64), "c000027b | origin 00000000000000c8 | key 3");
  EXPECT_EQ(get64(bytes, payload_at + 40), 7777u);
}

} // namespace
} // namespace anytick::test
