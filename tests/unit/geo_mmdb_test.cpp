#include "geo/mmdb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>

#include "tests/unit/control_files.h"

/// libmaxminddb 1.7 itself leaks in MMDB_open() where metadata is damaged; this is for LeakSanitizer.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb";
}

namespace anytick::geo {
namespace {

using control::test::TemporaryDirectory;

struct Writing {
  unsigned ip_version;
  unsigned record_size;
  bool aliases;
};

const char* const cannot_write = "needs ANYTICK_MAKE_MMDB and libmaxmind-db-writer-perl";

bool can_write() {
  static const bool can = std::getenv("ANYTICK_MAKE_MMDB") != nullptr &&
                          std::system("perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null") == 0;
  return can;
}

/// Runs make_mmdb.pl, which ANYTICK_MAKE_MMDB names. False if it cannot run here.
bool write_mmdb(const std::string& path, const Writing& writing, const std::string& lines) {
  if (!can_write()) return false;
  const std::string command = std::string{"perl '"} + std::getenv("ANYTICK_MAKE_MMDB") + "' '" + path + "' " +
                              std::to_string(writing.ip_version) + " " + std::to_string(writing.record_size) + " " +
                              (writing.aliases ? "1" : "0");
  FILE* pipe = ::popen(command.c_str(), "w");
  if (pipe == nullptr) throw std::runtime_error("popen: " + command);
  std::fputs(lines.c_str(), pipe);
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return true;
}

#define WRITE_MMDB_OR_SKIP(path, writing, lines)                                                                       \
  if (!write_mmdb(path, writing, lines)) GTEST_SKIP() << cannot_write

std::vector<std::string> texts_of(const Layer& layer) {
  std::vector<std::string> texts;
  for (const Layer::Entry& entry : layer.entries) {
    const Location& location = layer.statements[entry.statement];
    const std::string region = location.region_text();
    texts.push_back(to_text(entry.prefix) + " " + (region.empty() ? location.country_text() : region) + "," +
                    std::string{continent_name(location.continent)} + "," + std::to_string(location.asn));
  }
  return texts;
}

struct RecordCase {
  const char* description;
  const char* json;
  const char* expected; ///< "" if nothing is stated
};

void PrintTo(const RecordCase& test, std::ostream* out) {
  *out << test.json;
}

const RecordCase record_cases[] = {

    {"nested", R"({"country":{"iso_code":"US"},"continent":{"code":"NA"}})", "us,north-america,0"},
    {"nested_region", R"({"country":{"iso_code":"US"},"subdivisions":[{"iso_code":"CA"},{"iso_code":"X"}]})",
     "us-ca,north-america,0"},
    {"registered_country", R"({"registered_country":{"iso_code":"DE"}})", "de,europe,0"},
    {"country_before_registered_country", R"({"registered_country":{"iso_code":"DE"},"country":{"iso_code":"FR"}})",
     "fr,europe,0"},
    {"stated_continent", R"({"country":{"iso_code":"TR"},"continent":{"code":"AS"}})", "tr,asia,0"},
    {"continent_alone", R"({"continent":{"code":"OC"}})", ",oceania,0"},
    {"antarctica", R"({"continent":{"code":"AN"}})", ",antarctica,0"},
    {"flat", R"({"country_code":"BR"})", "br,south-america,0"},
    {"flat_lower_case", R"({"country_code":"br"})", "br,south-america,0"},
    {"flat_continent", R"({"continent_code":"AF"})", ",africa,0"},
    {"asn_of_maxmind", R"({"autonomous_system_number":4294967295})", ",,4294967295"},
    {"asn_number", R"({"asn":15169})", ",,15169"},
    {"asn_text", R"({"asn":"15169","country_code":"US"})", "us,north-america,15169"},
    {"asn_no_number", R"({"asn":"AS15169","country_code":"US"})", "us,north-america,0"},
    {"asn_too_large", R"({"asn":"4294967296","country_code":"US"})", "us,north-america,0"},
    {"europe_as_a_country", R"({"country_code":"EU"})", ",europe,0"},
    {"asia_pacific_as_a_country", R"({"country":{"iso_code":"AP"}})", ",asia,0"},
    {"no_country", R"({"country_code":"ZZ"})", ""},
    {"empty_country", R"({"country_code":""})", ""},
    {"region_without_country", R"({"subdivisions":[{"iso_code":"CA"}]})", ""},
    {"region_too_long", R"({"country_code":"US","subdivisions":[{"iso_code":"CALI"}]})", "us,north-america,0"},
    {"wrong_types", R"({"country":5,"country_code":7,"continent":"EU","asn":{"a":1}})", ""},
    {"other_keys", R"({"city":{"names":{"en":"Ulm"}}})", ""},
};

/// All cases in one file: making one takes longer than reading it.
class Record : public testing::TestWithParam<RecordCase> {
 protected:
  static Prefix prefix_of_case(size_t i) { return *parse_prefix("10." + std::to_string(2 * i) + ".0.0/16"); }

  static void SetUpTestSuite() {
    std::string lines;
    for (size_t i = 0; i < std::size(record_cases); ++i)
      lines += to_text(prefix_of_case(i)) + " " + record_cases[i].json + "\n";
    const TemporaryDirectory directory;
    const std::string path = directory.file("t.mmdb");
    if (write_mmdb(path, {4, 24, false}, lines)) layer_ = read_mmdb(path);
  }

  static std::optional<Result<Layer>> layer_;
};

std::optional<Result<Layer>> Record::layer_;

TEST_P(Record, StatesWhatIsThere) {
  if (!layer_) GTEST_SKIP() << cannot_write;
  ASSERT_TRUE(*layer_) << (*layer_).refusal().text();
  const auto own = std::find_if(std::begin(record_cases), std::end(record_cases), [](const RecordCase& test) {
    return std::string_view{test.description} == GetParam().description;
  });
  const std::string prefix = to_text(prefix_of_case(static_cast<size_t>(own - std::begin(record_cases))));
  std::string stated;
  for (const std::string& text : texts_of(**layer_))
    if (text.starts_with(prefix + " ")) stated = text.substr(prefix.size() + 1);
  EXPECT_EQ(stated, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Geo, Record, testing::ValuesIn(record_cases),
                         [](const auto& test) { return std::string{test.param.description}; });

struct TreeCase {
  const char* description;
  Writing writing;
};

void PrintTo(const TreeCase& test, std::ostream* out) {
  *out << test.description;
}

class Tree : public testing::TestWithParam<TreeCase> {};

TEST_P(Tree, GivesSortedPrefixesOfEachFamilyOnce) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.mmdb");
  const Writing& writing = GetParam().writing;
  std::string lines = "0.0.0.0/8 {\"asn\":1}\n"
                      "10.0.0.0/8 {\"asn\":2}\n"
                      "10.1.0.0/16 {\"asn\":3}\n"
                      "255.255.255.255/32 {\"asn\":4}\n";
  std::vector<std::string> expected{"0.0.0.0/8 ,,1", "10.0.0.0/16 ,,2", "10.1.0.0/16 ,,3"};
  for (unsigned length = 15; length >= 9; --length)
    expected.push_back(
        to_text(prefix_of(*parse_address("10." + std::to_string(1u << (16 - length)) + ".0.0"), length)) + " ,,2");
  expected.push_back("255.255.255.255/32 ,,4");
  if (writing.ip_version == 6) {
    lines += "2001:db8::/32 {\"asn\":5}\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 {\"asn\":6}\n";
    expected.insert(expected.end(), {"2001:db8::/32 ,,5", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 ,,6"});
  }
  WRITE_MMDB_OR_SKIP(path, writing, lines);
  const Result<Layer> layer = read_mmdb(path);
  ASSERT_TRUE(layer) << layer.refusal().text();
  EXPECT_EQ(texts_of(*layer), expected);
  EXPECT_EQ(layer->name, path);
}

INSTANTIATE_TEST_SUITE_P(Geo, Tree,
                         testing::Values(TreeCase{"ipv4_24", {4, 24, false}}, TreeCase{"ipv4_28", {4, 28, false}},
                                         TreeCase{"ipv4_32", {4, 32, false}}, TreeCase{"combined_24", {6, 24, false}},
                                         TreeCase{"combined_28", {6, 28, false}},
                                         TreeCase{"combined_32", {6, 32, false}}, TreeCase{"aliases_24", {6, 24, true}},
                                         TreeCase{"aliases_28", {6, 28, true}}, TreeCase{"aliases_32", {6, 32, true}}),
                         [](const auto& test) { return std::string{test.param.description}; });

TEST(Mmdb, AnIpv6RecordThatHoldsAllOfIpv4CountsForBoth) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.mmdb");
  WRITE_MMDB_OR_SKIP(path, (Writing{6, 24, false}), "::/8 {\"asn\":1}\n");
  const Result<Layer> layer = read_mmdb(path);
  ASSERT_TRUE(layer) << layer.refusal().text();
  EXPECT_EQ(texts_of(*layer), (std::vector<std::string>{"0.0.0.0/0 ,,1", "::/8 ,,1"}));
}

TEST(Mmdb, RefusesWhatStatesNothing) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("t.mmdb");
  WRITE_MMDB_OR_SKIP(path, (Writing{6, 24, false}), "10.0.0.0/8 {\"city\":\"Ulm\"}\n");
  EXPECT_EQ(read_mmdb(path).refusal().text(), path + ": no record states a country, region, continent or AS number");
}

TEST(Mmdb, RefusesWhatIsNotThereOrNoDatabase) {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("missing.mmdb");
  EXPECT_EQ(read_mmdb(missing).refusal().text(),
            missing + ": Error opening the specified MaxMind DB file: No such file or directory");
  const std::string text = directory.write("text.mmdb", "no database");
  EXPECT_EQ(read_mmdb(text).refusal().text(), text + ": The MaxMind DB file contains invalid metadata");
}

/// A good file and its bytes, to be damaged.
class Damage : public testing::Test {
 protected:
  bool make(const Writing& writing, const std::string& lines) {
    if (!write_mmdb(path_, writing, lines)) return false;
    std::ifstream file{path_, std::ios::binary};
    good_.assign(std::istreambuf_iterator<char>{file}, {});
    return true;
  }

  Result<Layer> read(const std::string& bytes) const { return read_mmdb(directory_.write("damaged.mmdb", bytes)); }

  /// Makes both records of a 24-bit node lead to another node.
  static void point(std::string& bytes, uint32_t node, uint32_t to) {
    for (size_t record = 0; record < 2; ++record)
      for (size_t byte = 0; byte < 3; ++byte)
        bytes[node * 6 + record * 3 + byte] = static_cast<char>(to >> (16 - 8 * byte));
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("good.mmdb");
  std::string good_;
};

#define MAKE_OR_SKIP(writing, lines)                                                                                   \
  if (!make(writing, lines)) GTEST_SKIP() << cannot_write

const char* const mixed_records =
    "10.0.0.0/8 {\"country\":{\"iso_code\":\"US\"},\"subdivisions\":[{\"iso_code\":\"CA\"}]}\n"
    "10.1.2.0/24 {\"country_code\":\"DE\",\"asn\":\"64496\"}\n"
    "2001:db8::/32 {\"autonomous_system_number\":1,\"continent\":{\"code\":\"EU\"}}\n"
    "2001:db8::1/128 {\"country_code\":\"FR\"}\n";

TEST_F(Damage, ACycleIsRefused) {
  for (const unsigned ip_version : {4u, 6u}) {
    SCOPED_TRACE(ip_version);
    MAKE_OR_SKIP((Writing{ip_version, 24, false}), "10.0.0.1/32 {\"asn\":1}\n");
    std::string bytes = good_;
    point(bytes, 5, 5);
    const Result<Layer> layer = read(bytes);
    ASSERT_FALSE(layer);
    EXPECT_NE(layer.refusal().text().find("at node 5: search tree is deeper than an address"), std::string::npos)
        << layer.refusal().text();
  }
}

TEST_F(Damage, ATreeOfSharedNodesIsNotWalkedForever) {
  MAKE_OR_SKIP((Writing{4, 24, false}), "10.0.0.1/32 {\"asn\":1}\n");
  std::string bytes = good_;
  for (uint32_t node = 0; node < 31; ++node) point(bytes, node, node + 1);
  const Result<Layer> layer = read(bytes);
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.refusal().reason, "search tree reaches its nodes again and again");
}

TEST_F(Damage, TruncationIsRefused) {
  MAKE_OR_SKIP((Writing{6, 28, true}), mixed_records);
  // The metadata is at the end and spans the last sizes.
  for (size_t size = 0; size < good_.size(); size += 1 + (good_.size() - size) / 256)
    EXPECT_FALSE(read(good_.substr(0, size))) << size;
}

TEST_F(Damage, CutsOutOfTheMiddleAreRefusedOrRead) {
  MAKE_OR_SKIP((Writing{6, 24, true}), mixed_records);
  for (size_t size = 1; size < good_.size(); size += 7) {
    const Result<Layer> layer = read(good_.substr(0, good_.size() - size) + good_.substr(good_.size() - size / 2));
    EXPECT_TRUE(layer || !layer.refusal().reason.empty());
  }
}

TEST_F(Damage, FlippedBitsAreRefusedOrRead) {
  for (const unsigned record_size : {24u, 28u, 32u}) {
    SCOPED_TRACE(record_size);
    MAKE_OR_SKIP((Writing{6, record_size, true}), mixed_records);
    std::mt19937_64 random{record_size};
    for (int i = 0; i < 1000; ++i) {
      std::string bytes = good_;
      for (uint64_t flips = 1 + random() % 3; flips > 0; --flips)
        bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
      const Result<Layer> layer = read(bytes);
      if (!layer) {
        EXPECT_FALSE(layer.refusal().reason.empty());
        continue;
      }
      for (const Layer::Entry& entry : layer->entries) {
        ASSERT_LT(entry.statement, layer->statements.size());
        ASSERT_EQ(prefix_of(entry.prefix.address, entry.prefix.length), entry.prefix);
      }
    }
  }
}

} // namespace
} // namespace anytick::geo
