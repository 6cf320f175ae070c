#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/registry/accounts.h"
#include "control/registry/names.h"
#include "control/registry/pops.h"
#include "control/registry/roots.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"
#include "registry_fixture.h"

namespace anytick::registry {
namespace {

class RegistryZones : public test::OnRegistry {
 protected:
  void SetUp() override {
    transact([&](soci::session& sql) {
      add_default_tree(sql, actor);
      alice_ = add_account(sql, actor, "alice").id;
      add_root(sql, actor,
               root("pool.example", {"ns.example.net"},
                    R"({"www": {"cname": "web.example.net."}, "2.mail": {"a": ["192.0.2.25"]}})"));
    });
    told();
  }

  static DnsRoot root(const std::string& origin, const std::vector<std::string>& name_servers,
                      const std::string& static_data) {
    DnsRoot fresh;
    fresh.origin = origin;
    fresh.name_servers = name_servers;
    fresh.static_data = static_data;
    return fresh;
  }
  VendorZone vendor(const std::string& name) {
    VendorZone zone;
    zone.name = name;
    zone.account = alice_;
    zone.root = "pool.example";
    return zone;
  }
  VendorZone add(const std::string& name) {
    return transact([&](soci::session& sql) { return add_vendor(sql, actor, vendor(name)); });
  }
  VendorZone step(const std::string& name, VendorStep each) {
    return transact([&](soci::session& sql) { return step_vendor(sql, actor, name, each); });
  }

  Id alice_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Engines, RegistryZones, anytick::test::both_engines, anytick::test::engine_name);

TEST_P(RegistryZones, DefaultTreeIsTheWorld) {
  const std::vector<TreeZone> tree = transact(list_tree);
  EXPECT_EQ(tree.size(), default_tree().size());
  EXPECT_GT(tree.size(), 250u);
  EXPECT_TRUE(std::ranges::is_sorted(tree, {}, &TreeZone::name));
  const auto parent = [&](const std::string& name) {
    const auto found = std::ranges::find(tree, name, &TreeZone::name);
    return found == tree.end() ? "nothing" : found->parent;
  };
  EXPECT_EQ(parent("@"), "");
  EXPECT_EQ(parent("antarctica"), "@");
  EXPECT_EQ(parent("uk"), "europe");
  EXPECT_EQ(parent("gb"), "nothing");
  EXPECT_EQ(parent("ru"), "europe");
  EXPECT_EQ(parent("br"), "south-america");
  EXPECT_EQ(with_those_above(tree, {"br", "de"}), (std::set<std::string>{"@", "br", "de", "europe", "south-america"}));
  EXPECT_EQ(with_those_below(tree, "@").size(), tree.size());
  EXPECT_EQ(with_those_below(tree, "antarctica"), (std::set<std::string>{"antarctica", "aq", "bv", "gs", "hm", "tf"}));
}

TEST_P(RegistryZones, DefaultTreeIsAddedAsFarAsItIsMissing) {
  const auto again = [&](soci::session& sql) { return add_default_tree(sql, actor); };
  EXPECT_EQ(transact(again), 0u);
  expect_nothing_told();
  transact([&](soci::session& sql) { remove_tree_zone(sql, actor, "aq"); });
  told();
  EXPECT_EQ(transact(again), 1u);
  expect_told("tree", "@", "default", "", R"({"zones": ["aq"]})");
}

TEST_P(RegistryZones, TreeGrowsAndIsChanged) {
  transact([&](soci::session& sql) { add_tree_zone(sql, actor, {"Nordics", "europe", "by the sea"}); });
  expect_told("tree", "nordics", "add", "", R"({"name": "nordics", "parent": "europe", "description": "by the sea"})");
  const auto change = [&](const std::string& name, const TreeZoneChanges& changes) {
    return [this, name, changes](soci::session& sql) { change_tree_zone(sql, actor, name, changes); };
  };
  transact(change("se", {.parent = "nordics"}));
  expect_told("tree", "se", "set", R"({"parent": "europe"})", R"({"parent": "nordics"})");
  transact(change("se", {.parent = "nordics", .description = "country"}));
  expect_nothing_told();
  expect_fault("cannot be above it", change("nordics", {.parent = "se"}));
  expect_fault("cannot be above it", change("europe", {.parent = "se"}));
  expect_fault("cannot be above it", change("nordics", {.parent = "nordics"}));
  expect_fault("above all others", change("@", {.parent = "europe"}));
  expect_fault("needs a zone above it", change("europe", {.parent = ""}));
  expect_fault("no zone 'atlantis'", change("se", {.parent = "atlantis"}));
  expect_fault("no zone 'atlantis'", change("atlantis", {.description = "lost"}));
}

TEST_P(RegistryZones, TreeRefusesWhatIsNoZone) {
  add("acme");
  told();
  for (const auto& [name, parent, why] :
       std::vector<std::array<std::string, 3>>{{"de", "europe", "there is one"},
                                               {"gb", "europe", "there is one"},
                                               {"@", "", "there is one"},
                                               {"xx", "", "needs a zone above it"},
                                               {"xx", "atlantis", "no zone 'atlantis'"},
                                               {"x.y", "europe", "a name is a label"},
                                               {"", "europe", "a name is a label"},
                                               {"-x", "europe", "a name is a label"},
                                               {"3", "europe", "0 to 3"},
                                               {"acme", "europe", "vendor zone of this name"},
                                               {"www", "europe", "static data"},
                                               {"mail", "europe", "static data"}})
    expect_fault(why, [&, name = name, parent = parent](soci::session& sql) {
      add_tree_zone(sql, actor, {name, parent, ""});
    });
}

TEST_P(RegistryZones, TreeKeepsWhatIsInUse) {
  const auto server = test::address("9.9.9.9");
  transact([&](soci::session& sql) {
    add_server(sql, actor, {.address = server, .account = alice_, .zones = {"de"}, .zone_netspeed = {{"europe", 512}}});
  });
  const auto remove = [&](const std::string& zone) {
    return [this, zone](soci::session& sql) { remove_tree_zone(sql, actor, zone); };
  };
  expect_fault("servers are in it", remove("de"));
  expect_fault("zones are in it", remove("europe"));
  expect_fault("zones are in it", remove("@"));
  expect_fault("no zone 'atlantis'", remove("atlantis"));
  transact([&](soci::session& sql) { remove_server(sql, actor, server); });
  told();
  transact(remove("de"));
  expect_told("tree", "de", "remove", R"({"name": "de", "parent": "europe", "description": "country"})", "");
}

TEST(RegistryVendorSteps, AreThoseOfTheTable) {
  using enum VendorState;
  using enum VendorStep;
  const std::map<std::pair<VendorState, VendorStep>, VendorState> allowed{
      {{draft, submit}, pending},    {{rejected, submit}, pending},    {{pending, approve}, approved},
      {{pending, reject}, rejected}, {{approved, suspend}, suspended}, {{suspended, resume}, approved}};
  for (const VendorState state : {draft, pending, approved, rejected, suspended}) {
    for (const VendorStep each : {submit, approve, reject, suspend, resume}) {
      SCOPED_TRACE(std::string(name_of(state)) + " " + std::string(name_of(each)));
      const auto found = allowed.find({state, each});
      EXPECT_EQ(after_step(state, each), found == allowed.end() ? std::nullopt : std::optional(found->second));
    }
  }
}

TEST_P(RegistryZones, VendorsGoTheirWay) {
  add("Acme");
  expect_told("vendor", "acme", "add", "",
              R"({"name": "acme", "account": "alice", "root": "pool.example", "state": "draft", "client": "ntp",
                  "sink": "nodata", "throttle": null, "note": ""})");
  struct Move {
    VendorStep step;
    std::string from, to;
  };
  for (const Move& each :
       {Move{VendorStep::submit, "draft", "pending"}, Move{VendorStep::reject, "pending", "rejected"},
        Move{VendorStep::submit, "rejected", "pending"}, Move{VendorStep::approve, "pending", "approved"},
        Move{VendorStep::suspend, "approved", "suspended"}, Move{VendorStep::resume, "suspended", "approved"}}) {
    EXPECT_EQ(name_of(step("acme", each.step).state), each.to);
    expect_told("vendor", "acme", std::string(name_of(each.step)), R"({"state": ")" + each.from + R"("})",
                R"({"state": ")" + each.to + R"("})");
  }
  const auto attempt = [&](VendorStep each) {
    return [this, each](soci::session& sql) { step_vendor(sql, actor, "acme", each); };
  };
  expect_fault("it is approved", attempt(VendorStep::submit));
  expect_fault("it is approved", [&](soci::session& sql) { remove_vendor(sql, actor, "acme"); });
  actor.reason.clear();
  expect_fault("needs a reason", attempt(VendorStep::suspend));
  actor.reason = "floods";
  step("acme", VendorStep::suspend);
  told();
  transact([&](soci::session& sql) { remove_vendor(sql, actor, "ACME"); });
  expect_told("vendor", "acme", "remove",
              R"({"name": "acme", "account": "alice", "root": "pool.example", "state": "suspended", "client": "ntp",
                  "sink": "nodata", "throttle": null, "note": ""})",
              "");
  expect_fault("no vendor zone 'acme'", attempt(VendorStep::resume));
}

TEST_P(RegistryZones, VendorsAreChanged) {
  add("acme");
  told();
  const auto change = [&](const VendorChanges& changes) {
    return [this, changes](soci::session& sql) { change_vendor(sql, actor, "acme", changes); };
  };
  transact(change({.client = VendorClient::legacy, .sink = VendorSink::sink, .throttle = 500, .note = "big"}));
  expect_told("vendor", "acme", "set", R"({"client": "ntp", "sink": "nodata", "throttle": null, "note": ""})",
              R"({"client": "legacy", "sink": "sink", "throttle": 500, "note": "big"})");
  transact(change({.client = VendorClient::legacy, .throttle = 500}));
  expect_nothing_told();
  transact(change({.throttle = std::optional<uint32_t>()}));
  expect_told("vendor", "acme", "set", R"({"throttle": 500})", R"({"throttle": null})");
  expect_fault("is throttled to", change({.throttle = 0}));
  expect_fault("control characters", change({.note = "\a"}));
}

TEST_P(RegistryZones, VendorsHaveNamesOfTheirOwn) {
  add("acme");
  for (const auto& [name, why] :
       std::vector<std::pair<std::string, std::string>>{{"abc", "4 letters"},
                                                        {"ab.cd", "4 letters"},
                                                        {"acme_", "4 letters"},
                                                        {"-acme", "4 letters"},
                                                        {"uk", "4 letters"},
                                                        {"acmé", "4 letters"},
                                                        {std::string(64, 'a'), "4 letters"},
                                                        {"ACME", "there is one"},
                                                        {"asia", "where clients are"},
                                                        {"north-america", "where clients are"},
                                                        {"us-ca", "where clients are"},
                                                        {"as64500", "where clients are"},
                                                        {"mail", "static data"}})
    expect_fault(why, [&, name = name](soci::session& sql) { add_vendor(sql, actor, vendor(name)); });
  transact([&](soci::session& sql) { add_tree_zone(sql, actor, {"nordics", "europe", ""}); });
  expect_fault("zone of servers", [&](soci::session& sql) { add_vendor(sql, actor, vendor("nordics")); });
  VendorZone zone = vendor("fine");
  zone.root = "nowhere.example";
  expect_fault("no root", [&](soci::session& sql) { add_vendor(sql, actor, zone); });
  zone = vendor("fine");
  zone.account = 77;
  expect_fault("no account", [&](soci::session& sql) { add_vendor(sql, actor, zone); });
  zone = vendor("fine");
  zone.root = "Pool.Example.";
  EXPECT_EQ(transact([&](soci::session& sql) { return add_vendor(sql, actor, zone); }).root, "pool.example");
}

TEST_P(RegistryZones, RootsAreKeptAsTheyAreServed) {
  const DnsRoot fresh =
      root("Time.Example.", {"NS2.example.net.", "ns1.example.net"},
           R"({"www": {"alias": "web"}, "web": {"a": [["192.0.2.80", "1"]]}, "start": {"alias": "0.europe"}})");
  transact([&](soci::session& sql) { add_root(sql, actor, fresh); });
  expect_told("root", "time.example", "add", "",
              R"({"origin": "time.example", "contact": "hostmaster.time.example",
                  "name_servers": ["ns2.example.net", "ns1.example.net"], "ttl": 150, "max_hosts": 4, "static_data":
                  {"www": {"alias": "web"}, "web": {"a": [["192.0.2.80", "1"]]}, "start": {"alias": "0.europe"}}})");
  const auto change = [&](const RootChanges& changes) {
    return [this, changes](soci::session& sql) { change_root(sql, actor, "time.example", changes); };
  };
  transact(change({.name_servers = std::vector<std::string>{"ns1.example.net"}, .ttl = 30, .max_hosts = 16}));
  expect_told("root", "time.example", "set",
              R"({"name_servers": ["ns2.example.net", "ns1.example.net"], "ttl": 150, "max_hosts": 4})",
              R"({"name_servers": ["ns1.example.net"], "ttl": 30, "max_hosts": 16})");
  transact(change({.ttl = 30}));
  expect_nothing_told();
  transact(change({.contact = "Time@Example.net", .static_data = "{}"}));
  const DnsRoot kept = transact([](soci::session& sql) { return get_root(sql, "TIME.example."); });
  EXPECT_EQ(kept.contact, "time@example.net");
  EXPECT_EQ(kept.static_data, "{}");
  EXPECT_EQ(transact(list_roots).size(), 2u);
  told();
  transact([&](soci::session& sql) { remove_root(sql, actor, "time.example"); });
  EXPECT_EQ(told().size(), 1u);
  add("acme");
  expect_fault("vendor zone 'acme' is in it", [&](soci::session& sql) { remove_root(sql, actor, "pool.example"); });
}

TEST_P(RegistryZones, RootsRefuseWhatIsNoZone) {
  add("acme");
  told();
  const std::string origin = "pool.example";
  for (const auto& [changes, why] : std::vector<std::pair<RootChanges, std::string>>{
           {{.ttl = 29}, "TTL of 29"},
           {{.ttl = 86401}, "TTL of 86401"},
           {{.max_hosts = 0}, "1 to 16 servers"},
           {{.max_hosts = 17}, "1 to 16 servers"},
           {{.name_servers = std::vector<std::string>{}}, "distinct name servers"},
           {{.name_servers = std::vector<std::string>{"a.example", "A.example."}}, "distinct name servers"},
           {{.name_servers = std::vector<std::string>{"a b"}}, "no host's name"},
           {{.contact = "a..b"}, "contact"},
           {{.static_data = "[]"}, "not a JSON object"},
           {{.static_data = "{"}, "line 1"},
           {{.static_data = R"({"x": {}, "x": {}})"}, "twice"},
           {{.static_data = R"({"x": {"a": ["300.1.1.1"]}})"}, "data/x/a"},
           {{.static_data = R"({"x": {"alias": "nowhere"}})"}, "nowhere"},
           {{.static_data = R"({"DE": {"a": ["192.0.2.1"]}})"}, "zone of servers"},
           {{.static_data = R"({"3.de": {"a": ["192.0.2.1"]}})"}, "zone of servers"},
           {{.static_data = R"({"gb": {"a": ["192.0.2.1"]}})"}, "alias of zone uk"},
           {{.static_data = R"({"acme": {"a": ["192.0.2.1"]}})"}, "a vendor zone"},
           {{.static_data = R"({"2": {"a": ["192.0.2.1"]}})"}, "part of it"},
           {{.static_data = R"({"": {"a": ["192.0.2.1"]}})"}, "at the apex"},
           {{.static_data = R"({"": {"ns": ["x.example."]}})"}, "at the apex"}})
    expect_fault(why, [&, &with = changes](soci::session& sql) { change_root(sql, actor, origin, with); });
  expect_fault("there already", [&](soci::session& sql) { add_root(sql, actor, root("POOL.example.", {}, "")); });
  transact([&](soci::session& sql) {
    change_root(sql, actor, origin, {.static_data = R"({"": {"txt": "v=spf1 -all"}, "x.de": {"alias": "acme"}})"});
  });
  EXPECT_EQ(told().size(), 1u);
}

TEST_P(RegistryZones, PopsAreKept) {
  const auto add_one = [&](const Pop& pop) {
    return transact([&](soci::session& sql) { return add_pop(sql, actor, pop); });
  };
  add_one({"Fra-1", "198.51.100.7:8953", "", true, true});
  expect_told("pop", "fra-1", "add", "",
              R"({"name": "fra-1", "target": "198.51.100.7:8953", "tls_name": "198.51.100.7", "canary": true,
                  "enabled": true})");
  EXPECT_EQ(add_one({"local", "unix:/run/pop.sock", "", false, true}).tls_name, "");
  EXPECT_EQ(add_one({"six", "[2001:db8::1]:8953", "Six.pops.example", false, true}).tls_name, "six.pops.example");
  EXPECT_EQ(add_one({"named", "named.pops.example:8953", "", false, true}).tls_name, "named.pops.example");
  told();
  const auto change = [&](const PopChanges& changes) {
    return [this, changes](soci::session& sql) { change_pop(sql, actor, "fra-1", changes); };
  };
  transact(change({.canary = false, .enabled = false}));
  expect_told("pop", "fra-1", "set", R"({"canary": true, "enabled": true})", R"({"canary": false, "enabled": false})");
  transact(change({.enabled = false}));
  expect_nothing_told();
  transact(change({.target = "unix:/run/other.sock"}));
  expect_told("pop", "fra-1", "set", R"({"target": "198.51.100.7:8953", "tls_name": "198.51.100.7"})",
              R"({"target": "unix:/run/other.sock", "tls_name": ""})");
  transact([&](soci::session& sql) { remove_pop(sql, actor, "fra-1"); });
  EXPECT_EQ(told().size(), 1u);
  EXPECT_EQ(transact(list_pops).size(), 3u);
  expect_fault("no POP 'fra-1'", change({.enabled = true}));
}

TEST_P(RegistryZones, PopsRefuseWhatNobodyReaches) {
  transact([&](soci::session& sql) { add_pop(sql, actor, {"taken", "unix:/run/pop.sock", "", false, true}); });
  for (const auto& [pop, why] :
       std::vector<std::pair<Pop, std::string>>{{{"taken", "unix:/x", "", false, true}, "there is one"},
                                                {{"a b", "unix:/x", "", false, true}, "a name is a label"},
                                                {{"", "unix:/x", "", false, true}, "a name is a label"},
                                                {{"x", "unix:run/pop.sock", "", false, true}, "absolute path"},
                                                {{"x", "unix:", "", false, true}, "absolute path"},
                                                {{"x", "unix:/x", "name", false, true}, "no certificate"},
                                                {{"x", "198.51.100.7", "", false, true}, "neither"},
                                                {{"x", "198.51.100.7:0", "", false, true}, "neither"},
                                                {{"x", "198.51.100.7:65536", "", false, true}, "neither"},
                                                {{"x", "2001:db8::1:8953", "", false, true}, "neither"},
                                                {{"x", "[198.51.100.7]:8953", "", false, true}, "neither"},
                                                {{"x", "a_b:1", "", false, true}, "no host's name"},
                                                {{"x", "198.51.100.7:1", "*.example", false, true}, "no host's name"}})
    expect_fault(why, [&, &refused = pop](soci::session& sql) { add_pop(sql, actor, refused); });
}

TEST(RegistryNames, GoThereAndBack) {
  for (const Role each : {Role::owner, Role::editor, Role::viewer}) EXPECT_EQ(role_by_name(name_of(each)), each);
  for (const VendorSink each : {VendorSink::nodata, VendorSink::sink})
    EXPECT_EQ(vendor_sink_by_name(name_of(each)), each);
  EXPECT_EQ(name_of(ServerState::removed), "removed");
  EXPECT_EQ(name_of(VendorClient::legacy), "legacy");
  EXPECT_FALSE(role_by_name("Owner"));
  EXPECT_EQ(netspeed_choices().substr(0, 38), "0, 512, 1500, 3000, 6000, 10000, 12000");
  EXPECT_EQ(without_part("2.europe"), "europe");
  EXPECT_EQ(without_part("4.europe"), "4.europe");
  EXPECT_EQ(without_part("2"), "2");
  EXPECT_EQ(without_part("2."), "2.");
}

} // namespace
} // namespace anytick::registry
