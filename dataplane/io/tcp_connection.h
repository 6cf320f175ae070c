#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/path.h"
#include "dataplane/io/file_descriptor.h"

namespace anytick::io {

/// One reading per turn of the sockets thread, handed to all that needs the time.
using Clock = std::chrono::steady_clock;

/// What all connections of a thread use in turn.
struct TcpScratch {
  static constexpr size_t message_max = 2 + 65'535; ///< bytes of a message and its length (RFC 1035 4.2.2)
  /// Answers are sent once there are so many bytes of them: the next query is answered after the client took these.
  static constexpr size_t output_enough = 64 << 10;

  std::array<uint8_t, 16 << 10> input;
  std::array<uint8_t, output_enough + message_max> output;
};

/// How long a client may hold a connection.
struct TcpPatience {
  std::chrono::seconds idle;    ///< since its last whole query, and since it last took part of an answer
  std::chrono::seconds message; ///< for the rest of a query whose first bytes are there
  std::chrono::seconds total;   ///< whatever it does
};

/// A client's DNS over TCP (RFC 7766): queries with a length in front, any number in a row, answered in their order.
/// Holds memory only while a query is partly there or answers wait for the client to take them. Both are bounded: it
/// reads nothing while answers wait, so there are at most a message and `TcpScratch::input` bytes of queries (in twice
/// as many bytes of memory) and `TcpScratch::output` bytes of answers. Not thread-safe.
class TcpConnection {
 public:
  /// What it waits for.
  enum class State : uint8_t {
    readable,
    writable,
    over, ///< nothing: it is to be closed
  };

  TcpConnection(FileDescriptor socket, const geo::Address& client, Clock::time_point now);

  /// Answers what is there, as far as the client takes answers. When the client has shut down its side, all that it
  /// asked is still answered. A message too short for a DNS header is the end: there is no telling where the next one
  /// starts. A response (QR) is ignored, as in a datagram: its framing is sound.
  State serve(const core::View& view, core::WorkerState& worker, TcpScratch& scratch, Clock::time_point now);

  /// When it has to be over.
  Clock::time_point deadline(const TcpPatience& patience) const;
  size_t buffered() const { return input_.capacity() + output_.capacity(); } ///< bytes of memory
  int socket() const { return socket_.get(); }
  const geo::Address& client() const { return client_.address; }
  Clock::time_point active() const { return active_; }

 private:
  enum class Sent : uint8_t { all, some, broken };
  enum class Received : uint8_t { some, nothing_yet, broken };

  Sent send(std::span<const uint8_t> bytes);
  Sent send_rest();
  Received receive(TcpScratch& scratch);
  size_t answer(const core::View& view, core::WorkerState& worker, TcpScratch& scratch);
  Sent answer_all(const core::View& view, core::WorkerState& worker, TcpScratch& scratch);

  FileDescriptor socket_;
  core::Client client_;
  bool ended_ = false; ///< nothing more is read
  Clock::time_point accepted_;
  Clock::time_point active_;
  Clock::time_point started_;   ///< when the query that is partly there began
  Clock::time_point now_;       ///< of the call under way
  std::vector<uint8_t> input_;  ///< read, not answered
  std::vector<uint8_t> output_; ///< not taken yet
};

} // namespace anytick::io
