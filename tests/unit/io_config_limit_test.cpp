#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/config.h"

namespace anytick::io {
namespace {

using Texts = std::vector<std::string>;

/// `limit` begins at line 3 of "F".
ParsedConfig parse(const std::string& limit) {
  return parse_config("name = \"n\"\n[limit]\n" + limit + "\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n",
                      "F");
}

LimitConfig parsed(const std::string& limit) {
  const ParsedConfig parsed = parse(limit);
  for (const Refusal& fault : parsed.faults) ADD_FAILURE() << fault.text();
  return parsed.config ? parsed.config->limit : LimitConfig();
}

Texts faults(const std::string& limit) {
  const ParsedConfig parsed = parse(limit);
  EXPECT_EQ(parsed.config.has_value(), parsed.faults.empty());
  Texts texts;
  for (const Refusal& fault : parsed.faults) texts.push_back(fault.text());
  return texts;
}

struct NumberCase {
  std::string key;
  int64_t by_default;
  int64_t low;
  int64_t high;
  std::function<double(const LimitConfig&)> read;
};

void PrintTo(const NumberCase& c, std::ostream* out) {
  *out << c.key;
}

class LimitNumber : public testing::TestWithParam<NumberCase> {
 protected:
  static std::string line(const std::string& value) { return GetParam().key + " = " + value; }
};

TEST_P(LimitNumber, HasADefault) {
  const NumberCase& c = GetParam();
  EXPECT_EQ(c.read(parsed("")), static_cast<double>(c.by_default));
}

TEST_P(LimitNumber, IsTakenUpToItsBounds) {
  const NumberCase& c = GetParam();
  for (const int64_t value : {c.low, c.high})
    EXPECT_EQ(c.read(parsed(line(std::to_string(value)))), static_cast<double>(value));
}

TEST_P(LimitNumber, IsAFaultBeyondThem) {
  const NumberCase& c = GetParam();
  const std::string fault = "F at line 3, column " + std::to_string(c.key.size() + 4) + ": limit." + c.key +
                            ": must be an integer from " + std::to_string(c.low) + " to " + std::to_string(c.high);
  for (const std::string& value : {std::to_string(c.low - 1), std::to_string(c.high + 1),
                                   std::string("-9223372036854775808"), std::string("9223372036854775807"),
                                   std::string("5.5"), std::string("\"5\""), std::string("true"), std::string("[5]")}) {
    SCOPED_TRACE(value);
    EXPECT_EQ(faults(line(value)), Texts{fault});
  }
}

std::function<double(const LimitConfig&)> rate_of(core::AnswerClass which) {
  return [which](const LimitConfig& config) { return config.rules.per_second[static_cast<size_t>(which)]; };
}

INSTANTIATE_TEST_SUITE_P(
    , LimitNumber,
    testing::Values(
        NumberCase{"answers", 1000, 0, 1'000'000, rate_of(core::AnswerClass::answer)},
        NumberCase{"nodata", 200, 0, 1'000'000, rate_of(core::AnswerClass::nodata)},
        NumberCase{"nxdomain", 200, 0, 1'000'000, rate_of(core::AnswerClass::nxdomain)},
        NumberCase{"referrals", 200, 0, 1'000'000, rate_of(core::AnswerClass::referral)},
        NumberCase{"errors", 100, 0, 1'000'000, rate_of(core::AnswerClass::error)},
        NumberCase{"ntp", 50, 0, 1'000'000, rate_of(core::AnswerClass::ntp)},
        NumberCase{"ntp_ipv4_prefix", 32, 8, 32, [](const LimitConfig& c) { return c.rules.ntp_ipv4_prefix; }},
        NumberCase{"ntp_ipv6_prefix", 64, 16, 64, [](const LimitConfig& c) { return c.rules.ntp_ipv6_prefix; }},
        NumberCase{"ntp_leak", 4, 0, 100, [](const LimitConfig& c) { return c.rules.ntp_leak; }},
        NumberCase{"ntp_kod", 0, 0, 1000, [](const LimitConfig& c) { return c.rules.ntp_kod; }},
        NumberCase{"burst_seconds", 5, 1, 60, [](const LimitConfig& c) { return c.rules.burst_seconds; }},
        NumberCase{"ipv4_prefix", 24, 8, 32, [](const LimitConfig& c) { return c.rules.ipv4_prefix; }},
        NumberCase{"ipv6_prefix", 56, 16, 64, [](const LimitConfig& c) { return c.rules.ipv6_prefix; }},
        NumberCase{"slip", 2, 0, 100, [](const LimitConfig& c) { return c.rules.slip; }},
        NumberCase{"reply_ratio", 10, 0, 1000, [](const LimitConfig& c) { return c.rules.reply_ratio; }},
        NumberCase{"memory_mb", 16, 1, 65'536,
                   [](const LimitConfig& c) { return static_cast<double>(c.memory_bytes >> 20); }}),
    [](const auto& each) { return each.param.key; });

TEST(Limit, KeysAreIndependent) {
  const LimitConfig config = parsed("ntp = 12\nntp_ipv4_prefix = 13\nntp_ipv6_prefix = 21\nntp_leak = 14\nntp_kod = "
                                    "15\nerrors = 1\nreferrals = 2\nnxdomain = 3\nnodata = 4\nanswers = 5\nslip = 6\n"
                                    "reply_ratio = 7\nburst_seconds = 8\nipv4_prefix = 9\nipv6_prefix = 20\n"
                                    "memory_mb = 11\nmode = \"log\"\nallow = [\"2001:db8::1\"]");
  EXPECT_EQ(config.rules.per_second, (decltype(config.rules.per_second){5, 4, 3, 2, 1, 12}));
  EXPECT_EQ(config.rules.ntp_ipv4_prefix, 13);
  EXPECT_EQ(config.rules.ntp_ipv6_prefix, 21);
  EXPECT_EQ(config.rules.ntp_leak, 14u);
  EXPECT_EQ(config.rules.ntp_kod, 15u);
  EXPECT_EQ(config.rules.slip, 6u);
  EXPECT_EQ(config.rules.reply_ratio, 7u);
  EXPECT_EQ(config.rules.burst_seconds, 8);
  EXPECT_EQ(config.rules.ipv4_prefix, 9);
  EXPECT_EQ(config.rules.ipv6_prefix, 20);
  EXPECT_EQ(config.memory_bytes, 11u << 20);
  EXPECT_EQ(config.rules.mode, core::LimitMode::log);
  EXPECT_EQ(config.rules.allow.size(), 1u);
}

TEST(Limit, Mode) {
  EXPECT_EQ(parsed("").rules.mode, core::LimitMode::on);
  EXPECT_EQ(parsed("mode = \"on\"").rules.mode, core::LimitMode::on);
  EXPECT_EQ(parsed("mode = \"log\"").rules.mode, core::LimitMode::log);
  EXPECT_EQ(parsed("mode = \"off\"").rules.mode, core::LimitMode::off);
  for (const char* value : {"\"slow\"", "\"ON\"", "\"\"", "true", "1"})
    EXPECT_EQ(faults(std::string("mode = ") + value),
              Texts{"F at line 3, column 8: limit.mode: must be one of \"off\", \"log\", \"on\""});
}

/// An answer is longer than its query, always.
TEST(Limit, ReplyRatioOfOne) {
  EXPECT_EQ(faults("reply_ratio = 1"),
            Texts{"F at line 3, column 15: limit.reply_ratio: must be 0, for no bound, or at "
                  "least 2: an answer has its question in it"});
  EXPECT_EQ(parsed("reply_ratio = 2").rules.reply_ratio, 2u);
}

TEST(Limit, AllowTakesAddressesAndPrefixes) {
  EXPECT_TRUE(parsed("").rules.allow.empty());
  EXPECT_TRUE(parsed("allow = []").rules.allow.empty());
  std::string found;
  for (const geo::Prefix& prefix :
       parsed("allow = [\"198.51.100.7\", \"192.0.2.0/24\", \"0.0.0.0/0\", \"2001:db8::1\", \"::/0\"]").rules.allow)
    found += geo::to_text(prefix) + ' ';
  EXPECT_EQ(found, "198.51.100.7/32 192.0.2.0/24 0.0.0.0/0 2001:db8::1/128 ::/0 ");
}

TEST(Limit, AllowNamesEachThatIsNone) {
  const Texts wrong{
      "7", "\"hello\"", "\"\"", "\"192.0.2.0/33\"", "\"192.0.2.1/24\"", "\"2001:db8::1/64\"", "\"192.0.2.0/\""};
  std::string list = "allow = [\"192.0.2.0/24\"";
  Texts expected;
  for (size_t i = 0; i < wrong.size(); ++i) {
    list += ",\n" + wrong[i];
    expected.push_back("F at line " + std::to_string(4 + i) + ", column 1: limit.allow[" + std::to_string(1 + i) +
                       "]: must be an IPv4 or IPv6 address or prefix, no bits set beyond its length");
  }
  EXPECT_EQ(faults(list + "]"), expected);
  EXPECT_EQ(faults("allow = \"192.0.2.0/24\""), Texts{"F at line 3, column 9: limit.allow: must be an array"});
}

TEST(Limit, AllFaultsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(faults("memory_mb = 0\nanswer = 1\nerrors = -1"),
            (Texts{"F at line 3, column 13: limit.memory_mb: must be an integer from 1 to 65536",
                   "F at line 4, column 1: limit.answer: unknown key",
                   "F at line 5, column 10: limit.errors: must be an integer from 0 to 1000000"}));
}

} // namespace
} // namespace anytick::io
