#include "dataplane/core/names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/packets/wire.h"

namespace anytick::core {
namespace {

FoldedName name_of(std::string_view text) {
  FoldedName name;
  EXPECT_TRUE(read_name(test::wire_name(text), name)) << text;
  return name;
}

TEST(Fold, EveryByte) {
  for (unsigned c = 0; c < 256; ++c) {
    const uint64_t word = 0x0101010101010101u * c;
    const uint64_t expected = 0x0101010101010101u * (c >= 'A' && c <= 'Z' ? c + 32 : c);
    EXPECT_EQ(fold8(word), expected) << c;
    EXPECT_EQ(fold8(uint64_t{c} << 24 | 'Z'), (expected & 0xff) << 24 | 'z') << c;
  }
}

TEST(ReadName, LabelsAndLength) {
  const FoldedName name = name_of("0.US.Pool.Example");
  EXPECT_EQ(name.labels, 4);
  EXPECT_EQ(name.length, 19);
  EXPECT_EQ(name.label_at[4], 18);
  const auto suffix = name.suffix(1);
  EXPECT_EQ(test::Bytes(suffix.begin(), suffix.end()), test::wire_name("us.pool.example"));
  EXPECT_EQ(name_of(".").labels, 0);
  EXPECT_EQ(name_of(".").length, 1);
}

TEST(ReadName, RefusesWhatIsNone) {
  const std::string label63(63, 'a');
  const std::string three = label63 + '.' + label63 + '.' + label63;
  FoldedName name;
  EXPECT_TRUE(read_name(test::wire_name(three + '.' + std::string(61, 'b')), name));
  EXPECT_EQ(name.length, 255);
  EXPECT_FALSE(read_name(test::wire_name(three + '.' + std::string(62, 'b')), name)) << "256 bytes";
  for (const char* hex : {"", "01", "0161", "4061", "c000", "ff", "80"})
    EXPECT_FALSE(read_name(test::from_hex(hex), name)) << hex;
  test::Bytes most;
  for (int i = 0; i < 127; ++i) test::append16(most, 0x0161);
  most.push_back(0);
  EXPECT_TRUE(read_name(most, name));
  EXPECT_EQ(name.labels, dns::labels_max);
}

TEST(Hash, OfSuffixesIsThatOfTheNames) {
  const FoldedName name = name_of("a.bc.seventeen-letters.x.pool.example");
  for (unsigned i = 0; i <= name.labels; ++i) {
    FoldedName suffix;
    ASSERT_TRUE(read_name(name.suffix(i), suffix));
    EXPECT_EQ(hash_name(name, i), hash_name(suffix)) << i;
  }
}

// Bytes behind the name must not matter: they are whatever the last query left there.
TEST(Hash, IgnoresWhatLiesBehind) {
  FoldedName clean = name_of("0.pool.example");
  FoldedName dirty = clean;
  std::fill(dirty.bytes.begin() + dirty.length, dirty.bytes.end(), uint8_t{0xa5});
  EXPECT_EQ(hash_name(clean), hash_name(dirty));
}

TEST(Hash, TellsLabelBordersApart) {
  EXPECT_NE(hash_name(name_of("ab.c")), hash_name(name_of("a.bc")));
  EXPECT_NE(hash_name(name_of("ab.c")), hash_name(name_of("abc")));
  EXPECT_EQ(hash_name(name_of("AB.c")), hash_name(name_of("ab.C")));
}

// RFC 4034 6.1 has this very list.
TEST(CanonicalOrder, Rfc4034) {
  std::vector<std::string> names{"example",     "a.example",      "yljkjljk.a.example",
                                 "z.a.example", "zabc.a.example", "z.example"};
  for (size_t i = 0; i < names.size(); ++i)
    for (size_t j = 0; j < names.size(); ++j) {
      const int order = compare_names(name_of(names[i]), name_of(names[j]));
      EXPECT_EQ(order < 0, i < j) << names[i] << ' ' << names[j];
      EXPECT_EQ(order == 0, i == j) << names[i] << ' ' << names[j];
    }
}

} // namespace
} // namespace anytick::core
