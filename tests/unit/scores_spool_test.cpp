#include "control/scores/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "control/scores/ingest.h"
#include "control_files.h"
#include "scores_stored.h"

namespace anytick::scores {
namespace {

using control::test::TemporaryDirectory;
using Names = std::vector<std::string>;

const std::string header = "ts_epoch,offset,step,score,monitor_id\n";

/// Sets when a file was changed last, in seconds since 1970.
void set_age(const std::string& path, time_t changed) {
  const timespec times[2] = {{changed, 0}, {changed, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> names_in(const std::string& path) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.insert(entry.path().filename().string());
  return names;
}

std::string take_nothing(const std::string&) {
  return "";
}

TEST(Spool, FilesWaitTheOldestFirst) {
  const TemporaryDirectory directory;
  const auto spool = Spool::open(directory.file(""), Spool::Done::keep);
  ASSERT_TRUE(spool);
  const std::pair<const char*, time_t> files[] = {
      {"c.csv", 100}, {"a.csv", 200}, {"b.csv", 100}, {".d.csv", 1}, {"e.csv.tmp", 1}};
  for (const auto& [name, changed] : files) set_age(directory.write(name, ""), changed);
  std::filesystem::create_directory(directory.file("f.csv"));
  std::filesystem::create_symlink(directory.file("a.csv"), directory.file("g.csv"));
  EXPECT_EQ(spool->waiting(), (Names{"b.csv", "c.csv", "a.csv"}));
}

TEST(Spool, MovesWhatIsDone) {
  const TemporaryDirectory directory;
  auto spool = Spool::open(directory.file(""), Spool::Done::keep);
  ASSERT_TRUE(spool);
  for (const char* text : {"first", "second", "third"}) {
    directory.write("a.csv", text);
    EXPECT_EQ(spool->process(take_nothing).done, 1u);
  }
  EXPECT_EQ(spool->waiting(), Names{});
  EXPECT_EQ(text_of(directory.file("done/a.csv")), "first");
  EXPECT_EQ(text_of(directory.file("done/a.csv.1")), "second");
  EXPECT_EQ(text_of(directory.file("done/a.csv.2")), "third");
}

TEST(Spool, OfManyFilesOfANameNoneIsLost) {
  constexpr int files = 100;
  const TemporaryDirectory directory;
  auto spool = Spool::open(directory.file(""), Spool::Done::keep);
  ASSERT_TRUE(spool);
  for (int i = 0; i < files; ++i) {
    directory.write("a.csv", std::to_string(i));
    EXPECT_EQ(spool->process(take_nothing).done, 1u);
  }
  EXPECT_EQ(names_in(directory.file("done")).size(), size_t{files});
  EXPECT_EQ(text_of(directory.file("done/a.csv.99")), "99");
  // Not each number is looked at: behind the last of them is a free one, whatever is free before.
  std::filesystem::remove(directory.file("done/a.csv.7"));
  directory.write("a.csv", "");
  EXPECT_EQ(spool->process(take_nothing).done, 1u);
  EXPECT_TRUE(std::filesystem::exists(directory.file("done/a.csv.100")));
}

TEST(Spool, RemovesWhatIsDoneIfTold) {
  const TemporaryDirectory directory;
  auto spool = Spool::open(directory.file(""), Spool::Done::remove);
  ASSERT_TRUE(spool);
  directory.write("a.csv", "");
  EXPECT_EQ(spool->process(take_nothing).done, 1u);
  EXPECT_EQ(names_in(directory.file("")), (std::set<std::string>{"done", "failed"}));
  EXPECT_EQ(names_in(directory.file("done")), std::set<std::string>{});
}

TEST(Spool, BadFilesFailWithTheReasonBeside) {
  const TemporaryDirectory directory;
  auto spool = Spool::open(directory.file(""), Spool::Done::remove);
  ASSERT_TRUE(spool);
  for (const char* reason : {"one reason\n", "another\n"}) {
    directory.write("a.csv", reason);
    EXPECT_EQ(spool->process([&](const std::string&) { return reason; }).failed, 1u);
  }
  EXPECT_EQ(names_in(directory.file("failed")),
            (std::set<std::string>{"a.csv", "a.csv.why", "a.csv.1", "a.csv.1.why"}));
  EXPECT_EQ(text_of(directory.file("failed/a.csv.why")), "one reason\n");
  EXPECT_EQ(text_of(directory.file("failed/a.csv.1.why")), "another\n");
}

TEST(Spool, WhatIsThrownLeavesTheFile) {
  const TemporaryDirectory directory;
  auto spool = Spool::open(directory.file(""), Spool::Done::keep);
  ASSERT_TRUE(spool);
  directory.write("a.csv", "");
  EXPECT_THROW(spool->process([](const std::string&) -> std::string { throw std::runtime_error("database"); }),
               std::runtime_error);
  EXPECT_EQ(spool->waiting(), Names{"a.csv"});
}

TEST(Spool, IsForOneProcess) {
  const TemporaryDirectory directory;
  {
    const auto spool = Spool::open(directory.file(""), Spool::Done::keep);
    ASSERT_TRUE(spool);
    const auto second = Spool::open(directory.file(""), Spool::Done::keep);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.refusal().reason, "another process works on this spool");
  }
  EXPECT_TRUE(Spool::open(directory.file(""), Spool::Done::keep));
}

TEST(Spool, SaysWhatCannotBeOpened) {
  const auto spool = Spool::open("/nowhere/spool", Spool::Done::keep);
  ASSERT_FALSE(spool);
  EXPECT_EQ(spool.refusal().text(), "/nowhere/spool: No such file or directory");
}

/// A spool beside a file with all standings, which takes the place of a database.
class Crash : public testing::TestWithParam<Spool::Done> {
 protected:
  /// Two good files, one with a row that is bad between rows that are good, and one that is no log at all.
  void fill(const TemporaryDirectory& directory) {
    std::filesystem::create_directory(directory.file("spool"));
    const std::pair<const char*, std::string> files[] = {
        {"192.0.2.1_a.csv", header + "1000,0,1,,1\n1000,0,1,1,1\n2000,0,1,1.95,1\n"},
        {"feed.jsonl", R"({"ts": 1500, "server": "192.0.2.1", "monitor": 2, "response": false}
{"ts": 1600, "server": "192.0.2.1", "monitor": 2, "stratum": 0, "kiss": "DENY"})"},
        {"192.0.2.1_b.csv", header + "2000,0,1,1.95,1\n3000,0,1,2.8525,1\n"},
        {"notes.txt", "hello"},
    };
    time_t changed = 100;
    for (const auto& [name, text] : files) set_age(directory.write(std::string("spool/") + name, text), changed++);
  }

  /// What the hub does once.
  void work(const TemporaryDirectory& directory) {
    auto spool = Spool::open(directory.file("spool"), GetParam());
    if (!spool) throw std::runtime_error(spool.refusal().text());
    spool->process([&](const std::string& path) {
      Scoreboard board;
      test::restore(text_of(directory.file("standings")), board);
      const Ingested told = ingest(path, {}, board);
      std::filesystem::rename(directory.write("standings.new", test::stored(board)), directory.file("standings"));
      return told.why();
    });
  }

  /// Nothing is lost or half there, at any moment.
  void check_files(const TemporaryDirectory& directory) {
    for (const char* name : {"192.0.2.1_a.csv", "feed.jsonl", "192.0.2.1_b.csv", "notes.txt"}) {
      size_t places = 0;
      for (const char* place : {"spool/", "spool/done/", "spool/failed/"})
        places += std::filesystem::exists(directory.file(std::string(place) + name));
      const bool removed =
          GetParam() == Spool::Done::remove && places == 0 && !std::string_view(name).starts_with("notes");
      ASSERT_TRUE(places == 1 || removed) << name;
      const std::string failed = directory.file(std::string("spool/failed/") + name);
      ASSERT_TRUE(!std::filesystem::exists(failed) || std::filesystem::exists(failed + ".why")) << name;
    }
  }

  void check_end(const TemporaryDirectory& directory) {
    check_files(directory);
    ASSERT_EQ(names_in(directory.file("spool")), (std::set<std::string>{"done", "failed"}));
    std::set<std::string> failed;
    for (const std::string& name : names_in(directory.file("spool/failed")))
      if (!name.starts_with("192.0.2.1_a.csv.why.") && !name.starts_with("notes.txt.why.")) failed.insert(name);
    ASSERT_EQ(failed, (std::set<std::string>{"192.0.2.1_a.csv", "192.0.2.1_a.csv.why", "notes.txt", "notes.txt.why"}));
    Scoreboard board;
    test::restore(text_of(directory.file("standings")), board);
    const geo::Address server = *geo::parse_address("192.0.2.1");
    ASSERT_NE(board.find(server, 1), nullptr);
    ASSERT_EQ(board.find(server, 1)->checks, 3u);
    ASSERT_EQ(board.find(server, 1)->score, 2.8525);
    ASSERT_EQ(board.find(server, 2)->checks, 2u);
    ASSERT_EQ(board.find(server, 2)->score, -50);
  }
};

TEST_P(Crash, None) {
  const TemporaryDirectory directory;
  fill(directory);
  work(directory);
  check_end(directory);
}

/// Does the work in a process that is killed after its system call of that number. False: it came to its end.
template <class Work> bool killed_at(size_t call, Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (size_t calls = 0;; ++calls) {
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      return false;
    }
    if (calls == call) break;
    // To the begin of the next call and to its end.
    for (int stop = 0; stop < 2 && WIFSTOPPED(status); ++stop) {
      ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
      ::waitpid(child, &status, 0);
    }
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return true;
}

TEST_P(Crash, AtEachSystemCall) {
  size_t call = 0;
  for (bool killed = true; killed; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    const TemporaryDirectory directory;
    fill(directory);
    killed = killed_at(call, [&] { work(directory); });
    ASSERT_NO_FATAL_FAILURE(check_files(directory));
    work(directory);
    ASSERT_NO_FATAL_FAILURE(check_end(directory));
  }
  // Four files are opened, read, stored and moved.
  EXPECT_GT(call, 50u);
  RecordProperty("calls", static_cast<int>(call));
}

INSTANTIATE_TEST_SUITE_P(Spool, Crash, testing::Values(Spool::Done::keep, Spool::Done::remove),
                         [](const auto& test) { return test.param == Spool::Done::keep ? "Keep" : "Remove"; });

} // namespace
} // namespace anytick::scores
