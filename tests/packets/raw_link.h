#pragma once

#include <optional>
#include <string>

#include "dataplane/io/file_descriptor.h"
#include "tests/packets/wire.h"

namespace anytick::test {

/// Whole frames to and from a Linux interface (packet(7)).
class RawLink {
 public:
  /// Throws std::system_error.
  explicit RawLink(const std::string& interface);

  /// Throws std::system_error. Frames shorter than an Ethernet header are refused by the kernel.
  void send(const Bytes& frame) const;

  /// The next frame that came in, VLAN tags where they were on the wire; nothing when none came within ten seconds.
  std::optional<Bytes> receive() const;

 private:
  io::FileDescriptor socket_;
};

} // namespace anytick::test
