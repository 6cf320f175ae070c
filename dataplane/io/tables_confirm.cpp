#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/tables.h"

/// Loads that wait for their confirmation: publishing_ is held around each step, so that either the confirmation comes
/// first or the end of the time does.
namespace anytick::io {
namespace {

/// `now_` need not be the clock that a wait goes by.
constexpr std::chrono::milliseconds longest_wait{50};

std::chrono::seconds left_of(const Unconfirmed& load, std::chrono::steady_clock::time_point now) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(load.until - now), std::chrono::seconds(0));
}

Refusal refusal_of(std::string_view what, std::string reason) {
  return {std::string(what), "", std::move(reason)};
}

} // namespace

Running Tables::state() const {
  const auto now = now_();
  const std::lock_guard lock(holding_);
  return {running_, unconfirmed_, unconfirmed_ == nullptr ? std::chrono::seconds(0) : left_of(*unconfirmed_, now)};
}

/// Why no load is taken now. One whose time is over is as good as gone.
std::optional<Refusal> Tables::waits_for_confirmation() const {
  const auto now = now_();
  const Running state = this->state();
  if (state.unconfirmed == nullptr || state.unconfirmed->until <= now) return std::nullopt;
  return refusal_of("load",
                    fmt::format("generation {} waits for its confirmation: confirm or revert it first; by itself, it "
                                "is reverted in {} s",
                                state.unconfirmed->generation, state.left.count()));
}

bool Tables::is_due() const {
  return unconfirmed_ != nullptr && unconfirmed_->until <= now_();
}

/// Why not. Precondition: publishing_ is held.
std::optional<Refusal> Tables::confirmable(uint64_t generation, const std::vector<TableDigest>& digests) const {
  const auto refused = [](std::string reason) { return refusal_of("confirm", std::move(reason)); };
  const Running state = this->state();
  if (state.unconfirmed == nullptr && generation != confirmed_) {
    const uint64_t runs = state.generation->number;
    if (generation == taken_back_) return refused(fmt::format("generation {} was reverted, {} runs", generation, runs));
    return refused(fmt::format("no load waits for it, generation {} runs", runs));
  }
  if (state.unconfirmed != nullptr && generation != state.unconfirmed->generation)
    return refused(fmt::format("generation {} waits for it, not {}", state.unconfirmed->generation, generation));
  const std::vector<TableInfo> tables = state.generation->tables();
  for (const TableDigest& digest : digests)
    if (std::ranges::find(tables, digest, &TableInfo::digest) == tables.end())
      return refused(fmt::format("generation {} has other tables", generation));
  return std::nullopt;
}

Result<Confirmed> Tables::confirm(uint64_t generation, const std::vector<TableDigest>& digests) {
  const std::lock_guard lock(publishing_);
  if (is_due()) bring_back();
  if (auto refusal = confirmable(generation, digests)) return std::move(*refusal);
  const Running state = this->state();
  if (state.unconfirmed == nullptr) return Confirmed{state.generation, ""}; // its reply may not have come
  {
    const std::lock_guard holding(holding_);
    unconfirmed_.reset();
  }
  confirmed_ = generation;
  spdlog::info("generation {} is confirmed", generation);
  return Confirmed{state.generation, save(*state.generation, state.unconfirmed->kinds)};
}

Result<std::shared_ptr<const Generation>> Tables::revert(uint64_t generation) {
  const std::lock_guard lock(publishing_);
  const Running state = this->state();
  const auto refused = [](std::string reason) { return refusal_of("revert", std::move(reason)); };
  if (state.unconfirmed == nullptr) {
    if (generation == taken_back_) return state.generation; // once more is no error
    return refused(fmt::format("no load waits for its confirmation; generation {} runs", state.generation->number));
  }
  if (generation != state.unconfirmed->generation)
    return refused(
        fmt::format("generation {} waits for its confirmation, not {}", state.unconfirmed->generation, generation));
  return bring_back();
}

/// Precondition: publishing_ is held, and a load waits for its confirmation.
std::shared_ptr<const Generation> Tables::bring_back() {
  const Running state = this->state();
  const auto next = renumbered(*state.unconfirmed->previous);
  const std::shared_ptr<LoadedPolicy> policy =
      next->policy != state.generation->policy ? next->policy : nullptr; // which runs again
  if (policy != nullptr) policy->resume(state.generation->policy);
  taken_back_ = state.unconfirmed->generation;
  publish(next, nullptr);
  if (policy != nullptr) policy->settle();
  spdlog::warn("generation {} was not confirmed: what ran before it runs again, as generation {}", *taken_back_,
               next->number);
  return next;
}

void Tables::watch(const std::stop_token& stop) {
  std::unique_lock lock(publishing_);
  while (!stop.stop_requested()) {
    if (unconfirmed_ == nullptr) {
      to_watch_.wait(lock, stop, [this] { return unconfirmed_ != nullptr; });
    } else if (is_due()) {
      bring_back();
    } else {
      // Known by its number: to hold it would keep the tables before it beyond its confirmation.
      const uint64_t generation = unconfirmed_->generation;
      const auto left = std::min<std::chrono::steady_clock::duration>(unconfirmed_->until - now_(), longest_wait);
      to_watch_.wait_for(lock, stop, left,
                         [&] { return unconfirmed_ == nullptr || unconfirmed_->generation != generation; });
    }
  }
}

} // namespace anytick::io
