#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "control/scores/ingest.h"
#include "control/scores/scoreboard.h"

/// Scores and what became of their files, for people and programs.
namespace anytick::control {

/// What became of several files.
struct IngestTotals {
  uint64_t files = 0;
  uint64_t unclean = 0; ///< of them, with faults or refused
  uint64_t skipped = 0;
  std::array<uint64_t, scores::taken_count> taken{};

  void add(const scores::Ingested& file);
  /// "2 files: 40 rows counted, 3 again": what there was none of is left out.
  std::string text() const;
  /// Throws CommandFailure if there are unclean ones.
  void check() const;
};

nlohmann::ordered_json json_of(const scores::Ingested& file, const std::string& name);

/// "" where it is not told.
std::string monitor_name(const scores::Scoreboard& board, uint32_t monitor);
/// A line for each monitor that said something of the server, after one for the overall score at that time.
std::string standings_text(const scores::Scoreboard& board, const geo::Address& server, int64_t at);
std::string standings_header();
nlohmann::ordered_json standings_json(const scores::Scoreboard& board, const geo::Address& server, int64_t at);

/// "9.500", "-" for none.
std::string score_text(const std::optional<double>& score);
nlohmann::ordered_json score_json(const std::optional<double>& score);

/// With bytes that are no UTF-8 replaced.
std::string dumped(const nlohmann::ordered_json& json, int indent);

} // namespace anytick::control
