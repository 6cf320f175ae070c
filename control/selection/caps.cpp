#include "control/selection/caps.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace anytick::selection {
namespace {

constexpr unsigned rounds_max = 200;
constexpr unsigned loosenings = 10;      ///< halvings of the way from what cannot hold to what does
constexpr double tolerance = 1e-4;       ///< of a share, relative; the rest of 1e-3 is for whole numbers
constexpr double weight_for_each = 2000; ///< of a zone's, for each weight that is rounded
constexpr double weight_max = registry::netspeeds.back();

/// The seats of a zone by the groups of one kind.
class Groups {
 public:
  Groups(const std::vector<Seat>& seats, const std::vector<Candidate>& candidates, size_t kind) {
    std::unordered_map<uint32_t, uint32_t> numbers;
    for (const Seat& seat : seats) {
      const uint32_t group = candidates[seat.candidate].groups[kind];
      if (group == no_group) ++alone_;
      of_.push_back(group == no_group
                        ? no_group
                        : numbers.try_emplace(group, static_cast<uint32_t>(numbers.size())).first->second);
    }
    sums_.resize(numbers.size());
  }

  /// Groups, and those who are in none.
  size_t count() const { return sums_.size() + alone_; }

  /// The largest group's part of all weight.
  double most(const std::vector<double>& weights) {
    const double all = sum(weights);
    return sums_.empty() ? 0 : *std::ranges::max_element(sums_) / all;
  }

  /// Takes from the groups that have more than `share` of all until they have just that, from each of their members
  /// alike. Precondition: share * count() >= 1.
  void hold(double share, std::vector<double>& weights) {
    const double cap = cap_for(share, sum(weights));
    for (size_t i = 0; i < weights.size(); ++i)
      if (of_[i] != no_group && sums_[of_[i]] > cap) weights[i] *= cap / sums_[of_[i]];
  }

 private:
  double sum(const std::vector<double>& weights) {
    std::ranges::fill(sums_, 0.0);
    double all = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      all += weights[i];
      if (of_[i] != no_group) sums_[of_[i]] += weights[i];
    }
    return all;
  }

  /// The weight that is `share` of all that is left when no group has more. The groups that are above it are the first
  /// by weight: with m of them, it is share / (1 - m * share) of what the others have together. Another one above it
  /// has at most that, so that m * share < 1 all along.
  double cap_for(double share, double all) {
    sorted_ = sums_;
    std::ranges::sort(sorted_, std::greater{});
    double others = all;
    double left = 1;
    double cap = share * all;
    for (const double group : sorted_) {
      if (group <= cap) break;
      others -= group;
      left -= share;
      // Rounding could leave next to nothing of both.
      if (left <= 1e-9 || others <= 0) return sorted_.back();
      cap = share * others / left;
    }
    return cap;
  }

  std::vector<uint32_t> of_;
  size_t alone_ = 0;
  std::vector<double> sums_, sorted_;
};

using AllGroups = std::array<Groups, cap_kinds>;

AllGroups groups_of(const std::vector<Seat>& seats, const std::vector<Candidate>& candidates) {
  return {Groups(seats, candidates, 0), Groups(seats, candidates, 1), Groups(seats, candidates, 2)};
}

CapShares shares_of(const AllGroups& groups, const Policy& policy) {
  CapShares shares{policy.account_share, policy.prefix_share, policy.asn_share};
  for (size_t kind = 0; kind < cap_kinds; ++kind)
    shares[kind] = std::clamp(shares[kind], 1.0 / static_cast<double>(groups[kind].count()), 1.0);
  return shares;
}

bool all_hold(AllGroups& groups, const CapShares& shares, const std::vector<double>& weights) {
  for (size_t kind = 0; kind < cap_kinds; ++kind)
    if (groups[kind].most(weights) > shares[kind] * (1 + tolerance)) return false;
  return true;
}

/// Only proportions count: without this, caps that cannot hold together would in the end leave zeros.
void make_sum_one(std::vector<double>& weights) {
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= all;
}

/// False where it does not come to that.
bool hold_all(AllGroups& groups, const CapShares& shares, std::vector<double>& weights) {
  for (unsigned round = 0; round < rounds_max; ++round) {
    make_sum_one(weights);
    if (all_hold(groups, shares, weights)) return true;
    for (size_t kind = 0; kind < cap_kinds; ++kind) groups[kind].hold(shares[kind], weights);
  }
  return all_hold(groups, shares, weights);
}

CapShares loosened(CapShares shares, double by) {
  for (double& share : shares) share += by * (1 - share);
  return shares;
}

/// The tightest shares that hold, and the weights with which they do. Those of 1 always hold.
CapShares hold_what_can(AllGroups& groups, const CapShares& shares, std::vector<double>& weights) {
  const std::vector<double> whole = weights;
  if (hold_all(groups, shares, weights)) return shares;
  double impossible = 0, possible = 1;
  std::vector<double> best = whole;
  for (unsigned i = 0; i < loosenings; ++i) {
    const double middle = (impossible + possible) / 2;
    weights = whole;
    if (hold_all(groups, loosened(shares, middle), weights)) {
      possible = middle;
      best = weights;
    } else {
      impossible = middle;
    }
  }
  weights = std::move(best);
  return loosened(shares, possible);
}

/// What proportions are multiplied by to be weights: as much as leaves nobody more than they had, or more, where whole
/// numbers want more to divide.
double multiplier(const std::vector<Seat>& seats, const std::vector<double>& weights) {
  double whole = std::numeric_limits<double>::max(); ///< somebody has what they had
  double lent = whole;                               ///< somebody has what they lend
  for (size_t i = 0; i < seats.size(); ++i) {
    const double each = seats[i].weight / weights[i];
    whole = std::min(whole, each);
    if (seats[i].borrowed) lent = std::min(lent, each);
  }
  double all = 0;
  size_t scaled = 0;
  for (size_t i = 0; i < seats.size(); ++i) {
    all += weights[i] * whole;
    scaled += std::abs(weights[i] * whole - seats[i].weight) > 1e-6 * seats[i].weight;
  }
  // Whole times, so that who is not scaled has no rounding.
  const double times = std::ceil(weight_for_each * static_cast<double>(scaled) / all);
  const double most = weight_max / *std::ranges::max_element(weights);
  return std::max(whole, std::min({whole * times, lent, most}));
}

} // namespace

CapShares cap_shares(const std::vector<Seat>& seats, const std::vector<Candidate>& candidates, const Policy& policy) {
  return shares_of(groups_of(seats, candidates), policy);
}

CapShares hold_caps(std::vector<Seat>& seats, const std::vector<Candidate>& candidates, const Policy& policy) {
  AllGroups groups = groups_of(seats, candidates);
  const CapShares shares = shares_of(groups, policy);
  std::vector<double> weights(seats.size());
  std::ranges::transform(seats, weights.begin(), [](const Seat& seat) { return static_cast<double>(seat.weight); });
  if (all_hold(groups, shares, weights)) return shares;
  const CapShares held = hold_what_can(groups, shares, weights);
  const double factor = multiplier(seats, weights);
  for (size_t i = 0; i < seats.size(); ++i)
    seats[i].weight = static_cast<uint32_t>(std::max(1.0, std::round(weights[i] * factor)));
  return held;
}

} // namespace anytick::selection
