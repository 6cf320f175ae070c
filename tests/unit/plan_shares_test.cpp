#include "control/plan/shares.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "control/dns_text.h"
#include "control/explain.h"
#include "control/plan/answer_sets.h"
#include "control/selection/zones.h"
#include "dataplane/core/dns.h"
#include "plan_world.h"
#include "tests/packets/world.h"

namespace anytick::plan::test {
namespace {

using selection::Selection;

const AnswerRules four{.max_hosts = {4}};

/// Who asks from where, by the image and map that answer.
class Asked {
 public:
  Asked(const Selection& selection, const registry::Snapshot& snapshot, const selection::Policy& policy) {
    for (const registry::DnsRoot& root : snapshot.roots)
      documents_.emplace_back(root.origin, selection::geodns_document(root, snapshot, selection, policy, 1).dump());
    std::vector<std::pair<std::string, std::string_view>> zones(documents_.begin(), documents_.end());
    world_ = std::make_unique<anytick::test::World>(zones, map_lines);
  }

  /// Probability of each record to be in the answer.
  std::map<std::string, double> ask(const std::string& name, geo::Family family, const std::string& client) const {
    const uint16_t type = family == geo::Family::ipv4 ? core::dns::A : core::dns::AAAA;
    const auto explanation =
        control::explain(world_->view(), {*control::parse_name(name, control::root_name), type, address(client), {}});
    std::map<std::string, double> included;
    if (!explanation.steps.empty() && explanation.steps.back().set)
      for (const control::Candidate& each : explanation.steps.back().set->candidates)
        included[each.data] = each.included;
    return included;
  }

 private:
  std::vector<std::pair<std::string, std::string>> documents_;
  std::unique_ptr<anytick::test::World> world_;
};

struct Client {
  ClientGroup group;
  const char* address;
};

const std::vector<Client>& clients() {
  static const std::vector<Client> all{
      {{"de", "europe"}, "1.0.0.1"},
      {{"fr", "europe"}, "1.1.0.1"},
      {{"lu", "europe"}, "1.1.128.1"},
      {{"us", "north-america"}, "1.2.0.1"},
      {{"gb", "europe"}, "1.4.0.1"},
      {{"mn", "asia"}, "1.4.64.1"},
      {{"jp", "asia"}, "1.4.65.1"},
      {{"gl", "north-america"}, "1.4.66.1"},
      {{"br", "south-america"}, "1.4.68.1"},
      {{"cl", "south-america"}, "1.4.69.1"},
      {{"ke", "africa"}, "1.4.70.1"},
      {{"td", "africa"}, "1.4.71.1"},
      {{"au", "oceania"}, "1.4.72.1"},
      {{"aq", "antarctica"}, "1.4.73.1"},
      {{"", "europe"}, "1.4.74.1"},
      {{"", "oceania"}, "1.4.75.1"},
      {{"", ""}, "9.9.9.9"},
  };
  return all;
}

/// All clients in some measure.
Demand uneven_demand() {
  Demand demand{.groups = {}, .unnumbered = 0.3};
  double sum = 0;
  for (size_t i = 0; i < clients().size(); ++i) {
    demand.groups.push_back(clients()[i].group);
    sum += demand.groups.back().share = static_cast<double>(1 + i * i % 7);
  }
  for (ClientGroup& each : demand.groups) each.share /= sum;
  return demand;
}

std::string name_of(size_t name, const std::string& origin) {
  return (name == 0 ? "" : fmt::format("{}.", name - 1)) + origin;
}

/// What `zone explain` says, added up: of each server the addresses in an answer, and of all.
struct Summed {
  std::map<geo::Address, double> servers;
  double addresses = 0;
};

Summed sum_up(const Asked& asked, const registry::Snapshot& snapshot, geo::Family family, const Demand& demand) {
  Summed summed;
  for (size_t i = 0; i < clients().size(); ++i)
    for (size_t name = 0; name < name_count; ++name)
      for (const registry::DnsRoot& root : snapshot.roots) {
        const double part = demand.groups[i].share * (name == 0 ? demand.unnumbered : (1 - demand.unnumbered) / 4) /
                            static_cast<double>(snapshot.roots.size());
        for (const auto& [data, included] : asked.ask(name_of(name, root.origin), family, clients()[i].address)) {
          summed.servers[address(data)] += part * included;
          summed.addresses += part * included;
        }
      }
  return summed;
}

void expect_as_explained(const Selection& selection, const registry::Snapshot& snapshot,
                         const selection::Policy& policy) {
  const Asked asked(selection, snapshot, policy);
  const Demand demand = uneven_demand();
  AnswerRules rules{.max_hosts = {}, .ipv6_everywhere = policy.ipv6_everywhere};
  for (const registry::DnsRoot& root : snapshot.roots) rules.max_hosts.push_back(root.max_hosts);
  InclusionCache inclusion;
  const FamilyShares shares = shares_of(selection, demand, rules, inclusion);
  for (const geo::Family family : {geo::Family::ipv4, geo::Family::ipv6}) {
    SCOPED_TRACE(family == geo::Family::ipv4 ? "IPv4" : "IPv6");
    const Shares& told = shares[family == geo::Family::ipv4 ? 0 : 1];
    const Summed summed = sum_up(asked, snapshot, family, demand);
    double sum = 0;
    for (const auto& [server, share] : told.servers) {
      const auto found = summed.servers.find(server);
      ASSERT_NEAR(share, found == summed.servers.end() ? 0 : found->second / summed.addresses, 1e-9)
          << geo::to_text(server);
      sum += share;
    }
    for (const auto& [server, addresses] : summed.servers)
      ASSERT_TRUE(told.servers.contains(server)) << geo::to_text(server);
    EXPECT_NEAR(sum, told.servers.empty() ? 0 : 1, 1e-9);
    double accounts = 0, zones = 0;
    for (const auto& [account, share] : told.accounts) accounts += share;
    for (const auto& [zone, share] : told.zones) zones += share;
    EXPECT_NEAR(accounts, sum, 1e-9);
    EXPECT_LE(zones, 1 + 1e-9);
  }
}

struct ExplainedCase {
  const char* name;
  uint64_t seed;
  size_t servers;
  bool ipv6_everywhere;
  std::vector<uint32_t> max_hosts;
};

class SharesAsExplained : public testing::TestWithParam<ExplainedCase> {};

TEST_P(SharesAsExplained, OfEachServer) {
  const ExplainedCase& each = GetParam();
  SCOPED_TRACE(fmt::format("seed {}", each.seed));
  registry::Snapshot snapshot = snapshot_of(each.seed, each.servers);
  snapshot.roots[0].max_hosts = each.max_hosts[0];
  for (size_t i = 1; i < each.max_hosts.size(); ++i) {
    snapshot.roots.push_back(snapshot.roots[0]);
    snapshot.roots.back().origin = fmt::format("pool{}.example", i);
    snapshot.roots.back().name_servers = {"ns2.example.net"};
    snapshot.roots.back().max_hosts = each.max_hosts[i];
  }
  selection::Policy policy;
  policy.ipv6_everywhere = each.ipv6_everywhere;
  const selection::Scores scores = scores_of(snapshot, each.seed);
  const auto no_asn = [](const geo::Address&) { return 0u; };
  expect_as_explained(selection::select(snapshot, scores, {}, policy, no_asn, 0), snapshot, policy);
}

INSTANTIATE_TEST_SUITE_P(
    Shares, SharesAsExplained,
    testing::Values(ExplainedCase{"Small", 1, 30, true, {4}}, ExplainedCase{"Middling", 2, 150, true, {4}},
                    ExplainedCase{"Large", 3, 900, true, {4}}, ExplainedCase{"Ipv6InTwo", 4, 300, false, {4}},
                    ExplainedCase{"One", 5, 300, true, {1}}, ExplainedCase{"Many", 6, 200, true, {16}},
                    ExplainedCase{"TwoRoots", 7, 300, true, {4, 2}}, ExplainedCase{"Nobody", 8, 0, true, {4}},
                    ExplainedCase{"Lonely", 9, 1, true, {4}}),
    [](const auto& i) { return i.param.name; });

// A part that nobody is in leaves its clients to the continent.
TEST(Shares, OfHandMadePartsToo) {
  registry::Snapshot snapshot = snapshot_of(1, 0);
  Selection selection;
  selection.zones = {zone("@", "192.0.2.1 5\n192.0.2.2 7\n192.0.2.3 1\n192.0.2.4 1\n192.0.2.5 9"),
                     zone("de", "192.0.2.1 5 0\n192.0.2.2 7 0\n192.0.2.3 2 3"),
                     zone("europe", "192.0.2.1 5 1\n192.0.2.2 7 0\n192.0.2.3 2 3\n192.0.2.4 100 1 borrowed")};
  expect_as_explained(selection, snapshot, {});
}

TEST(Shares, OfZonesAreOfQueries) {
  Selection selection;
  selection.zones = {zone("@", "192.0.2.1 1\n192.0.2.2 1"), zone("de", "192.0.2.1 1"), zone("europe", "192.0.2.1 1")};
  const Demand demand{.groups = {{"", "", 0.1}, {"de", "europe", 0.6}, {"fr", "europe", 0.3}}};
  InclusionCache inclusion;
  const Shares shares = shares_of(selection, demand, four, inclusion)[0];
  EXPECT_NEAR(shares.zones.at("de"), 0.6, 1e-12);
  EXPECT_NEAR(shares.zones.at("europe"), 0.3, 1e-12);
  EXPECT_NEAR(shares.zones.at("@"), 0.1, 1e-12);
  // 0.9 of the answers are one address, 0.1 are two.
  EXPECT_NEAR(shares.servers.at(address("192.0.2.2")), 0.1 / 1.1, 1e-12);
}

TEST(Shares, OfPlacesAddUp) {
  const registry::Snapshot snapshot = snapshot_of(11, 400);
  const auto no_asn = [](const geo::Address&) { return 0u; };
  const Selection selection = selection::select(snapshot, scores_of(snapshot, 11), {}, selection::Policy{}, no_asn, 0);
  const Demand demand = uneven_demand();
  InclusionCache inclusion;
  const Asked asked(selection, snapshot, {});
  size_t looked_at = 0;
  for (const selection::Judged& judged : selection.servers) {
    if (judged.verdict != selection::Verdict::in || ++looked_at % 20 != 0) continue;
    SCOPED_TRACE(geo::to_text(judged.address));
    const auto places = shares_by_place(judged.address, selection, demand, four, inclusion);
    double sum = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      sum += places[i].part;
      ASSERT_GE(places[i == 0 ? 0 : i - 1].part, places[i].part);
    }
    ASSERT_NEAR(sum, 1, 1e-9);
    const auto client = std::ranges::find_if(clients(), [&](const Client& c) {
      return c.group.country == places[0].country && c.group.continent == places[0].continent;
    });
    ASSERT_NE(client, clients().end());
    double own = 0, all = 0;
    for (size_t name = 0; name < name_count; ++name)
      for (const auto& [data, included] :
           asked.ask(name_of(name, "pool.example"), judged.address.family, client->address)) {
        const double part = included * (name == 0 ? 0.3 : 0.7 / 4);
        all += part;
        if (address(data) == judged.address) own += part;
      }
    EXPECT_NEAR(places[0].given, own / all, 1e-9);
  }
  EXPECT_GT(looked_at, 200u);
}

TEST(Shares, OfNobodyAreNowhere) {
  Selection selection;
  selection.zones = {zone("@", "192.0.2.1 1")};
  InclusionCache inclusion;
  EXPECT_TRUE(shares_by_place(address("192.0.2.9"), selection, uneven_demand(), four, inclusion).empty());
  EXPECT_TRUE(shares_of(selection, uneven_demand(), four, inclusion)[1].servers.empty());
}

TEST(InclusionCache, ForgetsWhatIsNotAskedFor) {
  InclusionCache cache;
  const auto of = [&](uint32_t weight) { return cache.find({{weight, 3}, {weight + 1, 7}}, 4)[0]; };
  const double first = of(10);
  EXPECT_EQ(of(10), first);
  of(20);
  EXPECT_EQ(cache.size(), 2u);
  cache.forget_unused();
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(of(10), first);
  cache.forget_unused();
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_NE(cache.find({{10, 3}, {11, 7}}, 2)[0], first);
}

} // namespace
} // namespace anytick::plan::test
