#pragma once

#include <cstdint>
#include <string>

#include "control/scores/scoreboard.h"

namespace anytick::scores::test {

/// A made-up pool: each monitor checks each server every 9 minutes, at a second of its own; 1 in 50 checks is bad.
struct FeedShape {
  uint32_t servers = 5000;
  uint32_t monitors = 20;
  int64_t start = 1'700'002'800; ///< an hour's begin
};

inline constexpr int64_t feed_turn = 540; ///< s between the checks of a server by a monitor

enum class FeedKind : uint8_t { log, observations };

/// "hour-3.csv" or "hour-3.jsonl" in the directory: the checks of that hour since the start by time, or the first
/// `rows_max` of them. Returns how many they are; adds them to `board`, if there is one.
uint64_t write_feed(const FeedShape& shape, FeedKind kind, int64_t hour, uint64_t rows_max, const std::string& path,
                    Scoreboard* board);

} // namespace anytick::scores::test
