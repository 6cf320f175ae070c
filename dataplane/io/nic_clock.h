#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/snapshot.h"

/// What a NIC's own clock says in TSC. Nothing here reads a clock: readings are handed in.
namespace anytick::io {

/// The device's clock, read between two looks at the TSC. Its unit and epoch are the device's own.
struct NicReading {
  uint64_t before = 0; ///< TSC
  uint64_t device = 0;
  uint64_t after = 0; ///< TSC
};

/// From stamps of a NIC to TSC. Default constructed it knows nothing.
struct NicLine {
  uint64_t device = 0;     ///< a point of the line
  uint64_t tsc = 0;        ///< the same one
  double ticks = 0;        ///< TSC, of each unit of the device
  uint64_t spare = 0;      ///< bits of 64 that the device does not count with
  uint64_t good_until = 0; ///< TSC
  uint64_t reach = 0;      ///< TSC: no frame has waited for longer
  uint64_t slack = 0;      ///< TSC: a stamp may be after `now` by so much, as the line is not exact

  /// The TSC when the frame was stamped, not after `now`, which is TSC after it was received. Nothing where that would
  /// be further ago than a frame waits or in the future: the stamp is of another clock then, or this line is of the
  /// past.
  std::optional<uint64_t> tsc_of(uint64_t stamp, uint64_t now) const {
    if (now >= good_until) return std::nullopt;
    const double ahead = static_cast<double>(static_cast<int64_t>((stamp - device) << spare) >> spare) * ticks;
    const double age = static_cast<double>(static_cast<int64_t>(now - tsc)) - ahead;
    if (!(age >= -static_cast<double>(slack) && age <= static_cast<double>(reach))) return std::nullopt;
    return age > 0 ? now - static_cast<uint64_t>(age) : now;
  }
};

using NicLineCell = core::Snapshot<NicLine>;

/// Learns the line from readings: a fit over the last 32 that single wrong ones do not bend. Devices may count with 32,
/// 40, 48, 56 or 64 bits. Where a reading departs from the line by more than 1 us and 10 ppm, at once nothing is told
/// any more, and after the third a new line is begun: the clock was set, or the device started anew. Smaller steps, and
/// a rate that is steered, are followed. One thread; the line is any thread's.
class NicClock {
 public:
  enum class State : uint8_t {
    learning, ///< nothing is told
    good,
    coarse, ///< it counts in units above 2 us: when the frame was polled is known better, and nothing is told
  };

  explicit NicClock(double tsc_hz);

  /// Whether it is time for the next look: every 100 ms while learning, then each second.
  bool is_due(uint64_t now) const;
  /// Some looks in a row, in order. The quickest counts, but not if it took more than 20 us.
  void feed(std::span<const NicReading> readings);

  State state() const { return state_; }
  /// How often what was learnt has been given up.
  uint64_t restarts() const { return restarts_; }
  /// Of the device's clock, units a second; 0 before it was learnt.
  double hz() const { return line_.ticks > 0 ? tsc_hz_ / line_.ticks : 0; }
  const NicLineCell& line() const { return cell_; }

 private:
  struct Point {
    uint64_t device = 0; ///< as if it counted with 64 bits
    uint64_t tsc = 0;
    double error = 0; ///< TSC, at most
  };

  std::optional<uint64_t> follow(uint64_t device, const Point& read);
  void doubt(const Point& read);
  void restart(const Point& read);
  void add(const Point& point);
  std::optional<NicLine> fit() const;
  bool is_believable(const NicLine& line) const;
  void publish();
  uint64_t ticks_in(double seconds) const { return static_cast<uint64_t>(seconds * tsc_hz_); }

  const double tsc_hz_;
  State state_ = State::learning;
  uint64_t restarts_ = 0;
  uint64_t looked_ = 0; ///< TSC of the last feed(); 0: none
  uint64_t last_ = 0;   ///< the device's, as read
  unsigned doubts_ = 0; ///< readings in a row that do not follow the line
  unsigned spare_ = 0;  ///< of 64 bits
  std::vector<Point> points_;
  NicLine line_; ///< its ticks are 0 before it was learnt
  NicLineCell cell_;
};

} // namespace anytick::io
