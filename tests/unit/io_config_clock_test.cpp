#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/config.h"

namespace anytick::io {
namespace {

using Texts = std::vector<std::string>;

/// `clock` begins at line 3 of "F".
ParsedConfig parse(const std::string& clock) {
  return parse_config("name = \"n\"\n[clock]\n" + clock + "\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n",
                      "F");
}

ClockConfig parsed(const std::string& clock) {
  const ParsedConfig parsed = parse(clock);
  for (const Refusal& fault : parsed.faults) ADD_FAILURE() << fault.text();
  return parsed.config ? parsed.config->clock : ClockConfig();
}

Texts faults(const std::string& clock) {
  const ParsedConfig parsed = parse(clock);
  EXPECT_EQ(parsed.config.has_value(), parsed.faults.empty());
  Texts texts;
  for (const Refusal& fault : parsed.faults) texts.push_back(fault.text());
  return texts;
}

TEST(ConfigClock, Defaults) {
  const ClockConfig config = parsed("");
  EXPECT_EQ(config.source, ClockSource::automatic);
  EXPECT_EQ(config.chronyd.path, "/run/chrony/chronyd.sock");
  EXPECT_EQ(config.max_age.count(), 10);
  EXPECT_EQ(config.kernel_stratum, 3);
  EXPECT_EQ(config.kernel_root_delay, 0.05);
  EXPECT_EQ(config.kernel_root_dispersion, 0.01);
}

TEST(ConfigClock, Sources) {
  EXPECT_EQ(parsed("source = \"auto\"").source, ClockSource::automatic);
  EXPECT_EQ(parsed("source = \"chrony\"").source, ClockSource::chrony);
  EXPECT_EQ(parsed("source = \"kernel\"").source, ClockSource::kernel);
  EXPECT_EQ(parsed("source = \"fixed\"\nlaboratory = true").source, ClockSource::fixed);
  EXPECT_EQ(faults("source = \"gps\""),
            Texts{"F at line 3, column 10: clock.source: must be one of \"auto\", \"chrony\", \"kernel\", \"fixed\""});
}

TEST(ConfigClock, Chronyd) {
  EXPECT_EQ(parsed("chronyd = \"/tmp/c.sock\"").chronyd.path, "/tmp/c.sock");
  const ClockConfig ipv4 = parsed("chronyd = \"127.0.0.1:323\"");
  EXPECT_EQ(ipv4.chronyd.path, "");
  EXPECT_EQ(geo::to_text(ipv4.chronyd.udp.address), "127.0.0.1");
  EXPECT_EQ(ipv4.chronyd.udp.port, 323);
  EXPECT_EQ(parsed("chronyd = \"[::1]:324\"").chronyd.udp.port, 324);
  const std::string fault =
      "F at line 3, column 11: clock.chronyd: must be the path of a socket, or a loopback address "
      "and port: \"127.0.0.1:323\"";
  for (const char* wrong : {"\"\"", "\"192.0.2.1:323\"", "\"localhost:323\"", "\"127.0.0.1\"", "\"c.sock\"", "323"})
    EXPECT_EQ(faults(std::string("chronyd = ") + wrong), Texts{fault}) << wrong;
}

struct IntegerCase {
  const char* key;
  int64_t low, high;
  std::function<int64_t(const ClockConfig&)> read;
};

void PrintTo(const IntegerCase& c, std::ostream* out) {
  *out << c.key;
}

/// All as in a laboratory.
class ClockInteger : public testing::TestWithParam<IntegerCase> {
 protected:
  static std::string line(const std::string& value) {
    return std::string(GetParam().key) + " = " + value + "\nlaboratory = true";
  }
};

TEST_P(ClockInteger, IsTakenUpToItsBounds) {
  for (const int64_t value : {GetParam().low, GetParam().high})
    EXPECT_EQ(GetParam().read(parsed(line(std::to_string(value)))), value);
}

TEST_P(ClockInteger, IsAFaultBeyondThem) {
  const std::string key = GetParam().key;
  const std::string fault = "F at line 3, column " + std::to_string(key.size() + 4) + ": clock." + key +
                            ": must be an integer from " + std::to_string(GetParam().low) + " to " +
                            std::to_string(GetParam().high);
  for (const std::string& value : {std::to_string(GetParam().low - 1), std::to_string(GetParam().high + 1),
                                   std::string("1.5"), std::string("\"1\""), std::string("true")})
    EXPECT_EQ(faults(line(value)), Texts{fault}) << value;
}

INSTANTIATE_TEST_SUITE_P(
    , ClockInteger,
    testing::Values(IntegerCase{"max_age_seconds", 1, 3600, [](const ClockConfig& c) { return c.max_age.count(); }},
                    IntegerCase{"kernel_stratum", 1, 15, [](const ClockConfig& c) { return c.kernel_stratum; }},
                    IntegerCase{"stratum", 1, 15, [](const ClockConfig& c) { return c.fixed.stratum; }},
                    IntegerCase{"leap", 0, 2, [](const ClockConfig& c) { return c.fixed.leap; }}),
    [](const auto& each) { return each.param.key; });

struct NumberCase {
  const char* key;
  double low, high;
  const char* bounds;
  std::function<double(const ClockConfig&)> read;
};

void PrintTo(const NumberCase& c, std::ostream* out) {
  *out << c.key;
}

class ClockNumber : public testing::TestWithParam<NumberCase> {
 protected:
  static std::string line(const std::string& value) {
    return std::string(GetParam().key) + " = " + value + "\nlaboratory = true";
  }
  static double read(const std::string& value) { return GetParam().read(parsed(line(value))); }
};

TEST_P(ClockNumber, IsTakenWithAndWithoutAFraction) {
  EXPECT_EQ(read("1"), 1);
  EXPECT_EQ(read("0.000001"), 1e-6);
  EXPECT_EQ(read("2e-3"), 2e-3);
  for (const double value : {GetParam().low, GetParam().high}) EXPECT_EQ(read(std::to_string(value)), value);
}

TEST_P(ClockNumber, IsAFaultBeyondItsBounds) {
  const std::string key = GetParam().key;
  const std::string fault = "F at line 3, column " + std::to_string(key.size() + 4) + ": clock." + key +
                            ": must be a number from " + GetParam().bounds;
  for (const std::string& value :
       {std::to_string(GetParam().low - 1e-3), std::to_string(GetParam().high + 1e-3), std::string("inf"),
        std::string("-inf"), std::string("nan"), std::string("\"1\""), std::string("true"), std::string("[1]")})
    EXPECT_EQ(faults(line(value)), Texts{fault}) << value;
}

INSTANTIATE_TEST_SUITE_P(, ClockNumber,
                         testing::Values(NumberCase{"kernel_root_delay", 0, 1, "0 to 1",
                                                    [](const ClockConfig& c) { return c.kernel_root_delay; }},
                                         NumberCase{"kernel_root_dispersion", 0, 1, "0 to 1",
                                                    [](const ClockConfig& c) { return c.kernel_root_dispersion; }},
                                         NumberCase{"root_delay", 0, 16, "0 to 16",
                                                    [](const ClockConfig& c) { return c.fixed.root_delay; }},
                                         NumberCase{"root_dispersion", 0, 16, "0 to 16",
                                                    [](const ClockConfig& c) { return c.fixed.root_dispersion; }},
                                         NumberCase{"correction", -1e6, 1e6, "-1000000 to 1000000",
                                                    [](const ClockConfig& c) { return c.fixed.correction; }}),
                         [](const auto& each) { return each.param.key; });

TEST(ConfigClock, Refid) {
  const auto refid = [](const std::string& text) { return parsed("laboratory = true\nrefid = " + text).fixed.refid; };
  EXPECT_EQ(refid("\"GPS\""), 0x00535047u);
  EXPECT_EQ(refid("\"DCFa\""), 0x61464344u);
  EXPECT_EQ(refid("\"192.0.2.1\""), 0x010200c0u);
  const Texts fault{"F at line 4, column 9: clock.refid: must be an IPv4 address, or one to four characters"};
  for (const char* wrong : {"\"\"", "\"GPS12\"", "\"a b\"", "\"2001:db8::1\"", "\"192.0.2.256\"", "7"})
    EXPECT_EQ(faults(std::string("laboratory = true\nrefid = ") + wrong), fault) << wrong;
}

TEST(ConfigClock, LaboratoriesOnly) {
  EXPECT_EQ(faults("source = \"fixed\""), Texts{"F at line 3, column 10: clock.source: \"fixed\" is for laboratories "
                                                "only, and wants laboratory = true"});
  for (const char* key :
       {"stratum = 1", "leap = 0", "refid = \"GPS\"", "root_delay = 0.0", "root_dispersion = 0.0", "correction = 0.1"})
    EXPECT_EQ(faults(key).size(), 1u) << key;
  EXPECT_EQ(faults("laboratory = 1"), Texts{"F at line 3, column 14: clock.laboratory: must be true or false"});
}

TEST(ConfigClock, AllFaultsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(faults("max_age = 1\nkernel_stratum = 16\nsource = \"fixed\"").size(), 3u);
  EXPECT_EQ(faults("max_age = 1\nkernel_stratum = 16")[0], "F at line 3, column 1: clock.max_age: unknown key");
}

} // namespace
} // namespace anytick::io
