#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "control/scores/row.h"

namespace anytick::scores {

/// One check as history keeps it: of a server, which is known where it stands.
struct HistoryRow {
  int64_t when = 0; ///< seconds since 1970
  uint32_t monitor = 0;
  double step = 0; ///< to 1e-6, as the score after it
  double score = 0;
  std::optional<double> offset{}; ///< seconds, to 1e-9
  std::optional<double> rtt{};    ///< milliseconds, to 1e-3
  uint8_t leap = 0;               ///< RFC 5905 7.3
  std::string error{};            ///< printable ASCII, 120 characters at most

  bool operator==(const HistoryRow&) const = default;
};

/// By time and monitor.
inline bool is_before(const HistoryRow& a, const HistoryRow& b) {
  return std::tie(a.when, a.monitor) < std::tie(b.when, b.monitor);
}

/// What history keeps of a row whose score is this one after it.
HistoryRow history_row(const Row& row, double score);

/// As it was told, its texts those of `kept`.
Row row_of(const geo::Address& server, const HistoryRow& kept);

inline constexpr int64_t hour_seconds = 3600;
/// Times are not below 0.
inline int64_t hour_of(int64_t when) {
  return when / hour_seconds;
}

/// The rows of a server and an hour since 1970, by time and monitor, as text that is stored: a line for each,
///   SECOND MONITOR STEP SCORE OFFSET RTT LEAP [ERROR]
/// with the second within the hour and "-" where there is no offset or rtt. Rows are of that hour.
class HistoryBlock {
 public:
  explicit HistoryBlock(int64_t hour, std::string lines = {}) : hour_(hour), lines_(std::move(lines)) {}

  const std::string& lines() const { return lines_; }
  /// Throws std::runtime_error where the text is no such.
  std::vector<HistoryRow> rows() const;

  /// Adds rows that are by time and monitor; of two of one second and monitor the first stays. Returns whether the text
  /// is another one now.
  bool merge(std::span<const HistoryRow> rows);
  /// The row's score is that, if it is there. Returns whether it was another one.
  bool rescore(std::span<const HistoryRow> rescored);
  /// Of each monitor only the last row stays. Returns whether there were others.
  bool thin();

 private:
  bool replace(const std::vector<HistoryRow>& rows);
  void append(const HistoryRow& row);

  int64_t hour_;
  std::string lines_;
};

} // namespace anytick::scores
