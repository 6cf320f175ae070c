#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dataplane/config.h"
#include "dataplane/core/interleave.h"
#include "dataplane/core/ntp_auth.h"
#include "dataplane/io/table_memory.h"

namespace anytick::io {

/// What each thread that answers NTP has of its own: keys to compute with, and memory of its last replies. All memory
/// is taken at the start.
class NtpThreads {
 public:
  /// The memory of each thread is on its node.
  static Result<NtpThreads> make(const NtpConfig& config, unsigned threads, const ThreadNodes& nodes = {});

  const core::NtpKeys* keys(unsigned thread) const { return &threads_[thread]->keys; }
  /// Null where only basic mode is wanted.
  core::InterleaveTable* interleave(unsigned thread) const { return threads_[thread]->interleave.get(); }

 private:
  struct Thread {
    core::NtpKeys keys;
    std::optional<TableMemory> memory;
    std::unique_ptr<core::InterleaveTable> interleave;
  };

  std::vector<std::unique_ptr<Thread>> threads_;
};

} // namespace anytick::io
