#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/io/chrony.h"
#include "dataplane/io/clock_report.h"
#include "tests/unit/io_fixture.h"

/// Answers as chronyd does, on a real socket, what it is told to.
namespace anytick::io::test {

class FakeChronyd {
 public:
  enum class At : uint8_t { unix_socket, ipv4, ipv6 };
  static const char* name(At at);

  explicit FakeChronyd(At at);
  FakeChronyd(const FakeChronyd&) = delete;
  FakeChronyd& operator=(const FakeChronyd&) = delete;
  ~FakeChronyd();

  /// Stays the same when it goes and comes again.
  ChronyAddress address() const { return address_; }

  /// To every question from now on.
  void says(const ClockReport& report);
  void says_bytes(std::vector<uint8_t> bytes);
  /// Before each answer the one to the question before.
  void echoes_the_last_first();
  void is_silent(bool silent);
  void goes();
  void comes();

  unsigned questions() const;
  /// Permissions of the socket of who asked last.
  unsigned client_mode() const;
  /// In the directory of its Unix socket.
  size_t files() const;

 private:
  void run(int socket, const std::stop_token& stop);
  void answer(int socket);

  const At at_;
  ScratchDirectory directory_; ///< of its Unix socket
  ChronyAddress address_;
  mutable std::mutex mutex_;
  ClockReport report_;
  std::vector<uint8_t> bytes_; ///< not empty: instead of the report
  bool silent_ = false;
  bool echoes_ = false;
  uint32_t last_sequence_ = 0;
  unsigned questions_ = 0;
  unsigned client_mode_ = 0;
  std::jthread thread_;
};

} // namespace anytick::io::test
