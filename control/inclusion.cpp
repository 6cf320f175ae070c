#include "control/inclusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace anytick::control {
namespace {

/// What the ends of the integrals may be short of.
constexpr double negligible = 1e-13;
/// Refinement ends when it changes no probability by more. An error is about squared by each, so that what is left is
/// far below.
constexpr double change_max = 1e-6;
constexpr double first_step = 0.5;

/// Drawing by weight is the same as letting each record arrive at an exponential time of rate w: the first k to arrive
/// are the k drawn (Efraimidis, Spirakis 2006). So a record is among them if fewer than k others arrived before it:
///
///     P(i) = integral over t of  w_i e^(-w_i t)  P(fewer than k of the others arrived by t)
///
/// The others of a record are those of its class, of the classes before it and of those behind it: unlike taking it out
/// of the count of all, which divides by what may be next to nothing, that adds and multiplies positive numbers only.
class Arrivals {
 public:
  Arrivals(std::span<const WeightClass> classes, unsigned k)
      : k_(k), classes_(classes.begin(), classes.end()), rates_(classes.size()), arrived_(classes.size()),
        alike_(classes.size() * k), before_(classes.size() * k), scratch_(k) {
    double sum = 0;
    for (const WeightClass& each : classes_) sum += static_cast<double>(each.weight) * each.count;
    for (size_t i = 0; i < classes_.size(); ++i) rates_[i] = classes_[i].weight / sum;
  }

  /// Adds the integrand over log t of a record of each class to `integrals`. Returns the probability that fewer than k
  /// arrived by `time` at all, which is more than what any integral has left behind `time`.
  double add_at(double time, std::vector<double>& integrals) {
    const double fewer = look_left(time);
    std::vector<double> behind(k_); // m: exactly m of those behind the record have arrived
    behind[0] = 1;
    for (size_t i = rates_.size(); i-- > 0;) {
      const double* before = &before_[i * k_];
      add_alike(i, behind.data());
      double at_most = 0, fewer_others = 0;
      for (unsigned m = 0; m < k_; ++m) {
        at_most += behind[m];
        fewer_others += before[k_ - 1 - m] * at_most;
      }
      integrals[i] += rates_[i] * time * (1 - arrived_[i]) * fewer_others;
      add_record(arrived_[i], behind.data());
    }
    return fewer;
  }

 private:
  /// `counts` is how the number of those that arrived is distributed: afterwards with one record more.
  void add_record(double arrived, double* counts) const {
    for (unsigned m = k_; m-- > 1;) counts[m] = counts[m] * (1 - arrived) + counts[m - 1] * arrived;
    counts[0] *= 1 - arrived;
  }

  /// And with all of a class but one.
  void add_alike(size_t index, double* counts) {
    if (classes_[index].count == 1) return;
    const double* alike = &alike_[index * k_];
    std::copy_n(counts, k_, scratch_.begin());
    for (unsigned m = 0; m < k_; ++m) {
      counts[m] = 0;
      for (unsigned i = 0; i <= m; ++i) counts[m] += scratch_[i] * alike[m - i];
    }
  }

  /// alike_: exactly m of a class without one of it have arrived.
  void look_alike(size_t index, double time) {
    const uint32_t others = classes_[index].count - 1;
    if (others == 0) return;
    double* alike = &alike_[index * k_];
    const double arrived = arrived_[index];
    double ways = 1; // others over m, times arrived^m
    for (unsigned m = 0; m < k_; ++m) {
      alike[m] = ways;
      ways *= m < others ? arrived * (others - m) / (m + 1) : 0.0;
    }
    // The rest has not: (1 - arrived)^(others - m), from its smallest power on.
    const unsigned most = std::min(k_ - 1, others);
    double rest = std::exp(-rates_[index] * time * (others - most));
    for (unsigned m = most + 1; m-- > 0; rest *= 1 - arrived) alike[m] *= rest;
  }

  /// before_: for each class, exactly m of those before it have arrived.
  double look_left(double time) {
    std::vector<double> counts(k_);
    counts[0] = 1;
    for (size_t i = 0; i < rates_.size(); ++i) {
      std::copy(counts.begin(), counts.end(), before_.begin() + static_cast<std::ptrdiff_t>(i * k_));
      arrived_[i] = -std::expm1(-rates_[i] * time);
      look_alike(i, time);
      add_alike(i, counts.data());
      add_record(arrived_[i], counts.data());
    }
    return std::accumulate(counts.begin(), counts.end(), 0.0);
  }

  unsigned k_;
  std::vector<WeightClass> classes_;
  std::vector<double> rates_; ///< of a record; all of them are 1
  std::vector<double> arrived_;
  std::vector<double> alike_;
  std::vector<double> before_;
  std::vector<double> scratch_;
};

double largest_change(std::span<const double> from, std::span<const double> to) {
  double change = 0;
  for (size_t i = 0; i < from.size(); ++i) change = std::max(change, std::abs(from[i] - to[i]));
  return change;
}

} // namespace

std::vector<double> first_probabilities(std::span<const uint32_t> weights) {
  std::vector<double> probabilities(weights.begin(), weights.end());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& each : probabilities) each /= sum;
  return probabilities;
}

std::vector<WeightClass> weight_classes(std::span<const uint32_t> weights) {
  std::vector<uint32_t> sorted(weights.begin(), weights.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<WeightClass> classes;
  for (const uint32_t weight : sorted) {
    if (classes.empty() || classes.back().weight != weight) classes.push_back({weight, 0});
    ++classes.back().count;
  }
  return classes;
}

// Over log t the scales of giants and dwarfs are equally wide, and the integrands are smooth and vanish at both ends:
// there the trapezoidal rule converges exponentially. Halving the step keeps the sums and adds the points between.
std::vector<double> inclusion_probabilities(std::span<const WeightClass> classes, unsigned k) {
  const size_t count = classes.size();
  uint64_t records = 0;
  for (const WeightClass& each : classes) records += each.count;
  if (k >= records) return std::vector<double>(count, 1.0);
  Arrivals arrivals(classes, k);
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

std::vector<double> inclusion_probabilities(std::span<const uint32_t> weights, unsigned k) {
  const std::vector<WeightClass> classes = weight_classes(weights);
  const std::vector<double> of_class = inclusion_probabilities(classes, k);
  std::vector<double> probabilities;
  probabilities.reserve(weights.size());
  for (const uint32_t weight : weights) {
    const auto found = std::ranges::lower_bound(classes, weight, {}, &WeightClass::weight);
    probabilities.push_back(of_class[static_cast<size_t>(found - classes.begin())]);
  }
  return probabilities;
}

} // namespace anytick::control
