#include "dataplane/io/tcp_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"

namespace anytick::io {
namespace {

using core::Counter;

// Then it is another connection's turn; what is left is still readable.
constexpr int reads_in_a_row = 4;

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

TcpConnection::TcpConnection(FileDescriptor socket, const geo::Address& client, Clock::time_point now)
    : socket_(std::move(socket)), client_{client, false}, accepted_(now), active_(now), started_(now), now_(now) {}

TcpConnection::State TcpConnection::serve(const core::View& view, core::WorkerState& worker, TcpScratch& scratch,
                                          Clock::time_point now) {
  now_ = now;
  Sent sent = send_rest();
  for (int reads = 0;; ++reads) {
    if (sent == Sent::all) sent = answer_all(view, worker, scratch);
    if (sent == Sent::broken) return State::over;
    if (sent == Sent::some) return State::writable;
    if (ended_) return State::over;
    if (reads == reads_in_a_row) return State::readable;
    switch (receive(scratch)) {
    case Received::some:
      break;
    case Received::nothing_yet:
      return State::readable;
    case Received::broken:
      return State::over;
    }
  }
}

Clock::time_point TcpConnection::deadline(const TcpPatience& patience) const {
  const bool within_query = output_.empty() && !input_.empty();
  return std::min(accepted_ + patience.total, within_query ? started_ + patience.message : active_ + patience.idle);
}

/// What the socket does not take is kept.
TcpConnection::Sent TcpConnection::send(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (!would_block()) return Sent::broken;
      output_.assign(bytes.begin(), bytes.end());
      return Sent::some;
    }
    active_ = now_;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return Sent::all;
}

TcpConnection::Sent TcpConnection::send_rest() {
  const std::vector<uint8_t> rest = std::exchange(output_, {});
  return send(rest);
}

TcpConnection::Received TcpConnection::receive(TcpScratch& scratch) {
  const ssize_t count = ::recv(socket_.get(), scratch.input.data(), scratch.input.size(), 0);
  if (count < 0) return would_block() ? Received::nothing_yet : Received::broken;
  if (count == 0) ended_ = true;
  if (input_.empty()) started_ = now_;
  input_.insert(input_.end(), scratch.input.begin(), scratch.input.begin() + count);
  return Received::some;
}

/// Answers whole queries into scratch.output until they are used up or it has enough; returns its bytes.
size_t TcpConnection::answer(const core::View& view, core::WorkerState& worker, TcpScratch& scratch) {
  size_t at = 0;
  size_t written = 0;
  while (written < TcpScratch::output_enough && input_.size() - at >= 2) {
    const size_t length = core::load_big16(&input_[at]);
    if (input_.size() - at - 2 < length) break;
    uint8_t* reply = &scratch.output[written];
    std::memcpy(reply + 2, &input_[at] + 2, length);
    at += 2 + length;
    active_ = started_ = now_;
    worker.counters.add(Counter::tcp_queries);
    const size_t reply_length = core::answer(view, worker, client_, reply + 2, length, TcpScratch::message_max - 2);
    if (reply_length > 0) {
      core::store_big16(reply, static_cast<uint16_t>(reply_length));
      written += 2 + reply_length;
    } else if (length < core::dns::header_bytes) {
      worker.counters.add(Counter::tcp_malformed);
      ended_ = true;
      at = input_.size();
    }
  }
  // What is left gets memory of its own size, or none: erase() would keep all of it.
  if (at > 0) input_ = std::vector<uint8_t>(input_.begin() + static_cast<ptrdiff_t>(at), input_.end());
  return written;
}

/// Answers the whole queries that are there, as long as their answers are taken.
TcpConnection::Sent TcpConnection::answer_all(const core::View& view, core::WorkerState& worker, TcpScratch& scratch) {
  while (true) {
    const size_t written = answer(view, worker, scratch);
    const Sent sent = send({scratch.output.data(), written});
    if (sent != Sent::all || written < TcpScratch::output_enough) return sent;
  }
}

} // namespace anytick::io
