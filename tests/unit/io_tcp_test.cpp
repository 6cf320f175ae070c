#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/core/bytes.h"
#include "dataplane/io/service_socket.h"
#include "dataplane/io/tcp_service.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_fixture.h"

// Counts what is allocated, so that a test can tell what connections cost.
namespace {
size_t allocated = 0;
} // namespace

void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  allocated += malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept {
  allocated -= memory != nullptr ? malloc_usable_size(memory) : 0;
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  operator delete(memory);
}

namespace anytick::io {
namespace {

using core::Counter;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t type_a = 1;
constexpr uint16_t type_txt = 16;

/// The service in the test's own thread, with the test's own clock; clients are real.
class TcpTest : public testing::Test {
 protected:
  TcpTest() {
    config_.tcp_connections = 4;
    config_.tcp_per_source = 3;
  }

  void start() {
    Result<FileDescriptor> listener = open_tcp_socket({*geo::parse_address("127.0.0.1"), 0}, 4096);
    ASSERT_TRUE(listener) << listener.refusal().text();
    listener_ = std::move(*listener);
    service_ = std::make_unique<TcpService>(config_, poller_, worker_);
    ASSERT_TRUE(poller_.add(listener_.get(), EPOLLIN, listening_));
  }

  std::unique_ptr<DnsClient> connect(std::string_view source = "127.0.0.1") {
    auto client = std::make_unique<DnsClient>(DnsClient::Protocol::tcp, bound_endpoint(listener_), source);
    const uint64_t before = counted(Counter::tcp_accepted) + counted(Counter::tcp_refused);
    EXPECT_TRUE(turn_until([&] { return counted(Counter::tcp_accepted) + counted(Counter::tcp_refused) > before; }));
    return client;
  }

  /// What the sockets thread does, until `done`.
  bool turn_until(const std::function<bool()>& done) {
    return eventually([&] {
      bool waiting = false;
      for (const epoll_event& event : poller_.wait(milliseconds(0))) {
        auto& watched = *static_cast<Watched*>(event.data.ptr);
        if (watched.kind == Watched::Kind::connection) {
          service_->serve(watched, view(), now_);
        } else {
          waiting = true;
        }
      }
      EXPECT_TRUE(!waiting || service_->accept(listener_.get(), now_));
      return done();
    });
  }

  bool answered(uint64_t count) {
    return turn_until([&] { return counted(Counter::tcp_queries) == count; });
  }

  void expire_after(milliseconds time) {
    now_ += time;
    service_->expire(now_);
  }

  const core::View& view() const { return generation_->view; }
  uint64_t counted(Counter which) const { return worker_.counters.get(which); }

  ScratchDirectory directory_;
  Tables tables_{1, *TableStore::open(directory_.path())};
  std::shared_ptr<const Generation> generation_ = tables_.load(zone_table(big_zone_image(1)))->generation;
  SocketsConfig config_;
  core::WorkerState worker_{42};
  Poller poller_;
  Watched listening_{Watched::Kind::listener};
  FileDescriptor listener_;
  std::unique_ptr<TcpService> service_;
  Clock::time_point now_{std::chrono::hours(1)};
};

const Bytes query = framed(dns_query(7, "ntp.pool.test.", type_a));

TEST_F(TcpTest, IdleConnectionsAreClosed) {
  start();
  const auto client = connect();
  expire_after(config_.idle - milliseconds(1));
  EXPECT_EQ(service_->connections(), 1u);
  expire_after(milliseconds(1));
  EXPECT_EQ(service_->connections(), 0u);
  EXPECT_TRUE(client->is_closed());
  EXPECT_EQ(counted(Counter::tcp_timed_out), 1u);
  EXPECT_EQ(counted(Counter::tcp_closed), 1u);
}

TEST_F(TcpTest, AQueryIsActivity) {
  start();
  const auto client = connect();
  expire_after(config_.idle - milliseconds(1));
  client->send(query);
  ASSERT_TRUE(answered(1));
  expire_after(config_.idle - milliseconds(1));
  EXPECT_EQ(service_->connections(), 1u);
  expire_after(milliseconds(1));
  EXPECT_EQ(service_->connections(), 0u);
}

TEST_F(TcpTest, ABegunQueryHasItsOwnLimitThatBytesDoNotExtend) {
  start();
  const auto client = connect();
  now_ += seconds(1);
  client->send({query[0], query[1], query[2]});
  ASSERT_TRUE(turn_until([&] { return service_->buffered() > 0; }));
  expire_after(config_.message - milliseconds(1));
  ASSERT_EQ(service_->connections(), 1u);
  client->send({query[3]});
  client->send({query.begin() + 4, query.end() - 1});
  ASSERT_TRUE(turn_until([&] { return service_->buffered() + 1 >= query.size(); }));
  expire_after(milliseconds(1));
  EXPECT_EQ(service_->connections(), 0u);
  EXPECT_EQ(service_->buffered(), 0u);
  EXPECT_EQ(counted(Counter::tcp_timed_out), 1u);
}

TEST_F(TcpTest, NoConnectionIsForEver) {
  start();
  const auto client = connect();
  for (uint64_t second = 1; seconds(second) < config_.total; ++second) {
    client->send(query);
    ASSERT_TRUE(answered(second));
    expire_after(seconds(1));
    ASSERT_EQ(service_->connections(), seconds(second) < config_.total ? 1u : 0u);
  }
  expire_after(seconds(1));
  EXPECT_EQ(service_->connections(), 0u);
}

TEST_F(TcpTest, ASourceHasItsShare) {
  start();
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (unsigned i = 0; i < config_.tcp_per_source; ++i) clients.push_back(connect());
  EXPECT_EQ(counted(Counter::tcp_refused), 0u);
  EXPECT_TRUE(connect()->is_closed());
  EXPECT_EQ(counted(Counter::tcp_refused), 1u);
  const auto other = connect("127.0.0.2");
  EXPECT_EQ(service_->connections(), config_.tcp_per_source + 1);
  clients.pop_back();
  ASSERT_TRUE(turn_until([&] { return counted(Counter::tcp_closed) == 1; }));
  const auto again = connect();
  EXPECT_EQ(counted(Counter::tcp_refused), 1u);
  EXPECT_EQ(counted(Counter::tcp_accepted), config_.tcp_per_source + 2);
}

TEST_F(TcpTest, ANewcomerGetsThePlaceOfTheLeastRecentlyActive) {
  start();
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (unsigned i = 0; i < config_.tcp_connections; ++i) {
    clients.push_back(connect("127.0.0." + std::to_string(i + 1)));
    now_ += milliseconds(1);
  }
  clients[0]->send(query);
  ASSERT_TRUE(answered(1));
  clients[1]->send({0}); // part of a query is no activity
  ASSERT_TRUE(turn_until([&] { return service_->buffered() > 0; }));
  const auto newcomer = connect("127.0.0.9");
  EXPECT_EQ(service_->connections(), config_.tcp_connections);
  EXPECT_EQ(counted(Counter::tcp_evicted), 1u);
  EXPECT_TRUE(clients[1]->is_closed());
  for (const unsigned kept : {0u, 2u, 3u}) clients[kept]->send(query);
  ASSERT_TRUE(answered(4));
}

TEST_F(TcpTest, WhatBuffersTakeTogetherIsBounded) {
  config_.tcp_buffer_bytes = 32 << 10;
  start();
  const auto small = connect("127.0.0.1");
  small->send({query.begin(), query.end() - 1});
  ASSERT_TRUE(turn_until([&] { return service_->buffered() > 0; }));
  const auto big = connect("127.0.0.2");
  Bytes begun(48 << 10, 0xff);
  big->send(begun);
  ASSERT_TRUE(turn_until([&] { return counted(Counter::tcp_closed) == 1; }));
  EXPECT_TRUE(big->is_closed());
  EXPECT_EQ(counted(Counter::tcp_evicted), 1u);
  EXPECT_LE(service_->buffered(), config_.tcp_buffer_bytes);
  small->send({query.back()});
  EXPECT_TRUE(answered(1));
  EXPECT_EQ(service_->buffered(), 0u);
}

// Nothing more is read, or kept, for a client that does not take its answers.
TEST_F(TcpTest, SlowReadersAreBoundedAndEnd) {
  start();
  const auto client = connect();
  const Bytes big = framed(dns_query(7, "big.pool.test.", type_txt));
  constexpr uint64_t asked = 500;
  const Bytes all = joined(std::vector<Bytes>(asked, big));
  client->send(all);
  ASSERT_TRUE(turn_until([&] { return service_->buffered() > 0; }));
  const uint64_t answered_at_first = counted(Counter::tcp_queries);
  EXPECT_LT(answered_at_first, asked);
  EXPECT_LE(service_->buffered(), sizeof(TcpScratch));
  now_ += config_.idle - milliseconds(1);
  while (counted(Counter::tcp_queries) == answered_at_first) { // taking some of it is activity
    ASSERT_GT(client->receive(64 << 10).size(), 0u);
    turn_until([] { return true; });
  }
  expire_after(config_.idle - milliseconds(1));
  ASSERT_EQ(service_->connections(), 1u);
  expire_after(milliseconds(1));
  EXPECT_EQ(service_->connections(), 0u);
  EXPECT_EQ(service_->buffered(), 0u);
  EXPECT_EQ(counted(Counter::tcp_timed_out), 1u);
}

TEST_F(TcpTest, PatientReadersGetEveryBigAnswer) {
  start();
  const auto client = connect();
  constexpr uint16_t asked = 100;
  std::vector<Bytes> queries;
  for (uint16_t id = 0; id < asked; ++id) queries.push_back(framed(dns_query(id, "big.pool.test.", type_txt)));
  client->send(joined(queries));
  client->shut_down();
  ASSERT_TRUE(turn_until([&] { return service_->buffered() > 0; }));
  std::thread reader([&] {
    for (uint16_t id = 0; id < asked; ++id) {
      const auto reply = client->receive_message();
      ASSERT_TRUE(reply);
      EXPECT_GT(reply->size(), 58'000u);
      EXPECT_EQ(core::load_big16(reply->data()), id);
    }
    EXPECT_TRUE(client->is_closed());
  });
  EXPECT_TRUE(turn_until([&] { return service_->connections() == 0; }));
  reader.join();
  EXPECT_EQ(counted(Counter::tcp_queries), asked);
  EXPECT_EQ(counted(Counter::tcp_timed_out), 0u);
}

/// 10,000 connections of a child process, as both ends in one would be too many files.
TEST_F(TcpTest, IdleConnectionsCostLittle) {
  constexpr unsigned count = 10'000;
  config_.tcp_connections = config_.tcp_per_source = count;
  ASSERT_FALSE(allow_open_files(count + 512));
  start();
  const Endpoint service = bound_endpoint(listener_);
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<std::unique_ptr<DnsClient>> clients;
    for (unsigned i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<DnsClient>(DnsClient::Protocol::tcp, service));
      clients.back()->send(i % 2 == 0 ? query : Bytes());
    }
    ::pause();
    ::_exit(0);
  }
  const size_t before = allocated;
  const bool all =
      turn_until([&] { return service_->connections() == count && counted(Counter::tcp_queries) == count / 2; });
  const size_t cost = allocated - before;
  ::kill(child, SIGTERM);
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(all) << service_->connections() << " connections";
  RecordProperty("bytes_per_connection", static_cast<int>(cost / count));
  EXPECT_LE(cost / count, 256u);
  EXPECT_EQ(service_->buffered(), 0u);
  EXPECT_TRUE(turn_until([&] { return service_->connections() == 0; }));
  EXPECT_LE(allocated, before + 4096);
}

} // namespace
} // namespace anytick::io
