#include "control/plan/explain_server.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/plan/answer_sets.h"
#include "control/selection/membership.h"
#include "control/text.h"

namespace anytick::plan {
namespace {

using registry::Server;
using selection::Judged;
using selection::Member;
using selection::Policy;
using selection::Selection;
using selection::Verdict;
using selection::ZoneServers;

std::string no_score_text(const ServerHistory& history, int64_t now) {
  int64_t newest = 0;
  for (const scores::Standing& each : history.standings)
    if (!each.recent.empty()) newest = std::max(newest, each.when());
  if (newest == 0) return "no monitor has ever scored it";
  return fmt::format("no monitor has a recent score of it: the newest of {} is {} old", history.standings.size(),
                     control::duration_text(static_cast<uint64_t>(std::max<int64_t>(0, now - newest))));
}

std::string in_text(double score, const Policy& policy) {
  std::string text =
      score >= policy.enter_score
          ? fmt::format("its score {:.2f} is at least selection.enter_score = {}", score, policy.enter_score)
          : fmt::format("its score {:.2f} is below selection.enter_score = {}, but it was in and stays "
                        "down to selection.leave_score = {}",
                        score, policy.enter_score, policy.leave_score);
  if (score < policy.ramp_score)
    text += fmt::format("; its weight is reduced below selection.ramp_score = {}", policy.ramp_score);
  return text;
}

std::string rule_text(const Server& server, const Judged& judged, const Policy& policy, const ServerHistory& history,
                      int64_t now) {
  const double score = judged.score.value_or(0);
  switch (judged.verdict) {
  case Verdict::in:
    return "in: " + in_text(score, policy);
  case Verdict::unverified:
    return "out: nobody has shown that its account controls the address";
  case Verdict::monitoring:
    return "out: its netspeed is 0, it is watched and given to nobody";
  case Verdict::leaving:
    return fmt::format("out: it is deleted at {}, selection.deletion_days = {} before that it leaves",
                       control::date_text(static_cast<uint64_t>(server.deletion.value_or(0))), policy.deletion_days);
  case Verdict::no_score:
    return "out: " + no_score_text(history, now);
  case Verdict::low_score:
    return fmt::format("out: its score {:.2f} is below selection.leave_score = {}; from selection.enter_score = {} on "
                       "it comes back",
                       score, policy.leave_score, policy.enter_score);
  case Verdict::recovering:
    return fmt::format("out: its score {:.2f} is below selection.enter_score = {}, which one that was out needs", score,
                       policy.enter_score);
  }
  return "";
}

std::vector<std::string> names_of(const ZoneServers& zone, const Member& member, const Sources& sources) {
  const AnswerRules rules{.max_hosts = {}, .ipv6_everywhere = sources.config.selection.ipv6_everywhere};
  std::vector<std::string> names;
  for (const registry::DnsRoot& root : sources.snapshot.roots)
    for (size_t name = 0; name < name_count; ++name) {
      if (!has_name(zone, name, rules) || !is_in_name(zone, member, name)) continue;
      const std::string label = zone.zone == "@" ? "" : zone.zone + ".";
      names.push_back((name == 0 ? "" : fmt::format("{}.", name - 1)) + label + root.origin);
    }
  return names;
}

ZoneExplained explain_zone(const ZoneServers& zone, const Member& member, const Server& server, const Judged& judged,
                           const Sources& sources) {
  ZoneExplained explained{.zone = zone.zone, .names = names_of(zone, member, sources), .borrowed = member.borrowed};
  explained.of_zone = server.zone_netspeed.contains(zone.zone);
  explained.netspeed = selection::netspeed_in(server, zone.zone);
  explained.ramp = judged.ramp;
  explained.weight = member.weight;
  const double whole = explained.netspeed * explained.ramp;
  explained.factor = whole > 0 ? member.weight / whole : 0;
  double sum = 0;
  for (const Member& each : zone.members) sum += each.weight;
  explained.share = member.weight / sum;
  return explained;
}

} // namespace

std::optional<ServerExplained> explain_server(const geo::Address& address, const Sources& sources,
                                              const Selection& selection, ServerHistory history, int64_t now) {
  const auto& servers = sources.snapshot.servers;
  const auto server = std::ranges::find(servers, address, &Server::address);
  if (server == servers.end()) return {};
  ServerExplained explained;
  explained.server = *server;
  for (const registry::Account& account : sources.snapshot.accounts)
    if (account.id == server->account) explained.account = account.name;
  const auto judged = std::ranges::find(selection.servers, address, &Judged::address);
  if (judged == selection.servers.end()) {
    explained.judged = {.address = address, .account = server->account, .verdict = Verdict::unverified, .score = {}};
    explained.rule = "out: it came to the registry after this selection was made";
  } else {
    explained.judged = *judged;
    explained.rule = rule_text(*server, *judged, sources.config.selection, history, now);
  }
  for (const ZoneServers& zone : selection.zones) {
    if (zone.family != address.family) continue;
    const auto member = std::ranges::find(zone.members, address, &Member::address);
    if (member != zone.members.end())
      explained.zones.push_back(explain_zone(zone, *member, *server, explained.judged, sources));
  }
  AnswerRules rules{.max_hosts = {}, .ipv6_everywhere = sources.config.selection.ipv6_everywhere};
  for (const registry::DnsRoot& root : sources.snapshot.roots) rules.max_hosts.push_back(root.max_hosts);
  InclusionCache own;
  InclusionCache& inclusion = sources.inclusion == nullptr ? own : *sources.inclusion;
  const Demand demand = demand_of(sources.config.demand, sources.map);
  explained.places = shares_by_place(address, selection, demand, rules, inclusion);
  const FamilyShares shares = shares_of(selection, demand, rules, inclusion);
  const auto& of_family = shares[address.family == geo::Family::ipv4 ? 0 : 1].servers;
  if (const auto share = of_family.find(address); share != of_family.end()) explained.share = share->second;
  explained.history = std::move(history);
  return explained;
}

} // namespace anytick::plan
