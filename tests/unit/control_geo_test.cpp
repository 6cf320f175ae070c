#include "control/commands/geo_command.h"

#include <gtest/gtest.h>

#include "control/command.h"
#include "geo/map.h"
#include "tests/unit/control_files.h"
#include "tests/unit/control_run.h"

namespace anytick::control {
namespace {

struct Outcome {
  int exit_code;
  std::string error; ///< of CommandFailure
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  testing::internal::CaptureStderr();
  const test::Outcome outcome = test::run_command(std::move(arguments), add_geo_command);
  return {outcome.code, outcome.failure, outcome.output, testing::internal::GetCapturedStderr()};
}

class GeoCommand : public testing::Test {
 protected:
  Outcome compile(const std::string& overrides) {
    return run({"geo", "compile", "--override", directory_.write("o.txt", overrides), "--created", "7", "-o", map_});
  }

  test::TemporaryDirectory directory_;
  std::string map_ = directory_.file("map");
};

TEST_F(GeoCommand, CompilesAndLooksUp) {
  const Outcome compiled = compile("10.0.0.0/8 region=us-ca asn=64496\n");
  ASSERT_EQ(compiled.exit_code, exit_done) << compiled.error;
  EXPECT_TRUE(compiled.out.starts_with(directory_.file("o.txt") + ": 1 prefixes\n" + map_ + ": ")) << compiled.out;
  const std::vector<std::byte> bytes = read_file(map_);
  EXPECT_EQ(geo::Map::validate(bytes)->created(), 7u);

  EXPECT_EQ(
      run({"geo", "lookup", "--map", map_, "10.1.2.3", "2001:db8::1"}).out,
      "ADDRESS      COUNTRY  REGION  ASN    CONTINENT      SAME-ASN    SAME-REGION  SAME-COUNTRY  SAME-CONTINENT\n"
      "10.1.2.3     us       us-ca   64496  north-america  10.0.0.0/8  10.0.0.0/8   10.0.0.0/8    10.0.0.0/8\n"
      "2001:db8::1  -        -       -      -              ::/0        ::/0         ::/0          ::/0\n");
  EXPECT_EQ(run({"geo", "lookup", "--map", map_, "--json", "11.0.0.0"}).out, R"([
  {
    "address": "11.0.0.0",
    "country": null,
    "region": null,
    "asn": null,
    "continent": null,
    "prefix": {
      "asn": "11.0.0.0/8",
      "region": "11.0.0.0/8",
      "country": "11.0.0.0/8",
      "continent": "11.0.0.0/8"
    }
  }
]
)");
}

TEST_F(GeoCommand, ReportsAllFaultsAndWritesNothing) {
  const std::string overrides = directory_.write("o.txt", "10.0.0.0/8 country=zz\nx asn=1\n");
  const std::string missing = directory_.file("missing.mmdb");
  const Outcome outcome = run({"geo", "compile", "--mmdb", missing, "--override", overrides, "-o", map_});
  EXPECT_EQ(outcome.exit_code, exit_refused);
  EXPECT_EQ(outcome.error, "3 faults, nothing is written");
  EXPECT_EQ(outcome.err, missing + ": Error opening the specified MaxMind DB file: No such file or directory\n" +
                             overrides + " at line 1: 'zz' is no country of ISO 3166-1\n" + overrides +
                             " at line 2: 'x' is no prefix (address/length, no bits beyond the length)\n");
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(directory_.entries(), 1u);
}

TEST_F(GeoCommand, ARefusedCompileLeavesTheOldMap) {
  ASSERT_EQ(compile("10.0.0.0/8 country=us").exit_code, exit_done);
  const std::vector<std::byte> before = read_file(map_);
  EXPECT_EQ(compile("10.0.0.0/8 country=zz").exit_code, exit_refused);
  EXPECT_EQ(read_file(map_), before);
}

TEST_F(GeoCommand, UsageIsNotRefusal) {
  EXPECT_EQ(run({"geo", "compile", "-o", map_}).exit_code, exit_usage);
  ASSERT_EQ(compile("10.0.0.0/8 country=us").exit_code, exit_done);
  const Outcome outcome = run({"geo", "lookup", "--map", map_, "10.0.0.1", "10.0.0"});
  EXPECT_EQ(outcome.exit_code, exit_usage);
  EXPECT_EQ(outcome.error, "geo lookup: '10.0.0' is no IP address");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(GeoCommand, LookupRefusesWhatIsNoMap) {
  const std::string text = directory_.write("text", std::string(4096, 'x'));
  const Outcome outcome = run({"geo", "lookup", "--map", text, "10.0.0.1"});
  EXPECT_EQ(outcome.exit_code, exit_refused);
  EXPECT_EQ(outcome.error, text + ": geo map: header at offset 0: no geo map (magic differs)");
}

} // namespace
} // namespace anytick::control
