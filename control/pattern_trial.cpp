#include "control/pattern_trial.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "control/command.h"
#include "dataplane/core/policy.h"

namespace anytick::control {
namespace {

using core::PolicyRule;

/// What the child tells: which rule it is at, then why that one is refused, if it is.
struct Message {
  uint32_t rule;   ///< as many as there are: all together
  uint32_t length; ///< bytes of a reason that follow; 0: it begins with this one
};

[[noreturn]] void fail(const char* what) {
  throw CommandFailure(exit_refused, fmt::format("{}: {}", what, std::strerror(errno)));
}

void tell(int pipe, uint32_t rule, const std::string& reason) {
  const Message message{rule, static_cast<uint32_t>(reason.size())};
  std::string bytes(sizeof message, '\0');
  std::memcpy(bytes.data(), &message, sizeof message);
  bytes += reason;
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t written = ::write(pipe, bytes.data() + at, bytes.size() - at);
    if (written < 0) ::_exit(1);
    at += static_cast<size_t>(written);
  }
}

/// From now on; whoever takes more is ended by SIGPROF.
void allow_time(std::chrono::milliseconds time) {
  itimerval timer{};
  timer.it_value.tv_sec = time.count() / 1000;
  timer.it_value.tv_usec = time.count() % 1000 * 1000;
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

/// Beyond what the process has mapped already, which under sanitizers is a lot.
void allow_memory(size_t bytes) {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + bytes;
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
}

[[noreturn]] void compile_in_child(const std::vector<PolicyRule>& rules, uint32_t first, bool together,
                                   const PatternBudget& budget, int pipe) noexcept {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGPROF, SIG_DFL);
  allow_memory(budget.bytes);
  const auto count = static_cast<uint32_t>(rules.size());
  for (uint32_t i = first; i <= count; ++i) {
    if (i == count ? !together : rules[i].pattern.empty()) continue;
    tell(pipe, i, {});
    allow_time(i == count ? budget.together : budget.each);
    const auto compiled = core::compile_patterns(i == count ? rules : std::vector{rules[i]}, {});
    if (compiled) continue;
    together = false;
    tell(pipe, i, compiled.refusal().reason);
  }
  ::_exit(0);
}

std::string read_all(int pipe) {
  std::string told;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t got = ::read(pipe, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return told;
    told.append(part.data(), static_cast<size_t>(got));
  }
}

class PatternTrial {
 public:
  PatternTrial(const std::vector<PolicyRule>& rules, const std::string& file, const PatternBudget& budget)
      : rules_(rules), file_(file), budget_(budget) {}

  std::vector<Refusal> run() {
    // Each child begins behind the rule that ended the one before.
    for (uint32_t first = 0; first <= rules_.size();) {
      if (run_child(first)) break;
      refuse(at_, too_much_of(at_));
      first = at_ + 1;
    }
    return std::move(faults_);
  }

 private:
  /// Whether it came to its end; else at_ is the rule that ended it.
  bool run_child(uint32_t first) {
    std::fflush(nullptr);
    std::array<int, 2> pipe;
    if (::pipe(pipe.data()) != 0) fail("pipe");
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      ::close(pipe[0]);
      compile_in_child(rules_, first, faults_.empty(), budget_, pipe[1]);
    }
    ::close(pipe[1]);
    const std::string told = read_all(pipe[0]);
    ::close(pipe[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    at_ = first;
    take(told);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  void take(std::string_view told) {
    Message message;
    while (told.size() >= sizeof message) {
      std::memcpy(&message, told.data(), sizeof message);
      told.remove_prefix(sizeof message);
      at_ = message.rule;
      if (message.length == 0 || told.size() < message.length) continue;
      refuse(at_, std::string(told.substr(0, message.length)));
      told.remove_prefix(message.length);
    }
  }

  void refuse(uint32_t rule, const std::string& reason) {
    if (rule == rules_.size()) return faults_.push_back({file_, "", reason});
    faults_.push_back({file_, fmt::format("line {}", rules_[rule].line), reason});
  }

  std::string too_much_of(uint32_t rule) const {
    const bool all = rule == rules_.size();
    const auto time = static_cast<double>((all ? budget_.together : budget_.each).count()) / 1000;
    const std::string what =
        all ? "all patterns together take" : fmt::format("rule '{}': pattern: takes", rules_[rule].name);
    return fmt::format("{} more than {} s or {} MiB to compile", what, time, budget_.bytes >> 20);
  }

  const std::vector<PolicyRule>& rules_;
  const std::string& file_;
  const PatternBudget& budget_;
  std::vector<Refusal> faults_;
  uint32_t at_ = 0;
};

} // namespace

std::vector<Refusal> try_patterns(const std::vector<PolicyRule>& rules, const std::string& file,
                                  const PatternBudget& budget) {
  return PatternTrial(rules, file, budget).run();
}

} // namespace anytick::control
