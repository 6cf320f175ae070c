#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace anytick::scores {

/// How far a monitor is trusted with a server, the most first. What an inactive one says does not count.
enum class MonitorStatus : uint8_t { active, testing, candidate, inactive };

std::string_view status_name(MonitorStatus status);
std::optional<MonitorStatus> status_named(std::string_view name);

/// A monitor's newest score of one server.
struct Latest {
  int64_t when; ///< seconds since 1970
  double score;
  MonitorStatus status;
};

/// The pool's overall score (its "recentmedian") of one server at the time `now`, from each monitor's newest score.
///
/// Those of active monitors within 20 minutes; if there is none, of active and testing ones within 45 minutes; if there
/// is none either, of these and candidates within 2 hours. Both ends of the time belong to it, and what is after `now`
/// does not. Of three or more, the lower median: of an even number, the smaller of the two in the middle. Of fewer than
/// three, the oldest (of two at the same second, the smaller). None: there is no score.
std::optional<double> recent_median(std::span<const Latest> scores, int64_t now);

} // namespace anytick::scores
