#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dataplane/io/policy_compiler.h"
#include "dataplane/io/policy_outcome.h"

namespace anytick::io {
namespace {

using Bounds = PolicyCompileBounds;

/// Behind the daemon's own threads, which it shares the control cores with; not so far that it gets nothing beside
/// them.
constexpr int nice_step = 5;

// Sanitizers reserve terabytes of address space, and are slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// Of address space, in bytes; 0 if the kernel does not say.
uint64_t memory_in_use() {
  uint64_t pages = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "re");
  if (statm == nullptr) return 0;
  if (std::fscanf(statm, "%lu", &pages) != 1) pages = 0;
  std::fclose(statm);
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool limit(__rlimit_resource resource, uint64_t soft, uint64_t hard) {
  const rlimit bounds{soft, hard};
  return ::setrlimit(resource, &bounds) == 0;
}

bool lower_limits() {
  constexpr auto seconds = static_cast<uint64_t>(Bounds::processor.count()) * (sanitized ? 4 : 1);
  // At the soft limit the signal says of what it dies.
  return limit(RLIMIT_CPU, seconds, seconds + 1) && limit(RLIMIT_CORE, 0, 0) &&
         (sanitized || limit(RLIMIT_AS, memory_in_use() + Bounds::memory, memory_in_use() + Bounds::memory));
}

/// At most what a policy may have and one byte, which parse_policy() refuses. Nothing if it cannot be read.
std::optional<std::string> read_input() {
  std::string text(core::PolicyBounds::text + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  return text;
}

bool write_output(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Result<core::CompiledPatterns> compiled(const std::string& text) {
  const std::string file = "policy";
  core::ParsedPolicy parsed = core::parse_policy(text, file);
  if (parsed.faults.empty()) return core::compile_patterns(parsed.rules, file);
  Refusal first = parsed.faults.front();
  if (const size_t more = parsed.faults.size() - 1; more > 0)
    first.reason += fmt::format(" (and {} more faults)", more);
  return first;
}

} // namespace

int compile_policy_process() {
  // Nobody would read the outcome once the daemon is gone.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nice_step);
  if (!lower_limits()) return 1;
  std::set_new_handler([] { ::_exit(exit_out_of_memory); });
  const auto text = read_input();
  return text && write_output(write_outcome(compiled(*text))) ? 0 : 1;
}

} // namespace anytick::io
