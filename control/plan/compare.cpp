#include "control/plan/compare.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace anytick::plan {
namespace {

using selection::Judged;
using selection::Member;
using selection::Selection;
using selection::Verdict;
using selection::ZoneServers;

std::pair<std::string_view, geo::Family> key_of(const ZoneServers& zone) {
  return {zone.zone, zone.family};
}

const std::vector<Member>& members_of(const ZoneServers* zone) {
  static const std::vector<Member> nobody;
  return zone == nullptr ? nobody : zone->members;
}

/// Where the weight of a server changes in a zone of its own.
struct WeightChange {
  std::string_view zone;
  uint32_t before = 0, after = 0;
  size_t zone_size = 0;

  double relative() const {
    const auto [less, more] = std::minmax(before, after);
    return 1 - static_cast<double>(less) / more;
  }
  /// The smallest of several zones says most about a server.
  bool matters_more_than(const WeightChange& other) const {
    return std::tuple(-relative(), zone_size) < std::tuple(-other.relative(), other.zone_size);
  }
};

std::map<geo::Address, WeightChange> weight_changes(const Selection& before, const Selection& after) {
  std::map<geo::Address, WeightChange> changes;
  walk_both(before.zones, after.zones, key_of, [&](const ZoneServers* was, const ZoneServers* is) {
    const size_t size = std::max(members_of(was).size(), members_of(is).size());
    const auto own = [](const Member* member) { return member == nullptr || member->borrowed ? 0 : member->weight; };
    walk_both(
        members_of(was), members_of(is), [](const Member& m) -> const geo::Address& { return m.address; },
        [&](const Member* a, const Member* b) {
          if (own(a) == own(b)) return;
          const WeightChange change{(is == nullptr ? was : is)->zone, own(a), own(b), size};
          const auto [at, fresh] = changes.try_emplace((a == nullptr ? b : a)->address, change);
          if (!fresh && change.matters_more_than(at->second)) at->second = change;
        });
  });
  return changes;
}

uint64_t capacity_of(const ZoneServers* zone) {
  uint64_t sum = 0;
  for (const Member& member : members_of(zone)) sum += member.weight;
  return sum;
}

ZoneChange zone_change(const ZoneServers* was, const ZoneServers* is) {
  const ZoneServers& named = was == nullptr ? *is : *was;
  ZoneChange change{.zone = named.zone, .family = named.family};
  change.servers_before = static_cast<uint32_t>(members_of(was).size());
  change.servers_after = static_cast<uint32_t>(members_of(is).size());
  change.capacity_before = capacity_of(was);
  change.capacity_after = capacity_of(is);
  const bool both_split = was != nullptr && is != nullptr && was->split && is->split;
  walk_both(
      members_of(was), members_of(is), [](const Member& m) -> const geo::Address& { return m.address; },
      [&](const Member* a, const Member* b) {
        change.removed += b == nullptr ? 1 : 0;
        change.added += a == nullptr ? 1 : 0;
        if (a != nullptr && b != nullptr && both_split && a->part != b->part) ++change.moved;
      });
  return change;
}

} // namespace

std::vector<ServerChange> server_changes(const Selection& before, const Selection& after) {
  const auto weights = weight_changes(before, after);
  std::vector<ServerChange> changes;
  walk_both(
      before.servers, after.servers, [](const Judged& j) -> const geo::Address& { return j.address; },
      [&](const Judged* was, const Judged* is) {
        ServerChange change;
        change.address = (is == nullptr ? was : is)->address;
        change.account = (is == nullptr ? was : is)->account;
        change.before = was == nullptr ? Verdict::unverified : was->verdict;
        change.after = is == nullptr ? Verdict::unverified : is->verdict;
        change.score = is == nullptr ? was->score : is->score;
        change.is_new = was == nullptr;
        change.is_gone = is == nullptr;
        const auto weight = weights.find(change.address);
        if (weight != weights.end()) {
          change.zone = weight->second.zone;
          change.weight_before = weight->second.before;
          change.weight_after = weight->second.after;
        }
        const bool in_or_out = (change.before == Verdict::in) != (change.after == Verdict::in);
        if (in_or_out || weight != weights.end()) changes.push_back(std::move(change));
      });
  return changes;
}

std::vector<ZoneChange> zone_changes(const Selection& before, const Selection& after) {
  std::vector<ZoneChange> changes;
  walk_both(before.zones, after.zones, key_of, [&](const ZoneServers* was, const ZoneServers* is) {
    if (was == nullptr || is == nullptr || *was != *is) changes.push_back(zone_change(was, is));
  });
  return changes;
}

} // namespace anytick::plan
