#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include <netinet/in.h>
#include <sched.h>

#include "dataplane/io/sockets.h"
#include "dataplane/io/wall_clock.h"
#include "tests/packets/cases.h"
#include "tests/packets/world.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_fixture.h"

/// The DNS-level rows of the packet tables, asked over TCP and over the kernel's UDP by the clients that they name.
/// What core answers them is packets_test's matter; here it is that the sockets answer, and count, what core does.
namespace anytick::test {

void PrintTo(const PacketCase& row, std::ostream* out) {
  *out << row.description << "\n  frame " << to_hex(row.frame);
}

namespace {

using core::Counter;
using Protocol = io::DnsClient::Protocol;

/// As the sockets read it. std::time() is that of the kernel's last tick, which may be of the second before.
uint32_t clock_second() {
  return static_cast<uint32_t>(io::read_wall_clock().wall.realtime / 1'000'000'000);
}

constexpr uint64_t seed = 1; // where there is a draw it is of one record: any seed gives the same bytes

std::vector<PacketCase> dns_level_cases() {
  std::vector<PacketCase> rows = all_cases();
  std::erase_if(rows, [](const PacketCase& row) { return !asked_by(row); });
  return rows;
}

/// A network namespace of this process's own, in which every address of the tables is the kernel's.
class Network : public testing::Environment {
 public:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root: it makes a network namespace";
    ASSERT_EQ(
        std::system("ip link set lo up && ip route add local 0.0.0.0/1 dev lo && ip route add local 128.0.0.0/1 dev lo "
                    "&& ip -6 route add local 2000::/3 dev lo"),
        0);
  }
};

const auto* const network = testing::AddGlobalTestEnvironment(new Network);

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

/// The sockets thread at the service addresses of the tables.
class RealSockets : public testing::Test {
 protected:
  RealSockets() {
    const World& world = World::of_cases();
    EXPECT_TRUE(tables_.load(io::both_tables(copy_of(world.image().bytes()), copy_of(world.map().bytes()))));
    auto sockets = io::Sockets::open({}, {ipv4_.address, ipv6_.address}, {ipv4_.port, std::nullopt}, tables_, 0, seed);
    if (!sockets) throw std::runtime_error(sockets.refusal().text());
    sockets_ = std::move(*sockets);
    sockets_->start();
  }

  const io::Endpoint ipv4_{*geo::parse_address("203.0.113.53"), 53};
  const io::Endpoint ipv6_{*geo::parse_address("2001:db8:53::53"), 53};
  io::ScratchDirectory directory_;
  io::Tables tables_{1, *io::TableStore::open(directory_.path())};
  std::unique_ptr<io::Sockets> sockets_;
};

class SocketRows : public RealSockets, public testing::WithParamInterface<PacketCase> {
 protected:
  io::DnsClient connect(Protocol protocol) const { return {protocol, asked_.ipv6 ? ipv6_ : ipv4_, asked_.from}; }

  /// What core answers from the same tables; `expected_` counts what the sockets have to count.
  Bytes answer_of_core(const Bytes& query, Protocol protocol) {
    Bytes message = query;
    message.resize(65'535);
    const core::Client client{*geo::parse_address(asked_.from), protocol == Protocol::udp};
    message.resize(core::answer(tables_.running()->view, expected_, client, message.data(), query.size(), 65'535));
    expected_.counters.add(protocol == Protocol::udp ? Counter::kernel_udp_queries : Counter::tcp_queries);
    return message;
  }

  struct Exchange {
    std::optional<Bytes> reply;
    Bytes expected;
  };

  /// Cookies have the time in them: those of one exchange compare only if the clock did not go on within it.
  void within_a_second(const std::function<std::vector<Exchange>()>& ask) {
    std::vector<Exchange> exchanges;
    do {
      expected_.now = clock_second();
      exchanges = ask();
    } while (expected_.now != clock_second());
    for (const Exchange& exchange : exchanges) EXPECT_EQ(exchange.reply, exchange.expected);
  }

  void expect_counters() const {
    for (size_t i = 0; i < core::counter_count; ++i) {
      const auto which = static_cast<Counter>(i);
      if (core::counter_names[i].starts_with("tcp_") && which != Counter::tcp_queries) continue; // of connections
      EXPECT_EQ(sockets_->counters().get(which), expected_.counters.get(which)) << core::counter_names[i];
    }
  }

  const Asked asked_ = *asked_by(GetParam());
  core::WorkerState expected_{seed};
};

TEST_P(SocketRows, KernelUdp) {
  within_a_second([&] {
    const io::DnsClient client = connect(Protocol::udp);
    client.send(asked_.query);
    const Bytes expected = answer_of_core(asked_.query, Protocol::udp);
    EXPECT_EQ(expected.empty(), GetParam().reply.empty());
    std::vector<Exchange> exchanges;
    if (!expected.empty()) exchanges.push_back({client.receive_message(), expected});
    // Whatever became of it, the next one is answered, by the next datagram.
    const Bytes next = Message{.name = "nowhere.example.net", .id = 0x1234}.bytes();
    client.send(next);
    exchanges.push_back({client.receive_message(), answer_of_core(next, Protocol::udp)});
    return exchanges;
  });
  expect_counters();
}

TEST_P(SocketRows, Tcp) {
  within_a_second([&] {
    const io::DnsClient client = connect(Protocol::tcp);
    client.send(io::framed(asked_.query));
    client.shut_down();
    const Bytes expected = answer_of_core(asked_.query, Protocol::tcp);
    EXPECT_EQ(expected.empty(), GetParam().reply.empty());
    const Bytes reply = client.receive_message().value_or(Bytes());
    EXPECT_TRUE(client.is_closed());
    return std::vector<Exchange>{{reply, expected}};
  });
  expect_counters();
}

std::string name_of(const testing::TestParamInfo<PacketCase>& info) {
  std::string name = std::to_string(info.index) + '_' + info.param.rule;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(, SocketRows, testing::ValuesIn(dns_level_cases()), name_of);

// As on the packet path; raw, since port 0 is no port that a socket can have.
TEST_F(RealSockets, SourcePorts) {
  const io::FileDescriptor raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  ASSERT_TRUE(raw.is_open());
  sockaddr_storage to{};
  const socklen_t size = io::to_sockaddr({ipv4_.address, 0}, to);
  for (const unsigned port : {0u, 1u, 7u, 17u, 19u, 53u, 123u}) {
    const Bytes frame = Packet{.from_port = port}.bytes();
    const Bytes packet(frame.begin() + 14, frame.end());
    ASSERT_GT(::sendto(raw.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), size), 0);
  }
  const auto& counters = sockets_->counters();
  EXPECT_TRUE(io::eventually([&] { return counters.get(Counter::dns_answered) == 2; }));
  EXPECT_TRUE(io::eventually([&] { return counters.get(Counter::drop_cross_service) == 4; }));
  EXPECT_EQ(counters.get(Counter::drop_port), 1u);
  EXPECT_EQ(counters.get(Counter::kernel_udp_queries), 7u);
}

TEST(DnsLevelCases, AreMostOfTheTables) {
  EXPECT_GT(dns_level_cases().size(), dns_cases().size() + edns_cases().size() + zone_cases().size());
}

} // namespace
} // namespace anytick::test
