#include "control/plan/guard.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "control/plan/compare.h"

namespace anytick::plan {
namespace {

using Rule = Objection::Rule;
using selection::Judged;
using selection::Member;
using selection::Verdict;
using selection::ZoneServers;

constexpr std::string_view override_hint = "\"--force --reason TEXT\" overrides it.";

const char* family_text(geo::Family family) {
  return family == geo::Family::ipv4 ? "IPv4" : "IPv6";
}

/// Of a family in a zone, what its own servers were and are.
struct OwnLoss {
  uint64_t servers = 0, removed = 0;
  uint64_t capacity = 0, lost = 0;
  uint64_t left = 0;     ///< own servers afterwards
  bool deserted = false; ///< nobody is left, no borrowed ones either
};

OwnLoss own_loss(const ZoneServers& was, const ZoneServers* is) {
  static const std::vector<Member> nobody;
  OwnLoss loss{.deserted = is == nullptr || is->members.empty()};
  walk_both(
      was.members, is == nullptr ? nobody : is->members,
      [](const Member& m) -> const geo::Address& { return m.address; },
      [&](const Member* a, const Member* b) {
        const uint32_t before = a == nullptr || a->borrowed ? 0 : a->weight;
        const uint32_t after = b == nullptr || b->borrowed ? 0 : b->weight;
        loss.left += after > 0 ? 1 : 0;
        if (before == 0) return;
        ++loss.servers;
        loss.removed += after == 0 ? 1 : 0;
        loss.capacity += before;
        loss.lost += before - std::min(before, after);
      });
  return loss;
}

// By division: a part that is exactly the share as written is not more than it.
bool exceeds(uint64_t part, uint64_t whole, double share) {
  return whole > 0 && static_cast<double>(part) / static_cast<double>(whole) > share;
}

double percent(uint64_t part, uint64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string limit_text(Rule rule, double share) {
  return fmt::format("more than guard.{} = {} allows. {}", rule_name(rule), share, override_hint);
}

void guard_zone(const ZoneServers& was, const ZoneServers* is, const hub::GuardConfig& guard,
                std::vector<Objection>& objections) {
  const OwnLoss loss = own_loss(was, is);
  const auto object = [&](Rule rule, const std::string& text) {
    objections.push_back({rule, was.zone, fmt::format("zone {}, {}: {}", was.zone, family_text(was.family), text)});
  };
  if (loss.deserted || (loss.servers > 0 && loss.left == 0)) {
    if (loss.servers > 0 && loss.servers < guard.zone_emptied_least) return;
    const size_t had = loss.servers > 0 ? loss.servers : was.members.size();
    object(Rule::zone_emptied,
           fmt::format("had {} {}server{} and would have none. The guard lets no zone be emptied that had {} or more "
                       "(guard.zone_emptied_least). {}",
                       had, loss.servers > 0 ? "" : "borrowed ", had == 1 ? "" : "s", guard.zone_emptied_least,
                       override_hint));
    return;
  }
  if (loss.servers < guard.zone_servers_least) return;
  if (exceeds(loss.removed, loss.servers, guard.zone_servers_removed))
    object(Rule::zone_servers_removed, fmt::format("{} of {} servers leave ({:.1f} %), {}", loss.removed, loss.servers,
                                                   percent(loss.removed, loss.servers),
                                                   limit_text(Rule::zone_servers_removed, guard.zone_servers_removed)));
  if (exceeds(loss.lost, loss.capacity, guard.zone_capacity_removed))
    object(Rule::zone_capacity_removed,
           fmt::format("{} of {} kbit/s are lost ({:.1f} %), {}", loss.lost, loss.capacity,
                       percent(loss.lost, loss.capacity),
                       limit_text(Rule::zone_capacity_removed, guard.zone_capacity_removed)));
}

bool is_out_by_score(Verdict verdict) {
  return verdict == Verdict::no_score || verdict == Verdict::low_score || verdict == Verdict::recovering;
}

void guard_demotions(const selection::Selection& before, const selection::Selection& after,
                     const hub::GuardConfig& guard, std::vector<Objection>& objections) {
  uint64_t were_in = 0, demoted = 0, without = 0;
  walk_both(
      before.servers, after.servers, [](const Judged& j) -> const geo::Address& { return j.address; },
      [&](const Judged* was, const Judged* is) {
        if (was == nullptr || was->verdict != Verdict::in) return;
        ++were_in;
        if (is == nullptr) return;
        without += is->verdict == Verdict::no_score ? 1 : 0;
        demoted += is_out_by_score(is->verdict) ? 1 : 0;
      });
  if (!exceeds(demoted, were_in, guard.servers_demoted)) return;
  const std::string monitors = 2 * without > demoted ? fmt::format(" {} of them have no recent score at all: rather "
                                                                   "their monitors are down than they.",
                                                                   without)
                                                     : "";
  objections.push_back(
      {Rule::servers_demoted, "",
       fmt::format("{} of {} servers that were in are out by their score ({:.1f} %), {}{}", demoted, were_in,
                   percent(demoted, were_in), limit_text(Rule::servers_demoted, guard.servers_demoted), monitors)});
}

} // namespace

std::string_view rule_name(Rule rule) {
  switch (rule) {
  case Rule::zone_servers_removed:
    return "zone_servers_removed";
  case Rule::zone_capacity_removed:
    return "zone_capacity_removed";
  case Rule::zone_emptied:
    return "zone_emptied";
  case Rule::servers_demoted:
    return "servers_demoted";
  case Rule::first_servers_out:
    return "first_servers_out";
  }
  return "";
}

std::vector<Objection> objections_to(const selection::Selection& before, const selection::Selection& after,
                                     const hub::GuardConfig& guard) {
  std::vector<Objection> objections;
  guard_demotions(before, after, guard, objections);
  walk_both(
      before.zones, after.zones, [](const ZoneServers& z) { return std::pair(std::string_view(z.zone), z.family); },
      [&](const ZoneServers* was, const ZoneServers* is) {
        if (was != nullptr) guard_zone(*was, is, guard, objections);
      });
  const auto gravity = [](const Objection& each) {
    return each.rule == Rule::servers_demoted ? 0 : each.rule == Rule::zone_emptied ? 1 : 2;
  };
  std::ranges::stable_sort(objections, {}, gravity);
  return objections;
}

std::vector<Objection> objections_to_first(const selection::Selection& first, const hub::GuardConfig& guard) {
  uint64_t in = 0, out = 0, without = 0;
  for (const Judged& each : first.servers) {
    in += each.verdict == Verdict::in ? 1 : 0;
    out += is_out_by_score(each.verdict) ? 1 : 0;
    without += each.verdict == Verdict::no_score ? 1 : 0;
  }
  if (out == 0 || (in > 0 && !exceeds(out, in + out, guard.first_servers_out))) return {};
  const std::string feeds =
      2 * without > out
          ? fmt::format(" {} of them have no recent score at all: rather their feeds are not in yet.", without)
          : "";
  const std::string limit = in == 0 ? fmt::format("and the guard lets no first push be without any ({}). {}",
                                                  rule_name(Rule::first_servers_out), override_hint)
                                    : limit_text(Rule::first_servers_out, guard.first_servers_out);
  return {{Rule::first_servers_out, "",
           fmt::format("nothing was pushed yet: {} of {} servers are out by their score ({:.1f} %), {}{}", out,
                       in + out, percent(out, in + out), limit, feeds)}};
}

} // namespace anytick::plan
