#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dataplane/core/random.h"
#include "tests/packets/cases.h"
#include "tests/packets/world.h"

/// Plain queries have a lane of their own, which tagged frames do not take: a tag must not change what is answered.
namespace anytick::test {
namespace {

constexpr size_t room = 2048;
constexpr uint32_t tag = 0x81000064;

struct Outcome {
  core::Verdict verdict;
  Bytes payload;
  std::array<uint64_t, core::counter_count> counters;

  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << "verdict " << static_cast<int>(outcome.verdict) << ", payload " << to_hex(outcome.payload);
  for (size_t i = 0; i < core::counter_count; ++i)
    if (outcome.counters[i] != 0) *out << ' ' << core::counter_names[i];
}

Outcome outcome_of(const Bytes& frame, uint32_t header_bytes, const core::Ingress& ingress = ingress_of_cases()) {
  const auto memory = std::make_unique<uint8_t[]>(room);
  std::copy(frame.begin(), frame.end(), memory.get());
  core::Frame each{.data = memory.get(), .length = static_cast<uint32_t>(frame.size()), .room = room};
  core::WorkerState worker(7);
  set_up_ntp(worker);
  core::View view = World::of_cases().view();
  handle_whole(view, ingress, worker, std::span(&each, 1));
  Outcome outcome{each.verdict, {}, {}};
  if (each.verdict == core::Verdict::reply) outcome.payload = {each.data + header_bytes, each.data + each.length};
  for (size_t i = 0; i < core::counter_count; ++i) outcome.counters[i] = worker.counters.get(core::Counter(i));
  return outcome;
}

Bytes tagged(Bytes frame) {
  Bytes bytes;
  append32(bytes, tag);
  frame.insert(frame.begin() + 12, bytes.begin(), bytes.end());
  return frame;
}

void expect_same_both_ways(const Bytes& frame) {
  constexpr uint32_t header_bytes = 14 + 20 + 8;
  EXPECT_EQ(outcome_of(frame, header_bytes), outcome_of(tagged(frame), header_bytes + 4)) << to_hex(frame);
}

TEST(Lane, RowsOfTheTables) {
  for (const PacketCase& row : all_cases()) {
    if (row.frame.size() < 14 || row.frame[12] != 8 || row.frame[13] != 0) continue; // IPv4, not tagged
    SCOPED_TRACE(std::string(row.rule) + ": " + row.description);
    expect_same_both_ways(row.frame);
  }
}

TEST(Lane, NothingIsToAPortWithoutIPv4) {
  core::Ingress ingress = ingress_of_cases();
  ingress.ipv4 = {};
  for (const char* to : {"0.0.0.0", "192.0.2.53"})
    EXPECT_EQ(outcome_of(Packet{.to = to}.bytes(), 0, ingress).verdict, core::Verdict::punt) << to;
}

class Queries {
 public:
  explicit Queries(uint64_t seed) : random_(seed) {}

  Bytes next() {
    static const std::vector<std::string> names{"0.test.example",
                                                "0.us.test.example",
                                                "us.test.example",
                                                "constant.test.example",
                                                "www.test.example",
                                                "test.example",
                                                "text.test.example",
                                                "deep.empty.test.example",
                                                "empty.test.example",
                                                "a.wild.test.example",
                                                "b.a.wild.us.test.example",
                                                "nowhere.test.example",
                                                "0.vendor.test.example",
                                                "x.constant.test.example",
                                                "",
                                                "example",
                                                "10.test.example",
                                                "chain1.test.example",
                                                "outside.test.example",
                                                "0.europe.test.example"};
    static const std::vector<std::string> clients{"192.0.2.1", "198.51.100.7", "100.128.3.4", "8.8.8.8",
                                                  "203.0.113.99"};
    Message message{.name = of(names)};
    for (char& letter : message.name)
      if (letter >= 'a' && letter <= 'z' && one_of(3)) letter = static_cast<char>(letter - 32);
    if (one_of(4)) message.type = static_cast<unsigned>(random_.next() % 70);
    if (one_of(20)) message.klass = static_cast<unsigned>(random_.next() % 5);
    message.id = static_cast<unsigned>(random_.next() & 0xffff);
    if (one_of(2)) message.flags = static_cast<unsigned>(random_.next() & (one_of(4) ? 0xffff : 0x07ff));
    message.edns = one_of(2);
    if (one_of(2)) message.udp_size = static_cast<unsigned>(random_.next() & 0xffff);
    if (one_of(2)) message.edns_flags = 0x8000;
    if (one_of(8)) message.options = {subnet("198.51.100.0/24")};
    Bytes payload = message.bytes();
    if (one_of(4)) payload[random_.next() % payload.size()] = static_cast<uint8_t>(random_.next());
    if (one_of(16)) payload.resize(random_.next() % (payload.size() + 8));
    Packet packet{.payload = payload, .from = of(clients)};
    packet.no_udp_checksum = one_of(16);
    packet.bad_udp_checksum = one_of(16);
    if (one_of(8)) packet.padding = Bytes(random_.next() % 20, 0xa5);
    return packet.bytes();
  }

 private:
  bool one_of(uint64_t count) { return random_.next() % count == 0; }
  const std::string& of(const std::vector<std::string>& from) { return from[random_.next() % from.size()]; }

  core::Random random_;
};

TEST(Lane, QueriesByChance) {
  constexpr uint64_t seed = 20'261'123;
  Queries queries(seed);
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) expect_same_both_ways(queries.next());
}

} // namespace
} // namespace anytick::test
