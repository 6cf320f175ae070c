#include "control/command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "geo/text.h"

namespace anytick::control {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw CommandFailure(exit_refused, path + ": " + std::strerror(error));
}

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) fail(path, errno);
  }
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { ::close(fd_); }

  int get() const { return fd_; }

 private:
  int fd_;
};

/// Removes the file unless it was renamed away.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target) : path_(target + ".XXXXXX"), fd_(make(path_)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  int fd() const { return fd_.get(); }
  void rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) fail(target, errno);
    path_.clear();
  }

 private:
  static int make(std::string& path) {
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) fail(path, errno);
    return fd;
  }

  std::string path_;
  FileDescriptor fd_;
};

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Until its directory is on disk, a crash may undo what happened to a name.
void sync_directory_of(const std::string& path) {
  const std::string directory = directory_of(path);
  const FileDescriptor opened(directory, O_RDONLY | O_DIRECTORY);
  if (::fsync(opened.get()) != 0) fail(directory, errno);
}

void write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path, errno);
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

} // namespace

std::vector<std::byte> read_file(const std::string& path) {
  const FileDescriptor file(path, O_RDONLY);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, errno);
  if (S_ISDIR(status.st_mode)) fail(path, EISDIR);
  std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
  size_t size = 0;
  while (true) {
    // Pipes have no size and a file may grow: read until its end.
    if (size == bytes.size()) bytes.resize(size + (size_t{64} << 10));
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

struct FileReplacement::Temporary : TemporaryFile {
  using TemporaryFile::TemporaryFile;
};

FileReplacement::FileReplacement(const std::string& path, mode_t mode)
    : path_(path), mode_(mode), file_(std::make_unique<Temporary>(path)) {}

FileReplacement::~FileReplacement() = default;

void FileReplacement::write(std::span<const std::byte> bytes) {
  write_all(file_->fd(), bytes, path_);
}

void FileReplacement::commit() {
  // mkostemp() makes files that only their owner reads.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(file_->fd(), mode_ & ~mask) != 0) fail(path_, errno);
  if (::fsync(file_->fd()) != 0) fail(path_, errno);
  file_->rename_to(path_);
  sync_directory_of(path_);
}

void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, mode_t mode) {
  FileReplacement file(path, mode);
  file.write(bytes);
  file.commit();
}

void write_new_file(const std::string& path, std::span<const std::byte> bytes, mode_t mode) {
  const FileDescriptor file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  try {
    write_all(file.get(), bytes, path);
    if (::fsync(file.get()) != 0) fail(path, errno);
    sync_directory_of(path);
  } catch (const CommandFailure&) {
    ::unlink(path.c_str());
    throw;
  }
}

uint64_t created_option(std::optional<uint64_t> option) {
  if (option) return *option;
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == '\0') return 0;
  const auto seconds = geo::number_of<uint64_t>(text);
  if (!seconds) throw CommandFailure(exit_usage, "SOURCE_DATE_EPOCH is not a number of seconds: " + std::string(text));
  return *seconds;
}

} // namespace anytick::control
