#include "dataplane/io/table_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/policy_rule.h"

namespace anytick::io {
namespace {

/// In one file: a new table's, its predecessor's, and what crashes in between may leave.
constexpr size_t signatures_max = 4;
constexpr off_t small_bytes_max = 4096; ///< of secrets, and of the list of pending tables
constexpr mode_t table_mode = 0640;

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

/// Where a file is written before it takes the place of `target`.
std::filesystem::path new_path(const std::filesystem::path& target) {
  std::filesystem::path path = target;
  path += ".new";
  return path;
}

/// On disk when this returns.
std::optional<Refusal> write_new(const std::filesystem::path& path, std::span<const std::byte> bytes, mode_t mode) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (file.is_open() && file.write_all(bytes) && ::fsync(file.fd()) == 0) return std::nullopt;
  Refusal refusal = errno_refusal(path);
  ::unlink(path.c_str());
  return refusal;
}

std::optional<Refusal> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_refusal(path);
  return std::nullopt;
}

/// The whole file, nothing if there is none.
Result<std::optional<std::string>> read_small(const std::filesystem::path& source) {
  const File file(source, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return errno_refusal(source);
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return errno_refusal(source);
  if (!S_ISREG(status.st_mode) || status.st_size > small_bytes_max)
    return Refusal{source.string(), "", fmt::format("not a file of at most {} bytes", small_bytes_max)};
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (!file.read_all(std::as_writable_bytes(std::span(bytes)))) return errno_refusal(source);
  return std::optional<std::string>(std::move(bytes));
}

} // namespace

Result<TableStore> TableStore::open(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Refusal{directory.string(), "", error.message()};
  TableStore store(directory);
  if (const auto refusal = store.finish_pending())
    spdlog::error("the tables that were being stored are left as they are: {}", refusal->text());
  return store;
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

// Several files cannot be replaced in one step. So all new ones are written beside the old ones, then "pending" is,
// which from then on makes whoever comes finish the work, then they take their places. And so that every table has its
// own signature beside it meanwhile, the new signatures join the old ones first, and the old ones leave last.
std::optional<Refusal> TableStore::save(std::span<const TableToStore> tables) const {
  if (auto refusal = finish_pending()) return refusal;
  if (auto refusal = prepare(tables)) {
    for (const TableToStore& table : tables) remove_file(new_path(path(table.kind)));
    return refusal;
  }
  if (auto refusal = put_in_place(tables)) return refusal;
  for (const TableToStore& table : tables) {
    const std::filesystem::path signature_file = signature_path(table.kind);
    auto refusal = table.signatures.empty() ? remove_file(signature_file)
                                            : replace(signature_file, std::as_bytes(table.signatures));
    if (refusal) return refusal;
  }
  return std::nullopt;
}

/// One of them is in its place in one step.
std::optional<Refusal> TableStore::put_in_place(std::span<const TableToStore> tables) const {
  if (tables.size() == 1) {
    const std::filesystem::path target = path(tables.front().kind);
    return ::rename(new_path(target).c_str(), target.c_str()) != 0 ? errno_refusal(target) : sync();
  }
  std::string names;
  for (const TableToStore& table : tables) names += path(table.kind).filename().string() + '\n';
  if (auto refusal = replace(pending_path(), std::as_bytes(std::span(names)))) return refusal;
  return finish_pending();
}

std::optional<Refusal> TableStore::prepare(std::span<const TableToStore> tables) const {
  for (const TableToStore& table : tables)
    if (auto refusal = prepare(table)) return refusal;
  return std::nullopt;
}

std::optional<Refusal> TableStore::prepare(const TableToStore& table) const {
  if (!table.signatures.empty()) {
    Signatures both(table.signatures.begin(), table.signatures.end());
    if (const auto previous = load_signatures(table.kind)) both.insert(both.end(), previous->begin(), previous->end());
    if (both.size() > signatures_max) both.resize(signatures_max);
    if (auto refusal = replace(signature_path(table.kind), std::as_bytes(std::span(both)))) return refusal;
  }
  return write_new(new_path(path(table.kind)), table.bytes, table_mode);
}

/// New tables that are not there any more have taken their places already.
std::optional<Refusal> TableStore::finish_pending() const {
  const Result<std::optional<std::string>> names = read_small(pending_path());
  if (!names) return names.refusal();
  if (!names->has_value()) return std::nullopt;
  for (const TableKind kind : table_kinds) {
    const std::filesystem::path target = path(kind);
    if ((*names)->find(target.filename().string() + '\n') == std::string::npos) continue;
    if (::rename(new_path(target).c_str(), target.c_str()) != 0 && errno != ENOENT) return errno_refusal(target);
  }
  if (auto refusal = sync()) return refusal;
  if (auto refusal = remove_file(pending_path())) return refusal;
  return sync();
}

std::optional<Refusal> TableStore::replace(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                           mode_t mode) const {
  const std::filesystem::path temporary = new_path(target);
  if (auto refusal = write_new(temporary, bytes, mode)) return refusal;
  if (::rename(temporary.c_str(), target.c_str()) != 0) return errno_refusal(target);
  return sync();
}

/// Until its directory is on disk, a crash may undo what happened to a name.
std::optional<Refusal> TableStore::sync() const {
  const File directory(directory_, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || ::fsync(directory.fd()) != 0) return errno_refusal(directory_);
  return std::nullopt;
}

std::optional<Refusal> TableStore::save_secrets(std::span<const std::byte> bytes) const {
  return replace(secrets_path(), bytes, 0600);
}

Result<std::optional<std::string>> TableStore::load_secrets() const {
  return read_small(secrets_path());
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
