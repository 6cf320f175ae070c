#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/command.h"
#include "control/hub/config.h"

namespace anytick::hub {
namespace {

std::string faults_of(const std::string& text) {
  std::string faults;
  for (const Refusal& fault : parse_config(text, "/etc/hub.toml").faults)
    faults += (faults.empty() ? "" : "\n") + fault.text();
  return faults;
}

TEST(HubConfig, IsAllDefaultsWhereNothingIsSaid) {
  const ParsedConfig parsed = parse_config("", "/etc/anytick/hub.toml");
  ASSERT_TRUE(parsed.config);
  const Config& config = *parsed.config;
  EXPECT_EQ(config.file, "/etc/anytick/hub.toml");
  EXPECT_EQ(config.directory, "/etc/anytick");
  EXPECT_EQ(config.database, "sqlite:/etc/anytick/hub.db");
  EXPECT_EQ(config.spool, "/etc/anytick/spool");
  EXPECT_EQ(config.geo_map, "");
  EXPECT_EQ(config.tls.ca, "");
  EXPECT_EQ(config.selection.leave_score, 10);
  EXPECT_EQ(config.run.interval, std::chrono::seconds(60));
  EXPECT_EQ(parse_config("", "hub.toml").config->database, "sqlite:hub.db");
}

TEST(HubConfig, SaysAllThatItMay) {
  const ParsedConfig parsed = parse_config(R"(
database = "postgresql:host=/run/postgresql dbname=hub"
spool = "/var/spool/anytick"
geo_map = "../geo.map"
policy = "policy.toml"
sign_key = "keys/hub.pem"
[selection]
leave_score = 8
enter_score = 9.5
ramp_score = 12
ramp_floor = 0.2
ramp_steps = 5
deletion_days = 7
split_servers = 12
ipv6_everywhere = false
backfill_servers = 0
backfill_capacity = 5000000000
backfill_donor_share = 0.25
account_share = 0.4
prefix_share = 0.3
asn_share = 1
sink = ["192.0.2.1", "2001:db8::1"]
[scores]
history_days = 0
full_history_days = 1
keep_files = false
[demand]
unnumbered = 0.5
[demand.countries]
us = 1000
UK = 2.5
south-america = 7
"@" = 0
[guard]
zone_servers_removed = 0.5
zone_capacity_removed = 0.6
servers_demoted = 0.2
first_servers_out = 0.9
zone_servers_least = 10
zone_emptied_least = 2
[tls]
ca = "ca.pem"
certificate = "hub.pem"
key = "/secret/hub.key"
[run]
interval = 30
retry = 5
listen = "[::1]:9000"
push = false
canary = true
soak = 0
revisions = 7
)",
                                           "/srv/pool/hub.toml");
  ASSERT_TRUE(parsed.config) << parsed.faults.front().text();
  const Config& config = *parsed.config;
  EXPECT_EQ(config.database, "postgresql:host=/run/postgresql dbname=hub");
  EXPECT_EQ(config.spool, "/var/spool/anytick");
  EXPECT_EQ(config.geo_map, "/srv/geo.map");
  EXPECT_EQ(config.policy, "/srv/pool/policy.toml");
  EXPECT_EQ(config.sign_key, "/srv/pool/keys/hub.pem");
  EXPECT_EQ(config.selection.leave_score, 8);
  EXPECT_EQ(config.selection.enter_score, 9.5);
  EXPECT_EQ(config.selection.ramp_score, 12);
  EXPECT_EQ(config.selection.ramp_floor, 0.2);
  EXPECT_EQ(config.selection.ramp_steps, 5u);
  EXPECT_EQ(config.selection.deletion_days, 7u);
  EXPECT_EQ(config.selection.split_servers, 12u);
  EXPECT_FALSE(config.selection.ipv6_everywhere);
  EXPECT_EQ(config.selection.backfill_servers, 0u);
  EXPECT_EQ(config.selection.backfill_capacity, 5'000'000'000u);
  EXPECT_EQ(config.selection.backfill_donor_share, 0.25);
  EXPECT_EQ(config.selection.account_share, 0.4);
  EXPECT_EQ(config.selection.prefix_share, 0.3);
  EXPECT_EQ(config.selection.asn_share, 1);
  ASSERT_EQ(config.selection.sink.size(), 2u);
  EXPECT_EQ(geo::to_text(config.selection.sink[1]), "2001:db8::1");
  EXPECT_EQ(config.scores.history_days, 0u);
  EXPECT_EQ(config.scores.full_history_days, 1u);
  EXPECT_FALSE(config.scores.keep_files);
  EXPECT_EQ(config.demand.countries,
            (std::map<std::string, double>{{"@", 0}, {"gb", 2.5}, {"south-america", 7}, {"us", 1000}}));
  EXPECT_EQ(config.demand.unnumbered, 0.5);
  EXPECT_EQ(config.guard.zone_servers_removed, 0.5);
  EXPECT_EQ(config.guard.zone_capacity_removed, 0.6);
  EXPECT_EQ(config.guard.servers_demoted, 0.2);
  EXPECT_EQ(config.guard.first_servers_out, 0.9);
  EXPECT_EQ(config.guard.zone_servers_least, 10u);
  EXPECT_EQ(config.guard.zone_emptied_least, 2u);
  EXPECT_EQ(config.tls.ca, "/srv/pool/ca.pem");
  EXPECT_EQ(config.tls.certificate, "/srv/pool/hub.pem");
  EXPECT_EQ(config.tls.key, "/secret/hub.key");
  EXPECT_EQ(config.run.interval, std::chrono::seconds(30));
  EXPECT_EQ(config.run.retry, std::chrono::seconds(5));
  EXPECT_EQ(config.run.listen, "[::1]:9000");
  EXPECT_FALSE(config.run.push);
  EXPECT_TRUE(config.run.canary);
  EXPECT_EQ(config.run.soak, std::chrono::seconds(0));
  EXPECT_EQ(config.run.revisions, 7u);
}

TEST(HubConfig, TellsWhereAndWhatIsWrong) {
  for (const auto& [text, fault] : std::vector<std::pair<std::string, std::string>>{
           {"x = ", "line 1"},
           {"\n  colour = 1", "line 2, column 3: colour: unknown key"},
           {"database = 1", "database: must be a string"},
           {"database = \"mysql:x\"", "database: must begin with"},
           {"spool = \"\"", "spool: must be a string that is not empty"},
           {"selection = 1", "selection: must be a table"},
           {"[selection]\nenter_score = 9", "line 1, column 1: selection: enter_score 9 is below leave_score 10"},
           {"[selection]\nramp_score = 9", "ramp_score 9 is below leave_score 10"},
           {"[selection]\nleave_score = 21", "selection.leave_score: must be a number from 0 to 20"},
           {"[selection]\nleave_score = nan", "selection.leave_score: must be a number"},
           {"[selection]\nramp_steps = 0", "line 2, column 14: selection.ramp_steps: must be an integer from 1"},
           {"[selection]\nsplit_servers = 3", "from 4 to"},
           {"[selection]\naccount_share = 0", "from 0.01 to 1"},
           {"[selection]\nipv6_everywhere = 1", "must be true or false"},
           {"[selection]\nsink = \"192.0.2.1\"", "must be an array"},
           {"[selection]\nsink = [\"192.0.2.1\", 3]", "selection.sink[1]: must be an IP address"},
           {"[selection]\ncolour = 1", "selection.colour: unknown key"},
           {"[scores]\nhistory_days = -1", "scores.history_days: must be an integer"},
           {"[demand]\nunnumbered = 1.5", "demand.unnumbered: must be a number"},
           {"[demand]\ncountries = 3", "demand.countries: must be a table"},
           {"[demand.countries]\nxx = 3", "line 2, column 6: demand.countries.xx: is no country"},
           {"[demand.countries]\nde = -3", "demand.countries.de: must be a number"},
           {"[demand.countries]\nde = 0", "demand.countries: nobody asks"},
           {"[guard]\nservers_demoted = 2", "guard.servers_demoted: must be a number"},
           {"[tls]\nca = \"x\"", "tls.certificate: missing"},
           {"[run]\ninterval = 0", "run.interval: must be an integer from 1"},
           {"[run]\nsoak = 86221", "line 2, column 8: run.soak: canaries would wait for their confirmation for 86221 s "
                                   "and 180 s more, and POPs do so for 86400 s at most"},
           {"[run]\nlisten = \"localhost:80\"", "run.listen: must be ADDRESS:PORT"},
           {"[run]\nlisten = \"::1:80\"", "run.listen: must be ADDRESS:PORT"},
           {"[run]\nlisten = \"127.0.0.1\"", "run.listen: must be ADDRESS:PORT"}}) {
    SCOPED_TRACE(text);
    const std::string faults = faults_of(text);
    EXPECT_NE(faults.find(fault), std::string::npos) << faults;
    EXPECT_EQ(faults.find("/etc/hub.toml"), 0u) << faults;
  }
  EXPECT_EQ(faults_of("[run]\nlisten = \"\"\nsoak = 86220"), "");
}

TEST(HubConfig, TellsAllFaultsAtOnceInTheirOrder) {
  const auto faults = parse_config("a = 1\n[tls]\n[run]\npush = 3\n", "hub.toml").faults;
  ASSERT_EQ(faults.size(), 5u);
  EXPECT_EQ(faults[0].where, "line 1, column 1");
  EXPECT_EQ(faults[4].where, "line 4, column 8");
}

TEST(HubConfig, IsReadFromItsFileOrNot) {
  EXPECT_THROW(read_config("/nonexistent/hub.toml"), control::CommandFailure);
}

} // namespace
} // namespace anytick::hub
