#include "tests/unit/io_fake_chronyd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/core/bytes.h"
#include "dataplane/io/service_socket.h"
#include "tests/unit/io_tracking_reply.h"

namespace anytick::io::test {
namespace {

constexpr int look_for_stop_ms = 5;

/// As bind() takes it; its length.
socklen_t to_socket(const ChronyAddress& address, sockaddr_storage& out) {
  if (address.path.empty()) return to_sockaddr(address.udp, out);
  const sockaddr_un path = to_sockaddr(address.path);
  std::memcpy(&out, &path, sizeof path);
  return sizeof path;
}

/// A bound socket, and the port that it has got.
FileDescriptor listen_at(ChronyAddress& address) {
  sockaddr_storage at{};
  const socklen_t size = to_socket(address, at);
  FileDescriptor socket(::socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0)
    throw std::runtime_error("a fake chronyd cannot listen");
  if (address.path.empty()) address.udp = bound_endpoint(socket);
  return socket;
}

} // namespace

const char* FakeChronyd::name(At at) {
  return at == At::unix_socket ? "unix_socket" : at == At::ipv4 ? "ipv4" : "ipv6";
}

FakeChronyd::FakeChronyd(At at) : at_(at) {
  if (at == At::unix_socket) {
    address_.path = directory_.path() / "chronyd.sock";
  } else {
    address_.udp.address = *geo::parse_address(at == At::ipv4 ? "127.0.0.1" : "::1");
  }
  comes();
}

FakeChronyd::~FakeChronyd() {
  goes();
}

void FakeChronyd::says(const ClockReport& report) {
  const std::lock_guard lock(mutex_);
  report_ = report;
  bytes_.clear();
}

void FakeChronyd::says_bytes(std::vector<uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  bytes_ = std::move(bytes);
}

void FakeChronyd::echoes_the_last_first() {
  const std::lock_guard lock(mutex_);
  echoes_ = true;
}

void FakeChronyd::is_silent(bool silent) {
  const std::lock_guard lock(mutex_);
  silent_ = silent;
}

void FakeChronyd::comes() {
  thread_ =
      std::jthread([this, socket = listen_at(address_)](const std::stop_token& stop) { run(socket.get(), stop); });
}

void FakeChronyd::goes() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (at_ == At::unix_socket) ::unlink(address_.path.c_str());
}

unsigned FakeChronyd::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

unsigned FakeChronyd::client_mode() const {
  const std::lock_guard lock(mutex_);
  return client_mode_;
}

size_t FakeChronyd::files() const {
  const std::filesystem::directory_iterator all(directory_.path());
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

void FakeChronyd::run(int socket, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd wait{socket, POLLIN, 0};
    if (::poll(&wait, 1, look_for_stop_ms) > 0) answer(socket);
  }
}

void FakeChronyd::answer(int socket) {
  std::array<uint8_t, 2048> question;
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const ssize_t length =
      ::recvfrom(socket, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  const std::lock_guard lock(mutex_);
  const uint32_t sequence = core::load_big32(&question[8]);
  // Nothing else was promised an answer.
  if (length != static_cast<ssize_t>(tracking_bytes) ||
      !std::equal(question.begin(), question.begin() + length, tracking_request(sequence).begin()))
    return;
  ++questions_;
  if (from.ss_family == AF_UNIX) {
    struct stat status {};
    ::stat(reinterpret_cast<const sockaddr_un&>(from).sun_path, &status);
    client_mode_ = status.st_mode & 0777;
  }
  const auto send = [&](const auto& bytes) {
    ::sendto(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&from), size);
  };
  const uint32_t last = std::exchange(last_sequence_, sequence);
  if (silent_) return;
  if (!bytes_.empty()) return send(bytes_);
  if (echoes_) {
    ClockReport old = report_;
    old.stratum = 2;
    send(tracking_reply(old, last));
  }
  send(tracking_reply(report_, sequence));
}

} // namespace anytick::io::test
