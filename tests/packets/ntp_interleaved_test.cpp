// Interleaved mode (RFC 9769): what a reply tells of the one before it.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "dataplane/core/interleave.h"
#include "tests/packets/ntp_server.h"
#include "tests/packets/render.h"

namespace anytick::test {
namespace {

using core::Counter;
using core::NtpTime;

struct InterleavingServer : NtpServer {
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
  EXPECT_EQ(get64(bytes, ntp_payload_at + 40), 7777u);
}

} // namespace
} // namespace anytick::test
