#include "control/inclusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace anytick::control {
namespace {

/// What the ends of the integrals may be short of.
constexpr double negligible = 1e-14;
/// Refinement ends when it changes no probability by more. An error is about squared by each, so that what is left is
/// far below.
constexpr double change_max = 1e-11;
constexpr double first_step = 0.5;

double sum_of(std::span<const uint32_t> weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

/// Drawing by weight is the same as letting each record arrive at an exponential time of rate w: the first k to arrive
/// are the k drawn (Efraimidis, Spirakis 2006). So a record is among them if fewer than k others arrived before it:
///
///     P(i) = integral over t of  w_i e^(-w_i t)  P(fewer than k of the others arrived by t)
///
/// The others of a record are those before it and those behind it: unlike taking it out of the count of all, which
/// divides by what may be next to nothing, that adds and multiplies positive numbers only.
class Arrivals {
 public:
  Arrivals(std::span<const uint32_t> weights, unsigned k)
      : k_(k), rates_(weights.begin(), weights.end()), arrived_(weights.size()), before_(weights.size() * k) {
    const double sum = sum_of(weights);
    for (double& rate : rates_) rate /= sum;
  }

  /// Adds each record's integrand over log t to `integrals`. Returns the probability that fewer than k arrived by
  /// `time` at all, which is more than what any integral has left behind `time`.
  double add_at(double time, std::vector<double>& integrals) {
    const double fewer = look_left(time);
    std::vector<double> behind(k_); // m: exactly m of those behind the record have arrived
    behind[0] = 1;
    for (size_t i = rates_.size(); i-- > 0;) {
      const double* before = &before_[i * k_];
      double at_most = 0, fewer_others = 0;
      for (unsigned m = 0; m < k_; ++m) {
        at_most += behind[m];
        fewer_others += before[k_ - 1 - m] * at_most;
      }
      integrals[i] += rates_[i] * time * (1 - arrived_[i]) * fewer_others;
      add_record(arrived_[i], behind.data(), behind.data());
    }
    return fewer;
  }

 private:
  /// How many arrive is distributed as `from` without the record, as `to` with it; both may be the same.
  void add_record(double arrived, const double* from, double* to) const {
    for (unsigned m = k_; m-- > 1;) to[m] = from[m] * (1 - arrived) + from[m - 1] * arrived;
    to[0] = from[0] * (1 - arrived);
  }

  /// before_: for each record, exactly m of those before it have arrived.
  double look_left(double time) {
    std::fill_n(before_.begin(), k_, 0.0);
    before_[0] = 1;
    for (size_t i = 0; i < rates_.size(); ++i) arrived_[i] = -std::expm1(-rates_[i] * time);
    for (size_t i = 0; i + 1 < rates_.size(); ++i) add_record(arrived_[i], &before_[i * k_], &before_[(i + 1) * k_]);
    std::vector<double> all(k_);
    add_record(arrived_.back(), &before_[(rates_.size() - 1) * k_], all.data());
    return std::accumulate(all.begin(), all.end(), 0.0);
  }

  unsigned k_;
  std::vector<double> rates_; ///< of sum 1
  std::vector<double> arrived_;
  std::vector<double> before_;
};

double largest_change(std::span<const double> from, std::span<const double> to) {
  double change = 0;
  for (size_t i = 0; i < from.size(); ++i) change = std::max(change, std::abs(from[i] - to[i]));
  return change;
}

} // namespace

std::vector<double> first_probabilities(std::span<const uint32_t> weights) {
  std::vector<double> probabilities(weights.begin(), weights.end());
  const double sum = sum_of(weights);
  for (double& each : probabilities) each /= sum;
  return probabilities;
}

// Over log t the scales of giants and dwarfs are equally wide, and the integrands are smooth and vanish at both ends:
// there the trapezoidal rule converges exponentially. Halving the step keeps the sums and adds the points between.
std::vector<double> inclusion_probabilities(std::span<const uint32_t> weights, unsigned k) {
  const size_t count = weights.size();
  if (k >= count) return std::vector<double>(count, 1.0);
  Arrivals arrivals(weights, k);
  std::vector<double> sums(count), last(count), now(count);
  // Before this time a record has arrived with a probability of less than `negligible`.
  const double start = std::log(negligible);
  size_t points = 0;
  double fewer = 1;
  while (fewer > negligible)
    fewer = arrivals.add_at(std::exp(start + first_step * static_cast<double>(points++)), sums);

  const auto scale = [&](double step) {
    for (size_t i = 0; i < count; ++i) now[i] = std::min(1.0, sums[i] * step);
  };
  double step = first_step;
  scale(step);
  do {
    last = now;
    for (size_t i = 0; i < points; ++i) arrivals.add_at(std::exp(start + step * (static_cast<double>(i) + 0.5)), sums);
    points *= 2;
    step /= 2;
    scale(step);
  } while (largest_change(last, now) > change_max);
  return now;
}

} // namespace anytick::control
