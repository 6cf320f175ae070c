#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>
#include <string>

#include "tests/packets/cases.h"
#include "tests/packets/render.h"
#include "tests/packets/rules.h"
#include "tests/packets/world.h"

namespace anytick::test {

void PrintTo(const PacketCase& row, std::ostream* out) {
  *out << row.description << "\n  frame " << to_hex(row.frame);
}

namespace {

using core::Counter;

constexpr size_t room = 1600;
constexpr uint64_t seed = 1; // one record to draw from in every case: any seed gives the same bytes

/// A frame in memory of exactly `size` bytes, so that AddressSanitizer sees a read or write behind it.
struct Buffer {
  explicit Buffer(const Bytes& bytes, size_t size) : data(std::make_unique<uint8_t[]>(size)) {
    std::copy(bytes.begin(), bytes.end(), data.get());
    frame.data = data.get();
    frame.length = static_cast<uint32_t>(bytes.size());
    frame.room = static_cast<uint32_t>(size);
  }
  Bytes bytes() const { return {frame.data, frame.data + frame.length}; }

  std::unique_ptr<uint8_t[]> data;
  core::Frame frame;
};

class PacketTable : public testing::TestWithParam<PacketCase> {};

void expect_counters(const core::Counters& counters, const PacketCase& row) {
  for (size_t i = 0; i < core::counter_count; ++i) {
    const auto which = static_cast<Counter>(i);
    const bool moves =
        which == Counter::rx_frames || std::find(row.counters.begin(), row.counters.end(), which) != row.counters.end();
    EXPECT_EQ(counters.get(which), moves ? 1u : 0u) << core::counter_names[i];
  }
}

TEST_P(PacketTable, Handle) {
  const PacketCase& row = GetParam();
  Buffer buffer(row.frame, room);
  core::WorkerState worker(seed);
  set_up_ntp(worker);
  handle_whole(World::of_cases().view(), ingress_of_cases(), worker, std::span(&buffer.frame, 1));
  expect_counters(worker.counters, row);
  ASSERT_EQ(buffer.frame.verdict, row.verdict());
  if (row.verdict() == core::Verdict::punt) {
    EXPECT_EQ(buffer.bytes(), row.frame) << "the kernel gets it as it came";
  }
  if (row.verdict() != core::Verdict::reply) return;
  EXPECT_EQ(render_reply(row.frame, buffer.bytes()), row.reply);
}

// The same rows, with nothing readable behind the frame and no room to grow.
TEST_P(PacketTable, StaysInsideTightRoom) {
  const PacketCase& row = GetParam();
  Buffer buffer(row.frame, row.frame.size());
  core::WorkerState worker(seed);
  set_up_ntp(worker);
  handle_whole(World::of_cases().view(), ingress_of_cases(), worker, std::span(&buffer.frame, 1));
  EXPECT_EQ(buffer.frame.verdict, row.verdict());
  EXPECT_LE(buffer.frame.length, row.frame.size());
}

std::string name_of(const testing::TestParamInfo<PacketCase>& info) {
  std::string name = std::to_string(info.index) + '_' + info.param.rule;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Frame, PacketTable, testing::ValuesIn(frame_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Dns, PacketTable, testing::ValuesIn(dns_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Edns, PacketTable, testing::ValuesIn(edns_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Cookie, PacketTable, testing::ValuesIn(cookie_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Delegation, PacketTable, testing::ValuesIn(delegation_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Zone, PacketTable, testing::ValuesIn(zone_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Ntp, PacketTable, testing::ValuesIn(ntp_cases()), name_of);

TEST(Rules, AreThoseOfTheRows) {
  std::set<std::string> of_rows, listed;
  for (const PacketCase& row : all_cases()) of_rows.insert(row.rule);
  for (const Rule& rule : all_rules()) {
    EXPECT_TRUE(listed.insert(rule.id).second) << rule.id << " is listed twice";
    EXPECT_STRNE(rule.source, "") << rule.id;
    EXPECT_STRNE(rule.says, "") << rule.id;
  }
  EXPECT_EQ(of_rows, listed);
  EXPECT_TRUE(std::is_sorted(all_rules().begin(), all_rules().end(),
                             [](const Rule& a, const Rule& b) { return std::string(a.id) < b.id; }));
}

// One burst of all rows gives what each gives alone, whatever its neighbours are.
TEST(Burst, SameAsOneByOne) {
  const auto rows = all_cases();
  core::WorkerState worker(seed);
  set_up_ntp(worker);
  for (size_t first = 0; first < rows.size(); first += core::burst_max) {
    const size_t count = std::min(core::burst_max, rows.size() - first);
    std::vector<Buffer> buffers;
    std::vector<core::Frame> frames;
    for (size_t i = 0; i < count; ++i) frames.push_back(buffers.emplace_back(rows[first + i].frame, room).frame);
    handle_whole(World::of_cases().view(), ingress_of_cases(), worker, frames);
    for (size_t i = 0; i < count; ++i) {
      const PacketCase& row = rows[first + i];
      SCOPED_TRACE(std::string(row.rule) + ": " + row.description);
      ASSERT_EQ(frames[i].verdict, row.verdict());
      if (row.reply.empty()) continue;
      const Bytes reply(frames[i].data, frames[i].data + frames[i].length);
      EXPECT_EQ(render_reply(row.frame, reply), row.reply);
    }
  }
  EXPECT_EQ(worker.counters.get(Counter::rx_frames), rows.size());
}

TEST(Frame, ExactBytes) {
  // dst, src, type | IPv4 | UDP | DNS header, question, one A.
  Buffer buffer(Packet{}.bytes(), room);
  core::WorkerState worker(seed);
  core::handle(World::of_cases().view(), ingress_of_cases(), worker, std::span(&buffer.frame, 1));
  EXPECT_EQ(to_hex(buffer.bytes()), to_hex(from_hex("020000000002 020000000001 0800"
                                                    "4500004c 00004000 4011 3c6a cb007135 c0000201"
                                                    "0035 9c40 0038 a820"
                                                    "beef 8500 0001 0001 0000 0000"
                                                    "01 30 04 74657374 07 6578616d706c65 00 0001 0001"
                                                    "c00c 0001 0001 0000012c 0004 cb00710b")));
}

TEST(Frame, SegmentedIsForTheKernelIfItIsForUs) {
  for (const auto& [to_mac, verdict] :
       {std::pair{"020000000001", core::Verdict::punt}, std::pair{"333300000001", core::Verdict::punt},
        std::pair{"020000000099", core::Verdict::drop}}) {
    SCOPED_TRACE(to_mac);
    Buffer buffer(Packet{.to_mac = to_mac}.bytes(), room);
    buffer.frame.segmented = true;
    core::WorkerState worker(seed);
    core::handle(World::of_cases().view(), ingress_of_cases(), worker, std::span(&buffer.frame, 1));
    EXPECT_EQ(buffer.frame.verdict, verdict);
  }
}

// Routes may be asymmetric: with a next hop, replies go there, whoever brought the query.
TEST(Frame, NextHopTakesReplies) {
  core::Ingress ingress = ingress_of_cases();
  ingress.next_hop = core::Mac{0x02, 0, 0, 0, 0, 0x77};
  for (const Packet& packet :
       {Packet{}, Packet{.from = "2001:db8:1::7", .to = "2001:db8:53::53"}, Packet{.tags = {0x81000064}}}) {
    SCOPED_TRACE(to_hex(packet.bytes()));
    Buffer buffer(packet.bytes(), room);
    core::WorkerState worker(seed);
    core::handle(World::of_cases().view(), ingress, worker, std::span(&buffer.frame, 1));
    ASSERT_EQ(buffer.frame.verdict, core::Verdict::reply);
    const Bytes reply = buffer.bytes();
    EXPECT_EQ(to_hex({reply.begin(), reply.begin() + 12}), "020000000077020000000001");
    Packet from_there = packet;
    from_there.from_mac = "020000000077";
    EXPECT_EQ(render_reply(from_there.bytes(), reply),
              "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | -");
  }
}

struct OffloadCase {
  const char* name;
  Packet packet;
  core::Checksum ip, udp;
  core::Verdict verdict;
};

// What the device says of a checksum is believed; what it does not know is computed.
TEST(Offload, ReceivedChecksums) {
  using core::Checksum;
  using core::Verdict;
  const OffloadCase cases[] = {
      {"device: good, though the bytes are wrong",
       {.bad_ip_checksum = true, .bad_udp_checksum = true},
       Checksum::good,
       Checksum::good,
       Verdict::reply},
      {"device: bad IP", {}, Checksum::bad, Checksum::good, Verdict::drop},
      {"device: bad UDP", {}, Checksum::good, Checksum::bad, Verdict::drop},
      {"device: bad, but there was none to check",
       {.no_udp_checksum = true},
       Checksum::good,
       Checksum::bad,
       Verdict::reply},
      {"device: does not know", {.bad_udp_checksum = true}, Checksum::good, Checksum::unknown, Verdict::drop},
  };
  for (const OffloadCase& each : cases) {
    SCOPED_TRACE(each.name);
    Buffer buffer(each.packet.bytes(), room);
    buffer.frame.ip_checksum = each.ip;
    buffer.frame.udp_checksum = each.udp;
    core::WorkerState worker(seed);
    core::handle(World::of_cases().view(), ingress_of_cases(), worker, std::span(&buffer.frame, 1));
    EXPECT_EQ(buffer.frame.verdict, each.verdict);
  }
}

// A device that sums finds a zero IPv4 sum and the pseudo-header's sum in the UDP header, and is told where they are.
TEST(Offload, SentChecksums) {
  core::Ingress ingress = ingress_of_cases();
  ingress.tx_ip_checksum = true;
  ingress.tx_udp_checksum = true;
  Buffer buffer(Packet{.tags = {0x81000064}}.bytes(), room);
  core::WorkerState worker(seed);
  core::handle(World::of_cases().view(), ingress, worker, std::span(&buffer.frame, 1));
  ASSERT_EQ(buffer.frame.verdict, core::Verdict::reply);
  EXPECT_EQ(buffer.frame.l2_length, 18);
  EXPECT_EQ(buffer.frame.l3_length, 20);
  const Bytes bytes = buffer.bytes();
  EXPECT_EQ(Bytes(bytes.begin() + 28, bytes.begin() + 30), Bytes({0, 0}));
  Bytes pseudo(bytes.begin() + 30, bytes.begin() + 38);
  append16(pseudo, 17);
  append16(pseudo, static_cast<unsigned>(bytes.size() - 38));
  Bytes expected;
  append16(expected, internet_sum(pseudo));
  EXPECT_EQ(Bytes(bytes.begin() + 44, bytes.begin() + 46), expected);
}

TEST(View, NothingLoadedIsServfail) {
  Buffer buffer(Packet{.payload = Message{.edns = true, .options = {subnet("192.0.2.0/24")}}.bytes()}.bytes(), room);
  core::WorkerState worker(seed);
  core::handle({}, ingress_of_cases(), worker, std::span(&buffer.frame, 1));
  ASSERT_EQ(buffer.frame.verdict, core::Verdict::reply);
  EXPECT_EQ(render_reply(Packet{.payload = Message{.edns = true, .options = {subnet("192.0.2.0/24")}}.bytes()}.bytes(),
                         buffer.bytes()),
            "SERVFAIL qr rd | 0.test.example. A | - | - | OPT 1232 ECS 192.0.2.0/24/0");
}

TEST(View, WithoutMapEverybodyIsNowhere) {
  const World& world = World::of_cases();
  auto join = core::Join::build(world.image(), nullptr);
  ASSERT_TRUE(join);
  const core::View view{&world.image(), nullptr, join->get()};
  Buffer buffer(Packet{}.bytes(), room);
  core::WorkerState worker(seed);
  core::handle(view, ingress_of_cases(), worker, std::span(&buffer.frame, 1));
  ASSERT_EQ(buffer.frame.verdict, core::Verdict::reply);
  EXPECT_EQ(render_reply(Packet{}.bytes(), buffer.bytes()),
            "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.10 | - | -");
}

// Over a stream nothing is truncated that fits into 65,535 bytes.
TEST(Answer, StreamTakesBigAnswers) {
  Bytes message = Message{.name = "big.test.example", .type = 16}.bytes();
  const size_t length = message.size();
  message.resize(4096);
  core::WorkerState worker(seed);
  const core::Client client{geo::Address::ipv4(0xc0000201), false};
  const size_t reply = core::answer(World::of_cases().view(), worker, client, message.data(), length, message.size());
  ASSERT_GT(reply, 512u);
  message.resize(reply);
  EXPECT_EQ(render(message).find(" tc"), std::string::npos);
}

TEST(Answer, DropsWhatIsNoQuery) {
  Bytes message = Message{.flags = 0x8000}.bytes();
  core::WorkerState worker(seed);
  EXPECT_EQ(core::answer(World::of_cases().view(), worker, {}, message.data(), message.size(), message.size()), 0u);
  EXPECT_EQ(worker.counters.get(Counter::drop_dns_response), 1u);
}

} // namespace

} // namespace anytick::test
