#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "control/delivery/deliver.h"
#include "control/delivery/settings.h"
#include "control/hub/config.h"
#include "control/store/database.h"

namespace anytick::delivery {

/// What all dealings of the hub with its POPs need. What it refers to outlives it.
struct Desk {
  store::Database& database;
  const hub::Config& config; ///< [tls], geo_map and sign_key of it
  std::string owner;         ///< of leases, see Lease::take()
  WallClock clock;           ///< any thread's
  PopLink::Patience patience{};
  std::chrono::seconds lease_patience{0}; ///< for how long what an operator does waits for who else rolls out
  size_t threads = 16;                    ///< POPs that are asked at once
  /// Told of each delivery after it was written, on the thread that rolls out.
  std::function<void(const Delivery&)> told{};
  std::function<void(std::chrono::milliseconds)> sleep = [](auto time) { std::this_thread::sleep_for(time); };
  std::function<void(const std::string& who)> waits{}; ///< told once, where it waits
  StepHook step{};                                     ///< any thread's
};

} // namespace anytick::delivery
