#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dataplane/io/clock_report.h"
#include "dataplane/io/service_socket.h"
#include "geo/refusal.h"

/// chronyd's command protocol, version 6 (candm.h of chrony 2.0 to 4.5): its tracking report.
namespace anytick::io {

inline constexpr size_t tracking_bytes = 104; ///< of request and reply
using TrackingRequest = std::array<uint8_t, tracking_bytes>;

TrackingRequest tracking_request(uint32_t sequence);
/// Refuses what is no reply to that request, what chronyd refuses, and values that cannot be.
Result<ClockReport> parse_tracking(std::span<const uint8_t> reply, uint32_t sequence);

/// Where chronyd listens: the path of its Unix socket, or a loopback address and port ("127.0.0.1:323", "[::1]:323").
/// Nothing for what is neither.
struct ChronyAddress {
  std::string path; ///< empty: UDP
  Endpoint udp;
};
std::optional<ChronyAddress> parse_chrony_address(const std::string& text);

/// Makes a socket of ours writable for everybody. The directory is another user's, who may have put something else in
/// its place, which is left as it is: a link, or what is no socket or not ours. False; errno says why.
bool let_all_write(const std::string& path);
/// Removes the sockets beside chronyd's by which nobody asks any more: a process that was killed left them.
void remove_left_behind(const std::string& chronyd);

/// Asks one chronyd. One thread.
class ChronyClient {
 public:
  explicit ChronyClient(ChronyAddress address) : address_(std::move(address)) {}
  ChronyClient(const ChronyClient&) = delete;
  ChronyClient& operator=(const ChronyClient&) = delete;
  ~ChronyClient();

  /// Waits for `patience` at most.
  Result<ClockReport> ask(std::chrono::milliseconds patience);

 private:
  std::optional<Refusal> connect();
  std::optional<Refusal> connect_unix();
  std::optional<Refusal> connect_udp();
  void disconnect();
  Refusal refusal(const std::string& reason) const;

  const ChronyAddress address_;
  FileDescriptor socket_{-1};
  std::string own_path_; ///< of our Unix socket, which chronyd answers to
  bool swept_ = false;   ///< what others left beside it is gone
  uint32_t sequence_ = 0;
};

} // namespace anytick::io
