#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "control/registry/accounts.h"
#include "control/registry/names.h"
#include "control/registry/servers.h"
#include "control/registry/snapshot.h"
#include "control/registry/token.h"
#include "control/registry/tree.h"
#include "registry_fixture.h"

namespace anytick::registry {
namespace {

using test::address;

class RegistryServers : public test::OnRegistry {
 protected:
  void SetUp() override {
    transact([&](soci::session& sql) {
      add_default_tree(sql, actor);
      alice_ = add_account(sql, actor, "alice").id;
      bob_ = add_account(sql, actor, "bob").id;
    });
    told();
  }

  AddedServer add(const NewServer& server) {
    return transact([&](soci::session& sql) { return add_server(sql, actor, server); });
  }
  AddedServer add(const std::string& text, std::vector<std::string> zones = {"de"}) {
    return add({.address = address(text), .account = alice_, .zones = std::move(zones), .unusual = true});
  }
  Server get(const std::string& text) {
    return transact([&](soci::session& sql) { return get_server(sql, address(text)); });
  }
  std::string listed(const ServerQuery& query) {
    std::string text;
    for (const Server& each : transact([&](soci::session& sql) { return list_servers(sql, query); }))
      text += (text.empty() ? "" : " ") + geo::to_text(each.address);
    return text;
  }

  Id alice_ = 0, bob_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Engines, RegistryServers, anytick::test::both_engines, anytick::test::engine_name);

TEST_P(RegistryServers, AreAddedUnverified) {
  add({.address = address("2A00:0:0:0:0:0:0:1"),
       .account = alice_,
       .netspeed = 50000,
       .zones = {"GB", "europe", "uk", "asia", "@"},
       .zone_netspeed = {{"europe", 3000}, {"gb", 0}},
       .note = "in the\ncellar"});
  expect_told("server", "2a00::1", "add", "",
              R"({"address": "2a00::1", "account": "alice", "state": "unverified", "netspeed": 50000,
                  "zones": ["asia", "uk"], "zone_netspeed": {"europe": 3000, "uk": 0}, "deletion": null,
                  "note": "in the\ncellar", "created": 1800000000})");
  const Server kept = get("2a00::1");
  EXPECT_EQ(kept.account, alice_);
  EXPECT_EQ(kept.state, ServerState::unverified);
  EXPECT_EQ(kept.netspeed, 50000u);
  EXPECT_EQ(kept.zones, (std::vector<std::string>{"asia", "uk"}));
  EXPECT_EQ(kept.zone_netspeed, (std::map<std::string, uint32_t>{{"europe", 3000}, {"uk", 0}}));
  EXPECT_EQ(kept.created, now);
  EXPECT_FALSE(kept.deletion);
}

TEST_P(RegistryServers, AreRefusedWithoutATrace) {
  add("192.0.2.1");
  told();
  const auto refused = [&](const std::string& why, NewServer server) {
    SCOPED_TRACE(why);
    server.unusual = true;
    expect_fault(why, [&](soci::session& sql) { add_server(sql, actor, server); });
  };
  const geo::Address free = address("192.0.2.2");
  refused("it is in the registry", {.address = address("192.0.2.1"), .account = alice_, .zones = {"de"}});
  refused("no account with the id 77", {.address = free, .account = 77, .zones = {"de"}});
  refused("needs a zone", {.address = free, .account = alice_});
  refused("no zone 'atlantis'", {.address = free, .account = alice_, .zones = {"de", "atlantis"}});
  refused("netspeed 9999", {.address = free, .account = alice_, .netspeed = 9999, .zones = {"de"}});
  refused("not in zone 'fr'", {.address = free, .account = alice_, .zones = {"de"}, .zone_netspeed = {{"fr", 1500}}});
  refused("netspeed 7", {.address = free, .account = alice_, .zones = {"de"}, .zone_netspeed = {{"de", 7}}});
  refused("control characters", {.address = free, .account = alice_, .zones = {"de"}, .note = "\x1b[2J"});
  EXPECT_EQ(listed({}), "192.0.2.1");
}

TEST_P(RegistryServers, HaveAddressesOfTheInternet) {
  enum class Taken { always, unusual, never };
  struct Case {
    const char* text;
    Taken taken;
  };
  for (const Case& each : std::vector<Case>{{"9.255.255.255", Taken::always},
                                            {"223.255.255.255", Taken::always},
                                            {"2001:200::1", Taken::always},
                                            {"2a00::1", Taken::always},
                                            {"10.0.0.1", Taken::unusual},
                                            {"100.127.255.255", Taken::unusual},
                                            {"172.31.0.1", Taken::unusual},
                                            {"192.0.2.1", Taken::unusual},
                                            {"192.168.1.1", Taken::unusual},
                                            {"198.19.255.255", Taken::unusual},
                                            {"198.51.100.9", Taken::unusual},
                                            {"203.0.113.9", Taken::unusual},
                                            {"2001:db8::1", Taken::unusual},
                                            {"2002::1", Taken::unusual},
                                            {"4000::1", Taken::unusual},
                                            {"fd00::1", Taken::unusual},
                                            {"0.0.0.0", Taken::never},
                                            {"127.0.0.1", Taken::never},
                                            {"169.254.1.1", Taken::never},
                                            {"224.0.1.1", Taken::never},
                                            {"255.255.255.255", Taken::never},
                                            {"::", Taken::never},
                                            {"::1", Taken::never},
                                            {"::ffff:9.9.9.9", Taken::never},
                                            {"fe80::1", Taken::never},
                                            {"ff02::101", Taken::never}}) {
    SCOPED_TRACE(each.text);
    NewServer server{.address = address(each.text), .account = alice_, .zones = {"@"}};
    const auto attempt = [&](soci::session& sql) { add_server(sql, actor, server); };
    if (each.taken != Taken::always) expect_fault("the address is ", attempt);
    server.unusual = true;
    if (each.taken == Taken::never)
      expect_fault("the address is ", attempt);
    else
      transact(attempt);
  }
}

TEST_P(RegistryServers, AreChanged) {
  add({.address = address("9.9.9.9"), .account = alice_, .zones = {"de"}, .zone_netspeed = {{"de", 512}}});
  told();
  const auto change = [&](const ServerChanges& changes) {
    return transact([&](soci::session& sql) { return change_server(sql, actor, address("9.9.9.9"), changes); });
  };
  change({.netspeed = 0, .note = "new"});
  expect_told("server", "9.9.9.9", "set", R"({"netspeed": 10000, "note": ""})", R"({"netspeed": 0, "note": "new"})");
  change({.netspeed = 0, .zones = std::vector<std::string>{"de", "europe"}, .note = "new"});
  expect_nothing_told();
  change({.zones = std::vector<std::string>{"fr"}});
  expect_told("server", "9.9.9.9", "set", R"({"zones": ["de"], "zone_netspeed": {"de": 512}})",
              R"({"zones": ["fr"], "zone_netspeed": {}})");
  change({.zone_netspeed = std::map<std::string, uint32_t>{{"fr", 3000}, {"@", 1500}}});
  expect_told("server", "9.9.9.9", "set", R"({"zone_netspeed": {}})", R"({"zone_netspeed": {"@": 1500, "fr": 3000}})");
  const Server kept = get("9.9.9.9");
  EXPECT_EQ(kept.zones, std::vector<std::string>{"fr"});
  EXPECT_EQ(kept.zone_netspeed.size(), 2u);
  auto speeds = kept.zone_netspeed;
  speeds["jp"] = 512;
  change({.zones = std::vector<std::string>{"jp"}, .zone_netspeed = speeds});
  expect_told("server", "9.9.9.9", "set", R"({"zones": ["fr"], "zone_netspeed": {"@": 1500, "fr": 3000}})",
              R"({"zones": ["jp"], "zone_netspeed": {"@": 1500, "jp": 512}})");
  speeds["fr"] = 512;
  expect_fault("not in zone 'fr'",
               [&](soci::session& sql) { change_server(sql, actor, address("9.9.9.9"), {.zone_netspeed = speeds}); });
  expect_fault("needs a zone", [&](soci::session& sql) {
    change_server(sql, actor, address("9.9.9.9"), {.zones = std::vector<std::string>{}});
  });
  expect_fault("there is no server 9.9.9.8",
               [&](soci::session& sql) { change_server(sql, actor, address("9.9.9.8"), {.netspeed = 0}); });
}

TEST_P(RegistryServers, AreVerifiedByTheirOwnAddress) {
  const std::string lost = add("192.0.2.1").token;
  told();
  const std::string token = transact([&](soci::session& sql) { return renew_token(sql, actor, address("192.0.2.1")); });
  expect_told("server", "192.0.2.1", "renew-token", R"({"token_digest": ")" + token_digest(lost) + R"("})",
              R"({"token_digest": ")" + token_digest(token) + R"("})");
  const auto verify = [&](const std::string& with, const std::string& peer) {
    return [this, with, peer](soci::session& sql) { return verify_by_token(sql, actor, with, address(peer)); };
  };
  expect_fault("no server waits", verify(lost, "192.0.2.1"));
  expect_fault("no server waits", verify("", "192.0.2.1"));
  expect_fault("came from 192.0.2.2", verify(token, "192.0.2.2"));
  EXPECT_EQ(transact(verify(token, "::ffff:192.0.2.1")).state, ServerState::active);
  expect_told("server", "192.0.2.1", "verify", R"({"state": "unverified"})", R"({"state": "active"})");
  expect_fault("no server waits", verify(token, "192.0.2.1"));
  expect_fault("it is verified", [&](soci::session& sql) { renew_token(sql, actor, address("192.0.2.1")); });

  const std::string ipv6 = add("2001:db8::1").token;
  EXPECT_EQ(transact(verify(ipv6, "2001:db8::1")).state, ServerState::active);
}

TEST_P(RegistryServers, AreVerifiedByAnOperatorWithAReason) {
  const std::string token = add("192.0.2.1").token;
  told();
  const auto verify = [&](soci::session& sql) { return verify_by_operator(sql, actor, address("192.0.2.1")); };
  actor.reason.clear();
  expect_fault("needs a reason", verify);
  actor.reason = "known for years";
  EXPECT_EQ(transact(verify).state, ServerState::active);
  expect_told("server", "192.0.2.1", "verify", R"({"state": "unverified"})", R"({"state": "active"})");
  transact(verify);
  expect_nothing_told();
  expect_fault("no server waits",
               [&](soci::session& sql) { verify_by_token(sql, actor, token, address("192.0.2.1")); });
}

TEST_P(RegistryServers, LeaveWhenTheirTimeHasCome) {
  add("192.0.2.1");
  add("192.0.2.2");
  told();
  const auto schedule = [&](const std::string& text, int64_t when) {
    return [this, text, when](soci::session& sql) { return schedule_deletion(sql, actor, address(text), when); };
  };
  expect_fault("later than now", schedule("192.0.2.1", now));
  transact(schedule("192.0.2.1", now + 10));
  expect_told("server", "192.0.2.1", "schedule-deletion", R"({"deletion": null})", R"({"deletion": 1800000010})");
  transact(schedule("192.0.2.1", now + 10));
  expect_nothing_told();
  const auto keep = [&](soci::session& sql) { return keep_server(sql, actor, address("192.0.2.1")); };
  EXPECT_FALSE(transact(keep).deletion);
  expect_told("server", "192.0.2.1", "keep", R"({"deletion": 1800000010})", R"({"deletion": null})");
  transact(keep);
  expect_nothing_told();

  transact(schedule("192.0.2.1", now + 20));
  transact(schedule("192.0.2.2", now + 30));
  const auto remove_due = [&](soci::session& sql) { return remove_due_servers(sql, actor).size(); };
  actor.now = now + 19;
  EXPECT_EQ(transact(remove_due), 0u);
  actor.now = now + 20;
  EXPECT_EQ(transact(remove_due), 1u);
  EXPECT_EQ(transact(remove_due), 0u);
  EXPECT_EQ(listed({}), "192.0.2.2");
}

TEST_P(RegistryServers, AreRemovedAndComeAgain) {
  const Id first = add("192.0.2.1").server.id;
  told();
  const auto remove = [&](soci::session& sql) { remove_server(sql, actor, address("192.0.2.1")); };
  transact(remove);
  expect_told("server", "192.0.2.1", "remove",
              R"({"address": "192.0.2.1", "account": "alice", "state": "unverified", "netspeed": 10000,
                  "zones": ["de"], "zone_netspeed": {}, "deletion": null, "note": "", "created": 1800000000})",
              "");
  expect_fault("there is no server 192.0.2.1", remove);
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed({.removed = true}), "192.0.2.1");
  const Id second = add("192.0.2.1", {"fr"}).server.id;
  EXPECT_NE(first, second);
  EXPECT_EQ(get("192.0.2.1").id, second);
  EXPECT_EQ(listed({.removed = true}), "192.0.2.1 192.0.2.1");
  EXPECT_EQ(listed({.state = ServerState::removed}), "192.0.2.1");
  transact(remove);
  // The zones of those that are removed hold nobody.
  transact([&](soci::session& sql) { remove_tree_zone(sql, actor, "fr"); });
}

TEST_P(RegistryServers, MoveToAnotherAccount) {
  add("192.0.2.1");
  told();
  const auto move = [&](Id to) {
    return [this, to](soci::session& sql) { return move_server(sql, actor, address("192.0.2.1"), to); };
  };
  transact(move(bob_));
  expect_told("server", "192.0.2.1", "move", R"({"account": "alice"})", R"({"account": "bob"})");
  transact(move(bob_));
  expect_nothing_told();
  expect_fault("no account with the id 77", move(77));
  EXPECT_EQ(listed({.account = alice_}), "");
  EXPECT_EQ(listed({.account = bob_}), "192.0.2.1");
}

TEST_P(RegistryServers, AreListedByAddressAndZone) {
  add("2001:db8::2", {"fr"});
  add("192.0.2.10", {"de"});
  add("192.0.2.9", {"jp", "de"});
  add("2001:db8::10", {"@"});
  add("198.51.100.1", {"europe"});
  EXPECT_EQ(listed({}), "192.0.2.9 192.0.2.10 198.51.100.1 2001:db8::2 2001:db8::10");
  EXPECT_EQ(listed({.zone = "@"}), listed({}));
  EXPECT_EQ(listed({.zone = "europe"}), "192.0.2.9 192.0.2.10 198.51.100.1 2001:db8::2");
  EXPECT_EQ(listed({.zone = "DE"}), "192.0.2.9 192.0.2.10");
  EXPECT_EQ(listed({.zone = "asia"}), "192.0.2.9");
  EXPECT_EQ(listed({.zone = "us"}), "");
  EXPECT_EQ(listed({.account = alice_, .zone = "fr", .state = ServerState::unverified}), "2001:db8::2");
  EXPECT_EQ(listed({.zone = "de", .address = address("192.0.2.9")}), "192.0.2.9");
  const Server server = transact([](soci::session& sql) { return list_servers(sql, {.zone = "jp"}); }).at(0);
  EXPECT_EQ(server.zones, (std::vector<std::string>{"de", "jp"})) << "all of its zones, not those asked for";
}

TEST_P(RegistryServers, OneTransactionIsUndoneAsAWhole) {
  expect_fault("no zone 'atlantis'", [&](soci::session& sql) {
    add_server(sql, actor, {.address = address("9.9.9.9"), .account = alice_, .zones = {"de"}});
    add_server(sql, actor, {.address = address("9.9.9.10"), .account = alice_, .zones = {"atlantis"}});
  });
  EXPECT_EQ(listed({}), "");
  add("192.0.2.1");
  EXPECT_EQ(told().size(), 1u);
}

/// Threads that change other fields of the same server, and that all want the same addresses.
TEST_P(RegistryServers, ManyAtOnceLoseNothing) {
  add("192.0.2.1");
  constexpr int writers = 4, rounds = 8;
  const std::array<std::string, writers> zones{"de", "fr", "jp", "us"};
  transact([&](soci::session& sql) {
    change_server(sql, actor, address("192.0.2.1"), {.zones = std::vector<std::string>(zones.begin(), zones.end())});
  });
  told();
  std::atomic<int> added{0};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      const auto own = empty_.open();
      for (int round = 0; round < rounds; ++round) {
        own->transact([&](soci::session& sql) {
          auto speeds = get_server(sql, address("192.0.2.1")).zone_netspeed;
          speeds[zones[static_cast<size_t>(writer)]] = netspeeds[static_cast<size_t>(round + 1)];
          change_server(sql, actor, address("192.0.2.1"), {.zone_netspeed = speeds});
        });
        try {
          const geo::Address wanted = address("198.51.100." + std::to_string(round));
          own->transact([&](soci::session& sql) {
            add_server(sql, actor, {.address = wanted, .account = alice_, .zones = {"de"}, .unusual = true});
          });
          ++added;
        } catch (const Fault&) {
          // Another one was first.
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(added, rounds);
  EXPECT_EQ(transact([](soci::session& sql) { return list_servers(sql, {}); }).size(), 1u + rounds);
  const auto speeds = get("192.0.2.1").zone_netspeed;
  for (const std::string& zone : zones) EXPECT_EQ(speeds.at(zone), netspeeds[rounds]) << zone;
  // The log is a chain: what a change began with is what the one before it left.
  const auto entries = told();
  EXPECT_EQ(entries.size(), static_cast<size_t>(writers * rounds + rounds));
  std::string last = R"({"zone_netspeed":{}})";
  for (const AuditEntry& entry : entries) {
    if (entry.action != "set") continue;
    EXPECT_EQ(entry.from, last);
    last = entry.to;
  }
}

/// Other processes, as the programs are.
TEST_P(RegistryServers, ProcessesShareAddresses) {
  const std::string connection = empty_.connection();
  constexpr int writers = 3, addresses = 10;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int mine = 0;
      try {
        auto own = store::Database::open(connection);
        if (!own) ::_exit(100);
        for (int i = 0; i < addresses; ++i) {
          try {
            const geo::Address wanted = address("198.51.100." + std::to_string(i));
            (*own)->transact([&](soci::session& sql) {
              add_server(sql, actor, {.address = wanted, .account = alice_, .zones = {"de"}, .unusual = true});
            });
            ++mine;
          } catch (const Fault&) {
            // Another one was first.
          }
        }
      } catch (const std::exception&) {
        ::_exit(101);
      }
      ::_exit(mine);
    }
    children.push_back(child);
  }
  int added = 0;
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_LE(WEXITSTATUS(status), addresses) << "a writer failed";
    added += WEXITSTATUS(status);
  }
  EXPECT_EQ(added, addresses);
  EXPECT_EQ(transact([](soci::session& sql) { return list_servers(sql, {}); }).size(), size_t{addresses});
  EXPECT_EQ(told().size(), size_t{addresses});
}

TEST_P(RegistryServers, SnapshotHasAllThatIsThere) {
  EXPECT_EQ(transact(read_snapshot).servers.size(), 0u);
  add("2001:db8::1", {"fr", "jp"});
  add({.address = address("192.0.2.1"),
       .account = bob_,
       .zones = {"de"},
       .zone_netspeed = {{"europe", 512}},
       .unusual = true});
  add("192.0.2.2");
  transact([&](soci::session& sql) { remove_server(sql, actor, address("192.0.2.2")); });
  Snapshot snapshot;
  database_->read([&](soci::session& sql) { snapshot = read_snapshot(sql); });
  ASSERT_EQ(snapshot.servers.size(), 2u);
  EXPECT_EQ(snapshot.servers[0].address, address("192.0.2.1"));
  EXPECT_EQ(snapshot.servers[0].zone_netspeed.at("europe"), 512u);
  EXPECT_EQ(snapshot.servers[1].zones, (std::vector<std::string>{"fr", "jp"}));
  EXPECT_EQ(snapshot.accounts.size(), 2u);
  EXPECT_EQ(snapshot.accounts[0].id, alice_);
  EXPECT_EQ(snapshot.tree.size(), default_tree().size());
  EXPECT_EQ(snapshot.last_audit, told().back().id);
}

} // namespace
} // namespace anytick::registry
