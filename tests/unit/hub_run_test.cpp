#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "control/daemon/hub.h"
#include "control/delivery/planning.h"
#include "control/registry/pops.h"
#include "control/registry/servers.h"
#include "control/sample/fill.h"
#include "delivery_hub.h"

namespace anytick::test {
namespace {

namespace fs = std::filesystem;
using hub::Hub;
using Wrong = FakePop::Wrong;

constexpr const char* header = "ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error,server\n";
constexpr int monitors = 3;

/// A hub of twenty servers in one country and three POPs, whose clock is the test's.
class HubRun : public testing::TestWithParam<store::Engine>, protected PopsOfDatabase {
 protected:
  HubRun() : PopsOfDatabase(GetParam(), 3) {
    for (int i = 1; i <= 20; ++i) {
      const std::string account = fmt::format("owner{}", i);
      world_.accounts.push_back(account);
      world_.servers.push_back(
          {*geo::parse_address(fmt::format("198.18.{}.1", i)), account, "de", 25'000, sample::Health::good});
    }
    database().transact([&](soci::session& sql) {
      sample::fill_registry(sql, {"test", "a sample", now_}, world_, "unix:" + directory_.file("none.sock"));
      registry::remove_pop(sql, {"test", "", now_}, sample::pop_name);
    });
    config_.spool = directory_.file("spool");
    config_.run.interval = config_.run.retry = std::chrono::seconds(1);
    desk_.patience = {std::chrono::seconds(10), std::chrono::seconds(20)};
    desk_.sleep = [this](std::chrono::milliseconds) { ++now_; };
  }

  store::Database& database() { return hub_.database(); }

  std::unique_ptr<Hub> start() {
    auto hub = Hub::open({config_, database(), desk_});
    if (!hub) throw std::runtime_error(hub.refusal().text());
    return std::move(*hub);
  }
  void work(Hub& hub) {
    now_ += 2;
    hub.work();
  }
  /// A log of what all monitors say of the servers in [first, last] at once.
  void say(double score, size_t first = 0, size_t last = 19) {
    std::string log = header;
    ++now_;
    for (size_t i = first; i <= last; ++i)
      for (int monitor = 1; monitor <= monitors; ++monitor)
        log += fmt::format("{},,0.001,1,{},{},m{},10,0,,{}\n", now_, score, monitor, monitor,
                           geo::to_text(world_.servers[i].address));
    drop(fmt::format("{}.csv", now_), log);
  }
  void drop(const std::string& name, const std::string& text) {
    fs::create_directories(config_.spool);
    directory_.write("spool/." + name, text);
    fs::rename(config_.spool + "/." + name, config_.spool + "/" + name);
  }
  int64_t current_serial() {
    const auto push = hub_.current();
    return push ? push->serial : 0;
  }
  /// How many addresses the zone "de" has by what is current.
  size_t servers_in() {
    const delivery::PlanState state = delivery::read_plan_state(database());
    if (!state.base) return 0;
    return static_cast<size_t>(
        std::ranges::count(state.base->selection.servers, selection::Verdict::in, &selection::Judged::verdict));
  }
  bool all_run_the_same() {
    const std::string first = pop(0).runs();
    return !first.empty() && pop(1).runs() == first && pop(2).runs() == first;
  }
  /// Paths of those that wait in the spool.
  std::vector<std::string> scores_files() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(config_.spool))
      if (each.is_regular_file()) names.push_back(each.path().string());
    return names;
  }
  size_t files(const char* part) const {
    const fs::path path = fs::path(config_.spool) / part;
    return fs::exists(path) ? static_cast<size_t>(std::distance(fs::directory_iterator(path), {})) : 0;
  }

  sample::World world_;
  hub::Config config_;
  std::atomic<int64_t> now_ = test_time;
  delivery::Desk desk_{database(), config_, "hub", [this] { return now_.load(); }};
};
INSTANTIATE_TEST_SUITE_P(Engines, HubRun, both_engines, engine_name);

TEST_P(HubRun, TakesFeedsAndPushesWhatTheyCome) {
  const auto hub = start();
  say(20);
  work(*hub);
  EXPECT_EQ(hub->health(), "ok\n");
  EXPECT_EQ(files("done"), 1u);
  EXPECT_EQ(servers_in(), 20u);
  EXPECT_TRUE(all_run_the_same());
  const int64_t first = current_serial();
  for (int i = 0; i < 3; ++i) work(*hub);
  EXPECT_EQ(current_serial(), first) << "nothing has changed";
  EXPECT_EQ(pop(0).loads(), 1u);
  say(5, 0, 0);
  work(*hub);
  EXPECT_EQ(servers_in(), 19u);
  EXPECT_GT(current_serial(), first);
  say(20, 0, 0);
  work(*hub);
  EXPECT_EQ(servers_in(), 20u);
  EXPECT_TRUE(all_run_the_same());
}

TEST_P(HubRun, TheGuardHoldsBack) {
  const auto hub = start();
  say(20);
  work(*hub);
  const int64_t first = current_serial();
  say(-5, 0, 14);
  work(*hub);
  work(*hub);
  EXPECT_EQ(current_serial(), first);
  EXPECT_EQ(pop(0).loads(), 1u);
  EXPECT_EQ(hub->health(), "ok\n") << "that is its work";
  EXPECT_NE(hub->metrics().text().find("\nanytick_guarded 1"), std::string::npos) << hub->metrics().text();
  say(20);
  work(*hub);
  EXPECT_EQ(current_serial(), first) << "as it was before";
  EXPECT_NE(hub->metrics().text().find("\nanytick_guarded 0"), std::string::npos);
}

TEST_P(HubRun, NothingIsPushedBeforeFeedsAreIn) {
  const auto hub = start();
  work(*hub);
  say(20, 0, 12);
  work(*hub);
  EXPECT_EQ(current_serial(), 0);
  EXPECT_EQ(pop(0).loads(), 0u);
  EXPECT_NE(hub->metrics().text().find("\nanytick_guarded 1"), std::string::npos) << hub->metrics().text();
  say(20, 13, 19);
  work(*hub);
  EXPECT_EQ(servers_in(), 20u);
  EXPECT_TRUE(all_run_the_same());
}

TEST_P(HubRun, ARollbackHolds) {
  const auto hub = start();
  say(20);
  work(*hub);
  const int64_t first = current_serial();
  say(5, 0, 0);
  work(*hub);
  ASSERT_NE(current_serial(), first);
  delivery::rollback(desk_, first, {"alice", "answers are wrong", now_}, {});
  work(*hub);
  work(*hub);
  EXPECT_EQ(current_serial(), first);
  EXPECT_EQ(servers_in(), 20u);
  database().transact([&](soci::session& sql) { delivery::release_hold(sql, {"alice", "", now_}); });
  work(*hub);
  EXPECT_EQ(servers_in(), 19u);
}

TEST_P(HubRun, DoesNotPushAgainWhatWasTakenBack) {
  const auto hub = start();
  say(20);
  work(*hub);
  const int64_t first = current_serial();
  say(5, 0, 0);
  {
    const delivery::PlanFiles files(config_);
    delivery::Planner planner(config_, files);
    scores::StoredBoard board(database());
    for (const std::string& name : scores_files()) board.ingest(name, {}, {}, {});
    auto current = planner.make(database(), board.overall(now_), first, now_);
    const plan::Plan plan = current.made.plan;
    auto request = delivery::push_request(std::move(current.made), plan, current.state, {"alice", "", now_});
    request.manner.confirm_within = 300;
    ASSERT_EQ(delivery::push(desk_, request).push.state, delivery::PushState::unconfirmed);
  }
  delivery::revert(desk_, {"alice", "answers are wrong", now_});
  work(*hub);
  work(*hub);
  EXPECT_EQ(current_serial(), first);
  EXPECT_EQ(servers_in(), 20u);
}

TEST_P(HubRun, WaitsForWhatSomebodyPushes) {
  const auto hub = start();
  say(20);
  work(*hub);
  say(5, 0, 0);
  {
    const auto lease = delivery::Lease::take(database(), "alice", desk_.clock);
    work(*hub);
    EXPECT_EQ(hub->health(), "ok\n");
    EXPECT_EQ(servers_in(), 20u);
  }
  work(*hub);
  EXPECT_EQ(servers_in(), 19u);
}

TEST_P(HubRun, BringsUpWhoWasAway) {
  const auto hub = start();
  pop(2).die();
  say(20);
  work(*hub);
  EXPECT_FALSE(all_run_the_same());
  EXPECT_EQ(pop(0).runs(), pop(1).runs());
  pop(2).restart();
  work(*hub);
  EXPECT_TRUE(all_run_the_same());
  EXPECT_EQ(hub->health(), "ok\n");
}

TEST_P(HubRun, SaysOnceWhatIsNotStored) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  const auto hub = start();
  pop(1).set(Wrong::stores_nothing);
  say(20);
  for (int i = 0; i < 3; ++i) work(*hub);
  spdlog::set_default_logger(before);
  const std::string said = "b: runs, but is not stored: disk full", text = log.str();
  EXPECT_NE(text.find(said), std::string::npos) << text;
  EXPECT_EQ(text.find(said), text.rfind(said)) << text;
  EXPECT_EQ(text.find("] a: "), std::string::npos) << text;
}

TEST_P(HubRun, OnlyPlansWherePushIsOff) {
  config_.run.push = false;
  const auto hub = start();
  say(20);
  work(*hub);
  EXPECT_EQ(current_serial(), 0);
  EXPECT_NE(hub->metrics().text().find("\nanytick_servers_in 20"), std::string::npos) << hub->metrics().text();
}

TEST_P(HubRun, CanariesFirstIfTold) {
  config_.run.canary = true;
  config_.run.soak = std::chrono::seconds(3);
  const auto hub = start();
  pop(0).set(Wrong::refuses);
  say(20);
  work(*hub);
  EXPECT_EQ(pop(1).loads(), 0u) << "the canary did not take it";
  EXPECT_EQ(current_serial(), 0);
  pop(0).set(Wrong::nothing);
  work(*hub);
  EXPECT_TRUE(all_run_the_same());
}

TEST_P(HubRun, SetsBadFilesAsideAndGoesOn) {
  const auto hub = start();
  drop("bad.csv", "what,is,this\n1,2,3\n");
  say(20);
  work(*hub);
  EXPECT_EQ(files("failed"), 2u) << "and why";
  EXPECT_EQ(servers_in(), 20u);
}

TEST_P(HubRun, ServersLeaveWhenTheirTimeHasCome) {
  const auto hub = start();
  say(20);
  work(*hub);
  database().transact([&](soci::session& sql) {
    registry::schedule_deletion(sql, {"alice", "", now_}, world_.servers[0].address, now_ + 3600);
  });
  now_ += 3601;
  say(20);
  work(*hub);
  EXPECT_EQ(servers_in(), 19u);
  std::vector<registry::Server> left;
  database().read([&](soci::session& sql) { left = registry::list_servers(sql, {}); });
  EXPECT_EQ(left.size(), 19u);
}

TEST_P(HubRun, GoesOnWhereAnotherOneWasKilled) {
  struct Killed {};
  say(20);
  {
    desk_.step = [n = std::make_shared<int>(0)](const std::string&) {
      if (++*n > 3) throw Killed();
    };
    const auto hub = start();
    now_ += 2;
    EXPECT_THROW(hub->work(), Killed);
    EXPECT_EQ(files("done"), 1u) << "what was taken is kept";
  }
  desk_.step = {};
  const auto hub = start();
  now_ += delivery::Lease::lease_seconds;
  work(*hub);
  work(*hub);
  EXPECT_EQ(servers_in(), 20u);
  EXPECT_TRUE(all_run_the_same());
}

TEST_P(HubRun, OneAtATimeHasTheSpool) {
  const auto hub = start();
  const auto second = Hub::open({config_, database(), desk_});
  ASSERT_FALSE(second);
  EXPECT_NE(second.refusal().text().find("spool"), std::string::npos);
}

TEST_P(HubRun, PrunesByPolicy) {
  config_.scores.history_days = 1;
  config_.scores.full_history_days = 0;
  config_.run.revisions = 2;
  const auto hub = start();
  for (int i = 0; i < 4; ++i) {
    say(i % 2 == 0 ? 20 : 5, 0, 0);
    say(20, 1, 19);
    work(*hub);
  }
  now_ += 3601;
  work(*hub);
  std::vector<delivery::Revision> revisions;
  database().read([&](soci::session& sql) { revisions = delivery::list_revisions(sql, 0); });
  ASSERT_GE(revisions.size(), 4u);
  EXPECT_EQ(std::ranges::count(revisions, true, &delivery::Revision::is_whole), 2);
}

TEST_P(HubRun, VerifiesServersByTheirToken) {
  const auto hub = start();
  std::string token;
  const geo::Address address = *geo::parse_address("198.18.200.1");
  database().transact([&](soci::session& sql) {
    token = registry::add_server(sql, {"alice", "", now_},
                                 {.address = address, .account = 1, .zones = {"de"}, .unusual = true})
                .token;
  });
  const auto another = empty_.open();
  const hub::HttpHandlers handlers = hub::http_handlers(*hub, *another, desk_.clock);
  EXPECT_EQ(handlers.verify("none", address).status, 403);
  EXPECT_EQ(handlers.verify(token, *geo::parse_address("198.18.200.2")).status, 403) << "from elsewhere";
  const hub::HttpReply reply = handlers.verify(token, address);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(handlers.verify(token, address).status, 403) << "it is used up";
  EXPECT_EQ(handlers.health().status, 200);
}

} // namespace
} // namespace anytick::test
