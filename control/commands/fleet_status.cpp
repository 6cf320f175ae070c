#include "control/commands/fleet_status.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/listing.h"
#include "control/delivery/fleet.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using delivery::FleetReport;
using delivery::PopReport;
using nlohmann::ordered_json;

constexpr std::chrono::milliseconds rate_interval{1000};

/// Serial, or what there is instead.
std::string serial_text(const PopReport& report) {
  if (!report.status) return report.status.is_away ? "away" : "refused";
  if (report.zone() == nullptr) return "none";
  if (report.serial) return std::to_string(*report.serial);
  return fmt::format("unknown tables ({})", report.zone()->serial());
}

bool runs(const PopReport& report, const std::optional<std::string>& digest) {
  return digest && report.zone() != nullptr && hex_text(report.zone()->digest()) == *digest;
}

std::string note_of(const PopReport& report, const FleetReport& fleet) {
  if (!report.status) return report.status.why;
  if (report.status.reply->has_unconfirmed())
    return fmt::format("unconfirmed, goes back in {}",
                       duration_text(report.status.reply->unconfirmed().seconds_left()));
  if (fleet.current_digest && !runs(report, fleet.current_digest) && !runs(report, fleet.open_digest))
    return fmt::format("not what it is to run: {}", fleet.current->serial);
  return "";
}

std::string age_text(const PopReport& report, int64_t now) {
  if (report.zone() == nullptr) return "";
  const auto age = now - static_cast<int64_t>(report.zone()->loaded());
  return duration_text(static_cast<uint64_t>(std::max<int64_t>(age, 0)));
}

std::string head_text(const FleetReport& fleet) {
  std::string text = fleet.current
                         ? fmt::format("POPs are to run serial {}, pushed {} by {}: {}\n", fleet.current->serial,
                                       date_text(static_cast<uint64_t>(fleet.current->time)), fleet.current->who,
                                       name_of(fleet.current->state))
                         : "Nothing was pushed yet.\n";
  if (fleet.open && fleet.open->state == delivery::PushState::pushing)
    text += fmt::format("serial {} is being pushed by {}, or was cut short: then anytick push --resume goes on\n",
                        fleet.open->serial, fleet.open->who);
  if (fleet.open && fleet.open->state == delivery::PushState::unconfirmed)
    text += fmt::format("serial {} waits for anytick confirm until {}\n", fleet.open->serial,
                        date_text(static_cast<uint64_t>(fleet.open->confirm_by.value_or(0))));
  if (fleet.hold)
    text +=
        fmt::format("The hub pushes nothing by itself since POPs went back to {} ({}, by {}): {}\n", fleet.hold->serial,
                    date_text(static_cast<uint64_t>(fleet.hold->time)), fleet.hold->who, fleet.hold->reason);
  return text;
}

std::string fleet_text(const FleetReport& fleet, int64_t now) {
  TextTable table({{"POP"},
                   {"SERIAL"},
                   {"DIGEST"},
                   {"AGE", TextTable::Side::right},
                   {"GENERATION", TextTable::Side::right},
                   {"ANSWERS/S", TextTable::Side::right},
                   {"NOTE"}});
  for (const PopReport& each : fleet.pops) {
    constexpr size_t shown_digits = 12;
    table.add({each.pop.name, serial_text(each),
               each.zone() != nullptr ? hex_text(each.zone()->digest()).substr(0, shown_digits) : "",
               age_text(each, now), each.status ? std::to_string(each.status.reply->generation()) : "",
               each.answers_a_second ? fmt::format("{:.0f}", *each.answers_a_second) : "", note_of(each, fleet)});
  }
  return table.text() + head_text(fleet);
}

template <class Value> ordered_json or_null(const std::optional<Value>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json pop_json(const PopReport& report, const FleetReport& fleet) {
  ordered_json json{{"name", report.pop.name},
                    {"target", report.pop.target},
                    {"canary", report.pop.canary},
                    {"state", report.status ? "there" : report.status.is_away ? "away" : "refused"},
                    {"serial", or_null(report.serial)},
                    {"is_current", runs(report, fleet.current_digest)}};
  const auto* zone = report.zone();
  json["digest"] = zone != nullptr ? ordered_json(hex_text(zone->digest())) : ordered_json();
  json["loaded"] = zone != nullptr ? ordered_json(zone->loaded()) : ordered_json();
  json["generation"] = report.status ? ordered_json(report.status.reply->generation()) : ordered_json();
  json["answers_a_second"] = or_null(report.answers_a_second);
  const bool waits = report.status && report.status.reply->has_unconfirmed();
  json["goes_back_in"] = waits ? ordered_json(report.status.reply->unconfirmed().seconds_left()) : ordered_json();
  json["note"] = note_of(report, fleet);
  return json;
}

ordered_json fleet_json(const FleetReport& fleet) {
  ordered_json json{{"current", fleet.current ? ordered_json(fleet.current->serial) : ordered_json()},
                    {"open", fleet.open ? ordered_json(fleet.open->serial) : ordered_json()},
                    {"is_held", fleet.hold.has_value()},
                    {"pops", ordered_json::array()}};
  for (const PopReport& each : fleet.pops) json["pops"].push_back(pop_json(each, fleet));
  return json;
}

} // namespace

bool has_hub(const HubOptions& options) {
  std::error_code error;
  return !options.database.empty() || options.hub != HubOptions{}.hub || std::filesystem::exists(options.hub, error);
}

void print_fleet_status(const HubOptions& options, bool json) {
  as_command([&] {
    DeliveryDesk desk(options);
    const FleetReport fleet = delivery::ask_fleet(desk.desk(), rate_interval);
    fmt::print("{}", json ? fleet_json(fleet).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"
                          : fleet_text(fleet, desk.desk().clock()));
    const auto lagging = std::ranges::count_if(fleet.pops, [&](const PopReport& each) {
      return fleet.current && !runs(each, fleet.current_digest) && !(each.status && runs(each, fleet.open_digest));
    });
    if (lagging > 0)
      throw CommandFailure(exit_incomplete,
                           fmt::format("{} of {} POPs do not run what they are to", lagging, fleet.pops.size()));
  });
}

} // namespace anytick::control
