#pragma once

#include <cstddef>
#include <functional>

namespace anytick::delivery {

/// Calls `work` with each of 0 to count - 1, on `threads` threads at most, and on the calling thread `done` with each
/// that ended, and `idle` about every second in which none did. A thread begins its next one when `done` has returned
/// for the one before. Returns when all have ended. Where `done` or `idle` throws, no more work begins; what has is
/// waited for, and then it is thrown. `work` does not throw.
void in_parallel(size_t count, size_t threads, const std::function<void(size_t)>& work,
                 const std::function<void(size_t)>& done, const std::function<void()>& idle);

} // namespace anytick::delivery
