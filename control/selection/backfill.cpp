#include "control/selection/backfill.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "control/selection/rank.h"

namespace anytick::selection {
namespace {

/// Weight that each candidate may still lend.
class Budgets {
 public:
  Budgets(const std::vector<Candidate>& candidates, double share) {
    left_.reserve(candidates.size());
    for (const Candidate& each : candidates)
      left_.push_back(static_cast<uint32_t>(std::clamp(share, 0.0, 1.0) * each.server->netspeed * each.ramp));
  }

  uint32_t left(uint32_t candidate) const { return left_[candidate]; }
  void take(uint32_t candidate, uint32_t weight) { left_[candidate] -= weight; }

 private:
  std::vector<uint32_t> left_;
};

struct Donor {
  uint32_t candidate;
  uint32_t offer; ///< most that it could lend to this zone, were it the only one
  bool had;       ///< it lent to this zone before
  double turn;    ///< the least is asked first

  bool operator<(const Donor& other) const {
    if (had != other.had) return had;
    return turn != other.turn ? turn < other.turn : candidate < other.candidate;
  }
};

/// When a donor's turn comes: an exponentially distributed time of a rate that is its budget, so that the first few of
/// many are who a draw by weight would have given, and one that comes or goes changes nobody else's turn.
double turn_of(uint64_t rank, uint32_t budget) {
  const double part = (static_cast<double>(rank >> 11) + 0.5) * 0x1p-53; // in (0, 1)
  return -std::log(part) / budget;
}

/// A zone that looks for servers. All that it wants follows from its own servers and from who could lend: not from who
/// was asked first, so that a zone that has all it can get wants the same the next time.
class Borrower {
 public:
  Borrower(const Membership& members, size_t place, size_t family, const Policy& policy)
      : members_(members), place_(place) {
    const std::vector<Seat>& own = members.places[place].seats[family];
    uint64_t capacity = 0;
    for (const Seat& seat : own) capacity += seat.weight;
    if (own.size() < policy.backfill_servers) missing_servers_ = policy.backfill_servers - own.size();
    if (capacity < policy.backfill_capacity) missing_capacity_ = policy.backfill_capacity - capacity;
    // For the number's sake alone, what a server would have on average.
    if (missing_servers_ > 0) loan_ = std::max<uint64_t>(policy.backfill_capacity / policy.backfill_servers, 1);
    loan_ = std::max(loan_, divided_up(missing_capacity_, std::max<uint64_t>(missing_servers_, 1)));
  }

  bool is_thin() const { return missing_servers_ > 0 || missing_capacity_ > 0; }

  void find_donors(const std::vector<Seat>& of_parent, const Budgets& budgets, const std::set<geo::Address>& had) {
    const std::string& name = members_.places[place_].name;
    const uint64_t zone = name_rank(name);
    for (const Seat& seat : of_parent) {
      const Candidate& candidate = members_.candidates[seat.candidate];
      if (std::ranges::binary_search(candidate.places, place_)) continue;
      const uint32_t budget = budgets.left(seat.candidate);
      const uint32_t offer = std::min(budget, ramped(netspeed_in(*candidate.server, name), candidate.ramp));
      if (offer == 0) continue;
      donors_.push_back({seat.candidate, offer, !had.empty() && had.contains(candidate.server->address),
                         turn_of(rank_in(zone, candidate.rank), budget)});
    }
    fit_loans();
    std::ranges::make_heap(donors_, later);
  }

  /// One more loan, if one is needed and can be had. Of those alone that lent before, if `had`.
  bool borrow(Budgets& budgets, bool had) {
    while (loans_.size() < wanted_ && !donors_.empty() && (!had || donors_.front().had)) {
      std::ranges::pop_heap(donors_, later);
      const Donor donor = donors_.back();
      donors_.pop_back();
      const auto weight = static_cast<uint32_t>(loan_);
      if (donor.offer < weight || budgets.left(donor.candidate) < weight) continue;
      budgets.take(donor.candidate, weight);
      loans_.push_back({donor.candidate, weight, true});
      return true;
    }
    return false;
  }

  void seat_loans(std::vector<Seat>& seats) const {
    seats.insert(seats.end(), loans_.begin(), loans_.end());
    std::ranges::sort(seats, {}, &Seat::candidate);
  }

 private:
  static bool later(const Donor& a, const Donor& b) { return b < a; }
  static uint64_t divided_up(uint64_t all, uint64_t by) { return (all + by - 1) / by; }

  /// No larger than as many as are missing could lend, and as many as it then takes.
  void fit_loans() {
    if (donors_.empty()) return;
    const size_t count = std::clamp<size_t>(missing_servers_, 1, donors_.size());
    const auto last = donors_.begin() + static_cast<ptrdiff_t>(count - 1);
    std::ranges::nth_element(donors_, last, std::greater{}, &Donor::offer);
    loan_ = std::min<uint64_t>(loan_, last->offer);
    wanted_ =
        std::min<uint64_t>(std::max(missing_servers_, divided_up(missing_capacity_, loan_)), Policy::backfill_loans);
  }

  const Membership& members_;
  size_t place_;
  uint64_t missing_servers_ = 0;
  uint64_t missing_capacity_ = 0;
  uint64_t loan_ = 0;         ///< weight of each
  uint64_t wanted_ = 0;       ///< loans
  std::vector<Donor> donors_; ///< a heap, whose turn is next on top
  std::vector<Seat> loans_;
};

std::set<geo::Address> donors_before(const Selection& previous, const std::string& zone, geo::Family family) {
  std::set<geo::Address> donors;
  if (const ZoneServers* before = previous.find(zone, family))
    for (const Member& member : before->members)
      if (member.borrowed) donors.insert(member.address);
  return donors;
}

} // namespace

void backfill(Membership& members, const Selection& previous, const Policy& policy) {
  Budgets budgets(members.candidates, policy.backfill_donor_share);
  for (const geo::Family family : {geo::Family::ipv4, geo::Family::ipv6}) {
    const size_t index = family_index(family);
    std::vector<std::pair<size_t, Borrower>> borrowers;
    for (size_t i = 0; i < members.places.size(); ++i) {
      const Place& place = members.places[i];
      if (place.parent == no_place || place.seats[index].empty()) continue;
      Borrower borrower(members, i, index, policy);
      if (!borrower.is_thin()) continue;
      borrower.find_donors(members.places[place.parent].seats[index], budgets,
                           donors_before(previous, place.name, family));
      borrowers.emplace_back(i, std::move(borrower));
    }
    // All keep what they had before any takes another's.
    for (const bool had : {true, false})
      for (bool lent = true; lent;) {
        lent = false;
        for (auto& [place, borrower] : borrowers) lent |= borrower.borrow(budgets, had);
      }
    // Only now, because what is borrowed is not lent on.
    for (const auto& [place, borrower] : borrowers) borrower.seat_loans(members.places[place].seats[index]);
  }
}

} // namespace anytick::selection
