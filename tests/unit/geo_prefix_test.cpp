#include "geo/prefix.h"

#include <gtest/gtest.h>

namespace anytick::geo {
namespace {

struct TextCase {
  const char* description;
  const char* text;
  const char* canonical; ///< nullptr: refused
};

void PrintTo(const TextCase& test, std::ostream* out) {
  *out << test.text;
}
std::string name_of(const testing::TestParamInfo<TextCase>& test) {
  return test.param.description;
}

class AddressText : public testing::TestWithParam<TextCase> {};

TEST_P(AddressText, ParsesOrRefuses) {
  const std::optional<Address> address = parse_address(GetParam().text);
  ASSERT_EQ(address.has_value(), GetParam().canonical != nullptr);
  if (address) {
    EXPECT_EQ(to_text(*address), GetParam().canonical);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Geo, AddressText,
    testing::Values(
        TextCase{"ipv4", "192.0.2.1", "192.0.2.1"}, TextCase{"ipv4_zero", "0.0.0.0", "0.0.0.0"},
        TextCase{"ipv4_last", "255.255.255.255", "255.255.255.255"},
        TextCase{"ipv4_octet_too_large", "192.0.2.256", nullptr}, TextCase{"ipv4_three_octets", "192.0.2", nullptr},
        TextCase{"ipv4_five_octets", "192.0.2.1.1", nullptr}, TextCase{"ipv4_leading_zero", "192.0.02.1", nullptr},
        TextCase{"ipv4_hexadecimal", "0x7f.0.0.1", nullptr}, TextCase{"ipv4_blank_before", " 192.0.2.1", nullptr},
        TextCase{"ipv4_blank_after", "192.0.2.1 ", nullptr}, TextCase{"ipv4_with_length", "192.0.2.0/24", nullptr},
        TextCase{"ipv6", "2001:DB8:0::1", "2001:db8::1"}, TextCase{"ipv6_zero", "::", "::"},
        TextCase{"ipv6_mapped", "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        TextCase{"ipv6_two_gaps", "2001::db8::1", nullptr}, TextCase{"ipv6_zone_id", "fe80::1%eth0", nullptr},
        TextCase{"ipv6_brackets", "[::1]", nullptr}, TextCase{"empty", "", nullptr},
        TextCase{"word", "localhost", nullptr},
        TextCase{"overlong", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", nullptr}),
    name_of);

class PrefixText : public testing::TestWithParam<TextCase> {};

TEST_P(PrefixText, ParsesOrRefuses) {
  const std::optional<Prefix> prefix = parse_prefix(GetParam().text);
  ASSERT_EQ(prefix.has_value(), GetParam().canonical != nullptr);
  if (prefix) {
    EXPECT_EQ(to_text(*prefix), GetParam().canonical);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Geo, PrefixText,
    testing::Values(TextCase{"ipv4", "192.0.2.0/24", "192.0.2.0/24"}, TextCase{"ipv4_all", "0.0.0.0/0", "0.0.0.0/0"},
                    TextCase{"ipv4_host", "192.0.2.1/32", "192.0.2.1/32"},
                    TextCase{"ipv4_odd_length", "192.0.2.128/25", "192.0.2.128/25"},
                    TextCase{"ipv4_bits_beyond", "192.0.2.1/24", nullptr},
                    TextCase{"ipv4_too_long", "192.0.2.0/33", nullptr},
                    TextCase{"ipv6", "2001:db8::/32", "2001:db8::/32"}, TextCase{"ipv6_all", "::/0", "::/0"},
                    TextCase{"ipv6_host", "2001:db8::1/128", "2001:db8::1/128"},
                    TextCase{"ipv6_bits_beyond", "2001:db8::1/127", nullptr},
                    TextCase{"ipv6_too_long", "2001:db8::/129", nullptr}, TextCase{"no_length", "192.0.2.0", nullptr},
                    TextCase{"empty_length", "192.0.2.0/", nullptr}, TextCase{"leading_zero", "192.0.2.0/024", nullptr},
                    TextCase{"plus", "192.0.2.0/+24", nullptr}, TextCase{"minus", "192.0.2.0/-1", nullptr},
                    TextCase{"two_slashes", "192.0.2.0/24/24", nullptr},
                    TextCase{"huge_length", "192.0.2.0/99999999999999999999", nullptr}),
    name_of);

TEST(Prefix, EmbeddedZeroIsNoEndOfText) {
  EXPECT_FALSE(parse_address(std::string_view{"192.0.2.1\0x", 11}));
  EXPECT_FALSE(parse_address(std::string_view{"192.0.2.1\0", 10}));
}

TEST(Prefix, WordsAndBytesAreTheSameAddress) {
  EXPECT_EQ(Address::ipv4(0xc0000201), *parse_address("192.0.2.1"));
  EXPECT_EQ(parse_address("192.0.2.1")->to_ipv4(), 0xc0000201u);
  const Address ipv6 = Address::ipv6(0x20010db800000001, 0x0000000000000002);
  EXPECT_EQ(ipv6, *parse_address("2001:db8:0:1::2"));
  EXPECT_EQ(ipv6.high(), 0x20010db800000001u);
  EXPECT_EQ(ipv6.low(), 2u);
}

TEST(Prefix, OnlyMappedAddressesAreIpv4) {
  EXPECT_EQ(unmapped(*parse_address("::ffff:192.0.2.1")), *parse_address("192.0.2.1"));
  for (const char* text : {"192.0.2.1", "::192.0.2.1", "64:ff9b::192.0.2.1", "::1:ffff:192.0.2.1", "1::ffff:192.0.2.1"})
    EXPECT_EQ(unmapped(*parse_address(text)), *parse_address(text)) << text;
}

TEST(Prefix, HoldsExactlyTheAddressesThatShareItsBits) {
  const Address address = *parse_address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 1; length <= 128; ++length) {
    SCOPED_TRACE(length);
    const Prefix prefix = prefix_of(address, length);
    EXPECT_TRUE(prefix.contains(address));
    EXPECT_EQ(prefix.length, length);
    EXPECT_EQ(prefix_of(prefix.address, length), prefix);
    Address outside = address;
    outside.bytes[(length - 1) / 8] ^= static_cast<uint8_t>(0x80 >> (length - 1) % 8);
    EXPECT_FALSE(prefix.contains(outside));
    if (length == 128) break;
    Address inside = address;
    inside.bytes[length / 8] ^= static_cast<uint8_t>(0x80 >> length % 8);
    EXPECT_TRUE(prefix.contains(inside));
  }
}

TEST(Prefix, HoldsNoAddressOfTheOtherFamily) {
  EXPECT_FALSE(parse_prefix("0.0.0.0/0")->contains(*parse_address("::")));
  EXPECT_FALSE(parse_prefix("::/0")->contains(*parse_address("0.0.0.0")));
  EXPECT_TRUE(parse_prefix("::/0")->contains(*parse_address("ffff::")));
}

} // namespace
} // namespace anytick::geo
