#include "control/commands/delivery_desk.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/listing.h"
#include "control/registry/actor.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using delivery::Delivery;
using delivery::DeliveryState;
using delivery::Outcome;
using delivery::Push;
using delivery::PushState;
using nlohmann::ordered_json;

std::string owner_of(const HubOptions& options) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return fmt::format("{}@{}, process {}", actor_of(options).who, host, ::getpid());
}

std::string date(int64_t time) {
  return date_text(static_cast<uint64_t>(time));
}

bool is_short(const Delivery& each) {
  return each.asked && each.state != DeliveryState::left && !each.runs();
}

/// Of a push that was taken back.
bool may_run_it(const Delivery& each) {
  return each.runs() || each.state == DeliveryState::sending || each.state == DeliveryState::away ||
         each.state == DeliveryState::refused;
}

std::string state_text(const Outcome& outcome) {
  const Push& push = outcome.push;
  const auto runs = std::ranges::count_if(outcome.deliveries, &Delivery::runs);
  const auto left = std::ranges::count(outcome.deliveries, DeliveryState::left, &Delivery::state);
  const std::string of = fmt::format("{} of {} POPs", runs, outcome.deliveries.size() - static_cast<size_t>(left));
  switch (push.state) {
  case PushState::done:
    return "done: all POPs run it";
  case PushState::partial:
    return fmt::format("partial: {} run it; the others get it by anytick push --resume", of);
  case PushState::unconfirmed:
    return fmt::format("unconfirmed: {} run it and go back at {}, unless: anytick confirm", of,
                       date(push.confirm_by.value_or(0)));
  default:
    return fmt::format("{}{}{}; {} run it", name_of(push.state), push.detail.empty() ? "" : ": ", push.detail, of);
  }
}

} // namespace

DeliveryDesk::DeliveryDesk(const HubOptions& options)
    : config_(hub_config(options)),
      database_(open_database(options)), desk_{*database_, config_, owner_of(options),
                                               [] { return static_cast<int64_t>(std::time(nullptr)); }} {
  desk_.lease_patience = std::chrono::seconds(90);
  desk_.waits = [](const std::string& who) { fmt::print(stderr, "waiting: {}\n", who); };
  if (::isatty(STDERR_FILENO) == 1)
    desk_.told = [](const Delivery& each) {
      fmt::print(stderr, "{}: {}{}{}\n", each.pop, name_of(each.state), each.detail.empty() ? "" : ": ", each.detail);
    };
}

void as_command(const std::function<void()>& work) {
  try {
    work();
  } catch (const delivery::Guarded& guarded) {
    throw CommandFailure(exit_guarded, guarded.what());
  } catch (const delivery::Fault& fault) {
    throw CommandFailure(exit_refused, fault.what());
  } catch (const registry::Fault& fault) {
    throw CommandFailure(exit_refused, fault.what());
  } catch (const soci::soci_error& error) {
    throw CommandFailure(exit_refused, "database: " + error.get_error_message());
  }
}

std::string outcome_text(const Outcome& outcome) {
  TextTable table({{"POP"}, {"STATE"}, {"GENERATION", TextTable::Side::right}, {"SINCE"}, {"DETAIL"}});
  for (const Delivery& each : outcome.deliveries)
    table.add({each.pop, std::string(name_of(each.state)), each.runs() ? std::to_string(each.generation) : "",
               date(each.time), each.asked ? each.detail : "not asked"});
  return fmt::format("{}serial {}: {}\n", table.text(), outcome.push.serial, state_text(outcome));
}

ordered_json outcome_json(const Outcome& outcome) {
  const Push& push = outcome.push;
  ordered_json json{{"serial", push.serial},
                    {"previous", push.previous ? ordered_json(*push.previous) : ordered_json()},
                    {"time", push.time},
                    {"who", push.who},
                    {"reason", push.reason},
                    {"forced", push.forced},
                    {"state", name_of(push.state)},
                    {"confirm_by", push.confirm_by ? ordered_json(*push.confirm_by) : ordered_json()},
                    {"detail", push.detail},
                    {"pops", ordered_json::array()}};
  for (const Delivery& each : outcome.deliveries)
    json["pops"].push_back({{"name", each.pop},
                            {"canary", each.canary},
                            {"asked", each.asked},
                            {"state", name_of(each.state)},
                            {"generation", each.generation},
                            {"time", each.time},
                            {"detail", each.detail}});
  return json;
}

int exit_code_of(const Outcome& outcome) {
  switch (outcome.push.state) {
  case PushState::done:
    return exit_done;
  case PushState::reverted:
    return std::ranges::any_of(outcome.deliveries, may_run_it) ? exit_incomplete : exit_done;
  case PushState::partial:
  case PushState::unconfirmed:
    return std::ranges::any_of(outcome.deliveries, is_short) ? exit_incomplete : exit_done;
  default:
    return exit_refused;
  }
}

void print_outcome(const Outcome& outcome, bool json) {
  fmt::print("{}", json ? outcome_json(outcome).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"
                        : outcome_text(outcome));
  if (const int code = exit_code_of(outcome); code != exit_done)
    throw CommandFailure(code, fmt::format("serial {}: {}", outcome.push.serial, state_text(outcome)));
}

} // namespace anytick::control
