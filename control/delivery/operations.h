#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/delivery/desk.h"
#include "control/delivery/revisions.h"
#include "control/delivery/rollout.h"
#include "control/registry/actor.h"

/// What operators and the hub do about pushes. Each takes the lease, brings what a dead owner left to an end, and
/// returns when it is done. All throw Fault for what is refused before anything is sent, registry::Fault for an actor
/// that the audit log does not take, CommandFailure for files, and soci::soci_error where the database is lost: what
/// POPs then run is found by the next of these.
namespace anytick::delivery {

/// How a push goes.
struct Manner {
  bool canaries_first = false;
  int64_t soak = 30;                       ///< seconds that canaries run it before the others get it
  std::optional<int64_t> confirm_within{}; ///< seconds, after which POPs go back by themselves
  std::vector<std::string> pops{};         ///< only these; empty: all
};

struct PushRequest {
  Revision revision; ///< `who` and `reason` are the actor's
  std::string plan;
  std::vector<std::byte> image;
  std::vector<std::string> objections{}; ///< of the guard
  bool forced = false;
  registry::Id registry_state = 0; ///< that the plan was last verified against; another one now is refused
  registry::Actor actor;           ///< with a reason, if it is forced
  Manner manner{};
};
/// The revision's base is what must be current. Throws Guarded. Ends a hold.
Outcome push(const Desk& desk, const PushRequest& request);

/// Once more what a revision was, to the byte, with a reason. It is what is current then, and nothing but that is
/// pushed by the hub itself until somebody pushes by hand or ends the hold.
Outcome rollback(const Desk& desk, int64_t serial, const registry::Actor& actor, const Manner& manner);

/// Goes on with the push that is under way, or brings the current one to those POPs that do not run it. `pops`: only to
/// these; empty: to all.
Outcome resume(const Desk& desk, const std::vector<std::string>& pops);

/// The same for those that were away, are new or run something else by now, but not for those that refused it. Nothing
/// where there are none, or a push waits for its confirmation. Waits for no lease.
std::optional<Outcome> retry(const Desk& desk);

Outcome confirm(const Desk& desk, const registry::Actor& actor);
/// Takes an unconfirmed push back at once. The hold that follows is the actor's.
Outcome revert(const Desk& desk, const registry::Actor& actor);

/// Fault while a push is under way or waits for its confirmation.
void check_none_open(const Desk& desk);

/// Brings what a dead owner left, or nobody confirmed in time, to its end; nothing if there is no such push.
std::optional<Outcome> recover(const Desk& desk);

/// Drops plans and images of old revisions, see prune_revisions(), and returns of how many. What a POP that is away ran
/// last is kept, too.
size_t prune(const Desk& desk, size_t keep);

} // namespace anytick::delivery
