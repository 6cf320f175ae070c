#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace anytick::io {

/// Warns of what strangers can cause as often as they like: once in ten seconds, and how often it was kept to itself.
/// Any number of threads.
class Seldom {
 public:
  void warn(std::string_view what) {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (told_ && now - *told_ < silence) {
      ++untold_;
      return;
    }
    told_ = now;
    const uint64_t before = std::exchange(untold_, 0);
    spdlog::warn("{}{}", what, before == 0 ? "" : fmt::format(" ({} more since the last time)", before));
  }

 private:
  static constexpr std::chrono::seconds silence{10};

  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> told_;
  uint64_t untold_ = 0;
};

} // namespace anytick::io
