#include "control/commands/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace anytick::control {
namespace {

constexpr std::chrono::milliseconds interval{200};

} // namespace

std::string progress_text(std::string_view what, uint64_t done, uint64_t total, double seconds) {
  constexpr uint64_t width = 30;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total == 0) return fmt::format("{} {} rows", what, done);
  const uint64_t shown = std::min(done, total);
  const std::string bar(shown * width / total, '#');
  return fmt::format("{} [{:<{}}] {:>3} %  {} of {} rows, {:.0f}/s", what, bar, width, shown * 100 / total, shown,
                     total, rate);
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

double ProgressLine::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

bool ProgressLine::is_due() {
  const auto now = Clock::now();
  if (now - last_ < interval) return false;
  last_ = now;
  return true;
}

void ProgressLine::print(const std::string& text) {
  shown_ = true;
  fmt::print(stderr, "\r\x1b[K{}", text);
}

} // namespace anytick::control
