#include "dataplane/io/kernel_path.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include <pthread.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace anytick::io {
namespace {

constexpr long nap_nanoseconds = 100'000;
/// So long, 10 ms, the thread looks by itself, so that a steady stream costs workers no system call.
constexpr unsigned naps_before_sleep = 100;

sigset_t twin_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) sigaddset(&signals, number);
  return signals;
}

} // namespace

void block_twin_signals() {
  sigset_t signals = twin_signals();
  // What the kernel sends instead when too many of the others are queued. It would end the process.
  sigaddset(&signals, SIGIO);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

KernelPath::KernelPath() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

bool KernelPath::wait_for(int fd) const {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

Result<std::unique_ptr<KernelPath>> KernelPath::open(const std::vector<std::unique_ptr<Port>>& ports) {
  std::unique_ptr<KernelPath> path(new KernelPath);
  if (!path->wait_for(path->bell_.fd())) return Refusal{"kernel path", "", std::strerror(errno)};
  bool twins = false;
  for (size_t i = 0; i < ports.size(); ++i) {
    path->ways_.emplace_back();
    if (ports[i]->config().kernel.interface.empty()) continue;
    if (auto refusal = path->add(*ports[i], i)) return std::move(*refusal);
    twins = true;
  }
  if (twins) path->thread_ = std::jthread([path = path.get()](const std::stop_token& stop) { path->run(stop); });
  return path;
}

std::optional<Refusal> KernelPath::add(const Port& port, size_t index) {
  auto way = std::make_unique<Way>();
  way->port = &port;
  // Some devices receive frames that are longer than the MTU asks for.
  const uint32_t frame_bytes = rte_pktmbuf_data_room_size(port.pool(0)) - RTE_PKTMBUF_HEADROOM;
  Result<std::unique_ptr<KernelLane>> lane = KernelLane::create(port.id(), frame_bytes, twin_descriptors, bell_);
  if (!lane) return lane.refusal();
  way->lane = std::move(*lane);
  Result<std::unique_ptr<KernelTwin>> twin =
      KernelTwin::open(port.config(), port.ingress().mac, way->lane->kernel_pool());
  if (!twin) return twin.refusal();
  way->twin = std::move(*twin);
  all_tell_ &= way->twin->fd() >= 0 && wait_for(way->twin->fd());
  ways_[index] = std::move(way);
  return std::nullopt;
}

KernelPath::~KernelPath() {
  thread_.request_stop();
  bell_.wake();
  if (thread_.joinable()) thread_.join();
  ::close(epoll_);
}

KernelShare KernelPath::share(size_t port, unsigned worker, unsigned workers) const {
  const Way* way = ways_[port].get();
  if (way == nullptr) return {};
  // What the kernel sends stays in order if one worker sends all of it; ports take turns in burdening workers with it.
  const bool sends = port % workers == worker;
  const uint64_t limit = way->port->config().kernel.frames_per_second;
  return {way->lane.get(), (limit + workers - 1) / workers,
          sends ? way->port->pool(static_cast<uint16_t>(worker)) : nullptr};
}

void KernelPath::watch() {
  for (const auto& way : ways_) {
    if (way == nullptr) continue;
    const uint64_t refused = way->refused.load(std::memory_order_relaxed);
    if (refused != way->refused_known) {
      spdlog::warn("{}: the kernel refused {} frames", way->twin->interface(), refused - way->refused_known);
    }
    way->refused_known = refused;
  }
}

void KernelPath::run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "kernel-path");
  const sigset_t signals = twin_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  unsigned idle = 0;
  while (!stop.stop_requested()) {
    const Progress progress = carry();
    idle = progress == Progress::none ? std::min(idle + 1, naps_before_sleep + 1) : 0;
    if (progress == Progress::blocked || (idle > 0 && idle <= naps_before_sleep)) nap();
    if (idle > naps_before_sleep) sleep();
  }
}

/// One burst each way by every twin.
KernelPath::Progress KernelPath::carry() {
  Progress progress = Progress::none;
  for (const auto& way : ways_) {
    if (way == nullptr) continue;
    std::array<rte_mbuf*, core::burst_max> frames;
    const unsigned count = way->lane->take_punts(frames);
    const uint16_t taken = way->twin->send(std::span(frames.data(), count));
    if (taken < count) way->refused.fetch_add(count - taken, std::memory_order_relaxed);
    progress = std::max(progress, count > 0 ? Progress::carried : Progress::none);
    progress = std::max(progress, carry_from_kernel(*way));
  }
  return progress;
}

/// Frames that the worker has no room for stay in the twin's queue, where the kernel bounds and counts them.
KernelPath::Progress KernelPath::carry_from_kernel(Way& way) {
  std::array<rte_mbuf*, core::burst_max> frames;
  const size_t room = std::min<size_t>(way.lane->room(), frames.size());
  if (room == 0) return Progress::blocked;
  const uint16_t count = way.twin->receive(std::span(frames.data(), room));
  if (count == 0) return Progress::none;
  way.lane->give(std::span(frames.data(), count));
  return Progress::carried;
}

bool KernelPath::has_punts() const {
  return std::ranges::any_of(ways_, [](const auto& way) { return way != nullptr && way->lane->has_punts(); });
}

/// Until the kernel sends, or not for long.
void KernelPath::nap() const {
  epoll_event event{};
  const timespec patience{0, nap_nanoseconds};
  ::epoll_pwait2(epoll_, &event, 1, &patience, nullptr);
}

/// Until the kernel sends or a worker rings. Everything that was told before the wait is found by the wait: descriptors
/// keep their edge, and who rings after doze() finds us asleep.
void KernelPath::sleep() {
  if (!all_tell_) return nap();
  bell_.doze();
  epoll_event event{};
  if (!has_punts()) ::epoll_wait(epoll_, &event, 1, -1);
  bell_.rise();
}

} // namespace anytick::io
