#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

/// Scores of servers, as monitors and the NTP Pool make them.
namespace anytick::scores {

/// What a monitor saw when it asked a server once.
struct Observation {
  bool responded = true;
  std::optional<unsigned> stratum{}; ///< of the reply
  std::string_view kiss{};           ///< the reply's reference id where its stratum is 0 (RFC 5905 7.4), e.g. "RATE"
  std::optional<double> offset{};    ///< seconds, of either sign
  std::string_view error{};          ///< what else was wrong with the reply; "" nothing
};

inline constexpr double no_cap = std::numeric_limits<double>::infinity();

/// What a check does to a score.
struct Step {
  double step;
  double cap = no_cap; ///< the score is not above it afterwards

  bool operator==(const Step&) const = default;
};

/// Every score is within these: nothing adds more than 1 or takes more than 10, and 20 * step is where steps lead.
inline constexpr double score_max = 20;
inline constexpr double score_min = -200;

/// The pool's table: the first rule that fits. A bound between two offsets belongs to the smaller ones: 3 s and 750 ms
/// are not above themselves, and 100 ms is the last of 25 to 100 ms.
Step step_of(const Observation& seen);

/// Bounds: of `score` as above, of the result too.
double next_score(double score, const Step& step);

} // namespace anytick::scores
