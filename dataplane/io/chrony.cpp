#include "dataplane/io/chrony.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/bytes.h"
#include "geo/text.h"

namespace anytick::io {
namespace {

using core::load_big16;
using core::load_big32;
using core::store_big16;
using core::store_big32;

constexpr uint8_t protocol_version = 6;
constexpr uint8_t type_request = 1;
constexpr uint8_t type_reply = 2;
constexpr uint16_t request_tracking = 33;
constexpr uint16_t reply_tracking = 5;
constexpr uint32_t no_high_seconds = 0x7fffffff; // of a chronyd whose time_t has 32 bits

constexpr uint16_t leap_unsynchronised = 3;
constexpr std::string_view own_infix = ".anytickd."; // of our socket's name: behind it is the process id
constexpr size_t own_suffix_max = 20;
constexpr double correction_max = 1e6; // s; what is more is no correction

/// A number of 7 bits of exponent and 25 of coefficient, both in two's complement.
double load_float(const uint8_t* from) {
  const auto bits = static_cast<int32_t>(load_big32(from));
  const int exponent = bits >> 25;
  const int coefficient = static_cast<int32_t>(static_cast<uint32_t>(bits) << 7) >> 7;
  return std::ldexp(coefficient, exponent - 25);
}

/// Nanoseconds since 1970; negative for what is none.
int64_t load_time(const uint8_t* from) {
  const uint32_t high = load_big32(from);
  const uint64_t seconds = uint64_t{high == no_high_seconds ? 0 : high} << 32 | load_big32(from + 4);
  const uint32_t nanoseconds = load_big32(from + 8);
  constexpr uint64_t seconds_max = uint64_t{1} << 33; // the year 2242: fits into nanoseconds
  if (seconds >= seconds_max || nanoseconds >= 1'000'000'000) return -1;
  return static_cast<int64_t>(seconds) * 1'000'000'000 + nanoseconds;
}

bool is_in(double value, double least, double most) {
  return value >= least && value <= most;
}

/// Why these are no values of a clock that is synchronised, or "".
std::string fault_of(const ClockReport& report) {
  if (report.stratum < 1 || report.stratum > 15) return fmt::format("stratum {}", report.stratum);
  if (report.reference_time <= 0) return "reference time";
  if (!is_in(report.root_delay, 0, 65536)) return fmt::format("root delay {}", report.root_delay);
  if (!is_in(report.root_dispersion, 0, 65536)) return fmt::format("root dispersion {}", report.root_dispersion);
  if (!is_in(report.correction, -correction_max, correction_max))
    return fmt::format("correction {}", report.correction);
  return "";
}

} // namespace

TrackingRequest tracking_request(uint32_t sequence) {
  TrackingRequest request{protocol_version, type_request};
  store_big16(&request[4], request_tracking);
  store_big32(&request[8], sequence);
  return request;
}

Result<ClockReport> parse_tracking(std::span<const uint8_t> reply, uint32_t sequence) {
  const auto refuse = [](const std::string& reason) { return Refusal{"chronyd's reply", "", reason}; };
  if (reply.size() < 28) return refuse(fmt::format("has {} bytes", reply.size()));
  const uint8_t* bytes = reply.data();
  if (bytes[0] != protocol_version) return refuse(fmt::format("is of protocol version {}", bytes[0]));
  if (bytes[1] != type_reply || load_big16(bytes + 4) != request_tracking) return refuse("is to no such request");
  if (load_big32(bytes + 16) != sequence) return refuse("is to another request");
  if (const uint16_t status = load_big16(bytes + 8); status != 0) return refuse(fmt::format("says error {}", status));
  if (load_big16(bytes + 6) != reply_tracking || reply.size() != tracking_bytes) return refuse("is no tracking report");
  const uint16_t stratum = load_big16(bytes + 52), leap = load_big16(bytes + 54);
  if (leap > leap_unsynchronised || stratum > 255) return refuse(fmt::format("has leap {}, stratum {}", leap, stratum));
  ClockReport report;
  report.synchronised = leap != leap_unsynchronised;
  if (!report.synchronised) return report;
  report.leap = static_cast<uint8_t>(leap);
  report.stratum = static_cast<uint8_t>(stratum);
  report.refid = core::load<uint32_t>(bytes + 28);
  report.reference_time = load_time(bytes + 56);
  report.correction = load_float(bytes + 68);
  report.root_delay = load_float(bytes + 92);
  report.root_dispersion = load_float(bytes + 96);
  if (const std::string fault = fault_of(report); !fault.empty()) return refuse("has a false " + fault);
  return report;
}

std::optional<ChronyAddress> parse_chrony_address(const std::string& text) {
  if (text.starts_with('/'))
    return text.size() + own_suffix_max <= socket_path_max ? std::optional(ChronyAddress{text, {}}) : std::nullopt;
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return std::nullopt;
  const geo::Address& address = endpoint->address;
  const bool ipv4 = address.family == geo::Family::ipv4;
  const bool loopback = ipv4 ? address.bytes[0] == 127 : address == geo::Address::ipv6(0, 1);
  return loopback ? std::optional(ChronyAddress{"", *endpoint}) : std::nullopt;
}

bool let_all_write(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return false;
  if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1) {
    errno = EPERM;
    return false;
  }
  // fchmod() does not take a descriptor that was opened for its path alone.
  return ::chmod(fmt::format("/proc/self/fd/{}", file.get()).c_str(), 0666) == 0;
}

void remove_left_behind(const std::string& chronyd) {
  const std::filesystem::path path(chronyd);
  const std::string prefix = path.filename().string() + std::string(own_infix);
  std::error_code fault;
  for (std::filesystem::directory_iterator file(path.parent_path(), fault), end; !fault && file != end;
       file.increment(fault)) {
    const std::string one = file->path().string();
    std::error_code gone;
    if (!file->path().filename().string().starts_with(prefix) || one.size() > socket_path_max ||
        file->symlink_status(gone).type() != std::filesystem::file_type::socket)
      continue;
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_un address = to_sockaddr(file->path());
    // Whoever lives is there to be connected to, or has a peer already.
    if (socket.is_open() && ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno == ECONNREFUSED)
      ::unlink(one.c_str());
  }
}

ChronyClient::~ChronyClient() {
  disconnect();
}

void ChronyClient::disconnect() {
  socket_ = FileDescriptor(-1);
  if (!own_path_.empty()) ::unlink(own_path_.c_str());
  own_path_.clear();
}

Refusal ChronyClient::refusal(const std::string& reason) const {
  const auto& [path, udp] = address_;
  return {"chronyd", path.empty() ? fmt::format("{} port {}", geo::to_text(udp.address), udp.port) : path, reason};
}

std::optional<Refusal> ChronyClient::connect() {
  if (socket_.is_open()) return std::nullopt;
  return address_.path.empty() ? connect_udp() : connect_unix();
}

std::optional<Refusal> ChronyClient::connect_unix() {
  socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // chronyd answers to a path. It is another user, so that the socket is writable for all, as chronyc's is.
  const std::string own = fmt::format("{}{}{}", address_.path, own_infix, ::getpid());
  const sockaddr_un ours = to_sockaddr(own), theirs = to_sockaddr(address_.path);
  ::unlink(own.c_str());
  if (!socket_.is_open() || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&ours), sizeof ours) != 0) {
    const int error = errno;
    disconnect();
    return refusal(fmt::format("a socket beside its own: {}", std::strerror(error)));
  }
  own_path_ = own;
  if (!std::exchange(swept_, true)) remove_left_behind(address_.path);
  if (let_all_write(own) && ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&theirs), sizeof theirs) == 0)
    return std::nullopt;
  const int error = errno;
  disconnect();
  return refusal(std::strerror(error));
}

std::optional<Refusal> ChronyClient::connect_udp() {
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(address_.udp, address);
  socket_ = FileDescriptor(::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_.is_open() && ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0)
    return std::nullopt;
  const int error = errno;
  disconnect();
  return refusal(std::strerror(error));
}

Result<ClockReport> ChronyClient::ask(std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  if (auto fault = connect()) return std::move(*fault);
  const auto give_up = [&](const std::string& reason) {
    disconnect(); // a chronyd that was started again has another socket
    return refusal(reason);
  };
  const TrackingRequest request = tracking_request(++sequence_);
  if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return give_up(std::strerror(errno));
  const auto end = Clock::now() + patience;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wait{socket_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return give_up("does not answer");
    std::array<uint8_t, tracking_bytes + 1> reply;
    const ssize_t length = ::recv(socket_.get(), reply.data(), reply.size(), 0);
    if (length < 0) return give_up(std::strerror(errno));
    const std::span<const uint8_t> received(reply.data(), static_cast<size_t>(length));
    // One to a request that was given up came late.
    if (length >= 28 && load_big32(&reply[16]) != sequence_) continue;
    return parse_tracking(received, sequence_);
  }
}

} // namespace anytick::io
