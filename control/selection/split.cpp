#include "control/selection/split.h"

#include <algorithm>
#include <numeric>

#include "control/selection/rank.h"

namespace anytick::selection {
namespace {

bool is_split(const ZoneServers& zone, const ZoneServers* previous, const Policy& policy) {
  if (zone.family == geo::Family::ipv6 && !policy.ipv6_everywhere) return false;
  const size_t from = std::max<size_t>(policy.split_servers, parts);
  const size_t until = std::max<size_t>(from - std::min<size_t>(from, Policy::split_slack), parts);
  return zone.members.size() >= (previous != nullptr && previous->split ? until : from);
}

class Splitter {
 public:
  explicit Splitter(ZoneServers& zone) : members_(zone.members), zone_(name_rank(zone.zone)) {
    for (const Member& member : members_) weight_ += member.weight;
  }

  void run(const ZoneServers& previous) {
    keep(previous);
    const std::array<size_t, parts> sizes = sizes_allowed();
    for (uint8_t part = 0; part < parts; ++part)
      while (held_[part].size() > sizes[part]) put_out(part);
    place();
  }

 private:
  uint64_t rank(const Member& member) const { return rank_in(zone_, address_rank(member.address)); }

  void add(uint8_t part, Member& member) {
    member.part = part;
    held_[part].push_back(&member);
    held_weight_[part] += member.weight;
  }

  /// Both lists are by address.
  void keep(const ZoneServers& previous) {
    auto before = previous.members.begin();
    for (Member& member : members_) {
      while (before != previous.members.end() && before->address < member.address) ++before;
      const bool had = previous.split && before != previous.members.end() && before->address == member.address;
      if (had && before->part < parts)
        add(before->part, member);
      else
        homeless_.push_back(&member);
    }
  }

  /// A quarter each, and what is left over one each to those who have the most: then the fewest have to go. Where that
  /// is equal, to those with the least weight.
  std::array<size_t, parts> sizes_allowed() const {
    std::array<uint8_t, parts> order;
    std::iota(order.begin(), order.end(), uint8_t{0});
    std::ranges::stable_sort(order, [&](uint8_t a, uint8_t b) {
      if (held_[a].size() != held_[b].size()) return held_[a].size() > held_[b].size();
      return held_weight_[a] < held_weight_[b];
    });
    std::array<size_t, parts> sizes;
    sizes.fill(members_.size() / parts);
    for (size_t i = 0; i < members_.size() % parts; ++i) ++sizes[order[i]];
    return sizes;
  }

  void put_out(uint8_t part) {
    const auto distance = [&](const Member* member) {
      const uint64_t rest = (held_weight_[part] - member->weight) * parts;
      return rest > weight_ ? rest - weight_ : weight_ - rest;
    };
    std::vector<Member*>& held = held_[part];
    const auto out = std::ranges::min_element(held, [&](const Member* a, const Member* b) {
      const uint64_t of_a = distance(a), of_b = distance(b);
      return of_a != of_b ? of_a < of_b : rank(*a) < rank(*b);
    });
    held_weight_[part] -= (*out)->weight;
    homeless_.push_back(*out);
    held.erase(out);
  }

  void place() {
    std::ranges::sort(homeless_, [&](const Member* a, const Member* b) {
      return a->weight != b->weight ? a->weight > b->weight : rank(*a) < rank(*b);
    });
    for (Member* member : homeless_) {
      uint8_t best = 0;
      for (uint8_t part = 1; part < parts; ++part)
        if (is_better(part, best, *member)) best = part;
      add(best, *member);
    }
  }

  bool is_better(uint8_t part, uint8_t other, const Member& member) const {
    if (held_[part].size() != held_[other].size()) return held_[part].size() < held_[other].size();
    if (held_weight_[part] != held_weight_[other]) return held_weight_[part] < held_weight_[other];
    return mixed(rank(member) + part) < mixed(rank(member) + other);
  }

  std::vector<Member>& members_;
  uint64_t zone_;
  uint64_t weight_ = 0; ///< of all members
  std::array<std::vector<Member*>, parts> held_;
  std::array<uint64_t, parts> held_weight_{};
  std::vector<Member*> homeless_;
};

} // namespace

void split(ZoneServers& zone, const ZoneServers* previous, const Policy& policy) {
  zone.split = is_split(zone, previous, policy);
  for (Member& member : zone.members) member.part = 0;
  if (zone.split) Splitter(zone).run(previous != nullptr ? *previous : ZoneServers{});
}

} // namespace anytick::selection
