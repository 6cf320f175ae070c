#include "control/commands/history_command.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/listing.h"
#include "control/delivery/revisions.h"
#include "control/plan/plan_json.h"
#include "control/plan/plan_text.h"
#include "control/registry/accounts.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using delivery::Outcome;
using nlohmann::ordered_json;

struct HistoryOptions {
  HubOptions hub;
  std::optional<int64_t> serial;
  size_t limit = 20;
  size_t top = plan::TextOptions{}.top;
  std::string image;
  bool json = false;
};

/// Pushes, the newest first.
std::vector<Outcome> read_pushes(soci::session& sql, const HistoryOptions& options) {
  std::vector<Outcome> outcomes;
  for (delivery::Push& push : delivery::list_pushes(sql, options.limit, options.serial))
    outcomes.push_back({push, delivery::list_deliveries(sql, push.id)});
  return outcomes;
}

std::string list_text(const std::vector<Outcome>& outcomes, std::optional<int64_t> current) {
  TextTable table({{"SERIAL", TextTable::Side::right},
                   {"TIME"},
                   {"STATE"},
                   {"POPS", TextTable::Side::right},
                   {"BEFORE", TextTable::Side::right},
                   {"WHO"},
                   {"REASON"}});
  bool is_first = true;
  for (const auto& [push, deliveries] : outcomes) {
    const auto run = std::ranges::count_if(deliveries, &delivery::Delivery::runs);
    const bool is_current = is_first && current == push.serial;
    is_first = is_first && !is_current;
    table.add({fmt::format("{}{}", is_current ? "* " : "", push.serial), date_text(static_cast<uint64_t>(push.time)),
               fmt::format("{}{}", name_of(push.state), push.forced ? ", forced" : ""),
               fmt::format("{}/{}", run, deliveries.size()), push.previous ? std::to_string(*push.previous) : "",
               push.who, push.reason});
  }
  return table.text();
}

void print_list(const HistoryOptions& options) {
  std::vector<Outcome> outcomes;
  std::optional<int64_t> current;
  read_registry(options.hub, [&](soci::session& sql) {
    outcomes = read_pushes(sql, options);
    if (const auto push = delivery::current_push(sql)) current = push->serial;
  });
  if (!options.json) {
    fmt::print("{}", list_text(outcomes, current));
    return;
  }
  auto array = ordered_json::array();
  for (const Outcome& each : outcomes) array.push_back(outcome_json(each));
  fmt::print("{}", list_json(array));
}

/// "" where it was pruned.
std::string stored_plan(soci::session& sql, const delivery::Revision& revision) {
  return revision.is_whole ? delivery::read_plan(sql, revision.serial) : "";
}

std::string plan_part(const std::string& text, const plan::TextOptions& options) {
  if (text.empty()) return "Its plan and image were pruned.\n";
  return plan::plan_text(taken(plan::read_plan(text, "plan"), "database").plan, options);
}

void write_image(const HistoryOptions& options) {
  std::vector<std::byte> image;
  read_registry(options.hub, [&](soci::session& sql) { image = delivery::read_image(sql, *options.serial); });
  write_file_atomically(options.image, image);
}

void print_one(const HistoryOptions& options) {
  delivery::Revision revision;
  std::vector<Outcome> outcomes;
  std::string text;
  plan::TextOptions shown{.top = options.top};
  read_registry(options.hub, [&](soci::session& sql) {
    revision = delivery::get_revision(sql, *options.serial);
    outcomes = read_pushes(sql, options);
    text = stored_plan(sql, revision);
    for (const registry::Account& account : registry::list_accounts(sql)) shown.accounts[account.id] = account.name;
  });
  if (!options.image.empty()) write_image(options);
  if (options.json) {
    ordered_json json{{"serial", revision.serial},      {"created", revision.created},   {"who", revision.who},
                      {"reason", revision.reason},      {"checksum", revision.checksum}, {"digest", revision.digest},
                      {"pushes", ordered_json::array()}};
    for (const Outcome& each : outcomes) json["pushes"].push_back(outcome_json(each));
    json["plan"] = text.empty() ? ordered_json() : ordered_json::parse(text);
    fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return;
  }
  fmt::print("{}\n", plan_part(text, shown));
  for (const Outcome& each : outcomes)
    fmt::print("pushed {} by {}{}{}\n{}", date_text(static_cast<uint64_t>(each.push.time)), each.push.who,
               each.push.reason.empty() ? "" : ": ", each.push.reason, outcome_text(each));
}

} // namespace

void add_history_command(CLI::App& app) {
  const auto options = std::make_shared<HistoryOptions>();
  CLI::App* history = app.add_subcommand("history", "What was pushed, when, by whom, and what became of it");
  history->add_option("SERIAL", options->serial, "show this one: its plan, and each POP");
  history->add_option("--limit", options->limit, "the newest so many pushes; 0: all")->capture_default_str();
  history->add_option("--top", options->top, "rows of each of the plan's tables; 0: all")->capture_default_str();
  history->add_option("--image", options->image, "write the zone image of SERIAL there, for `anytick zone`");
  history->add_flag("--json", options->json, "as JSON");
  add_hub_options(*history, options->hub);
  history->footer("Examples: anytick history\n"
                  "          anytick history 1800000000 --image pool.image && anytick zone dump pool.image\n"
                  "An asterisk marks what POPs are to run now.");
  history->callback([options] {
    if (!options->image.empty() && !options->serial)
      throw CommandFailure(exit_usage, "history: --image is of a SERIAL");
    as_command([&] { options->serial ? print_one(*options) : print_list(*options); });
  });
}

} // namespace anytick::control
