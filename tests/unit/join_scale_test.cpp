// A pool with far more of everything than there is today: the join's memory stays within bounds, and it answers what
// the image says.

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <set>
#include <string>

#include "control/compile.h"
#include "control/geodns_json.h"
#include "dataplane/core/join.h"
#include "dataplane/core/targeting.h"
#include "geo/map_builder.h"

namespace anytick::core {
namespace {

constexpr uint64_t seed = 20;
constexpr size_t locations = 150'000;
constexpr size_t tailored_labels = 9'000;         ///< to 5 countries each
constexpr size_t vendor_labels = 5'000;           ///< aliases of 0, and 0 to 3 below half of them
constexpr size_t region_labels = 200;             ///< to 10 regions each
constexpr size_t asn_labels = 50;                 ///< to 300 AS numbers each
constexpr size_t address_labels = 20;             ///< to 20 prefixes each
constexpr size_t memory_bound = size_t{48} << 20; ///< of the join
constexpr size_t peak_bound = size_t{96} << 20;   ///< while it is built

template <class T> T taken(Result<T> result) {
  if (!result) throw std::runtime_error(result.refusal().text());
  return std::move(*result);
}

std::vector<std::string> countries() {
  std::vector<std::string> all;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b)
      if (const std::string code{a, b}; geo::continent_of(code) != geo::Continent::unknown) all.push_back(code);
  return all;
}

std::string address_at(size_t index, uint32_t first) {
  const auto address = first + static_cast<uint32_t>(index);
  return geo::to_text(geo::Address::ipv4(address));
}

/// Distinct locations, a /24 each from 11.0.0.0 on: countries with AS numbers, every tenth with a region.
std::vector<std::byte> make_map(std::mt19937_64& random) {
  const std::vector<std::string> codes = countries();
  geo::Layer layer;
  std::set<geo::Location> known;
  while (known.size() < locations) {
    const std::string& code = codes[random() % codes.size()];
    geo::Location location;
    std::copy(code.begin(), code.end(), location.country.begin());
    location.continent = geo::continent_of(code);
    location.asn = static_cast<uint32_t>(1 + random() % 80'000);
    if (random() % 10 == 0) location.region = {static_cast<char>('a' + random() % 10), 'a', 0};
    if (!known.insert(location).second) continue;
    const auto address = static_cast<uint32_t>(0x0b000000 + (layer.entries.size() << 8));
    layer.entries.push_back({{geo::Address::ipv4(address), 24}, static_cast<uint32_t>(layer.statements.size())});
    layer.statements.push_back(location);
  }
  return taken(geo::build_map(std::span(&layer, 1), 0));
}

/// Labels of a GeoDNS zone, one after the other.
class ZoneText {
 public:
  explicit ZoneText(std::mt19937_64& random) : random_(random) {}

  std::string make() {
    for (int pool = 0; pool < 4; ++pool) {
      servers(std::to_string(pool));
      for (const std::string& code : codes_) servers(std::to_string(pool) + '.' + code);
      for (const char* continent : {"europe", "asia", "north-america"}) servers(std::to_string(pool) + '.' + continent);
    }
    for (size_t i = 0; i < vendor_labels; ++i) {
      const std::string name = "vendor" + std::to_string(i);
      alias(name, "0");
      for (int pool = 0; pool < 4 && i % 2 == 0; ++pool) alias(std::to_string(pool) + '.' + name, std::to_string(pool));
    }
    for (size_t i = 0; i < tailored_labels; ++i)
      targeted("tailored", i, 5, [&] { return codes_[random_() % codes_.size()]; });
    for (size_t i = 0; i < region_labels; ++i)
      targeted("region", i, 10,
               [&] { return codes_[random_() % codes_.size()] + '-' + static_cast<char>('a' + random_() % 10) + 'a'; });
    for (size_t i = 0; i < asn_labels; ++i)
      targeted("asn", i, 300, [&] { return "as" + std::to_string(1 + random_() % 80'000); });
    for (size_t i = 0; i < address_labels; ++i)
      targeted("address", i, 20, [&] { return '[' + address_at((random_() % locations) << 8, 0x0b000000) + ']'; });
    return text_ + "}}";
  }

 private:
  void label(const std::string& name, const std::string& value) { text_ += ", \"" + name + "\": " + value; }
  void alias(const std::string& name, const std::string& target) { label(name, R"({"alias": ")" + target + "\"}"); }
  void servers(const std::string& name) {
    std::string records;
    for (int i = 0; i < 4; ++i) records += (i > 0 ? ", " : "") + ("[\"" + address_at(next_++, 0xc6120000) + "\", 10]");
    label(name, "{\"a\": [" + records + "]}");
  }
  template <class Target> void targeted(const char* kind, size_t index, size_t count, Target target) {
    const std::string name = kind + std::to_string(index);
    servers(name);
    std::set<std::string> targets;
    while (targets.size() < count) targets.insert(target());
    for (const std::string& each : targets) servers(name + '.' + each);
  }

  std::mt19937_64& random_;
  const std::vector<std::string> codes_ = countries();
  std::string text_ = R"({"serial": 1, "max_hosts": 4, "targeting": "@ continent country region asn ip",
                          "data": {"": {"ns": ["ns.example."]})";
  uint32_t next_ = 0;
};

std::vector<std::byte> make_image(std::mt19937_64& random) {
  control::Findings findings("pool.example.json");
  const auto zone = control::read_geodns_zone("pool.example.json", ZoneText(random).make(), 0, findings);
  if (!zone) throw std::runtime_error(findings.all().front().text());
  return taken(control::compile(std::span(&*zone, 1), 1, 0));
}

/// Of /proc/self/status, bytes: VmRSS, VmHWM.
size_t memory_status(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;)
    if (size_t kilobytes = 0; word == field + ':' && file >> kilobytes) return kilobytes << 10;
  throw std::runtime_error("no " + field);
}

/// What the join adds to this process at its most.
class PeakMemory {
 public:
  PeakMemory() {
    ::malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5; // forgets the peak so far (proc(5))
    before_ = memory_status("VmRSS");
  }
  size_t bytes() const { return memory_status("VmHWM") - before_; }

 private:
  size_t before_;
};

/// The image's own answer, found by trying every target: of addresses first, the longest prefix first.
class Oracle {
 public:
  Oracle(const ZoneImage& image, const geo::Map& map) : image_(image), map_(map), targets_(image), evaluator_(image) {
    for (uint32_t i = 0; i < image.targets().size(); ++i)
      if (const auto prefix = geo::parse_prefix(image.text_of(image.targets()[i].text)))
        addresses_.push_back({*prefix, i});
    std::stable_sort(addresses_.begin(), addresses_.end(),
                     [](const auto& a, const auto& b) { return a.prefix.length > b.prefix.length; });
  }

  void locate(const geo::Address& address) {
    signature_.clear();
    for (const Overlay::Target& each : addresses_)
      if (each.prefix.contains(address)) signature_.push_back(each.index);
    const geo::Location& location = map_.location_of(map_.find(address));
    const TargetList more = targets_.signature(location, image_.zones()[0].targeting);
    signature_.insert(signature_.end(), more.begin(), more.end());
    evaluator_.start(signature_);
  }
  uint32_t answer(const ImageNodeType& type) { return evaluator_.evaluate(type.selector); }

 private:
  const ZoneImage& image_;
  const geo::Map& map_;
  TargetIndex targets_;
  Evaluator evaluator_;
  std::vector<Overlay::Target> addresses_;
  TargetList signature_;
};

struct Pool {
  std::mt19937_64 random{seed};
  std::vector<std::byte> map_bytes = make_map(random);
  std::vector<std::byte> image_bytes = make_image(random);
  geo::Map map = taken(geo::Map::validate(map_bytes));
  ZoneImage image = taken(ZoneImage::validate(image_bytes));
};

uint32_t answer_of(const Join& join, uint32_t node_index, uint16_t type, uint32_t place, const geo::Address& address) {
  const ReadyNode& node = join.node(node_index);
  const AnswerRef answer = join.answer_for(node, type);
  if (!answer.is_row()) return answer.index();
  return join.in_row(answer, Join::class_of(join.group(join.zone(node.zone), answer), place, address).number);
}

TEST(JoinAtScale, StaysInBoundsAndAnswersWhatTheImageSays) {
  Pool pool;
  ASSERT_GE(pool.map.locations().size(), locations);
  ASSERT_GT(pool.image.nodes().size(), 15'000u);

  const PeakMemory peak;
  const auto start = std::chrono::steady_clock::now();
  const auto join = taken(Join::build(pool.image, &pool.map));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  const size_t peak_bytes = peak.bytes();
  std::printf("%zu locations, %zu places, %zu names, %zu targets, %zu RRsets: join of %.1f MB, %.1f MB at its peak, "
              "%u classes, in %.0f ms\n",
              pool.map.locations().size(), pool.map.places().size(), pool.image.nodes().size(),
              pool.image.targets().size(), pool.image.rrsets().size(), static_cast<double>(join->memory_bytes()) / 1e6,
              static_cast<double>(peak_bytes) / 1e6, join->class_count(0), took.count());
  EXPECT_LT(join->memory_bytes(), memory_bound);
  EXPECT_LT(peak_bytes, peak_bound);

  SCOPED_TRACE("seed " + std::to_string(seed));
  Oracle oracle(pool.image, pool.map);
  for (int i = 0; i < 2'000; ++i) {
    const auto address = geo::Address::ipv4(static_cast<uint32_t>(0x0b000000 + pool.random() % (locations << 8)));
    const uint32_t place = pool.map.find(address);
    oracle.locate(address);
    for (int j = 0; j < 100; ++j) {
      const auto node = static_cast<uint32_t>(pool.random() % pool.image.nodes().size());
      const ImageNode& from = pool.image.nodes()[node];
      for (const ImageNodeType& type : pool.image.node_types().subspan(from.first_type, from.type_count))
        ASSERT_EQ(answer_of(*join, node, type.type, place, address), oracle.answer(type))
            << geo::to_text(address) << " node " << node << " type " << type.type;
    }
  }
}

} // namespace
} // namespace anytick::core
