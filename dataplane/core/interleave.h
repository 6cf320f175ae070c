#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/clock.h"

namespace anytick::core {

/// When replies really went out, by what they said of when their request came (RFC 9769 2): what the next reply to the
/// same client may tell in interleaved mode. Of bounded memory: newer replies take the place of older ones. One thread.
class InterleaveTable {
 public:
  struct Entry {
    NtpTime received;
    NtpTime transmitted;
  };

  /// Uses the largest power of two of `entries`, which must be zero and outlive it.
  explicit InterleaveTable(std::span<Entry> entries);

  void save(NtpTime received, NtpTime transmitted) { entries_[index(received)] = {received ^ epoch_, transmitted}; }
  /// When the reply went out; 0 if that is not known any more.
  NtpTime find(NtpTime received) const {
    const Entry& entry = entries_[index(received)];
    return entry.received == (received ^ epoch_) && entry.transmitted != 0 ? entry.transmitted : 0;
  }
  /// All that was saved: the clock is another now.
  void forget() { epoch_ += 0x9e3779b97f4a7c15u; }

 private:
  size_t index(NtpTime received) const { return (received * 0x9e3779b97f4a7c15u) >> shift_; }

  std::span<Entry> entries_;
  unsigned shift_;
  uint64_t epoch_ = 0; ///< entries of another one are found by no request
};

} // namespace anytick::core
