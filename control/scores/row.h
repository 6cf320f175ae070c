#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "control/scores/median.h"
#include "control/scores/standing.h"
#include "geo/prefix.h"

namespace anytick::scores {

/// One check as a feed tells it. Its texts are the feed's.
struct Row {
  geo::Address server;
  uint32_t monitor = 0;
  int64_t when = 0; ///< seconds since 1970
  Step step{0};
  std::optional<double> score{};  ///< as its monitor made it; else it is made here, of the steps
  std::optional<double> offset{}; ///< seconds
  std::optional<double> rtt{};    ///< milliseconds
  uint8_t leap = 0;               ///< RFC 5905 7.3
  std::string_view error{};
};

/// What a feed tells about a monitor. Its texts are the feed's.
struct Monitor {
  uint32_t id = 0;
  std::string_view name{};               ///< "" not told
  std::optional<MonitorStatus> status{}; ///< with the server of the same feed
};

/// Gets what a reader reads, in the order of the file.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void take(const Row& row) = 0;
  virtual void take(const geo::Address& server, const Monitor& monitor) = 0;
};

/// A row for the score.
inline Check check_of(const Row& row) {
  if (row.score) return {.when = row.when, .value = *row.score, .stated = true};
  return {.when = row.when, .value = row.step.step, .cap = row.step.cap};
}

} // namespace anytick::scores
