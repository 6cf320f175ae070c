// NTP through real devices, sockets and memory: what the threads that answer make of clocks, keys and the time that
// things take.

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_cycles.h>

#include "dataplane/io/arrival_window.h"
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

/// What waited is taken for come evenly since the worker last took all that there was. If it did not run meanwhile that
/// is perhaps too early or too late, and told as dispersion: on a busy machine that may be, but not each time.
template <class Ask> testing::AssertionResult is_so_once(Ask ask) {
  testing::AssertionResult found = testing::AssertionFailure();
  for (int attempt = 0; attempt < 20 && !found; ++attempt) found = ask();
  return found;
}

constexpr const char* said =
    "v4 mode 4 LI 0 stratum 2 poll 6 | delay 10 ms, dispersion 5 ms, c000027b | origin 1122334455667788 | -";

std::string shown(const Bytes& asked, const Bytes& reply) {
  return test::without_wait(test::render_reply(asked, reply));
}

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
  /// What the reply tells that its time of receipt may be wrong by: of the offset, half of it, on top of the clock's.
  static NtpTime unsure(const Bytes& frame) {
    const auto dispersion = static_cast<uint32_t>(test::get64(frame, frame.size() - 48 + 4));
    return uint64_t{dispersion - (core::ntp_short(0.005) - 1)} << 17;
  }
  /// The reply to a request that came at some time in between.
  static testing::AssertionResult is_true(const Bytes& frame, NtpTime first, NtpTime last) {
    return is_between(last - unsure(frame), received(frame), first + unsure(frame));
  }

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
      EXPECT_EQ(shown(asked, reply), said);
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
  for (size_t i = 0; i < count; i += 3) EXPECT_EQ(shown(asked, replies[i]), said);
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

constexpr auto stall = std::chrono::milliseconds(20);
const NtpTime most_of_stall = core::ntp_duration(19'000'000);

/// Holds the worker in a look at its queue, after it took what it found.
class HeldNtpWorker : public NtpWorker {
 protected:
  void TearDown() override {
    stop();
    rte_eth_remove_rx_callback(port_->id(), 0, callback_);
    NtpWorker::TearDown();
  }

  void open_held() {
    open();
    callback_ = rte_eth_add_rx_callback(port_->id(), 0, &HeldNtpWorker::look, this);
  }

  /// Returns when the worker does not look at its queue any more; it is empty.
  void hold() {
    hold_.store(true);
    ASSERT_TRUE(eventually([&] { return held_.load(); }));
  }
  void release() { hold_.store(false); }

  std::vector<Bytes> replies_to(size_t requests) {
    EXPECT_TRUE(handled(requests));
    stop();
    return receive();
  }

  /// To requests that came between `first` and `last`, and then waited for most of a stall.
  void expect_unsure_replies(size_t requests, NtpTime first, NtpTime last) {
    const auto replies = replies_to(requests);
    ASSERT_EQ(replies.size(), requests);
    for (const Bytes& reply : replies) {
      EXPECT_TRUE(is_true(reply, first, last));
      EXPECT_GE(unsure(reply), most_of_stall);
    }
  }

  /// On the worker's core, with each look.
  std::function<void()> looks_ = [] {};

 private:
  static uint16_t look(uint16_t, uint16_t, rte_mbuf**, uint16_t count, uint16_t, void* self) {
    auto& test = *static_cast<HeldNtpWorker*>(self);
    test.looks_();
    while (count == 0 && test.hold_.load()) {
      test.held_.store(true);
      std::this_thread::yield();
    }
    return count;
  }

  const rte_eth_rxtx_callback* callback_ = nullptr;
  std::atomic<bool> hold_{false}, held_{false};
};

// More than a burst: what comes with the second one has waited for just as long.
TEST_F(HeldNtpWorker, NoneOfAStallsRequestsIsToldAsJustCome) {
  open_held();
  run();
  hold();
  const NtpTime first = now();
  for (int i = 0; i < 600; ++i) inject(request());
  const NtpTime last = now();
  std::this_thread::sleep_for(stall);
  release();
  expect_unsure_replies(600, first, last);
}

TEST_F(HeldNtpWorker, NorIsWhatCameBeforeItRan) {
  open_held();
  const NtpTime first = now();
  for (int i = 0; i < 600; ++i) inject(request());
  const NtpTime last = now();
  std::this_thread::sleep_for(stall);
  run();
  expect_unsure_replies(600, first, last);
}

TEST_F(HeldNtpWorker, AfterAStallTimesAreGoodAgain) {
  open_held();
  run();
  hold();
  for (int i = 0; i < 100; ++i) inject(request());
  std::this_thread::sleep_for(stall);
  release();
  size_t replies = 0;
  ASSERT_TRUE(eventually([&] { return (replies += receive().size()) == 100; }));
  EXPECT_TRUE(is_so_once([&] { return testing::AssertionResult(unsure(exchange(request())) < most_of_stall / 8); }));
}

// Whoever never takes all does not become less sure of the time with each burst: its queue holds so many, and no more.
TEST_F(HeldNtpWorker, OverloadIsNoStall) {
  constexpr size_t bursts = 30;
  queue_frames_ = 64;
  std::vector<rte_mbuf*> waiting;
  for (size_t i = 0; i < bursts * 32; ++i) waiting.push_back(mbuf_of(request()));
  std::vector<NtpTime> looked;
  const auto feed = [&](size_t count) {
    for (; count > 0 && !waiting.empty(); --count, waiting.pop_back()) inject(waiting.back());
  };
  looks_ = [&] {
    if (looked.size() > bursts) return;
    looked.push_back(now());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    feed(32);
  };
  open_held();
  feed(64);
  run();
  const auto replies = replies_to(bursts * 32);
  ASSERT_EQ(replies.size(), bursts * 32);
  ASSERT_GE(looked.size(), bursts);
  const NtpTime rounding = core::ntp_duration(100'000);
  for (size_t i = 8; i + 1 < bursts; ++i) {
    EXPECT_LE(unsure(replies[i * 32]), looked[i + 1] - looked[i - 5] + rounding) << i; // two queues and the look before
    EXPECT_GE(unsure(replies[i * 32]) + rounding, looked[i] - looked[i - 3]) << i;
  }
}

constexpr uint16_t burst = 32;
constexpr uint32_t queue = 100;

TEST(ArrivalWindow, IsSinceTheLookThatTookAll) {
  ArrivalWindow window(7, queue, burst);
  EXPECT_EQ(window.since(), 7u);
  window.looked(10, burst);
  window.looked(20, burst);
  EXPECT_EQ(window.since(), 7u);
  window.looked(30, 5);
  EXPECT_EQ(window.since(), 30u);
  window.looked(40, 0);
  EXPECT_EQ(window.since(), 40u);
}

// Virtio and drivers with vectors give 29 or 24 of 32, though more wait.
TEST(ArrivalWindow, AlmostABurstMayBeAll) {
  ArrivalWindow window(7, queue, burst);
  for (const uint16_t frames : std::array<uint16_t, 3>{31, 29, 25}) {
    window.looked(10, frames);
    EXPECT_EQ(window.since(), 7u) << frames;
  }
  window.looked(50, 24);
  EXPECT_EQ(window.since(), 50u);
}

TEST(ArrivalWindow, OfSmallBurstsOnlyAnEmptyOneTookAll) {
  ArrivalWindow window(7, queue, 4);
  window.looked(10, 1);
  EXPECT_EQ(window.since(), 7u);
  window.looked(20, 0);
  EXPECT_EQ(window.since(), 20u);
}

// Against the rule itself: a frame came after the one that is a queue's length before it was taken.
TEST(ArrivalWindow, IsBoundedByWhatTheQueueHolds) {
  ArrivalWindow window(0, queue, burst);
  std::vector<uint64_t> taken; // when, by frame
  for (uint64_t look = 1; look <= 1000; ++look) {
    if (taken.size() > queue) {
      EXPECT_LE(window.since(), taken[taken.size() - queue]) << look;
    }
    if (taken.size() > 2 * (queue + burst)) {
      EXPECT_GE(window.since(), taken[taken.size() - 2 * (queue + burst)]) << look;
    }
    window.looked(look, burst);
    taken.insert(taken.end(), burst, look);
  }
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
