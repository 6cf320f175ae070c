#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "dataplane/core/bytes.h"
#include "dataplane/io/sockets.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

using core::Counter;
using Protocol = DnsClient::Protocol;

constexpr uint16_t type_a = 1;
constexpr uint16_t type_txt = 16;
constexpr uint16_t type_aaaa = 28;

Bytes query_of(uint16_t id) {
  return dns_query(id, id % 3 == 0 ? "nobody.pool.test." : "ntp.pool.test.", id % 2 == 0 ? type_a : type_aaaa);
}

/// The real sockets thread at loopback addresses and ports of the kernel's choice.
class SocketsTest : public testing::Test {
 protected:
  SocketsTest() {
    EXPECT_TRUE(tables_.load(both_tables(zone_image(1), geo_map("jp"))));
    Result<std::unique_ptr<Sockets>> sockets =
        Sockets::open(config_, {*geo::parse_address("127.0.0.1"), *geo::parse_address("::1")}, {0, 0}, tables_, 0, 42);
    if (!sockets) throw std::runtime_error(sockets.refusal().text());
    sockets_ = std::move(*sockets);
    sockets_->start();
  }

  DnsClient tcp(unsigned address = 0) const { return {Protocol::tcp, sockets_->tcp_endpoints().at(address)}; }
  DnsClient udp(unsigned address = 0) const { return {Protocol::udp, sockets_->udp_endpoints().at(address)}; }

  /// What core answers a client at 127.0.0.1. The test's zone leaves nothing to draw.
  Bytes expected(Bytes query, bool over_udp = false) const {
    core::WorkerState worker(1);
    const size_t length = query.size();
    query.resize(65'535);
    const core::Client client{*geo::parse_address("127.0.0.1"), over_udp};
    query.resize(core::answer(tables_.running()->view, worker, client, query.data(), length, query.size()));
    return query;
  }

  void expect_answers(const DnsClient& client, const std::vector<Bytes>& queries) const {
    for (size_t i = 0; i < queries.size(); ++i) {
      const auto reply = client.receive_message();
      ASSERT_TRUE(reply) << "no reply to query " << i;
      ASSERT_EQ(*reply, expected(queries[i])) << "reply " << i;
    }
  }

  uint64_t counted(Counter which) const { return sockets_->counters().get(which); }

  SocketsConfig config_;
  ScratchDirectory directory_;
  Tables tables_{1, *TableStore::open(directory_.path())};
  std::unique_ptr<Sockets> sockets_;
};

std::vector<Bytes> queries_of(uint16_t count) {
  std::vector<Bytes> queries;
  for (uint16_t id = 0; id < count; ++id) queries.push_back(query_of(id));
  return queries;
}

Bytes stream_of(const std::vector<Bytes>& queries) {
  Bytes stream;
  for (const Bytes& query : queries) {
    const Bytes one = framed(query);
    stream.insert(stream.end(), one.begin(), one.end());
  }
  return stream;
}

TEST_F(SocketsTest, BothFamiliesOverBothProtocols) {
  for (const unsigned address : {0u, 1u}) {
    const DnsClient datagrams = udp(address);
    datagrams.send(query_of(1));
    EXPECT_EQ(datagrams.receive_message(), expected(query_of(1), true));
    const DnsClient stream = tcp(address);
    stream.send(framed(query_of(2)));
    EXPECT_EQ(stream.receive_message(), expected(query_of(2)));
  }
  EXPECT_EQ(counted(Counter::kernel_udp_queries), 2u);
  EXPECT_EQ(counted(Counter::tcp_queries), 2u);
  EXPECT_EQ(counted(Counter::dns_answered), 4u);
  EXPECT_EQ(counted(Counter::rx_frames), 0u);
}

TEST_F(SocketsTest, EveryDatagramOfABurstIsAnswered) {
  const DnsClient client = udp();
  for (const Bytes& query : queries_of(100)) client.send(query);
  for (const Bytes& query : queries_of(100)) EXPECT_EQ(client.receive_message(), expected(query, true));
}

TEST_F(SocketsTest, NoQueriesAreDroppedAndDatagramsGoOn) {
  const DnsClient client = udp();
  Bytes response = query_of(1);
  response[2] = 0x80;
  client.send(response);
  client.send({1, 2, 3});
  client.send({});
  client.send(query_of(2));
  EXPECT_EQ(client.receive_message(), expected(query_of(2), true));
  EXPECT_EQ(counted(Counter::drop_dns_response), 1u);
  EXPECT_EQ(counted(Counter::drop_dns_short), 2u);
}

TEST_F(SocketsTest, PipelinedQueriesAreAnsweredInOrder) {
  const auto queries = queries_of(5000);
  const DnsClient client = tcp();
  std::thread writer([&] { EXPECT_TRUE(client.send(stream_of(queries))); });
  expect_answers(client, queries);
  writer.join();
  EXPECT_EQ(counted(Counter::tcp_queries), queries.size());
}

TEST_F(SocketsTest, TwoQueriesInOneSegmentAndHalfOfAThird) {
  const auto queries = queries_of(3);
  const Bytes stream = stream_of(queries);
  const DnsClient client = tcp();
  const auto middle = stream.end() - 10;
  client.send({stream.begin(), middle});
  expect_answers(client, {queries[0], queries[1]});
  client.send({middle, stream.end()});
  expect_answers(client, {queries[2]});
}

TEST_F(SocketsTest, OneByteAtATime) {
  const auto queries = queries_of(3);
  const DnsClient client = tcp();
  for (const uint8_t byte : stream_of(queries)) client.send({byte});
  expect_answers(client, queries);
}

TEST_F(SocketsTest, RandomChunks) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    const auto queries = queries_of(static_cast<uint16_t>(1 + random() % 400));
    const Bytes stream = stream_of(queries);
    const size_t chunk_max = round % 2 == 0 ? 40 : 4000;
    const DnsClient client = tcp(round % 4 == 3 ? 1 : 0);
    std::thread writer([&] {
      for (size_t at = 0; at < stream.size();) {
        const size_t end = std::min(stream.size(), at + 1 + random() % chunk_max);
        client.send({stream.begin() + static_cast<ptrdiff_t>(at), stream.begin() + static_cast<ptrdiff_t>(end)});
        at = end;
      }
      client.shut_down();
    });
    expect_answers(client, queries);
    writer.join();
    EXPECT_TRUE(client.is_closed());
  }
}

TEST_F(SocketsTest, WhatWasAskedBeforeTheClientEndedIsAnswered) {
  const auto queries = queries_of(2000);
  const DnsClient client = tcp();
  std::thread writer([&] {
    client.send(stream_of(queries));
    client.send({0}); // the beginning of a query that never comes
    client.shut_down();
  });
  expect_answers(client, queries);
  writer.join();
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(eventually([&] { return counted(Counter::tcp_closed) == 1; }));
  EXPECT_EQ(counted(Counter::tcp_timed_out), 0u);
}

// Behind a length that no DNS message has, nothing can be read; what came before is answered.
TEST_F(SocketsTest, ALengthBelowTheHeaderEndsTheConnection) {
  for (const uint8_t length : {uint8_t{0}, uint8_t{11}}) {
    const DnsClient client = tcp();
    Bytes stream = framed(query_of(1));
    stream.insert(stream.end(), {0, length});
    stream.resize(stream.size() + length);
    client.send(stream);
    expect_answers(client, {query_of(1)});
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(counted(Counter::tcp_malformed), 2u);
  EXPECT_EQ(counted(Counter::drop_dns_short), 2u);
}

TEST_F(SocketsTest, AResponseIsIgnored) {
  Bytes response = query_of(1);
  response[2] = 0x80;
  const DnsClient client = tcp();
  client.send(stream_of({response, query_of(2)}));
  expect_answers(client, {query_of(2)});
  EXPECT_EQ(counted(Counter::drop_dns_response), 1u);
  EXPECT_EQ(counted(Counter::tcp_malformed), 0u);
}

TEST_F(SocketsTest, TheLongestMessageIsOne) {
  Bytes longest = query_of(1);
  longest.resize(65'535);
  const DnsClient client = tcp();
  client.send(stream_of({longest, query_of(2)}));
  expect_answers(client, {longest, query_of(2)});
}

TEST_F(SocketsTest, ClientsThatBreakOffAreForgotten) {
  for (int i = 0; i < 50; ++i) tcp().send(stream_of(queries_of(100))); // and closed without reading: a reset
  EXPECT_TRUE(eventually([&] { return counted(Counter::tcp_closed) == 50; }));
  const DnsClient client = tcp();
  client.send(framed(query_of(1)));
  expect_answers(client, {query_of(1)});
}

// Connections live through swaps; no answer is of two tables; after a load returned, answers are of the new one.
TEST_F(SocketsTest, SwapsUnderPipelinedQueries) {
  constexpr uint32_t swaps = 50;
  ASSERT_TRUE(tables_.load(zone_table(big_zone_image(1, 'a'))));
  const DnsClient client = tcp();
  const Bytes query = dns_query(7, "big.pool.test.", type_txt);
  const Bytes replies[] = {[&] {
                             EXPECT_TRUE(tables_.load(zone_table(big_zone_image(0, 'b'))));
                             return expected(query);
                           }(),
                           [&] {
                             EXPECT_TRUE(tables_.load(zone_table(big_zone_image(1, 'a'))));
                             return expected(query);
                           }()};
  std::atomic<uint64_t> asked = 0;
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    while (!enough) {
      client.send(stream_of(std::vector<Bytes>(10, query)));
      asked += 10;
    }
    client.shut_down();
  });
  uint64_t answered = 0;
  std::thread reader([&] {
    for (auto reply = client.receive_message(); reply; reply = client.receive_message(), ++answered)
      ASSERT_TRUE(*reply == replies[0] || *reply == replies[1]) << "reply " << answered;
  });
  for (uint32_t serial = 2; serial < 2 + swaps; ++serial) {
    EXPECT_TRUE(tables_.load(zone_table(big_zone_image(serial % 2, serial % 2 == 0 ? 'b' : 'a'))));
    const DnsClient other = tcp();
    other.send(framed(query));
    EXPECT_TRUE(other.receive_message() == replies[serial % 2]) << "after swap " << serial;
  }
  enough = true;
  writer.join();
  reader.join();
  EXPECT_EQ(answered, asked);
}

TEST_F(SocketsTest, EndsWithConnectionsOpen) {
  const DnsClient idle = tcp();
  const DnsClient within = tcp();
  within.send({0, 50, 1});
  EXPECT_TRUE(eventually([&] { return counted(Counter::tcp_accepted) == 2; }));
  sockets_.reset();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(within.is_closed());
}

TEST_F(SocketsTest, IdleConnectionsAreClosedByTheThread) {
  sockets_.reset();
  config_.idle = std::chrono::seconds(1);
  sockets_ = std::move(*Sockets::open(config_, {*geo::parse_address("127.0.0.1")}, {0, 0}, tables_, 0, 42));
  sockets_->start();
  EXPECT_TRUE(tcp().is_closed());
  EXPECT_EQ(counted(Counter::tcp_timed_out), 1u);
}

TEST_F(SocketsTest, ClientsWaitWhileThereAreNoFiles) {
  const DnsClient datagrams = udp();
  std::optional<FewFiles> few(1);
  const DnsClient client = tcp(); // with the last one
  client.send(framed(query_of(1)));
  for (uint16_t id = 0; id < 100; ++id) {
    datagrams.send(query_of(id));
    EXPECT_EQ(datagrams.receive_message(), expected(query_of(id), true));
  }
  EXPECT_EQ(counted(Counter::tcp_accepted), 0u);
  few.reset();
  expect_answers(client, {query_of(1)});
  EXPECT_EQ(counted(Counter::tcp_accepted), 1u);
}

TEST_F(SocketsTest, AnAddressThatIsTakenIsRefused) {
  const Endpoint taken = sockets_->udp_endpoints().front();
  const auto refused = Sockets::open(config_, {taken.address}, {taken.port, 0}, tables_, 0, 42);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.refusal().text(),
            "UDP 127.0.0.1 port " + std::to_string(taken.port) + ": bind: Address already in use");
}

TEST_F(SocketsTest, AddressesThatAreNotThereYetCanBeBound) {
  EXPECT_TRUE(Sockets::open(config_, {*geo::parse_address("192.0.2.53"), *geo::parse_address("2001:db8::53")}, {0, 0},
                            tables_, 0, 42));
}

TEST(OpenFiles, ALimitThatCannotBeRaisedIsRefused) {
  EXPECT_FALSE(allow_open_files(64));
  const auto refusal = allow_open_files(uint64_t{1} << 40);
  ASSERT_TRUE(refusal);
  EXPECT_NE(refusal->text().find("1099511627776 open files are needed"), std::string::npos) << refusal->text();
}

} // namespace
} // namespace anytick::io
