#pragma once

#include <cstdint>
#include <string>

#include "control/sample/world.h"

namespace anytick::sample {

struct LogOptions {
  uint64_t seed = 1;
  uint32_t monitors = 8;
  int64_t begin = 0, end = 0; ///< seconds since 1970
  int64_t interval = 540;     ///< seconds between a monitor's checks of a server
};

struct WrittenLog {
  std::string path;
  uint64_t rows = 0;
};

/// Writes what monitors would say of the servers as one pool log with a column `server` (control/scores/log_csv.h),
/// rows by time: good servers keep to a few milliseconds, flaky ones miss some checks, bad ones all. The file appears
/// in the directory at once. Throws CommandFailure.
WrittenLog write_score_log(const std::string& path, const World& world, const LogOptions& options);

} // namespace anytick::sample
