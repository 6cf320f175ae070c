#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/path.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/world.h"

/// The packet path, asked for the time.
namespace anytick::test {

inline constexpr int64_t second = 1'000'000'000;
inline constexpr size_t ntp_payload_at = 14 + 20 + 8; ///< of a frame over IPv4

/// No room to grow.
inline core::Frame tight_frame(Bytes& bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  core::Frame frame;
  frame.data = bytes.data();
  frame.length = size;
  frame.room = size;
  return frame;
}

inline Bytes request_frame(const NtpMessage& message, const char* from = "192.0.2.1") {
  return Packet{.payload = message.bytes(), .from = from, .to_port = 123}.bytes();
}

/// A worker that is asked frame by frame, or in bursts.
struct NtpServer {
  NtpServer() : worker(1) { set_up_ntp(worker); }

  /// The payloads of the replies, of those that there are.
  std::vector<Bytes> ask_all(std::vector<Bytes> frames, const core::Ingress& ingress = ingress_of_cases()) {
    std::vector<core::Frame> burst;
    for (Bytes& frame : frames) burst.push_back(tight_frame(frame));
    core::handle(World::of_cases().view(), ingress, worker, burst);
    core::depart(worker, ingress, worker.clock.now + leaves_after, 100);
    std::vector<Bytes> replies;
    for (const core::Frame& frame : burst)
      if (frame.verdict == core::Verdict::reply)
        replies.emplace_back(frame.data + ntp_payload_at, frame.data + frame.length);
    return replies;
  }
  std::optional<Bytes> ask(const NtpMessage& message, const char* from = "192.0.2.1") {
    const auto replies = ask_all({request_frame(message, from)});
    return replies.empty() ? std::nullopt : std::optional(replies.front());
  }
  /// As render_ntp() shows it, up to the first "|".
  std::string state() {
    const NtpMessage message;
    const std::string text = render_ntp(message.bytes(), ask(message).value());
    return text.substr(0, text.find(" | "));
  }
  uint64_t count(core::Counter counter) const { return worker.counters.get(counter); }

  core::WorkerState worker;
  core::NtpTime leaves_after = core::ntp_duration(5'000);
};

inline core::NtpTime receive_of(const Bytes& reply) {
  return get64(reply, 32);
}
inline core::NtpTime transmit_of(const Bytes& reply) {
  return get64(reply, 40);
}

} // namespace anytick::test
