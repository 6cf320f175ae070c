#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "dataplane/core/policy.h"

/// Patterns can be written that take any time and memory to compile, and rules that exhaust the stack of whoever parses
/// them. So the text of a policy is first read in a process of its own, which may die of it.
namespace anytick::io {

/// What the process may use. A thousand patterns like '^[0-9a-f]{8,}\.a\.example$' take about a second and 20 MiB.
struct PolicyCompileBounds {
  static constexpr std::chrono::seconds processor{10};
  static constexpr uint64_t memory = uint64_t{1} << 30;    ///< bytes of address space, on top of the program's own
  static constexpr std::chrono::milliseconds wall{40'000}; ///< those seconds at a quarter of a core
  static constexpr size_t output = size_t{64} << 20;       ///< bytes of what it compiled
};

/// Whether nobody wants the outcome of something long any more. Asked ten times a second.
using Abandoned = std::function<bool()>;

/// Runs the process. Any number of threads.
class PolicyCompiler {
 public:
  /// `program` is anytickd, `wall` how long it may run.
  explicit PolicyCompiler(std::string program = "/proc/self/exe",
                          std::chrono::milliseconds wall = PolicyCompileBounds::wall)
      : program_(std::move(program)), wall_(wall) {}

  /// Returns when the process has ended. Refused: a text with faults, by the first of them; patterns that cannot be
  /// compiled within bounds; what was abandoned. A text that was not refused is parsed by parse_policy() without
  /// faults, here too.
  Result<core::CompiledPatterns> compile(std::span<const std::byte> text, const Abandoned& abandoned = {}) const;

 private:
  std::string program_;
  std::chrono::milliseconds wall_;
};

/// The only argument of the process.
inline constexpr const char* compile_policy_option = "--compile-policy";

/// What the process does: reads a policy from standard input, compiles it within PolicyCompileBounds, writes the
/// outcome to standard output. Returns its exit code. Lowers the limits and the priority of the calling process.
int compile_policy_process();

} // namespace anytick::io
