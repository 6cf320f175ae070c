// NTP through real devices, sockets and memory: what the threads that answer make of clocks, keys and the time that
// things take.

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_cycles.h>

#include "dataplane/io/clock_service.h"
#include "dataplane/io/ntp_threads.h"
#include "dataplane/io/sockets.h"
#include "dataplane/io/transmit_time.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_worker_fixture.h"

namespace anytick::io {
namespace {

using core::Counter;
using core::NtpTime;
using test::NtpMessage;
using test::Packet;

const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment);

/// The clock of this machine, taken for good.
core::ClockState good_clock(int64_t correction = 0) {
  core::ClockState state = test::clock_of_cases(read_wall_clock().wall);
  state.correction = correction;
  return state;
}

NtpTime now() {
  return core::ntp_time(read_wall_clock().wall.realtime);
}

/// Not before `first`, not after `last`: modulo 2^64, give or take what a reading may be off.
testing::AssertionResult is_between(NtpTime first, NtpTime time, NtpTime last) {
  const auto slack = static_cast<int64_t>(core::ntp_duration(20'000));
  if (static_cast<int64_t>(time - first) >= -slack && static_cast<int64_t>(last - time) >= -slack)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << first << " <= " << time << " <= " << last;
}

/// What waited while the worker did not run is taken for come evenly since it looked last, so perhaps too early: on a
/// busy machine that may be, but not each time.
template <class Ask> testing::AssertionResult is_so_once(Ask ask) {
  testing::AssertionResult found = testing::AssertionFailure();
  for (int attempt = 0; attempt < 20 && !found; ++attempt) found = ask();
  return found;
}

constexpr const char* said =
    "v4 mode 4 LI 0 stratum 2 poll 6 | delay 10 ms, dispersion 5 ms, c000027b | origin 1122334455667788 | -";

class NtpWorker : public WorkerTest {
 protected:
  NtpWorker() {
    clock_.store(good_clock());
    resources_.clock = &clock_;
  }

  static Bytes request(const NtpMessage& message = {}, const char* source = "198.51.100.1") {
    Packet packet{.payload = message.bytes(), .from = source, .to_port = 123, .to_mac = "020000000053"};
    packet.to = std::string(source).find(':') == std::string::npos ? service_ipv4 : service_ipv6;
    return packet.bytes();
  }

  /// The reply to the only request that is on its way.
  Bytes exchange(const Bytes& asked) {
    inject(asked);
    Bytes reply;
    EXPECT_TRUE(eventually([&] {
      const auto replies = receive();
      if (!replies.empty()) reply = replies.front();
      return !reply.empty();
    }));
    return reply;
  }

  static NtpTime received(const Bytes& frame) { return test::get64(frame, frame.size() - 48 + 32); }
  static NtpTime transmitted(const Bytes& frame) { return test::get64(frame, frame.size() - 48 + 40); }

  core::ClockCell clock_;
};

TEST_F(NtpWorker, TellsTheTime) {
  start();
  for (const char* source : {"198.51.100.1", "2001:db8::7"}) {
    const Bytes asked = request({}, source);
    EXPECT_TRUE(is_so_once([&] {
      const NtpTime before = now();
      const Bytes reply = exchange(asked);
      const NtpTime after = now();
      EXPECT_EQ(test::render_reply(asked, reply), said);
      EXPECT_TRUE(is_between(received(reply), transmitted(reply), after)) << source;
      return is_between(before, received(reply), after);
    })) << source;
  }
}

TEST_F(NtpWorker, WithACorrection) {
  constexpr int64_t hour = 3'600'000'000'000;
  clock_.store(good_clock(hour));
  start();
  EXPECT_TRUE(is_so_once([&] {
    const NtpTime before = now();
    const Bytes reply = exchange(request());
    return is_between(before, received(reply) - core::ntp_duration(hour), now());
  }));
}

TEST_F(NtpWorker, TakesUpANewState) {
  start();
  exchange(request());
  core::ClockState state = good_clock();
  state.stratum = 7;
  clock_.store(state);
  EXPECT_EQ(exchange(request()).at(14 + 20 + 8 + 1), 7);
  clock_.store({});
  const Bytes asked = request();
  EXPECT_EQ(test::render_reply(asked, exchange(asked)).substr(0, 31), "v4 mode 4 LI 3 stratum 0 poll 6");
}

TEST_F(NtpWorker, WithoutAClockThereIsNoTime) {
  resources_.clock = nullptr;
  start();
  const Bytes asked = request();
  EXPECT_EQ(test::render_reply(asked, exchange(asked)).substr(0, 31), "v4 mode 4 LI 3 stratum 0 poll 6");
}

// A step of the clock is seen by the worker itself, before anybody has told it.
TEST_F(NtpWorker, NotAfterAStep) {
  core::ClockState before = good_clock();
  before.epoch -= 500'000'000;
  clock_.store(before);
  start();
  const Bytes asked = request();
  EXPECT_EQ(test::render_reply(asked, exchange(asked)).substr(0, 31), "v4 mode 4 LI 3 stratum 0 poll 6");
}

TEST_F(NtpWorker, AmongDns) {
  start();
  constexpr size_t count = 30;
  const Bytes asked = request();
  for (size_t i = 0; i < count; ++i)
    inject(i % 3 == 0 ? asked : udp_frame("198.51.100.1", 40000, our_mac, dns_query(7, "ntp.pool.test.", 1)));
  ASSERT_TRUE(handled(count));
  stop();
  const auto replies = receive();
  ASSERT_EQ(replies.size(), count);
  for (size_t i = 0; i < count; i += 3) EXPECT_EQ(test::render_reply(asked, replies[i]), said);
  EXPECT_EQ(counted(Counter::ntp_answered), count / 3);
  EXPECT_EQ(counted(Counter::dns_answered), count - count / 3);
}

// As a device does that stamps what it receives, here by the TSC itself; one stamp is of another clock.
TEST_F(NtpWorker, BelievesTheDevicesStamps) {
  ASSERT_EQ(rte_mbuf_dyn_rx_timestamp_register(&stamps_.field_offset, &stamps_.flag), 0);
  const double hz = TscScale::measured().hz();
  const auto ticks = [&](double seconds) { return static_cast<uint64_t>(seconds * hz); };
  const uint64_t start_tsc = rte_rdtsc();
  NicLineCell line;
  line.store({.device = start_tsc,
              .tsc = start_tsc,
              .ticks = 1,
              .good_until = UINT64_MAX,
              .reach = ticks(1),
              .slack = ticks(1e-5)});
  stamps_.line = &line;
  start();
  const auto stamped = [&](double seconds_ago) {
    rte_mbuf* mbuf = mbuf_of(request());
    *RTE_MBUF_DYNFIELD(mbuf, stamps_.field_offset, rte_mbuf_timestamp_t*) = rte_rdtsc() - ticks(seconds_ago);
    mbuf->ol_flags |= stamps_.flag;
    inject(mbuf);
    Bytes reply;
    EXPECT_TRUE(eventually([&] {
      const auto replies = receive();
      if (!replies.empty()) reply = replies.front();
      return !reply.empty();
    }));
    return received(reply);
  };
  const NtpTime half = core::ntp_duration(500'000'000);
  const NtpTime first = now();
  const NtpTime half_ago = stamped(0.5);
  EXPECT_TRUE(is_between(first - half, half_ago, now() - half));
  EXPECT_TRUE(is_so_once([&] {
    const NtpTime second = now();
    const NtpTime unbelieved = stamped(10);
    return is_between(second, unbelieved, now());
  }));
}

TEST_F(NtpWorker, InterleavedTellsWhenTheLastReplyLeft) {
  std::vector<core::InterleaveTable::Entry> entries(1024);
  core::InterleaveTable table(entries);
  resources_.interleave = &table;
  start();
  const NtpTime before = now();
  const Bytes first = exchange(request());
  const NtpTime between = now();
  // What the reply has left by is saved after it was sent.
  ASSERT_TRUE(eventually([&] { return table.find(received(first)) != 0; }));
  const Bytes second = exchange(request({.origin = received(first), .receive = 5, .transmit = 6}));
  EXPECT_EQ(test::get64(second, second.size() - 48 + 24), 5u) << "origin";
  EXPECT_TRUE(is_between(before, transmitted(second), between));
  EXPECT_EQ(counted(Counter::ntp_interleaved), 1u);
}

TEST(TransmitTime, KeepsTheMedian) {
  TransmitTime time;
  EXPECT_EQ(time.expected(1), 0u);
  time.learn(1, 1000);
  EXPECT_EQ(time.expected(1), 1000u);
  EXPECT_EQ(time.expected(2), 0u) << "bursts of another size take their own";
  for (int i = 0; i < 1000; ++i) time.learn(1, i % 10 == 0 ? 1'000'000 : 2000);
  EXPECT_NEAR(static_cast<double>(time.expected(1)), 2000, 300);
  for (int i = 0; i < 1000; ++i) time.learn(1, 3);
  EXPECT_EQ(time.expected(1), 3u);
  time.learn(100'000, 7);
  EXPECT_EQ(time.expected(64), 7u);
}

/// The thread of the sockets, which answers what came by the kernel.
class NtpSockets : public testing::Test {
 protected:
  NtpSockets() {
    clock_.store(good_clock());
    keys_ = std::make_unique<core::NtpKeys>(std::move(*core::NtpKeys::make(test::ntp_keys_of_cases())));
    auto sockets = Sockets::open({}, {*geo::parse_address("127.0.0.1"), *geo::parse_address("::1")}, {0, 0}, tables_, 0,
                                 42, {.clock = &clock_, .ntp_keys = keys_.get()});
    if (!sockets) throw std::runtime_error(sockets.refusal().text());
    sockets_ = std::move(*sockets);
    sockets_->start();
  }

  core::ClockCell clock_;
  std::unique_ptr<core::NtpKeys> keys_;
  ScratchDirectory directory_;
  Tables tables_{1, *TableStore::open(directory_.path())};
  std::unique_ptr<Sockets> sockets_;
};

TEST_F(NtpSockets, TellTheTime) {
  for (const Endpoint& service : sockets_->ntp_endpoints()) {
    const DnsClient client(DnsClient::Protocol::udp, service);
    const Bytes asked = NtpMessage{}.bytes();
    const NtpTime before = now();
    client.send(asked);
    const Bytes reply = client.receive_message().value_or(Bytes());
    ASSERT_EQ(test::render_ntp(asked, reply), said);
    EXPECT_TRUE(is_between(before, test::get64(reply, 32), now()));
    EXPECT_TRUE(is_between(test::get64(reply, 32), test::get64(reply, 40), now()));
  }
  EXPECT_EQ(sockets_->counters().get(Counter::ntp_answered), 2u);
}

TEST_F(NtpSockets, KnowKeysAndWhatIsNoRequest) {
  const DnsClient client(DnsClient::Protocol::udp, sockets_->ntp_endpoints().front());
  Bytes wrong = test::with_mac(3, NtpMessage{}.bytes());
  wrong.back() ^= 1;
  client.send(wrong);
  client.send(NtpMessage{.version = 5}.bytes());
  client.send({});
  const Bytes asked = test::with_mac(3, NtpMessage{}.bytes());
  client.send(asked);
  const Bytes reply = client.receive_message().value_or(Bytes());
  EXPECT_EQ(test::render_ntp(asked, reply).substr(std::string(said).size() - 1), "key 3");
  const core::Counters& counters = sockets_->counters();
  EXPECT_EQ(counters.get(Counter::kernel_udp_queries), 4u);
  EXPECT_EQ(counters.get(Counter::drop_ntp_mac), 1u);
  EXPECT_EQ(counters.get(Counter::drop_ntp_version), 1u);
  EXPECT_EQ(counters.get(Counter::drop_ntp_length), 1u);
  EXPECT_EQ(counters.get(Counter::ntp_authenticated), 1u);
}

// A time daemon that listens everywhere does not keep us from a service address.
TEST(NtpSocket, BesideAnother) {
  const FileDescriptor other(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ASSERT_EQ(::setsockopt(other.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  sockaddr_in everywhere{};
  everywhere.sin_family = AF_INET;
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&everywhere), sizeof everywhere), 0);
  const uint16_t port = bound_endpoint(other).port;
  EXPECT_TRUE(open_ntp_socket({*geo::parse_address("127.0.0.1"), port}));
}

TEST(NtpThreads, EachHasItsOwn) {
  NtpConfig config;
  config.keys = {{7, core::NtpMac::md5, {1, 2, 3}}};
  config.interleaved = true;
  config.interleaved_clients = 1024;
  const Result<NtpThreads> threads = NtpThreads::make(config, 2);
  ASSERT_TRUE(threads);
  EXPECT_NE(threads->keys(0), threads->keys(1));
  EXPECT_NE(threads->keys(0)->find(7), nullptr);
  ASSERT_NE(threads->interleave(0), nullptr);
  threads->interleave(0)->save(5, 6);
  EXPECT_EQ(threads->interleave(0)->find(5), 6u);
  EXPECT_EQ(threads->interleave(1)->find(5), 0u);
  config.interleaved = false;
  EXPECT_EQ(NtpThreads::make(config, 1)->interleave(0), nullptr);
}

} // namespace
} // namespace anytick::io
