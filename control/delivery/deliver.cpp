#include "control/delivery/deliver.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "control/text.h"

namespace anytick::delivery {
namespace {

template <class Reply> Delivered no_answer(const Answer<Reply>& answer) {
  return {answer.is_away ? DeliveryState::away : DeliveryState::refused, 0, answer.why};
}

/// "serial 7", of the zone that runs.
std::string shown(const RunningTables& tables) {
  const auto zone = std::ranges::find(tables, pop::v1::TABLE_KIND_ZONE, &pop::v1::TableInfo::kind);
  if (zone == tables.end()) return "no zone";
  return fmt::format("serial {}, digest {}", zone->serial(), control::hex_text(zone->digest().substr(0, 4)));
}

std::string storage_detail(const std::string& not_stored) {
  return not_stored.empty() ? "" : "runs, but is not stored: " + not_stored;
}

bool can_go_back(const pop::v1::StatusReply& status) {
  return std::ranges::find(status.features(), "confirm") != status.features().end();
}

/// Calls with both steps around it.
template <class Call> auto stepped(const StepHook& step, const std::string& what, const PopLink& link, Call call) {
  const std::string name = what + " " + link.pop().name;
  if (step) step(name);
  auto answer = call();
  if (step) step(name + " answered");
  return answer;
}

Answer<pop::v1::StatusReply> ask_status(PopLink& link, const StepHook& step) {
  return stepped(step, "status", link, [&] { return link.status(); });
}

Delivered confirm(PopLink& link, const Cargo& cargo, uint64_t generation, const StepHook& step) {
  const auto answer = stepped(step, "confirm", link, [&] { return link.confirm(generation, cargo.image.digest); });
  if (!answer) return no_answer(answer);
  // It has gone back meanwhile.
  if (!answer.reply->confirmed()) return {DeliveryState::waiting, 0, answer.reply->reason()};
  return {DeliveryState::applied, answer.reply->generation(), storage_detail(answer.reply->not_stored())};
}

/// Applied or unconfirmed where the POP runs all of it, else nothing.
std::optional<Delivered> as_it_runs(const pop::v1::StatusReply& status, const Cargo& cargo, bool may_wait) {
  if (!missing_tables(status.tables(), cargo).empty()) return std::nullopt;
  if (may_wait && status.has_unconfirmed())
    return Delivered{DeliveryState::unconfirmed, status.unconfirmed().generation()};
  return Delivered{DeliveryState::applied, status.generation()};
}

/// Whether a load waits for its confirmation that is of this cargo. The hub may have another geo map by now.
bool is_waiting(const pop::v1::StatusReply& status, const Cargo& cargo, bool may_wait) {
  return may_wait && status.has_unconfirmed() && is_running(status.tables(), cargo.image);
}

/// Where somebody else's does.
std::optional<Delivered> as_it_is_blocked(const pop::v1::StatusReply& status, const Cargo& cargo, bool may_wait) {
  if (!status.has_unconfirmed() || is_waiting(status, cargo, may_wait)) return std::nullopt;
  return Delivered{DeliveryState::waiting, 0,
                   fmt::format("generation {}, which is not of this push, waits for its confirmation there",
                               status.unconfirmed().generation()),
                   true};
}

/// After nobody said whether the tables were taken.
Delivered after_silence(PopLink& link, const Cargo& cargo, bool may_wait, const std::string& why,
                        const StepHook& step) {
  const auto status = ask_status(link, step);
  if (!status) return {DeliveryState::away, 0, why};
  if (auto runs = as_it_runs(*status.reply, cargo, may_wait)) return *runs;
  return {DeliveryState::away, 0, fmt::format("{}; it runs {}", why, shown(status.reply->tables()))};
}

Delivered send(PopLink& link, const Cargo& cargo, const RunningTables& has, uint32_t confirm_seconds,
               const StepHook& step) {
  const auto tables = missing_tables(has, cargo);
  const auto answer = stepped(step, "load", link, [&] { return link.load(tables, confirm_seconds); });
  if (!answer)
    return answer.is_away ? after_silence(link, cargo, confirm_seconds > 0, answer.why, step) : no_answer(answer);
  const pop::v1::LoadReply& reply = *answer.reply;
  if (!reply.applied()) return {DeliveryState::refused, 0, reply.reason()};
  if (!missing_tables(reply.tables(), cargo).empty())
    return {DeliveryState::refused, 0, fmt::format("it says that it was applied, but runs {}", shown(reply.tables()))};
  return {reply.has_unconfirmed() ? DeliveryState::unconfirmed : DeliveryState::applied, reply.generation(),
          storage_detail(reply.not_stored())};
}

} // namespace

Delivered look_at(PopLink& link, const Cargo& cargo, bool may_wait, const StepHook& step) {
  const auto status = ask_status(link, step);
  if (!status) return no_answer(status);
  if (auto runs = as_it_runs(*status.reply, cargo, may_wait)) return *runs;
  if (auto blocked = as_it_is_blocked(*status.reply, cargo, may_wait)) return *blocked;
  return {DeliveryState::waiting, 0, "it runs " + shown(status.reply->tables())};
}

Delivered deliver(PopLink& link, const Cargo& cargo, const Terms& terms, const StepHook& step) {
  const auto status = ask_status(link, step);
  if (!status) return no_answer(status);
  const RunningTables& has = status.reply->tables();
  if (terms.confirm_seconds == 0 && is_waiting(*status.reply, cargo, terms.may_wait)) {
    Delivered kept = confirm(link, cargo, status.reply->unconfirmed().generation(), step);
    if (kept.state != DeliveryState::applied || missing_tables(has, cargo).empty()) return kept;
    return send(link, cargo, has, 0, step);
  }
  if (auto runs = as_it_runs(*status.reply, cargo, terms.may_wait)) return *runs;
  if (auto blocked = as_it_is_blocked(*status.reply, cargo, terms.may_wait)) return *blocked;
  const bool can = can_go_back(*status.reply);
  if (terms.confirm_seconds > 0 && terms.is_required && !can)
    return {DeliveryState::refused, 0, "its anytickd " + status.reply->version() + " cannot wait for a confirmation"};
  return send(link, cargo, has, can ? terms.confirm_seconds : 0, step);
}

Delivered take_back(PopLink& link, const Cargo& cargo, const Cargo* previous, const StepHook& step) {
  const auto status = ask_status(link, step);
  if (!status) return no_answer(status);
  if (!is_running(status.reply->tables(), cargo.image)) return {DeliveryState::gone_back};
  if (status.reply->has_unconfirmed()) {
    const uint64_t generation = status.reply->unconfirmed().generation();
    const auto answer = stepped(step, "revert", link, [&] { return link.revert(generation); });
    if (!answer) return no_answer(answer);
    if (answer.reply->reverted()) return {DeliveryState::gone_back};
    return {DeliveryState::refused, 0, answer.reply->reason()};
  }
  if (previous == nullptr) return {DeliveryState::applied, status.reply->generation(), "it runs it for good"};
  Delivered back = send(link, *previous, status.reply->tables(), 0, step);
  if (back.state == DeliveryState::applied) return {DeliveryState::gone_back};
  return back;
}

} // namespace anytick::delivery
