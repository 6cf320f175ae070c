// Mutants of zone images and geo maps: each is refused with a reason that says where, or it is joined and asked every
// query of the case tables. ANYTICK_MUTANTS says how many of all seeds together.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>

#include "control/command.h"
#include "tests/packets/cases.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"
#include "tests/unit/mutant.h"
#include "tests/unit/table_forms.h"

namespace anytick::test {
namespace {

constexpr int seeds = 16;
constexpr uint32_t room = 1600;

int mutants_of_a_seed() {
  const char* all = std::getenv("ANYTICK_MUTANTS");
  return (all != nullptr ? std::atoi(all) : 4000) / seeds;
}

/// Ends of mutants, over all tests of this program: "geo map: places: not sorted or not distinct" and how many.
class Ends : public testing::Environment {
 public:
  /// Numbers in a reason say which element: they make no other reason.
  void count(const std::string& end) {
    std::string reason;
    for (const char c : end) {
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit) reason += c;
      if (is_digit && (reason.empty() || reason.back() != '#')) reason += '#';
    }
    ++counts_[reason];
  }
  void TearDown() override {
    for (const auto& [end, count] : counts_) std::printf("%8d %s\n", count, end.c_str());
  }

 private:
  std::map<std::string, int> counts_;
};
Ends* const ends = static_cast<Ends*>(testing::AddGlobalTestEnvironment(new Ends));

/// The frames of the case tables, asked again and again in bursts.
class Questions {
 public:
  Questions() {
    for (const PacketCase& row : rows_) buffers_.push_back(std::make_unique<uint8_t[]>(room_of(row)));
  }

  void ask(const core::View& view) {
    core::WorkerState worker(1);
    for (size_t first = 0; first < rows_.size(); first += core::burst_max)
      ask(view, worker, first, std::min(core::burst_max, rows_.size() - first));
    ASSERT_EQ(worker.counters.get(core::Counter::rx_frames), rows_.size());
  }

 private:
  /// Memory ends with the room; some have no more than the query, as a frame may have.
  static uint32_t room_of(const PacketCase& row) {
    const auto length = static_cast<uint32_t>(row.frame.size());
    return length % 4 == 0 ? length : std::max(length, room);
  }

  void ask(const core::View& view, core::WorkerState& worker, size_t first, size_t count) {
    std::array<core::Frame, core::burst_max> frames;
    for (size_t i = 0; i < count; ++i) {
      const PacketCase& row = rows_[first + i];
      std::copy(row.frame.begin(), row.frame.end(), buffers_[first + i].get());
      frames[i] = {
          .data = buffers_[first + i].get(), .length = static_cast<uint32_t>(row.frame.size()), .room = room_of(row)};
    }
    core::handle(view, ingress_, worker, std::span(frames).first(count));
    for (size_t i = 0; i < count; ++i) check(rows_[first + i], frames[i]);
  }

  /// Whatever the tables say, a query has a reply exactly where it has one from good tables, and the reply is a frame
  /// with a message that parses.
  static void check(const PacketCase& row, const core::Frame& frame) {
    SCOPED_TRACE(row.description);
    ASSERT_EQ(frame.verdict, row.verdict());
    if (row.reply.empty()) return;
    ASSERT_LE(frame.length, frame.room);
    ASSERT_NO_THROW(render(payload_of_reply(row.frame, {frame.data, frame.data + frame.length})));
  }

  /// NTP is answered without tables.
  static std::vector<PacketCase> rows_of_tables() {
    std::vector<PacketCase> rows = all_cases();
    std::erase_if(rows, [](const PacketCase& row) { return std::string_view(row.rule).starts_with("ntp."); });
    return rows;
  }

  const std::vector<PacketCase> rows_ = rows_of_tables();
  const core::Ingress ingress_ = ingress_of_cases();
  std::vector<std::unique_ptr<uint8_t[]>> buffers_;
};

Questions& questions() {
  static Questions all;
  return all;
}

/// The names and clients of the case tables, with targets of all kinds: what their own zone does not have.
const World& targeted() {
  static constexpr std::string_view zone = R"({"serial": 9, "max_hosts": 3,
    "targeting": "@ continent country regiongroup region asn ip", "data": {
    "": {"ns": ["ns1.test.example.", "ns2.test.example."], "mx": [{"preference": 10, "mx": "mail.test.example."}]},
    "0": {"a": [["192.0.2.1", 10], ["192.0.2.2", 4000000000], ["192.0.2.3", 1], ["192.0.2.4", 7]],
          "aaaa": [["2001:db8::1", 10], ["2001:db8::2", 20]]},
    "0.north-america": {"a": [["192.0.2.5", 1]]}, "0.us": {"alias": "only"}, "0.us-ca": {"a": "192.0.2.6"},
    "0.us-west": {"a": [["192.0.2.7", 1], ["192.0.2.8", 1]]}, "0.as64500": {"a": "192.0.2.9"},
    "0.[192.0.2.0]": {"a": "192.0.2.10"}, "0.[192.0.2.9]": {"alias": "only"}, "0.[2001:db8:1::]": {"a": "192.0.2.11"},
    "only.us": {"a": "192.0.2.12"}, "only.as64500": {"cname": "0"}, "only.europe": {"a": "192.0.2.13"},
    "0.vendor": {"alias": "0"}, "www": {"cname": "0"}, "www.fr": {"a": "192.0.2.14"},
    "chain1": {"cname": "chain2"}, "chain2": {"cname": "constant"}, "chain2.us": {"cname": "0"},
    "constant": {"a": "192.0.2.15"}, "text": {"txt": ["one", "two"]}, "text.us-ca": {"txt": ["three"]},
    "_ntp._udp": {"srv": [{"target": "0", "port": 123}, {"target": "www", "port": 123}]},
    "deep.empty": {"a": "192.0.2.16"}, "outside": {"cname": "www.example.net."}}})";
  static constexpr std::string_view neighbour = R"({"serial": 10, "targeting": "@", "data": {
    "": {"ns": ["ns1.test.example."]}, "ns": {"a": "192.0.2.17"}, "www": {"cname": "ns"}}})";
  static constexpr std::string_view places = "192.0.2.0/24 region=us-ca\n192.0.2.128/25 country=us asn=64500\n"
                                             "192.0.2.7/32 country=fr\n198.51.100.0/24 country=fr asn=64500\n"
                                             "100.128.0.0/9 country=jp\n2001:db8:1::/48 region=us-or\n"
                                             "2001:db8:1::7/128 country=ca asn=64501\n";
  static const World world({{"test.example", zone}, {"example.net", neighbour}}, places);
  return world;
}

struct SamplePool {
  static std::vector<std::byte> read() {
    const char* path = std::getenv("ANYTICK_SAMPLE_IMAGE");
    if (path == nullptr) throw std::runtime_error("ANYTICK_SAMPLE_IMAGE names no zone image");
    return control::read_file(path);
  }

  std::vector<std::byte> bytes = read();
  core::ZoneImage image = *core::ZoneImage::validate(bytes);
};

void join_and_ask(const core::ZoneImage& image, const geo::Map& map) {
  const auto join = core::Join::build(image, &map);
  ASSERT_TRUE(join) << join.refusal().text();
  questions().ask({&image, &map, join->get()});
}

struct MutantCase {
  bool is_map;
  int seed;
};

class Mutants : public testing::TestWithParam<MutantCase> {
 protected:
  const World& base() const { return GetParam().seed % 2 == 0 ? World::of_cases() : targeted(); }
  const World& other() const { return GetParam().seed % 2 == 0 ? targeted() : World::of_cases(); }

  Mutant first() const {
    if (GetParam().is_map) return {map_form(), base().map().bytes(), other().map().bytes()};
    return {image_form(), base().image().bytes(), other().image().bytes()};
  }

  /// Every query to an image with its world's map; to a map with the images of both worlds, and now and then of the
  /// sample pool.
  void try_image(const Mutant& mutant) {
    const auto image = core::ZoneImage::validate(mutant.bytes());
    expect_end(mutant, image ? nullptr : &image.refusal());
    if (image) join_and_ask(*image, base().map());
  }
  void try_map(const Mutant& mutant) {
    const auto map = geo::Map::validate(mutant.bytes());
    expect_end(mutant, map ? nullptr : &map.refusal());
    if (!map) return;
    join_and_ask(base().image(), *map);
    join_and_ask(other().image(), *map);
    static const SamplePool pool;
    if (taken_ % 32 == 1) join_and_ask(pool.image, *map);
  }

  void expect_end(const Mutant& mutant, const Refusal* refusal) {
    const char* const kind = GetParam().is_map ? "geo map: " : "zone image: ";
    if (refusal == nullptr) {
      ++taken_;
      ends->count(std::string(kind) + (mutant.is_changed() ? "taken" : "as it was"));
      ASSERT_TRUE(is_sealed_ || !mutant.is_changed()) << "the digest was wrong";
      return;
    }
    ends->count(refusal->what + ": " + refusal->reason);
    ASSERT_TRUE(mutant.is_changed()) << "nothing was wrong: " << refusal->text();
    EXPECT_TRUE(refusal->what.starts_with(kind)) << refusal->text();
    EXPECT_TRUE(refusal->where.starts_with("offset ")) << refusal->text();
    EXPECT_FALSE(refusal->reason.empty()) << refusal->what;
  }

  bool is_sealed_ = false;
  int taken_ = 0;
};

TEST_P(Mutants, AreRefusedOrAnswer) {
  const auto seed = static_cast<uint64_t>(GetParam().seed);
  std::mt19937_64 random(seed);
  Mutant mutant = first();
  const int count = mutants_of_a_seed();
  ASSERT_GT(count, 0);
  for (int i = 0; i < count; ++i) {
    is_sealed_ = i % 2 == 0;
    mutant.make(random, is_sealed_);
    SCOPED_TRACE("seed " + std::to_string(seed) + " mutant " + std::to_string(i) + ": " + mutant.history());
    GetParam().is_map ? try_map(mutant) : try_image(mutant);
    if (HasFailure()) return;
  }
  EXPECT_GT(taken_, 0) << "none was asked anything";
  EXPECT_LT(taken_, count / 2) << "refused none of those with a right digest";
}

/// A map takes twenty times as long as an image, most of it for its digest and its two tables of roots.
std::vector<MutantCase> all_seeds() {
  std::vector<MutantCase> all;
  for (int seed = 1; seed <= seeds; ++seed) all.push_back({seed > seeds - seeds / 4, seed});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Tables, Mutants, testing::ValuesIn(all_seeds()), [](const auto& test) {
  return std::string(test.param.is_map ? "map" : "image") + "_seed_" + std::to_string(test.param.seed);
});

} // namespace
} // namespace anytick::test
