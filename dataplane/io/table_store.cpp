#include "dataplane/io/table_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/policy_rule.h"

namespace anytick::io {
namespace {

/// In one file: a new table's, its predecessor's, and what crashes in between may leave.
constexpr size_t signatures_max = 4;
constexpr off_t secrets_bytes_max = 4096;

class File {
 public:
  File(const std::filesystem::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool write_all(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return true;
  }

  bool read_all(std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::read(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) errno = ENODATA; // shorter than fstat() said
      if (n <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  int fd_;
};

Refusal errno_refusal(const std::filesystem::path& path) {
  return {path.string(), "", std::strerror(errno)};
}

} // namespace

Result<TableStore> TableStore::open(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Refusal{directory.string(), "", error.message()};
  return TableStore(directory);
}

std::filesystem::path TableStore::path(TableKind kind) const {
  switch (kind) {
  case TableKind::zone:
    return directory_ / "zone.image";
  case TableKind::geo:
    return directory_ / "geo.map";
  case TableKind::policy:
    return directory_ / "policy.toml";
  }
  return {};
}

std::filesystem::path TableStore::signature_path(TableKind kind) const {
  std::filesystem::path file = path(kind);
  file += ".sig";
  return file;
}

std::optional<Refusal> TableStore::save(TableKind kind, std::span<const std::byte> bytes,
                                        const Signatures& signatures) const {
  const std::filesystem::path signature_file = signature_path(kind);
  // Two files cannot be replaced in one step. So the new signatures join the old ones, then the table is replaced, then
  // the old ones leave: whenever a crash comes, whichever table is there has its own beside it.
  if (!signatures.empty()) {
    Signatures both = signatures;
    if (const auto previous = load_signatures(kind)) both.insert(both.end(), previous->begin(), previous->end());
    if (both.size() > signatures_max) both.resize(signatures_max);
    if (auto refusal = replace(signature_file, std::as_bytes(std::span(both)))) return refusal;
  }
  if (auto refusal = replace(path(kind), bytes)) return refusal;
  if (signatures.empty()) {
    if (::unlink(signature_file.c_str()) != 0 && errno != ENOENT) return errno_refusal(signature_file);
    return std::nullopt;
  }
  return replace(signature_file, std::as_bytes(std::span(signatures)));
}

std::optional<Refusal> TableStore::replace(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                           mode_t mode) const {
  std::filesystem::path temporary = target;
  temporary += ".new";
  {
    const File file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!file.is_open() || !file.write_all(bytes) || ::fsync(file.fd()) != 0) {
      Refusal refusal = errno_refusal(temporary);
      ::unlink(temporary.c_str());
      return refusal;
    }
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) return errno_refusal(target);
  // Until its directory is on disk, a crash may undo the rename.
  const File directory(directory_, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || ::fsync(directory.fd()) != 0) return errno_refusal(directory_);
  return std::nullopt;
}

std::optional<Refusal> TableStore::save_secrets(std::span<const std::byte> bytes) const {
  return replace(secrets_path(), bytes, 0600);
}

Result<std::optional<std::string>> TableStore::load_secrets() const {
  const std::filesystem::path source = secrets_path();
  const File file(source, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return errno_refusal(source);
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return errno_refusal(source);
  if (!S_ISREG(status.st_mode) || status.st_size > secrets_bytes_max)
    return Refusal{source.string(), "", fmt::format("not a file of at most {} bytes", secrets_bytes_max)};
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (!file.read_all(std::as_writable_bytes(std::span(bytes)))) return errno_refusal(source);
  return std::optional<std::string>(std::move(bytes));
}

Result<std::optional<TableMemory>> TableStore::load(TableKind kind, uint64_t limit) const {
  const std::filesystem::path source = path(kind);
  const File file(source, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return std::optional<TableMemory>();
    return errno_refusal(source);
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return errno_refusal(source);
  const auto size = static_cast<uint64_t>(status.st_size);
  const uint64_t least = kind == TableKind::policy ? 0 : 1;
  const uint64_t most = kind == TableKind::policy ? std::min(limit, core::PolicyBounds::text) : limit;
  if (!S_ISREG(status.st_mode) || size < least || size > most) {
    return Refusal{source.string(), "", fmt::format("not a file of {} to {} bytes", least, most)};
  }
  Result<TableMemory> memory = TableMemory::reserve(size);
  if (!memory) return memory.refusal();
  if (!file.read_all(memory->writable())) return errno_refusal(source);
  return std::optional<TableMemory>(std::move(*memory));
}

Result<Signatures> TableStore::load_signatures(TableKind kind) const {
  const std::filesystem::path source = signature_path(kind);
  const File file(source, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return Signatures();
    return errno_refusal(source);
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return errno_refusal(source);
  const auto size = static_cast<uint64_t>(status.st_size);
  constexpr size_t each = sizeof(core::Signature);
  if (!S_ISREG(status.st_mode) || size == 0 || size % each != 0 || size > signatures_max * each) {
    return Refusal{source.string(), "",
                   fmt::format("not a file of 1 to {} signatures of {} bytes", signatures_max, each)};
  }
  Signatures signatures(size / each);
  if (!file.read_all(std::as_writable_bytes(std::span(signatures)))) return errno_refusal(source);
  return signatures;
}

} // namespace anytick::io
