#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dataplane/config.h"

namespace anytick::io {

/// Gives a network interface of the kernel its MTU (bytes of an IP packet) and its addresses, which are usable at once
/// (IPv6 without duplicate address detection: other POPs have them, too), and sets it up. What comes to
/// one address in a frame to many stations is dropped there, as far as /proc/sys lets us. Control thread only.
std::optional<Refusal> set_up_link(const std::string& interface, uint16_t mtu,
                                   std::span<const InterfaceAddress> addresses);

} // namespace anytick::io
