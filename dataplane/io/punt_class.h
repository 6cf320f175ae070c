#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace anytick::io {

/// What a frame for the kernel is worth: each class has a rate limit of its own, so that no flood of one takes another.
enum class PuntClass : uint8_t {
  other,
  network, ///< what keeps the POP reachable: ARP, neighbour discovery, multicast listeners, BGP, BFD
  icmp,    ///< ping, and errors
};
inline constexpr size_t punt_classes = 3;

/// By the first bytes of a frame, Ethernet header included, of whatever length. Reads nothing outside them.
PuntClass punt_class(std::span<const uint8_t> frame);

} // namespace anytick::io
