#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "control/delivery/cargo.h"
#include "control/delivery/pop_link.h"
#include "control/delivery/pushes.h"

/// What is done with one POP. Any thread's.
namespace anytick::delivery {

/// What became of it: the fields of a Delivery of these names.
struct Delivered {
  DeliveryState state = DeliveryState::waiting;
  uint64_t generation = 0;
  std::string detail{};
  bool is_blocked = false; ///< waiting: the POP takes nothing before what somebody else sent is confirmed or has gone
};

/// Told of each step before it is done and after, with what and where: tests stop there.
using StepHook = std::function<void(const std::string& step)>;

/// For how long a POP runs what it gets unless it is confirmed.
struct Terms {
  uint32_t confirm_seconds = 0; ///< 0: for good
  bool is_required = false;     ///< a POP that cannot go back by itself does not get it
  bool may_wait = false;        ///< see look_at()
};

/// What it is seen to run, or why that is not known (away, refused). `waiting`: something else. `may_wait`: the cargo
/// may have been sent to be confirmed. Else what waits for that at the POP is somebody else's, and the cargo is applied
/// where all of it runs meanwhile.
Delivered look_at(PopLink& link, const Cargo& cargo, bool may_wait, const StepHook& step);

/// Sends what the POP does not run yet. Where it runs it until it is confirmed, and the terms are for good, confirms
/// it. What somebody else tries there is left alone.
Delivered deliver(PopLink& link, const Cargo& cargo, const Terms& terms, const StepHook& step);

/// The POP goes back to what it ran before, if it has it still; nothing is done where it does not run the cargo. Where
/// it runs it for good, it gets `previous`, if that is not null. `gone_back`, or what stands against it.
Delivered take_back(PopLink& link, const Cargo& cargo, const Cargo* previous, const StepHook& step);

} // namespace anytick::delivery
