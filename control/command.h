#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geo/refusal.h"

namespace anytick::control {

/// Exit codes of `anytick`.
inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1; ///< refused, or faults found
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3; ///< a POP could not be reached
inline constexpr int exit_guarded = 4;     ///< the guard objects to a plan: nothing was sent
inline constexpr int exit_incomplete = 5;  ///< some POPs do not run what they are to
inline constexpr int exit_changes = 6;     ///< `plan --exit-code`: POPs would answer differently

/// Ends a command: main() prints the text to stderr and exits with the code.
struct CommandFailure : std::runtime_error {
  CommandFailure(int code, const std::string& text) : std::runtime_error(text), exit_code(code) {}

  int exit_code;
};

/// The value, or CommandFailure (refused) that names the file.
template <class T> T taken(Result<T> result, const std::string& file) {
  if (!result) throw CommandFailure(exit_refused, file + ": " + result.refusal().text());
  return std::move(*result);
}

/// The same bytes as text.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The whole file; its data is aligned for any table (16 bytes). Throws CommandFailure.
std::vector<std::byte> read_file(const std::string& path);

/// Replaces a file in one step, by what was written until commit(): after a crash it holds the old bytes or the new
/// ones, on disk before commit() returns. Without it, the old file stays. All throw CommandFailure.
class FileReplacement {
 public:
  /// It has `mode` less the umask.
  explicit FileReplacement(const std::string& path, mode_t mode = 0666);
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;
  ~FileReplacement();

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  std::string path_;
  mode_t mode_;
  struct Temporary;
  std::unique_ptr<Temporary> file_;
};

/// Replaces `path` in one step: after a crash it holds the old bytes or the new ones, on disk before this returns.
/// It has `mode` less the umask. Throws CommandFailure and then leaves no temporary file behind.
void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, mode_t mode = 0666);

/// Makes a file that was not there, with that mode less the umask, on disk before this returns.
/// Throws CommandFailure, also where there is one, and then leaves no file of its own behind.
void write_new_file(const std::string& path, std::span<const std::byte> bytes, mode_t mode);

/// Seconds since 1970 for a table's header: the option, else SOURCE_DATE_EPOCH, else 0, so that builds repeat.
/// Throws CommandFailure where SOURCE_DATE_EPOCH is no number.
uint64_t created_option(std::optional<uint64_t> option);

} // namespace anytick::control
