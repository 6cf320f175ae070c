#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace anytick::scores {

/// What a row may hold.
inline constexpr int64_t when_max = int64_t{1} << 40; ///< s
inline constexpr double offset_max = 4294967296;      ///< s, an era of NTP (RFC 5905 6)
inline constexpr double rtt_max = 1e7;                ///< ms
inline constexpr double step_max = 100;               ///< of either sign: the pool's steps were others before

/// Reads the cells of one record and remembers the first that does not fit. A Cell says whether it is absent(), and is
/// a whole() or any number(), a text() and, for people, shown().
class Fitting {
 public:
  template <class Cell>
  std::optional<int64_t> whole(std::string_view name, const Cell& cell, int64_t least, int64_t most) {
    if (cell.absent()) return {};
    const std::optional<int64_t> value = cell.whole();
    if (value && *value >= least && *value <= most) return value;
    misfit(name, cell.shown(), value ? "is out of range" : "is no whole number");
    return {};
  }

  template <class Cell>
  std::optional<double> number(std::string_view name, const Cell& cell, double least, double most) {
    if (cell.absent()) return {};
    const std::optional<double> value = cell.number();
    if (value && *value >= least && *value <= most) return value;
    misfit(name, cell.shown(), value && !std::isnan(*value) ? "is out of range" : "is no number");
    return {};
  }

  /// The value, which must be there.
  template <class T> T needed(std::string_view name, const std::optional<T>& value) {
    if (value) return *value;
    misfit(name, {}, "is missing");
    return {};
  }

  void misfit(std::string_view name, std::string_view value, std::string_view reason) {
    if (reason_.empty()) name_ = name, value_ = value, reason_ = reason;
  }

  bool fits() const { return reason_.empty(); }
  std::string_view name() const { return name_; }
  std::string_view value() const { return value_; }
  std::string_view reason() const { return reason_; }

 private:
  std::string_view name_, value_, reason_;
};

} // namespace anytick::scores
