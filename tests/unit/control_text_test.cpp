#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/dns_text.h"
#include "control/findings.h"
#include "control/json_source.h"
#include "control/targeting.h"
#include "control/text.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control {
namespace {

using namespace std::string_literals;

struct NameCase {
  const char* name;
  std::string text;
  std::string wire;   ///< "" where refused
  std::string reason; ///< of the refusal
};

class ParseName : public testing::TestWithParam<NameCase> {};

TEST_P(ParseName, GivesWireFormatOrReason) {
  const auto result = parse_name(GetParam().text, "\x03org\0"s);
  ASSERT_EQ(static_cast<bool>(result), GetParam().reason.empty());
  if (result)
    EXPECT_EQ(*result, GetParam().wire);
  else
    EXPECT_EQ(result.refusal().reason, GetParam().reason);
}

const NameCase names[] = {
    {"relative", "WWW.a", "\x03www\x01"s + "a\x03org\0"s, ""},
    {"absolute", "www.Example.", "\x03www\x07"s + "example\0"s, ""},
    {"root", ".", "\0"s, ""},
    {"underscore_and_slash", "_ntp._udp.0/25.", "\x04_ntp\x04_udp\x04"s + "0/25\0"s, ""},
    {"empty", "", "", "empty label"},
    {"two_dots", "a..b", "", "empty label"},
    {"leading_dot", ".a", "", "empty label"},
    {"nul", "a\0b"s, "", "'\0' is not served in names"s},
    {"escape", "a\\.b", "", "'\\' is not served in names"},
    {"not_ascii", "\xc3\xa4", "", "not ASCII: names are written in their xn-- form"},
    {"long_label", std::string(64, 'a'), "", "a label of more than 63 bytes"},
};
INSTANTIATE_TEST_SUITE_P(Cases, ParseName, testing::ValuesIn(names), [](const auto& each) { return each.param.name; });

TEST(ParseName, HoldsTheLimitOf255Bytes) {
  const std::string text = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  const auto longest = parse_name(text + std::string(61, 'd') + ".", root_name);
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->size(), 255u);
  EXPECT_FALSE(parse_name(text + std::string(62, 'd') + ".", root_name));
}

TEST(NameText, EscapesWhatIsNoPlainCharacter) {
  EXPECT_EQ(name_text("\0"s), ".");
  EXPECT_EQ(name_text("\x05"
                      "a.b\\\x01\x03org\0"s),
            "a\\.b\\\\\\001.org.");
}

TEST(RelativeText, KnowsWhatIsInsideAZone) {
  const std::string origin = "\x03org\0"s;
  EXPECT_EQ(relative_text("\x01"
                          "a\x01"
                          "b\x03org\0"s,
                          origin),
            "a.b");
  EXPECT_EQ(relative_text(origin, origin), "");
  EXPECT_EQ(relative_text("\x04xorg\0"s, origin), std::nullopt);
  EXPECT_EQ(relative_text("\0"s, origin), std::nullopt);
}

TEST(RdataText, PrintsTypesItDoesNotKnow) {
  EXPECT_EQ(rdata_text(65280, "\x01\xff"s), "\\# 2 01ff");
  EXPECT_EQ(rdata_text(65280, ""), "\\# 0");
  EXPECT_EQ(type_text(65280), "type65280");
}

TEST(Finding, EscapesControlCharacters) {
  const Finding finding{Severity::fault, "f", "a/\x1b[2J", "bad\n"};
  EXPECT_EQ(finding.text(), "f: a/\\x1b[2J: fault: bad\\x0a");
}

TEST(JsonPath, IsAChainOfKeysAndIndices) {
  const JsonPath root;
  const JsonPath data(root, "data"), label(data, ""), type(label, "a");
  EXPECT_EQ(root.text(), "");
  EXPECT_EQ(data.text(), "data");
  EXPECT_EQ(JsonPath(type, size_t{3}).text(), "data//a/3");
}

TEST(Shown, ShortensBetweenCharacters) {
  EXPECT_EQ(shown("x"), "\"x\"");
  std::string umlauts;
  for (int i = 0; i < 50; ++i) umlauts += "\xc3\xa4";
  const std::string text = shown(umlauts);
  EXPECT_EQ(text, fmt::format("\"{}...", umlauts.substr(0, 58)));
}

TEST(AddressTarget, BasesStandForTheirBlocks) {
  EXPECT_EQ(address_target("[192.0.2.1]"), "192.0.2.1/32");
  EXPECT_EQ(address_target("[192.0.2.0]"), "192.0.2.0/24");
  EXPECT_EQ(address_target("[2001:db8:1::]"), "2001:db8:1::/48");
  EXPECT_EQ(address_target("[2001:db8:1::7]"), "2001:db8:1::7/128");
  for (const char* none : {"", "[]", "192.0.2.1", "[192.0.2.1", "[192.0.2]", "[us]"})
    EXPECT_FALSE(address_target(none)) << none;
}

TEST(SplitLabel, FindsTheTarget) {
  const auto split = [](std::string_view label, uint32_t targeting) {
    const SplitLabel parts = split_label(label, targeting);
    return parts.name + "|" + parts.target;
  };
  const uint32_t all = core::target_country | core::target_ip;
  EXPECT_EQ(split("0.us", all), "0|us");
  EXPECT_EQ(split("us", all), "|us");
  EXPECT_EQ(split("a.b.[192.0.2.1]", all), "a.b|192.0.2.1/32");
  EXPECT_EQ(split("[2001:db8:1::]", all), "|2001:db8:1::/48");
  EXPECT_EQ(split("0.x[192.0.2.1]", all), "|");
  EXPECT_EQ(split_label("0.[192.0.2.1]", core::target_country).target, "") << "brackets mean nothing then";
}

struct TargetCase {
  const char* label;
  uint32_t targeting; ///< the one level at which it is a target
};

class IsTarget : public testing::TestWithParam<TargetCase> {};

TEST_P(IsTarget, AtItsLevelOnly) {
  for (uint32_t level = 1; level <= core::target_ip; level <<= 1)
    EXPECT_EQ(is_target(GetParam().label, level), (GetParam().targeting & level) != 0)
        << GetParam().label << " " << level;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, IsTarget,
    testing::Values(TargetCase{"us", core::target_country}, TargetCase{"north-america", core::target_continent},
                    TargetCase{"asia", core::target_continent}, TargetCase{"us-ca", core::target_region},
                    TargetCase{"us-west", core::target_region_group}, TargetCase{"de-11", core::target_region},
                    TargetCase{"ru-dfd", core::target_region | core::target_region_group}, TargetCase{"to-child", 0},
                    TargetCase{"is-a-name", 0}, TargetCase{"as64500", core::target_asn},
                    TargetCase{"as", core::target_country}, TargetCase{"as0", 0}, TargetCase{"as1x", 0},
                    TargetCase{"", 0}, TargetCase{"@", 0}, TargetCase{"0", 0}, TargetCase{"u1", 0},
                    TargetCase{"us-", 0}, TargetCase{"debian", 0}));

TEST(TargetingText, NamesTheWords) {
  EXPECT_EQ(targeting_text(0), "@");
  EXPECT_EQ(targeting_text(core::target_country | core::target_asn | core::target_continent),
            "@ continent country asn");
}

TEST(Text, DatesAndDurations) {
  EXPECT_EQ(date_text(0), "unknown");
  EXPECT_EQ(date_text(1), "1970-01-01T00:00:01Z");
  EXPECT_EQ(date_text(4102444799), "2099-12-31T23:59:59Z");
  EXPECT_EQ(date_text(UINT64_MAX), "1969-12-31T23:59:59Z");
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(125), "2m 5s");
  EXPECT_EQ(duration_text(3600 * 3 + 61), "3h 1m");
  EXPECT_EQ(duration_text(86400 * 3 + 3600 * 4), "3d 4h");
  EXPECT_EQ(hex_text("\x00\xff"s), "00ff");
}

TEST(ParseDuration, TakesUnitsFromLargeToSmall) {
  const auto parsed = [](std::string_view text) {
    const auto duration = parse_duration(text);
    return duration ? duration->count() : -1;
  };
  EXPECT_EQ(parsed("90s"), 90);
  EXPECT_EQ(parsed("5m"), 300);
  EXPECT_EQ(parsed("1h"), 3600);
  EXPECT_EQ(parsed("2d"), 172'800);
  EXPECT_EQ(parsed("1h30m"), 5400);
  EXPECT_EQ(parsed("4m 10s"), 250);
  EXPECT_EQ(parsed("0s"), 0);
  EXPECT_EQ(parsed("3650d"), 315'360'000);
  for (const char* wrong :
       {"", "5", "s", "5x", "-5m", "5m 5m", "10s 4m", "5m,", "5 m", " 5m", "1.5h", "3651d", "4294967296s", "5M", "5ms"})
    EXPECT_EQ(parsed(wrong), -1) << wrong;
  for (const uint64_t seconds : {uint64_t{1}, uint64_t{61}, uint64_t{3660}, uint64_t{90'000}})
    EXPECT_EQ(parsed(duration_text(seconds)), static_cast<int64_t>(seconds));
}

} // namespace
} // namespace anytick::control
