#include "control/commands/audit_command.h"

#include <ctime>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/commands/time_option.h"
#include "control/registry/audit.h"
#include "control/registry/json.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;

struct AuditOptions {
  HubOptions hub;
  registry::AuditQuery query;
  std::string since, until;
  bool json = false;
};

/// As much of a value as fits a line for people; JSON has all of it.
std::string short_text(const std::string& key, const ordered_json& value) {
  constexpr size_t most = 120;
  std::string text = value_text(key, value);
  if (text.empty()) return "-";
  if (text.size() <= most) return text;
  size_t end = most;
  while ((text[end] & 0xc0) == 0x80) --end; // not within a character of UTF-8
  return text.substr(0, end) + "...";
}

/// "netspeed 512 -> 1500; note - -> new"; of what came or went, all that it has.
std::string change_text(const ordered_json& from, const ordered_json& to) {
  std::vector<std::string> changes;
  if (from.is_null() || to.is_null()) {
    const ordered_json& object = from.is_null() ? to : from;
    for (const auto& [key, value] : object.items())
      if (const std::string text = short_text(key, value); text != "-") changes.push_back(key + " " + text);
    return joined(changes, "; ");
  }
  for (const auto& [key, value] : to.items()) {
    const std::string before = from.contains(key) ? short_text(key, from[key]) : "-";
    changes.push_back(fmt::format("{} {} -> {}", key, before, short_text(key, value)));
  }
  return joined(changes, "; ");
}

void run_audit(const AuditOptions& options) {
  registry::AuditQuery query = options.query;
  const int64_t now = std::time(nullptr);
  if (!options.since.empty()) query.since = time_option("audit: --since", options.since, now, -1);
  if (!options.until.empty()) query.until = time_option("audit: --until", options.until, now, -1);
  std::vector<registry::AuditEntry> entries;
  read_registry(options.hub, [&](soci::session& sql) { entries = registry::read_audit(sql, query); });
  auto array = ordered_json::array();
  TextTable table(
      {{"ID", TextTable::Side::right}, {"TIME"}, {"WHO"}, {"KIND"}, {"WHAT"}, {"ACTION"}, {"REASON"}, {"CHANGE"}});
  for (const registry::AuditEntry& entry : entries) {
    array.push_back(registry::json_of(entry));
    table.add({std::to_string(entry.id), value_text("when", entry.when), entry.who, entry.kind, entry.what,
               entry.action, entry.reason, change_text(array.back()["from"], array.back()["to"])});
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

} // namespace

void add_audit_command(CLI::App& app) {
  const auto options = std::make_shared<AuditOptions>();
  CLI::App* audit = app.add_subcommand("audit", "Who changed what, from what to what; the newest last");
  audit->add_option("--kind", options->query.kind, "account, server, tree, vendor, root, pop, push or hold");
  audit->add_option("--what", options->query.what, "its address, name or origin");
  audit->add_option("--who", options->query.who, "who did it");
  audit->add_option("--since", options->since, "a time, or how long ago");
  audit->add_option("--until", options->until, "a time that is too late, or how long ago");
  audit->add_option("--limit", options->query.limit, "the newest so many; 0: all")->capture_default_str();
  audit->add_flag("--json", options->json, "as a JSON array");
  add_hub_options(*audit, options->hub);
  audit->footer("Example: anytick audit --kind server --what 198.51.100.7 --since 30d");
  audit->callback([options] { run_audit(*options); });
}

} // namespace anytick::control
