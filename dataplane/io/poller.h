#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include <sys/epoll.h>

#include "dataplane/io/file_descriptor.h"

namespace anytick::io {

/// What an event is about: the base of what an epoll instance watches. It stays where it is while it is watched.
struct Watched {
  enum class Kind : uint8_t { stop, dns, ntp, listener, connection };
  Kind kind;
};

/// An epoll instance, level-triggered.
class Poller {
 public:
  static constexpr int events_max = 64;

  Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

  /// Whether it was possible; errno says why not. `events` is EPOLLIN, EPOLLOUT or 0.
  bool add(int fd, uint32_t events, Watched& watched) { return control(EPOLL_CTL_ADD, fd, events, watched); }
  void change(int fd, uint32_t events, Watched& watched) { control(EPOLL_CTL_MOD, fd, events, watched); }
  /// For a file that others hold, too: else its end is enough.
  void remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  /// Valid until the next call. Nothing, if nothing happens within `patience`; a negative one waits for as long as it
  /// takes.
  std::span<const epoll_event> wait(std::chrono::milliseconds patience) {
    const int count = ::epoll_wait(epoll_.get(), events_.data(), events_max, static_cast<int>(patience.count()));
    return {events_.data(), static_cast<size_t>(std::max(count, 0))};
  }

 private:
  bool control(int operation, int fd, uint32_t events, Watched& watched) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &watched;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
  }

  FileDescriptor epoll_;
  std::array<epoll_event, events_max> events_;
};

} // namespace anytick::io
