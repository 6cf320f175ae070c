#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/io/policy_compiler.h"
#include "dataplane/io/policy_outcome.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view text = "[[rule]]\nname = 'a'\npattern = 'x'\naction = 'drop'\n";

/// Runs what may be in the place of anytickd.
class CompilerTest : public testing::Test {
 protected:
  ~CompilerTest() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was left";
    EXPECT_EQ(errno, ECHILD);
  }

  std::string script(std::string_view lines) {
    const std::filesystem::path path = directory_.path() / "compiler";
    std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
    ::chmod(path.c_str(), 0700);
    return path;
  }

  static Result<core::CompiledPatterns> compiled_by(const std::string& program,
                                                    milliseconds wall = PolicyCompileBounds::wall) {
    return PolicyCompiler(program, wall).compile(std::as_bytes(std::span(text)));
  }

  ScratchDirectory directory_;
};

TEST_F(CompilerTest, CompilesAsWeDo) {
  const auto there = policy_compiler().compile(std::as_bytes(std::span(text)));
  ASSERT_TRUE(there) << there.refusal().text();
  const auto here = core::compile_patterns(core::parse_policy(text, "policy").rules, "policy");
  ASSERT_TRUE(here);
  EXPECT_EQ(there->misses, here->misses);
  EXPECT_EQ(there->all, here->all);
  EXPECT_FALSE(there->misses.empty());
  const auto none = policy_compiler().compile({});
  ASSERT_TRUE(none) << none.refusal().text();
  EXPECT_TRUE(none->misses.empty());
}

struct DeathCase {
  std::string name;
  std::string script;
  std::string reason;
};

void PrintTo(const DeathCase& each, std::ostream* out) {
  *out << each.name;
}

class DyingCompiler : public CompilerTest, public testing::WithParamInterface<DeathCase> {};

TEST_P(DyingCompiler, IsAReason) {
  const bool hangs = GetParam().reason.find("0.5 s") != std::string::npos;
  const auto compiled = compiled_by(script(GetParam().script), milliseconds(hangs ? 500 : 60'000));
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.refusal().text(), "policy: " + GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    , DyingCompiler,
    testing::Values(
        DeathCase{"OutOfMemory", "exit 3", "the patterns take more than 1 GiB to compile"},
        DeathCase{"OutOfTime", "kill -XCPU $$", "the patterns take more than 10 s to compile"},
        DeathCase{"Crash", "kill -SEGV $$", "its compiler died of it, signal 11 (Segmentation fault)"},
        DeathCase{"KilledFromOutside", "kill -KILL $$", "its compiler died of it, signal 9 (Killed)"},
        DeathCase{"ExitCode", "cat; exit 7", "its compiler ended with exit code 7"},
        DeathCase{"Silence", "exit 0", "its compiler ended without an outcome"},
        DeathCase{"ReadsNothing", "exec <&-; printf compiled", "its compiler ended without an outcome"},
        DeathCase{"AnotherProgram", "cat", "its compiler ended without an outcome"},
        DeathCase{"CutOff", "printf 'compiled\\377\\0\\0\\0\\0\\0\\0\\0abc'", "its compiler ended without an outcome"},
        DeathCase{"TalksForever", "exec cat /dev/zero", "the compiled patterns take more than 64 MiB"},
        DeathCase{"Hangs", "exec sleep 1000", "the patterns take more than 0.5 s to compile"},
        DeathCase{"HangsInSilence", "exec >&-; exec sleep 1000", "the patterns take more than 0.5 s to compile"}),
    [](const auto& each) { return each.param.name; });

TEST_F(CompilerTest, EndsWhenNobodyWaits) {
  for (const char* hangs : {"exec sleep 1000", "exec >&-; exec sleep 1000"}) {
    const auto start = std::chrono::steady_clock::now();
    const auto compiled = PolicyCompiler(script(hangs)).compile(std::as_bytes(std::span(text)), [start] {
      return std::chrono::steady_clock::now() - start > milliseconds(200);
    });
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.refusal().text(), "policy: abandoned while it was compiled");
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(5000));
  }
}

TEST_F(CompilerTest, MayNotBeThere) {
  const auto compiled = compiled_by("/nonexistent/anytickd");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.refusal().text(), "policy: cannot be compiled: /nonexistent/anytickd: No such file or directory");
}

TEST_F(CompilerTest, HoldsNoneOfOurFilesAndSignals) {
  const int leaked = ::fcntl(STDERR_FILENO, F_DUPFD, 50); // not close-on-exec
  ASSERT_GE(leaked, 50);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto ignoring = ::signal(SIGPIPE, SIG_IGN);
  const auto seen = directory_.path() / "seen";
  EXPECT_FALSE(compiled_by(
      script(fmt::format("ls /proc/self/fd > {0}; grep -E 'Sig(Blk|Ign)' /proc/self/status >> {0}", seen.string()))));
  ::signal(SIGPIPE, ignoring);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  std::ifstream stream(seen);
  const std::string said{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(said.find(fmt::format("\n{}\n", leaked)), std::string::npos) << said;
  const auto signals = [&](std::string_view which) {
    const size_t at = said.find(which);
    return at == said.npos ? ~uint64_t{0} : std::strtoull(said.c_str() + at + which.size(), nullptr, 16);
  };
  EXPECT_EQ(signals("SigBlk:\t"), 0u) << said;
  EXPECT_EQ(signals("SigIgn:\t") & 0x7fff'ffff, 0u) << said; // the two above are the C library's own
}

TEST(PolicyOutcome, ComesBackAsItWas) {
  const auto compiled = read_outcome(write_outcome(core::CompiledPatterns{"one", std::string("\0two", 4)}));
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->misses, "one");
  EXPECT_EQ(compiled->all, std::string("\0two", 4));
  const auto refused = read_outcome(write_outcome(Refusal{"a", "b", "c"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.refusal().text(), "a at b: c");
}

TEST(PolicyOutcome, IsWholeOrNone) {
  for (const Result<core::CompiledPatterns>& outcome :
       {Result<core::CompiledPatterns>(core::CompiledPatterns{"one", "two"}),
        Result<core::CompiledPatterns>(Refusal{"a", "b", "c"})}) {
    const std::string bytes = write_outcome(outcome);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto cut = read_outcome(std::string_view(bytes).substr(0, size));
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.refusal().text(), "policy: its compiler ended without an outcome");
    }
    EXPECT_FALSE(read_outcome(bytes + '\0'));
  }
}

} // namespace
} // namespace anytick::io
