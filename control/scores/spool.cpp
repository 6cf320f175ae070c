#include "control/scores/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

#include "control/command.h"

namespace anytick::scores {
namespace {

constexpr const char* done_directory = "done";
constexpr const char* failed_directory = "failed";

[[noreturn]] void fail_with(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

bool make_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0777) == 0 || errno == EEXIST;
}

/// A name that no file in the directory has. Of a file that comes each minute under one name there are many: numbers
/// that are taken are skipped by doubling, not one by one.
std::string free_path(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  const auto is_taken = [](const std::string& each) { return ::access(each.c_str(), F_OK) == 0; };
  const auto numbered = [&](uint64_t number) { return path + "." + std::to_string(number); };
  if (!is_taken(path)) return path;
  uint64_t taken = 0, free = 1;
  while (is_taken(numbered(free))) taken = std::exchange(free, 2 * free);
  while (free - taken > 1) {
    const uint64_t middle = taken + (free - taken) / 2;
    (is_taken(numbered(middle)) ? taken : free) = middle;
  }
  return numbered(free);
}

void move(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail_with(errno, from);
}

struct Waiting {
  timespec changed;
  std::string name;

  bool operator<(const Waiting& other) const {
    return std::tie(changed.tv_sec, changed.tv_nsec, name) <
           std::tie(other.changed.tv_sec, other.changed.tv_nsec, other.name);
  }
};

} // namespace

Spool::Spool(std::string directory, Done done, int lock) : directory_(std::move(directory)), done_(done), lock_(lock) {}

Spool::Spool(Spool&& other) noexcept
    : directory_(std::move(other.directory_)), done_(other.done_), lock_(std::exchange(other.lock_, -1)) {}

Spool::~Spool() {
  if (lock_ >= 0) ::close(lock_);
}

Result<Spool> Spool::open(const std::string& directory, Done done) {
  for (const std::string& each : {directory, directory + "/" + done_directory, directory + "/" + failed_directory})
    if (!make_directory(each)) return Refusal{each, "", std::strerror(errno)};
  const int lock = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return Refusal{directory, "", std::strerror(errno)};
  Spool spool(directory, done, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    return Refusal{directory, "", taken ? "another process works on this spool" : std::strerror(errno)};
  }
  return spool;
}

std::vector<std::string> Spool::waiting() const {
  std::vector<Waiting> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::string name = entry.path().filename().string();
    struct stat status {};
    if (name.starts_with('.') || name.ends_with(".tmp") || ::lstat(entry.path().c_str(), &status) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    found.push_back({status.st_mtim, std::move(name)});
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (Waiting& each : found) names.push_back(std::move(each.name));
  return names;
}

Spool::Counts Spool::process(const Take& take) {
  Counts counts;
  for (const std::string& name : waiting()) {
    const std::string why = take(path(name));
    if (why.empty()) {
      finish(name);
      ++counts.done;
    } else {
      fail(name, why);
      ++counts.failed;
    }
  }
  return counts;
}

void Spool::finish(const std::string& name) const {
  if (done_ == Done::keep)
    move(path(name), free_path(path(done_directory), name));
  else if (::unlink(path(name).c_str()) != 0)
    fail_with(errno, path(name));
}

void Spool::fail(const std::string& name, const std::string& why) const {
  const std::string place = free_path(path(failed_directory), name);
  // The reasons first: no file stands there without them.
  control::write_file_atomically(place + ".why", std::as_bytes(std::span(why)));
  move(path(name), place);
}

} // namespace anytick::scores
