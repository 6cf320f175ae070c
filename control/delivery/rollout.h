#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/delivery/cargo.h"
#include "control/delivery/desk.h"
#include "control/delivery/lease.h"
#include "control/delivery/pushes.h"
#include "control/registry/actor.h"

namespace anytick::delivery {

/// A push and what became of it at each POP.
struct Outcome {
  Push push;
  std::vector<Delivery> deliveries; ///< by POP
};

/// The state machine of one push. Each step is in the database before the next begins, so that whoever finds it can go
/// on from there: the desk's owner may die anywhere, and so may POPs and the database (then it throws). One thread's;
/// the desk and the lease outlive it. All throw Fault, LeaseLost, soci::soci_error.
class Rollout {
 public:
  /// Of a push that is in the database.
  Rollout(const Desk& desk, const Lease& lease, registry::Id push);

  /// From where it is to its end: canaries, the others. A canary that does not take it, or does not keep it for the
  /// time of the soak, fails the push, and the canaries go back.
  void run();

  /// Asks the POPs what they run and writes that.
  void look();
  /// After look(): goes on with a push whose owner died.
  void resume();
  /// After look(): ends it as what it is now.
  void abandon();

  /// POPs of the registry that are new to the push are its, too, and those that are no more are not.
  void meet_registry();
  /// Of a push that has ended: looks at these POPs, and those that do not run it get it.
  void bring_up(const std::function<bool(const Delivery&)>& which);

  /// Of a push that has ended: asks all POPs what they run. Those that were away or run something else by now get it,
  /// but for those that refused it. Returns whether anything was other than the database said.
  bool mend();

  /// Precondition: unconfirmed. All POPs keep it, and those that were away or have gone back get it for good.
  void confirm(const registry::Actor& actor);
  /// Goes on with that where it was cut short.
  void confirm_rest();
  /// POPs that run it unconfirmed go back now, as its time is over. Nothing is pushed by itself then.
  void expire(const std::string& why);
  /// The same, as somebody says so.
  void revert(const registry::Actor& actor);

  bool is_past_confirmation() const;
  const Push& push() const { return push_; }
  Outcome outcome() const;

 private:
  struct Target {
    Delivery delivery;
    std::optional<PopLink> link; ///< none: the POP left
  };
  using Picked = std::vector<size_t>; ///< of targets_
  using Work = std::function<Delivered(Target&)>;

  Picked pick(const std::function<bool(const Delivery&)>& which) const;
  void commit(const std::string& what, const std::function<void(soci::session&)>& work) const;
  void write(Target& target, Delivered delivered);
  void work_on(const Picked& picked, const Work& work);
  bool may_wait(const Delivery& delivery) const;
  Delivered seen_at(Target& target) const;
  void deliver_to(const Picked& picked, const std::function<Terms()>& terms);
  Terms terms() const;
  void go_back(PushState end, const std::string& detail, const registry::Actor& actor);
  void end();
  void end_as(PushState state, const std::string& detail);
  std::string summary() const;

  bool run_canaries();
  std::string fault_of_canaries() const;
  void soak();
  void fail_canaries(const std::string& why);

  const Desk& desk_;
  const Lease& lease_;
  Push push_;
  std::vector<Target> targets_;
  Cargo cargo_;
};

} // namespace anytick::delivery
