#include "control/commands/explain_command.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "control/command.h"
#include "control/commands/geo_command.h"
#include "control/commands/zone_command.h"
#include "control_explained.h"
#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

/// `anytick zone explain` as the program runs it.
class ExplainCommand : public testing::Test {
 protected:
  ExplainCommand() {
    run({"zone", "compile", directory_.write("geo.example.json", explained_zone), "-o", image_});
    run({"geo", "compile", "--override", directory_.write("overrides", explained_overrides), "-o", map_});
  }

  static Outcome run(const std::vector<std::string>& words) {
    return run_command(words, add_zone_command, add_explain_command, add_geo_command);
  }
  Outcome explained(const std::string& name, const std::string& type, const std::string& client,
                    std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"zone", "explain", image_, "--geo", map_, name, type, "--client", client};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  TemporaryDirectory directory_;
  std::string image_ = directory_.file("image");
  std::string map_ = directory_.file("map");
};

TEST_F(ExplainCommand, PrintsForPeople) {
  const Outcome outcome = explained("2.Geo.example", "a", "198.51.101.9/24", {"--top", "1"});
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
  EXPECT_EQ(outcome.output, R"(2.geo.example. a from 198.51.101.9 with client subnet 198.51.101.0/24
NOERROR, 2 answers, 85 bytes, scope 24
198.51.101.0 by client subnet: country us, region us-ca, region group us-west, continent north-america, asn 64501
  the same within: asn 198.51.100.0/22, region 198.51.100.0/22, country 198.51.100.0/22, continent 198.51.100.0/22
zone geo.example. serial 7 targeting "@ continent country regiongroup region asn ip"

2.geo.example.
  as64501        no label
  us-ca          no label
  us-west        no label
  us             alias yields nothing as na.geo.example.
    as64501        no label
    us-ca          no label
    us-west        no label
    us             no records of this type, but of aaaa
    north-america  no label
    @              no label
  north-america  no label
  @              answers as 0.geo.example.
    as64501        no label
    us-ca          no records of this type, but of aaaa
    us-west        no label
    us             answers
    north-america  not tried
    @              not tried
  rrset 11: a ttl 300, draws 2 of 2
  the same within 198.51.101.0/24 (address)
  RECORD          WEIGHT       FIRST    INCLUDED
  192.0.2.20           1  0.50000000  1.00000000
  and 1 more
)");
}

TEST_F(ExplainCommand, PrintsJson) {
  const Outcome outcome = explained("www.geo.example.", "A", "8.8.8.8", {"--json"});
  ASSERT_EQ(outcome.code, exit_done) << outcome.failure;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["ending"], "answered");
  EXPECT_EQ(json["client"]["country"], nullptr);
  EXPECT_EQ(json["reply"]["scope"], nullptr);
  ASSERT_EQ(json["steps"].size(), 2u);
  EXPECT_EQ(json["steps"][0]["rrset"]["records"][0]["data"], "0.geo.example.");
  EXPECT_EQ(json["steps"][1]["rrset"]["records"].size(), 3u);
  EXPECT_EQ(json["steps"][1]["rrset"]["records"][0]["first"], 0.6);
}

TEST_F(ExplainCommand, SaysWhatIsWrongWithItsWords) {
  EXPECT_EQ(explained("geo..example", "a", "8.8.8.8").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "what", "8.8.8.8").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "type65536", "8.8.8.8").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "a", "8.8.8").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "a", "8.8.8.8/33").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "a", "8.8.8.8/").code, exit_usage);
  EXPECT_EQ(explained("geo.example", "TYPE64", "2001:db8::/128").code, exit_done);
}

TEST_F(ExplainCommand, RefusesBrokenTables) {
  const Outcome swapped = run({"zone", "explain", map_, "--geo", map_, "geo.example", "a", "--client", "8.8.8.8"});
  EXPECT_EQ(swapped.code, exit_refused);
  EXPECT_TRUE(swapped.failure.starts_with(map_ + ": ")) << swapped.failure;
  const Outcome other = run({"zone", "explain", image_, "--geo", image_, "geo.example", "a", "--client", "8.8.8.8"});
  EXPECT_EQ(other.code, exit_refused);
  EXPECT_TRUE(other.failure.starts_with(image_ + ": ")) << other.failure;
}

} // namespace
} // namespace anytick::control::test
