#include "dataplane/core/frame.h"
#include "tests/packets/cases.h"
#include "tests/packets/world.h"

namespace anytick::test {

std::optional<Asked> asked_by(const PacketCase& row) {
  Bytes frame = row.frame;
  core::Datagram datagram{};
  const core::Frame parsed{
      .data = frame.data(), .length = static_cast<uint32_t>(frame.size()), .room = static_cast<uint32_t>(frame.size())};
  if (core::parse_frame(parsed, ingress_of_cases(), datagram) != core::Counter::count_) return std::nullopt;
  if (datagram.service != core::Service::dns) return std::nullopt;
  const auto payload = frame.begin() + datagram.payload_at();
  return Asked{geo::to_text(datagram.source), datagram.source.family == geo::Family::ipv6,
               Bytes(payload, payload + datagram.payload_length)};
}

} // namespace anytick::test
