#include "dataplane/io/policy_compiler.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/io/file_descriptor.h"
#include "dataplane/io/policy_outcome.h"

namespace anytick::io {
namespace {

using Clock = std::chrono::steady_clock;
using Bounds = PolicyCompileBounds;

constexpr size_t read_bytes = size_t{64} << 10;

Refusal refused(std::string reason) {
  return {"policy", "", std::move(reason)};
}
Refusal system_refusal(std::string_view step, int error) {
  return refused(fmt::format("cannot be compiled: {}: {}", step, std::strerror(error)));
}

/// A file of the text alone, read from its beginning: unlike a pipe it takes all of it at once, whether the process
/// reads it or not.
Result<FileDescriptor> file_with(std::span<const std::byte> text) {
  FileDescriptor file(::memfd_create("policy", MFD_CLOEXEC));
  if (!file.is_open()) return system_refusal("memfd_create", errno);
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::pwrite(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno != EINTR) return system_refusal("write", errno);
    if (n > 0) at += static_cast<size_t>(n);
  }
  return file;
}

/// What a spawned process gets of this one: two files and the log, the environment, no signal blocked or ignored.
class SpawnOptions {
 public:
  SpawnOptions(int input, int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;
  ~SpawnOptions() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// Until when to wait for a process.
class Patience {
 public:
  Patience(std::chrono::milliseconds time, const Abandoned& abandoned)
      : deadline_(Clock::now() + time), abandoned_(abandoned) {}

  bool is_abandoned() const { return abandoned_ && abandoned_(); }
  bool is_over() const { return Clock::now() >= deadline_ || is_abandoned(); }
  /// Until it is worth asking again.
  int milliseconds() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), asked_every).count());
  }

 private:
  static constexpr std::chrono::milliseconds asked_every{100};

  const Clock::time_point deadline_;
  const Abandoned& abandoned_;
};

/// As poll() for reading: 0 when patience is over.
int poll_until(int fd, const Patience& patience) {
  pollfd polled{fd, POLLIN, 0};
  while (true) {
    const int ready = ::poll(&polled, 1, patience.milliseconds());
    if (ready > 0 || (ready < 0 && errno != EINTR)) return ready;
    if (patience.is_over()) return 0;
  }
}

/// Of this process. Does not outlive the object.
class Child {
 public:
  static Result<Child> spawn(const std::string& program, int input, int output) {
    const SpawnOptions options(input, output);
    std::array<char*, 3> words{const_cast<char*>(program.c_str()), const_cast<char*>(compile_policy_option), nullptr};
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, program.c_str(), options.actions(), options.attributes(), words.data(), environ);
    if (error != 0) return system_refusal(program, error);
    return Child(pid);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ == 0) return;
    end();
    wait();
  }

  /// Whether it has ended, or did while there was patience.
  bool ends(const Patience& patience) const {
    // Not by pidfd_open(): in Debian 12 its header is not for C++.
    const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    return poll_until(process.get(), patience) > 0;
  }
  void end() const { ::kill(pid_, SIGKILL); }
  /// Its status as of waitpid(), once.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  pid_t pid_;
};

enum class Reading : uint8_t { more, finished, too_late, too_much, failed };

/// Appends what there is to read to `bytes`.
Reading read_some(int fd, const Patience& patience, std::string& bytes) {
  const int ready = poll_until(fd, patience);
  if (ready <= 0) return ready == 0 ? Reading::too_late : Reading::failed;
  const size_t size = bytes.size();
  bytes.resize(size + read_bytes);
  const ssize_t n = ::read(fd, bytes.data() + size, read_bytes);
  bytes.resize(size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0) return errno == EINTR ? Reading::more : Reading::failed;
  if (n == 0) return Reading::finished;
  return bytes.size() > Bounds::output ? Reading::too_much : Reading::more;
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

/// Why a process that ended without being told to has no outcome; nothing if it may have one.
std::optional<Refusal> death(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
    return refused(fmt::format("the patterns take more than {} to compile", seconds_text(Bounds::processor)));
  if (WIFSIGNALED(status))
    return refused(
        fmt::format("its compiler died of it, signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status))));
  if (WEXITSTATUS(status) == exit_out_of_memory)
    return refused(fmt::format("the patterns take more than {} GiB to compile", Bounds::memory >> 30));
  if (WEXITSTATUS(status) != 0)
    return refused(fmt::format("its compiler ended with exit code {}", WEXITSTATUS(status)));
  return std::nullopt;
}

} // namespace

Result<core::CompiledPatterns> PolicyCompiler::compile(std::span<const std::byte> text,
                                                       const Abandoned& abandoned) const {
  const Patience patience(wall_, abandoned);
  Result<FileDescriptor> input = file_with(text);
  if (!input) return input.refusal();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_refusal("pipe", errno);
  const FileDescriptor output(ends[0]);
  FileDescriptor child_output(ends[1]);
  Result<Child> child = Child::spawn(program_, input->get(), child_output.get());
  if (!child) return child.refusal();
  child_output = FileDescriptor(); // so that the end of the process is the end of the pipe

  std::string bytes;
  Reading reading = Reading::more;
  while (reading == Reading::more) reading = read_some(output.get(), patience, bytes);
  // Its output may end before it does.
  if (reading == Reading::finished && !child->ends(patience)) reading = Reading::too_late;
  switch (reading) {
  case Reading::too_late:
    if (patience.is_abandoned()) return refused("abandoned while it was compiled");
    return refused(fmt::format("the patterns take more than {} to compile", seconds_text(wall_)));
  case Reading::too_much:
    return refused(fmt::format("the compiled patterns take more than {} MiB", Bounds::output >> 20));
  case Reading::failed:
    return system_refusal("read", errno);
  default:
    break;
  }
  if (auto refusal = death(child->wait())) return std::move(*refusal);
  return read_outcome(bytes);
}

} // namespace anytick::io
