#include "control/commands/score_text.h"

#include <string_view>

#include <fmt/format.h>

#include "control/command.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using scores::Scoreboard;
using scores::Standing;

constexpr std::array<const char*, scores::taken_count> taken_names{"counted", "again", "conflicting", "history",
                                                                   "too_late"};

constexpr std::array<const char*, scores::taken_count> taken_words{
    "counted", "again", "of a second that has another", "for history only", "too late for their place in the score"};

std::string line(std::string_view server, std::string_view who, std::string_view status, std::string_view score,
                 std::string_view checks, std::string_view latest) {
  return fmt::format("{:<39} {:<24} {:<9} {:>8} {:>8}  {}\n", server, who, status, score, checks, latest);
}

ordered_json json_of(const Scoreboard& board, const Standing& standing) {
  return {{"id", standing.monitor},
          {"name", monitor_name(board, standing.monitor)},
          {"status", scores::status_name(board.status(standing))},
          {"score", standing.score},
          {"checks", standing.checks},
          {"latest", standing.when()}};
}

} // namespace

void IngestTotals::add(const scores::Ingested& file) {
  ++files;
  unclean += !file.clean();
  skipped += file.read.skipped;
  for (size_t kind = 0; kind < taken.size(); ++kind) taken[kind] += file.taken[kind];
}

std::string IngestTotals::text() const {
  std::string text = fmt::format("{} file{}: {} rows counted", files, files == 1 ? "" : "s", taken[0]);
  for (size_t kind = 1; kind < taken.size(); ++kind)
    if (taken[kind] > 0) text += fmt::format(", {} {}", taken[kind], taken_words[kind]);
  if (skipped > 0) text += fmt::format(", {} overall scores of others skipped", skipped);
  return text;
}

void IngestTotals::check() const {
  if (unclean > 0)
    throw CommandFailure(exit_refused, fmt::format("faults in {} of {} file{}", unclean, files, files == 1 ? "" : "s"));
}

ordered_json json_of(const scores::Ingested& file, const std::string& name) {
  ordered_json json{{"file", name}};
  for (size_t kind = 0; kind < taken_names.size(); ++kind) json[taken_names[kind]] = file.taken[kind];
  json["skipped"] = file.read.skipped;
  json["faults"] = file.faults.count();
  json["refusal"] = file.refusal ? ordered_json(file.refusal->text()) : ordered_json();
  return json;
}

std::string monitor_name(const Scoreboard& board, uint32_t monitor) {
  const auto found = board.monitor_names().find(monitor);
  return found == board.monitor_names().end() ? "" : found->second;
}

std::string standings_header() {
  return line("SERVER", "MONITOR", "STATUS", "SCORE", "CHECKS", "LATEST");
}

std::string standings_text(const Scoreboard& board, const geo::Address& server, int64_t at) {
  const std::string address = geo::to_text(server);
  std::string text =
      line(address, "overall", "-", score_text(board.overall(server, at)), "-", date_text(static_cast<uint64_t>(at)));
  const auto found = board.servers().find(server);
  if (found == board.servers().end()) return text;
  for (const Standing& each : found->second)
    if (each.checks > 0)
      text += line(address, fmt::format("{} {}", each.monitor, monitor_name(board, each.monitor)),
                   scores::status_name(board.status(each)), score_text(each.score), std::to_string(each.checks),
                   date_text(static_cast<uint64_t>(each.when())));
  return text;
}

ordered_json standings_json(const Scoreboard& board, const geo::Address& server, int64_t at) {
  auto monitors = ordered_json::array();
  if (const auto found = board.servers().find(server); found != board.servers().end())
    for (const Standing& each : found->second)
      if (each.checks > 0) monitors.push_back(json_of(board, each));
  return {{"server", geo::to_text(server)}, {"score", score_json(board.overall(server, at))}, {"monitors", monitors}};
}

std::string score_text(const std::optional<double>& score) {
  return score ? fmt::format("{:.3f}", *score) : "-";
}

ordered_json score_json(const std::optional<double>& score) {
  return score ? ordered_json(*score) : ordered_json();
}

std::string dumped(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

} // namespace anytick::control
