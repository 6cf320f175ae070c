#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "bench/load/datagram.h"
#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"

namespace anytick::bench {

/// Fills in fields of a UDP datagram's frame that are zero in it, and its checksums, which are right of the zeros.
class Edit {
 public:
  static constexpr size_t payload_at(bool ipv6) { return ethernet_bytes + (ipv6 ? 40 : 20) + udp_bytes; }

  Edit(uint8_t* frame, bool ipv6) : frame_(frame), payload_at_(payload_at(ipv6)) {}

  size_t payload_at() const { return payload_at_; }
  /// A field of the UDP datagram, where it stands in the frame, in the order of the wire.
  template <std::unsigned_integral T> void set(size_t at, T wire) {
    core::store(frame_ + at, wire);
    // The headers before UDP's have an even length.
    change_ = core::add_word(change_, core::sum_at(at, wire));
  }
  void set_source(const geo::Address& source, uint16_t port) {
    const uint8_t* const bytes = source.bytes.data();
    if (source.family == geo::Family::ipv4) {
      const auto address = core::load<uint32_t>(bytes);
      set(ethernet_bytes + 12, address);
      add_to_sum(frame_ + ethernet_bytes + 10, address);
    } else {
      set(ethernet_bytes + 8, core::load<uint64_t>(bytes));
      set(ethernet_bytes + 16, core::load<uint64_t>(bytes + 8));
    }
    set(payload_at_ - udp_bytes, core::big16(port));
  }
  /// After all of them.
  void finish() { add_to_sum(frame_ + payload_at_ - 2, change_); }

 private:
  static void add_to_sum(uint8_t* at, uint64_t more) {
    const uint64_t sum = core::add_word(static_cast<uint16_t>(~core::load<uint16_t>(at)), more);
    const auto checksum = static_cast<uint16_t>(~core::fold_sum(sum));
    core::store(at, checksum != 0 ? checksum : uint16_t{0xffff}); // RFC 768
  }

  uint8_t* frame_;
  size_t payload_at_;
  uint64_t change_ = 0;
};

} // namespace anytick::bench
