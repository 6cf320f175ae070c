#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <soci/soci.h>

#include "control/registry/model.h"

/// What became of pushes, POP by POP, within a transaction. All throw Fault.
namespace anytick::delivery {

enum class PushState : uint8_t {
  pushing,     ///< under way, or its owner died
  unconfirmed, ///< POPs run it and go back by themselves unless it is confirmed
  done,        ///< all POPs run it
  partial,     ///< some do; the others get it when they are asked again
  failed,      ///< none does
  expired,     ///< it was not confirmed in time
  reverted,    ///< somebody took it back instead of confirming it
};

/// How far a push is that has not ended.
enum class PushStage : uint8_t { canaries, all, confirming };

enum class DeliveryState : uint8_t {
  waiting,     ///< not sent
  sending,     ///< if its owner died, nobody knows whether it was taken
  unconfirmed, ///< the POP runs it until it goes back
  applied,     ///< the POP runs it
  refused,     ///< the POP says why
  away,        ///< the POP did not answer
  gone_back,   ///< it ran it, and runs what it ran before
  left,        ///< the POP is no more in the registry, or not enabled
};

std::string_view name_of(PushState state);
std::string_view name_of(PushStage stage);
std::string_view name_of(DeliveryState state);

struct Push {
  registry::Id id = 0;
  int64_t serial = 0;
  std::optional<int64_t> previous; ///< what was current before
  int64_t time = 0;                ///< when it began, seconds since 1970
  std::string who;
  std::string reason;
  bool forced = false;
  PushState state = PushState::pushing;
  PushStage stage = PushStage::all;
  int64_t soak = 0;                  ///< seconds that canaries run it before the others get it
  std::optional<int64_t> confirm_by; ///< when POPs go back by themselves
  std::string detail;                ///< why it ended so; may be empty

  /// Whether nothing else may begin.
  bool is_open() const { return state == PushState::pushing || state == PushState::unconfirmed; }
};

struct Delivery {
  registry::Id push = 0;
  std::string pop;
  bool canary = false; ///< gets it before the others
  bool asked = true;   ///< else it shall not get it until somebody says so
  int64_t time = 0;    ///< of its state
  DeliveryState state = DeliveryState::waiting;
  uint64_t generation = 0; ///< that the POP runs it as; 0 unless unconfirmed or applied
  std::string detail;

  bool runs() const { return state == DeliveryState::applied || state == DeliveryState::unconfirmed; }
};

/// Gives it its id.
registry::Id add_push(soci::session& sql, const Push& push);
/// Its state, stage, confirm_by and detail.
void update_push(soci::session& sql, const Push& push);
/// Adds it, or replaces the one of this push and POP.
void write_delivery(soci::session& sql, const Delivery& delivery);

Push get_push(soci::session& sql, registry::Id id);
/// The one that has not ended; there is one at most.
std::optional<Push> open_push(soci::session& sql);
/// The newest whose tables POPs are to run now.
std::optional<Push> current_push(soci::session& sql);
/// That a POP is known to have run or been sent last.
std::optional<int64_t> last_serial_at(soci::session& sql, const std::string& pop);
/// The newest first; 0: all. With a serial, of this one alone.
std::vector<Push> list_pushes(soci::session& sql, size_t limit, std::optional<int64_t> serial = std::nullopt);
/// By POP.
std::vector<Delivery> list_deliveries(soci::session& sql, registry::Id push);

/// Drops pushes that began before a time (seconds since 1970), the oldest `most` of them, and what became of them at
/// each POP; returns how many. What is current, or is so again where what is open is taken back, stays, and so does
/// what a POP of the registry is known to have run last.
size_t prune_pushes(soci::session& sql, int64_t before, size_t most);

} // namespace anytick::delivery
