#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/plan/explain_server.h"
#include "control/plan/plan_words.h"
#include "control/plan/text_table.h"
#include "control/text.h"

namespace anytick::plan {
namespace {

using nlohmann::ordered_json;
using Align = TextTable::Align;

std::string_view state_word(registry::ServerState state) {
  switch (state) {
  case registry::ServerState::unverified:
    return "unverified";
  case registry::ServerState::active:
    return "active";
  case registry::ServerState::removed:
    return "removed";
  }
  return "";
}

/// Who these clients are: a country, else a continent, else anybody.
std::string place_word(const PlaceShare& place) {
  return !place.country.empty() ? place.country : !place.continent.empty() ? place.continent : "@";
}

std::string monitor_word(const ServerHistory& history, uint32_t monitor) {
  const auto name = history.monitor_names.find(monitor);
  return name == history.monitor_names.end() || name->second.empty() ? std::to_string(monitor)
                                                                     : shown_name(name->second, 20);
}

std::string number_text(const std::optional<double>& number, const char* format) {
  return number ? fmt::format(fmt::runtime(format), *number) : "-";
}

std::string zones_text(const std::vector<ZoneExplained>& zones) {
  TextTable table({{"zone"},
                   {"netspeed", Align::right},
                   {"ramp", Align::right},
                   {"factor", Align::right},
                   {"weight", Align::right},
                   {"of the zone", Align::right},
                   {""}});
  for (const ZoneExplained& each : zones)
    table.add({each.zone, fmt::format("{}{}", each.netspeed, each.of_zone ? " (zone's own)" : ""),
               fmt::format("{:.3f}", each.ramp), fmt::format("{:.4f}", each.factor), std::to_string(each.weight),
               percent_text(each.share),
               each.borrowed                             ? "borrowed"
               : each.factor < 0.9995 && each.weight > 1 ? "capped"
                                                         : ""});
  std::string text = table.text();
  for (const ZoneExplained& each : zones)
    text += wrapped(fmt::format("{}: as {}", each.zone, fmt::join(each.names, ", ")), "  ", 110);
  return text;
}

std::string places_text(const ServerExplained& explained, size_t most) {
  TextTable table(
      {{"clients in"}, {"of the addresses they are given", Align::right}, {"of its clients", Align::right}});
  for (size_t i = 0; i < std::min(most, explained.places.size()); ++i) {
    const PlaceShare& each = explained.places[i];
    table.add({place_word(each), percent_text(each.given), percent_text(each.part)});
  }
  std::string text = table.text();
  if (explained.places.size() > most) text += fmt::format("  and {} more\n", explained.places.size() - most);
  return text;
}

std::string standings_text(const ServerHistory& history, int64_t now) {
  TextTable table({{"monitor"}, {"status"}, {"checks", Align::right}, {"score", Align::right}, {"last", Align::right}});
  for (const scores::Standing& each : history.standings) {
    if (each.recent.empty()) continue;
    const auto age = static_cast<uint64_t>(std::max<int64_t>(0, now - each.when()));
    table.add({monitor_word(history, each.monitor), std::string(scores::status_name(each.status)),
               std::to_string(each.checks), fmt::format("{:.2f}", each.score), control::duration_text(age) + " ago"});
  }
  return table.text();
}

std::string rows_text(const ServerHistory& history, size_t most) {
  TextTable table({{"time"},
                   {"monitor"},
                   {"offset ms", Align::right},
                   {"rtt ms", Align::right},
                   {"step", Align::right},
                   {"score", Align::right},
                   {"error"}});
  const size_t first = history.rows.size() - std::min(most, history.rows.size());
  for (size_t i = first; i < history.rows.size(); ++i) {
    const scores::Row& row = history.rows[i];
    std::optional<double> offset;
    if (row.offset) offset = 1000 * *row.offset;
    table.add({control::date_text(static_cast<uint64_t>(row.when)), monitor_word(history, row.monitor),
               number_text(offset, "{:+.3f}"), number_text(row.rtt, "{:.1f}"), fmt::format("{:+.2f}", row.step.step),
               number_text(row.score, "{:.2f}"), shown_name(row.error, 40)});
  }
  return (first > 0 ? fmt::format("  the last {} of {} rows\n", most, history.rows.size()) : "") + table.text();
}

ordered_json number_json(const std::optional<double>& number) {
  return number ? ordered_json(*number) : ordered_json();
}

ordered_json zone_json(const ZoneExplained& zone) {
  return {{"zone", zone.zone},         {"names", zone.names},     {"borrowed", zone.borrowed},
          {"netspeed", zone.netspeed}, {"of_zone", zone.of_zone}, {"ramp", zone.ramp},
          {"factor", zone.factor},     {"weight", zone.weight},   {"share", zone.share}};
}

ordered_json history_json(const ServerHistory& history) {
  ordered_json monitors = ordered_json::array(), rows = ordered_json::array();
  const auto name_json = [&](uint32_t id) {
    const auto name = history.monitor_names.find(id);
    return name == history.monitor_names.end() ? ordered_json() : ordered_json(name->second);
  };
  for (const scores::Standing& each : history.standings)
    monitors.push_back({{"monitor", each.monitor},
                        {"name", name_json(each.monitor)},
                        {"status", scores::status_name(each.status)},
                        {"checks", each.checks},
                        {"score", each.score},
                        {"time", each.recent.empty() ? ordered_json() : ordered_json(each.when())}});
  for (const scores::Row& row : history.rows)
    rows.push_back({{"time", row.when},
                    {"monitor", row.monitor},
                    {"step", row.step.step},
                    {"score", number_json(row.score)},
                    {"offset", number_json(row.offset)},
                    {"rtt", number_json(row.rtt)},
                    {"leap", row.leap},
                    {"error", row.error}});
  return {{"monitors", std::move(monitors)}, {"rows", std::move(rows)}};
}

} // namespace

std::string server_text(const ServerExplained& explained, int64_t now, size_t places, size_t rows) {
  const registry::Server& server = explained.server;
  std::string text = fmt::format("server {} of {}\n  {}, netspeed {} kbit/s, zones {}\n", geo::to_text(server.address),
                                 explained.account.empty() ? fmt::format("account {}", server.account)
                                                           : shown_name(explained.account, 40),
                                 state_word(server.state), server.netspeed,
                                 server.zones.empty() ? "@" : fmt::format("{}", fmt::join(server.zones, " ")));
  if (server.deletion)
    text += fmt::format("  to be deleted at {}\n", control::date_text(static_cast<uint64_t>(*server.deletion)));
  text += fmt::format("  score {}\n", number_text(explained.judged.score, "{:.2f}"));
  text += wrapped(explained.rule, "  ", 110);
  if (!explained.zones.empty()) text += "\nzones\n" + zones_text(explained.zones);
  text += fmt::format("\nexpected share of the addresses that clients are given over {}: {}\n",
                      server.address.family == geo::Family::ipv4 ? "IPv4" : "IPv6", percent_text(explained.share));
  text += places_text(explained, places);
  if (const std::string standings = standings_text(explained.history, now); !standings.empty())
    text += "\nmonitors\n" + standings;
  if (!explained.history.rows.empty()) text += "\nhistory\n" + rows_text(explained.history, rows);
  return text;
}

std::string server_json(const ServerExplained& explained) {
  const registry::Server& server = explained.server;
  ordered_json places = ordered_json::array(), zones = ordered_json::array();
  for (const PlaceShare& each : explained.places)
    places.push_back(
        {{"country", each.country}, {"continent", each.continent}, {"given", each.given}, {"part", each.part}});
  for (const ZoneExplained& each : explained.zones) zones.push_back(zone_json(each));
  const ordered_json json{{"address", geo::to_text(server.address)},
                          {"account", {{"id", server.account}, {"name", explained.account}}},
                          {"state", state_word(server.state)},
                          {"netspeed", server.netspeed},
                          {"deletion", server.deletion ? ordered_json(*server.deletion) : ordered_json()},
                          {"verdict", verdict_word(explained.judged.verdict)},
                          {"rule", explained.rule},
                          {"score", number_json(explained.judged.score)},
                          {"ramp", explained.judged.ramp},
                          {"zones", std::move(zones)},
                          {"share", explained.share},
                          {"places", std::move(places)},
                          {"history", history_json(explained.history)}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

} // namespace anytick::plan
