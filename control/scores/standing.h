#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "control/scores/median.h"
#include "control/scores/step.h"

namespace anytick::scores {

/// One check, as far as the score needs it.
struct Check {
  int64_t when = 0; ///< seconds since 1970; a monitor checks a server at most once a second
  double value = 0; ///< the step or, where `stated`, the score after it as its monitor made it
  double cap = no_cap;
  bool stated = false;

  bool operator==(const Check&) const = default;
};

/// The score after a check; `score` is the one before it.
double score_after(double score, const Check& check);

/// What became of a row.
enum class Taken : uint8_t {
  counted,     ///< it is part of the score
  again,       ///< it was part of it already
  conflicting, ///< another one of that second is part of it, and stays
  history,     ///< a stated score that is too late to be part of it, but worth keeping
  too_late,    ///< a step that is too late: its place in the score is gone
};
inline constexpr size_t taken_count = 5;

inline constexpr int64_t window_seconds = 2 * 60 * 60;
inline constexpr size_t window_checks = 64;

/// What one monitor thinks of one server: a plain value, to be stored as it is. The score is a fold over all checks by
/// time. Those of the last 2 hours before the newest, at most 64, are kept, so that rows of that time may come in any
/// order; what is older is in `base` for good, so that the size is bounded.
struct Standing {
  uint32_t monitor = 0;
  MonitorStatus status = MonitorStatus::active;
  uint64_t checks = 0; ///< that are part of the score
  double score = 0;    ///< after the newest check
  double base = 0;     ///< the score before the checks of `recent`; a server begins at 0
  int64_t base_when = std::numeric_limits<int64_t>::min(); ///< of the last check within `base`
  std::vector<Check> recent{};                             ///< by time

  /// Precondition: checks > 0.
  int64_t when() const { return recent.back().when; }

  Taken take(const Check& check);

  bool operator==(const Standing&) const = default;
};

} // namespace anytick::scores
