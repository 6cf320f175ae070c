#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include <rte_pause.h>

#include "dataplane/config.h"
#include "dataplane/io/tables.h"

namespace anytick::io {

/// What a worker does when nothing came: the longer the silence, the less it burns.
class IdleWait {
 public:
  explicit IdleWait(Idle strategy) : strategy_(strategy) {}

  void busy() { empty_ = 0; }

  void wait(TableReader& reader) {
    if (strategy_ == Idle::spin) return;
    empty_ = std::min(empty_ + 1, empty_max);
    if (strategy_ == Idle::sleep && empty_ > polls_before_sleep) {
      sleep(reader);
    } else {
      for (unsigned i = 0; i < std::min(empty_, pauses_max); ++i) rte_pause();
    }
  }

 private:
  static constexpr unsigned pauses_max = 64;         ///< a few microseconds at most: no ring overflows in that time
  static constexpr unsigned polls_before_sleep = 32; ///< a gap inside a burst is not worth a system call
  static constexpr unsigned empty_max = polls_before_sleep + 16;

  void sleep(TableReader& reader) {
    const unsigned growth = empty_ - polls_before_sleep;
    reader.offline();
    std::this_thread::sleep_for(std::chrono::microseconds(50 + 10 * (growth - 1)));
    reader.online();
  }

  Idle strategy_;
  unsigned empty_ = 0;
};

} // namespace anytick::io
