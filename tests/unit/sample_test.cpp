#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "control/commands/init_command.h"
#include "control/hub/config.h"
#include "control/registry/roots.h"
#include "control/registry/snapshot.h"
#include "control/sample/fill.h"
#include "control/sample/score_log.h"
#include "control/sample/world.h"
#include "control/scores/ingest.h"
#include "control/store/database.h"
#include "control_files.h"
#include "control_run.h"
#include "databases.h"

namespace anytick::sample {
namespace {

using control::test::TemporaryDirectory;

const std::vector<std::string> countries{"de", "is", "jp", "us"};

TEST(SampleWorld, IsTheSameForTheSameOptions) {
  const World one = make_world({.servers = 300}, countries), again = make_world({.servers = 300}, countries);
  const World other = make_world({.seed = 2, .servers = 300}, countries);
  ASSERT_EQ(one.servers.size(), again.servers.size());
  std::set<geo::Address> addresses;
  std::map<std::string, size_t> crowd;
  bool differs = one.servers.size() != other.servers.size();
  for (size_t i = 0; i < one.servers.size(); ++i) {
    EXPECT_EQ(one.servers[i].address, again.servers[i].address);
    EXPECT_EQ(one.servers[i].country, again.servers[i].country);
    addresses.insert(one.servers[i].address);
    ++crowd[one.servers[i].country];
    differs |= i < other.servers.size() && one.servers[i].address != other.servers[i].address;
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(addresses.size(), one.servers.size());
  EXPECT_GT(addresses.size(), 300u); // and those with IPv6
  EXPECT_EQ(crowd.size(), countries.size());
  EXPECT_GT(crowd["us"], crowd["jp"]);
}

TEST(SampleLog, IsAFeedWithoutFaultsThatTellsHealth) {
  const World world = make_world({.servers = 40}, countries);
  const TemporaryDirectory directory;
  constexpr int64_t end = 1'800'000'000, begin = end - 3 * 3600;
  const WrittenLog log = write_score_log(directory.file("log.csv"), world, {.monitors = 4, .begin = begin, .end = end});
  EXPECT_EQ(directory.entries(), 1u);
  // Each monitor checks each server every nine minutes.
  EXPECT_EQ(log.rows, world.servers.size() * 4 * 20);
  scores::Scoreboard board;
  const scores::Ingested taken = scores::ingest(log.path, {}, board);
  EXPECT_TRUE(taken.clean()) << taken.why();
  EXPECT_EQ(taken.read.rows, log.rows);
  size_t good = 0;
  for (const SampleServer& server : world.servers) {
    const auto score = board.overall(server.address, end);
    ASSERT_TRUE(score) << geo::to_text(server.address);
    if (server.health == Health::good) {
      EXPECT_GT(*score, 15) << geo::to_text(server.address);
    } else if (server.health == Health::bad) {
      EXPECT_LT(*score, 0) << geo::to_text(server.address);
    }
    good += server.health == Health::good;
  }
  EXPECT_GT(good, world.servers.size() / 2);
}

class SampleFillTest : public test::OnDatabase {};
INSTANTIATE_TEST_SUITE_P(Engines, SampleFillTest, test::both_engines, test::engine_name);

TEST_P(SampleFillTest, PutsAllOfItIntoTheRegistry) {
  const World world = make_world({.servers = 30, .vendors = 6}, countries);
  registry::Snapshot snapshot;
  database_->transact([&](soci::session& sql) {
    fill_registry(sql, {"test", "a sample", 1'800'000'000}, world, "unix:/run/pop.sock");
    snapshot = registry::read_snapshot(sql);
    EXPECT_EQ(registry::check_root(sql, registry::get_root(sql, origin)).faults(), 0u);
  });
  EXPECT_EQ(snapshot.servers.size(), world.servers.size());
  EXPECT_EQ(snapshot.accounts.size(), world.accounts.size());
  EXPECT_EQ(snapshot.vendors.size(), 6u);
  for (const registry::Server& server : snapshot.servers) EXPECT_EQ(server.state, registry::ServerState::active);
}

TEST(InitCommand, MakesADirectoryOnce) {
  const TemporaryDirectory directory;
  const std::string hub = directory.file("hub");
  const auto init = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"init", hub};
    words.insert(words.end(), more.begin(), more.end());
    return control::test::run_command(words, control::add_init_command);
  };
  const auto made = init({"--servers", "20", "--hours", "1", "--now", "1800000000"});
  EXPECT_EQ(made.code, control::exit_done) << made.failure;
  for (const char* file : {"hub.toml", "hub.db", "spool/sample.csv"})
    EXPECT_TRUE(std::filesystem::exists(hub + "/" + file)) << file;
  const auto again = init({});
  EXPECT_EQ(again.code, control::exit_refused);
  EXPECT_NE(again.failure.find("hub.toml: is there already"), std::string::npos) << again.failure;
  std::filesystem::remove(hub + "/hub.toml");
  EXPECT_NE(init({"--empty"}).failure.find("registry in it already"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(hub + "/hub.toml"));
  std::filesystem::remove(hub + "/hub.db");
  EXPECT_EQ(init({"--empty"}).code, control::exit_done);
}

TEST(InitCommand, WritesADatabaseAsItWasGiven) {
  const test::EmptyDatabase postgresql(store::Engine::postgresql);
  const std::string secret = postgresql.connection() + R"( password='s3"cr\\et')";
  const struct {
    const char* hub;
    std::string database;
  } cases[] = {{"plain", "sqlite:hub.db"}, {"escaped", R"(sqlite:new\table.db)"}, {"secret", secret}};
  for (const auto& [hub, database] : cases) {
    SCOPED_TRACE(hub);
    const TemporaryDirectory directory;
    const auto made = control::test::run_command({"init", directory.file(hub), "--empty", "--database", database},
                                                 control::add_init_command);
    ASSERT_EQ(made.code, control::exit_done) << made.failure;
    const std::string file = directory.file(hub) + "/hub.toml";
    EXPECT_TRUE(database != secret || std::filesystem::status(file).permissions() == std::filesystem::perms(0600));
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    const auto parsed = hub::parse_config(text.str(), "hub.toml");
    ASSERT_TRUE(parsed.config);
    EXPECT_TRUE(parsed.config->database.ends_with(database.substr(database.find(':') + 1))) << parsed.config->database;
  }
}

/// Keys that stand as comments, as keys.
std::string uncommented(const std::string& text) {
  std::string all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); all += line + '\n')
    if (line.starts_with("# ") && (line.find(" = ") != line.npos || line.starts_with("# [tls]"))) line.erase(0, 2);
  return all;
}

TEST(InitCommand, WritesTheDefaultsOfAllKeys) {
  const TemporaryDirectory directory;
  const auto made = control::test::run_command({"init", directory.file("hub"), "--empty"}, control::add_init_command);
  ASSERT_EQ(made.code, control::exit_done) << made.failure;
  const std::string file = directory.file("hub/hub.toml");
  std::stringstream content;
  content << std::ifstream(file).rdbuf();
  const std::string text = content.str();
  ASSERT_TRUE(hub::parse_config(text, file).config);
  const auto all = hub::parse_config(uncommented(text), file);
  for (const Refusal& fault : all.faults) ADD_FAILURE() << fault.text();
  ASSERT_TRUE(all.config);
  const auto defaults = *hub::parse_config("", file).config;
  EXPECT_EQ(all.config->database, defaults.database);
  EXPECT_EQ(all.config->spool, defaults.spool);
  EXPECT_EQ(all.config->selection, defaults.selection);
  EXPECT_EQ(all.config->scores, defaults.scores);
  EXPECT_EQ(all.config->demand.unnumbered, defaults.demand.unnumbered);
  EXPECT_EQ(all.config->guard, defaults.guard);
  EXPECT_EQ(all.config->run, defaults.run);
  for (const std::string& given : {all.config->geo_map, all.config->policy, all.config->sign_key, all.config->tls.ca})
    EXPECT_NE(given, "");
  EXPECT_EQ(all.config->demand.countries.size(), 2u);
}

} // namespace
} // namespace anytick::sample
