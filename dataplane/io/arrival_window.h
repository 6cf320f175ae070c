#pragma once

#include <cstdint>

namespace anytick::io {

/// Since when the frames that a look at a receive queue finds may have waited there. That is not the look before, if
/// that one left some behind: after a stall, or while more comes than is answered. Then it is the last one that took
/// all; or, if a whole queue of frames was taken since, one before them, which had to go before there was room for what
/// is found now. TSC. One thread.
class ArrivalWindow {
 public:
  /// Nothing came before `since`. Of `queue` frames, at most, that wait, a look takes `burst`, at most.
  ArrivalWindow(uint64_t since, uint32_t queue, uint16_t burst)
      : since_(since), next_(since), queue_(queue), burst_(burst) {}

  /// Of what the next look finds.
  uint64_t since() const { return since_; }

  /// That look began at `tsc` and took `frames`.
  void looked(uint64_t tsc, uint16_t frames) {
    if (frames == 0 || frames + withheld_max <= burst_) {
      since_ = next_ = tsc;
      taken_ = 0;
      return;
    }
    taken_ += frames;
    if (taken_ < queue_) return;
    since_ = next_;
    next_ = tsc;
    taken_ = 0;
  }

 private:
  /// Drivers that take descriptors by vectors or cache lines leave so many, less one, although there was room.
  static constexpr unsigned withheld_max = 8;

  uint64_t since_;
  uint64_t next_;      ///< since_, once a queue's worth was taken from then on
  uint32_t taken_ = 0; ///< since next_
  uint32_t queue_;
  uint16_t burst_;
};

} // namespace anytick::io
