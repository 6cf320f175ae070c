#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/load/datagram.h"

namespace anytick::bench {

/// Frames are numbered in the order in which they are sent, modulo this.
inline constexpr uint32_t numbers = 1u << 31;
/// Replies are taken to so many of them that were sent last.
inline constexpr uint32_t window_max = 1 << 18;
/// Bytes of the longest frame, without its check sequence.
inline constexpr size_t frame_max = 1514;

/// What is sent, and what its replies must be. One thread.
class Traffic {
 public:
  struct Written {
    size_t length; ///< bytes; 0: nothing is to be sent now
    bool expects;  ///< a reply
  };

  virtual ~Traffic() = default;
  /// Writes the frame, with right checksums where they are made here. `to` has room for frame_max bytes.
  virtual Written write(uint32_t number, uint8_t* to) = 0;
  /// The frame that it replies to, if there may be such.
  virtual std::optional<uint32_t> number_of(const Datagram& reply) const = 0;
  /// What is wrong with the reply to the frame that number_of() told, or nullptr.
  virtual const char* fault_of(uint32_t number, const Datagram& reply) = 0;
  /// What the frame asks for, to people.
  virtual std::string name_of(uint32_t number) const = 0;
  /// The frame that was written is answered, or given up.
  virtual void settle(uint32_t) {}
};

} // namespace anytick::bench
