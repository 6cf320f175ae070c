#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace anytick::control {

/// "imported [######      ]  50 %  1200 of 2400 rows, 800/s"; of a total of 0, which is not known, how many alone.
std::string progress_text(std::string_view what, uint64_t done, uint64_t total, double seconds);

/// A line on stderr about how far something is, for whoever waits for it at a terminal; it goes with the object.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  /// `make_text` is asked for the line a few times a second, however often this is called.
  template <class MakeText> void show(const MakeText& make_text) {
    if (terminal_ && is_due()) print(make_text());
  }
  double seconds() const; ///< since it was made

 private:
  bool is_due();
  void print(const std::string& text);

  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_ = begin_;
};

} // namespace anytick::control
