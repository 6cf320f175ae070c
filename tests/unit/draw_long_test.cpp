// A million draws of each of many answer sets of the sample pool, against the exact probabilities. Seeds are fixed, so
// a run says the same each time; the bound is that a right draw would fail for one seed in a thousand.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "control/dns_text.h"
#include "control/explain.h"
#include "control/inclusion.h"
#include "dataplane/core/join.h"

namespace anytick {
namespace {

constexpr unsigned draws = 1000000;
constexpr double expected_min = 20; ///< of a cell
constexpr double level = 0.001;     ///< of all tests together

struct Asked {
  const char* name;
  const char* client;
  uint64_t seed;
};

constexpr Asked asked[]{
    {"pool.example", "1.0.0.1", 1},           {"0.pool.example", "2.17.3.4", 2},
    {"1.pool.example", "5.33.1.1", 3},        {"2.pool.example", "9.49.1.1", 4},
    {"3.pool.example", "33.66.1.1", 5},       {"us.pool.example", "44.81.1.1", 6},
    {"0.us.pool.example", "55.97.1.1", 7},    {"2.de.pool.example", "66.113.1.1", 8},
    {"europe.pool.example", "77.129.1.1", 9}, {"1.europe.pool.example", "88.145.1.1", 10},
    {"asia.pool.example", "99.161.1.1", 11},  {"africa.pool.example", "111.177.1.1", 12},
    {"ng.pool.example", "122.193.1.1", 13},   {"0.ng.pool.example", "133.209.1.1", 14},
    {"tv.pool.example", "144.225.1.1", 15},   {"gb.pool.example", "155.241.1.1", 16},
    {"0.gb.pool.example", "166.1.1.1", 17},   {"acorn.pool.example", "177.17.1.1", 18},
    {"sg.pool.example", "188.33.1.1", 19},    {"0.anvil.pool.example", "199.49.1.1", 20},
};

struct Table {
  explicit Table(const char* variable) {
    const char* path = std::getenv(variable);
    if (path == nullptr) throw std::runtime_error(std::string(variable) + " names no file");
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty()) throw std::runtime_error(std::string(path) + " is no table");
    bytes.resize(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
  }
  std::vector<std::byte> bytes;
};

template <class T> T taken(Result<T> result) {
  if (!result) throw std::runtime_error(result.refusal().text());
  return std::move(*result);
}

struct Pool {
  Table image_table{"ANYTICK_SAMPLE_IMAGE"}, map_table{"ANYTICK_SAMPLE_MAP"};
  core::ZoneImage image = taken(core::ZoneImage::validate(image_table.bytes));
  geo::Map map = taken(geo::Map::validate(map_table.bytes));
  std::unique_ptr<const core::Join> join = taken(core::Join::build(image, &map));

  static const Pool& sample() {
    static const Pool pool;
    return pool;
  }
  /// The RRset that the client gets.
  uint32_t rrset(const Asked& each) const {
    const control::Question question{
        *control::parse_name(each.name, control::root_name), core::dns::A, *geo::parse_address(each.client), {}};
    return control::explain({&image, &map, join.get()}, question).steps.at(0).set.value().index;
  }
  std::vector<uint32_t> weights(uint32_t rrset) const {
    const core::ImageRRset& set = image.rrsets()[rrset];
    std::vector<uint32_t> all;
    for (const auto& record : image.records().subspan(set.first_record, set.record_count)) all.push_back(record.weight);
    return all;
  }
};

/// seen[position][record]; the last row counts any position.
using Seen = std::vector<std::vector<uint32_t>>;

Seen draw_often(const core::ReadySet& set, uint64_t seed) {
  const unsigned k = std::min(set.max_records, set.draw.count);
  Seen seen(k + 1, std::vector<uint32_t>(set.draw.count));
  core::Random random(seed);
  for (unsigned round = 0; round < draws; ++round) {
    core::Drawn drawn;
    core::draw(set.draw, set.max_records, random, drawn);
    EXPECT_EQ(drawn.count, k);
    std::array<uint32_t, core::draw_records_max> values;
    std::copy_n(drawn.values, k, values.begin());
    std::sort(values.begin(), values.begin() + k);
    EXPECT_EQ(std::adjacent_find(values.begin(), values.begin() + k), values.begin() + k) << "an address twice";
    for (unsigned position = 0; position < k; ++position) {
      ++seen[position][drawn.indices[position]];
      ++seen[k][drawn.indices[position]];
    }
    if (testing::Test::HasFailure()) break;
  }
  return seen;
}

/// What was seen, and what was to be.
struct Cell {
  double seen = 0;
  double probability = 0;
};

/// Records that are expected too rarely count together.
std::vector<Cell> pooled(const std::vector<uint32_t>& seen, const std::vector<double>& probabilities) {
  std::vector<Cell> cells;
  Cell rare;
  for (size_t i = 0; i < seen.size(); ++i) {
    const bool often = probabilities[i] * draws >= expected_min;
    Cell& cell = often ? cells.emplace_back() : rare;
    cell.seen += seen[i];
    cell.probability += probabilities[i];
  }
  if (rare.probability * draws >= expected_min) {
    cells.push_back(rare);
  } else if (rare.probability > 0) {
    cells.back().seen += rare.seen;
    cells.back().probability += rare.probability;
  }
  return cells;
}

/// Both tails of the normal distribution beyond z.
double two_sided(double z) {
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

/// P(at least this much) of chi-square, by Wilson and Hilferty: its third root is about normal.
double chi_square_p(const std::vector<Cell>& cells) {
  double chi = 0;
  for (const Cell& cell : cells) {
    const double expected = cell.probability * draws;
    chi += (cell.seen - expected) * (cell.seen - expected) / expected;
  }
  const double df = static_cast<double>(cells.size()) - 1;
  const double z = (std::cbrt(chi / df) - (1 - 2 / (9 * df))) / std::sqrt(2 / (9 * df));
  return std::erfc(z / std::sqrt(2.0)) / 2;
}

/// How probable it is to be at least so far off on this side, doubled. A normal z says it well enough in the middle;
/// far out, where it matters, the binomial terms themselves are added up.
double binomial_p(const Cell& cell) {
  const double expected = draws * cell.probability, q = 1 - cell.probability;
  if (q < 1e-12) return cell.seen == draws ? 1 : 0;
  const double z = (cell.seen - expected) / std::sqrt(expected * q);
  if (std::abs(z) < 3) return two_sided(z);
  const double x = cell.seen;
  double term = std::exp(std::lgamma(draws + 1.0) - std::lgamma(x + 1) - std::lgamma(draws - x + 1) +
                         x * std::log(cell.probability) + (draws - x) * std::log(q));
  double sum = 0;
  const double odds = cell.probability / q;
  for (double i = x; i >= 0 && i <= draws && term > sum * 1e-12; i += z > 0 ? 1 : -1) {
    sum += term;
    term *= z > 0 ? (draws - i) / (i + 1) * odds : i / (draws - i + 1) / odds;
  }
  return std::min(1.0, 2 * sum);
}

/// One test of all those that share the level.
struct Tested {
  std::string what;
  double p;
};

class Tests {
 public:
  void draw(const Asked& each) {
    const Pool& pool = Pool::sample();
    const uint32_t rrset = pool.rrset(each);
    const core::ReadySet& set = pool.join->set(rrset);
    ASSERT_EQ(set.kind, core::AnswerKind::draw);
    const std::vector<uint32_t> weights = pool.weights(rrset);
    const unsigned k = std::min<unsigned>(set.max_records, static_cast<unsigned>(weights.size()));
    const std::string what = std::string(each.name) + " from " + each.client + " seed " + std::to_string(each.seed);
    std::printf("%s: %u of %zu\n", what.c_str(), k, weights.size());
    const Seen seen = draw_often(set, each.seed);

    const auto cells = pooled(seen[0], control::first_probabilities(weights));
    if (cells.size() > 1) add(what + ": first, chi-square", chi_square_p(cells));
    std::vector<double> before = control::inclusion_probabilities(weights, 1);
    for (unsigned position = 1; position < k; ++position) {
      const auto included = control::inclusion_probabilities(weights, position + 1);
      std::vector<double> here(weights.size());
      for (size_t i = 0; i < here.size(); ++i) here[i] = included[i] - before[i];
      add_cells(what + ": position " + std::to_string(position + 1), seen[position], here);
      before = included;
    }
    add_cells(what + ": any position", seen[k], before);
  }

  /// Bonferroni: with m tests, each may fail with level / m.
  void judge() const {
    ASSERT_FALSE(all_.empty());
    const double bound = level / static_cast<double>(all_.size());
    const auto least =
        std::min_element(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.p < b.p; });
    std::printf("%zu tests, each may have p >= %.3g; least is %.3g: %s\n", all_.size(), bound, least->p,
                least->what.c_str());
    for (const Tested& each : all_) EXPECT_GE(each.p, bound) << each.what;
  }

 private:
  void add(std::string what, double p) { all_.push_back({std::move(what), p}); }
  void add_cells(const std::string& what, const std::vector<uint32_t>& seen, const std::vector<double>& probabilities) {
    size_t cell_number = 0;
    for (const Cell& cell : pooled(seen, probabilities))
      add(what + ", cell " + std::to_string(cell_number++), binomial_p(cell));
  }

  std::vector<Tested> all_;
};

TEST(DrawLong, AMillionDrawsAreAsProbable) {
  Tests tests;
  for (const Asked& each : asked) ASSERT_NO_FATAL_FAILURE(tests.draw(each)) << each.name;
  tests.judge();
}

TEST(InclusionLong, LargestSetSumsUp) {
  const uint64_t seed = 99;
  SCOPED_TRACE("seed " + std::to_string(seed));
  core::Random random(seed);
  std::vector<uint32_t> weights;
  for (size_t i = 0; i < core::draw_candidates_max; ++i)
    weights.push_back(std::max(1u, static_cast<uint32_t>(random.next() >> (32 + random.next() % 32))));
  const auto included = control::inclusion_probabilities(weights, core::draw_records_max);
  EXPECT_NEAR(std::accumulate(included.begin(), included.end(), 0.0), core::draw_records_max, 1e-7);
}

} // namespace
} // namespace anytick
