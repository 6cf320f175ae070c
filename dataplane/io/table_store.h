#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <sys/types.h>

#include "dataplane/io/table_kind.h"
#include "dataplane/io/table_memory.h"

namespace anytick::io {

/// The last good tables on disk: state_dir/zone.image, geo.map and policy.toml, each with its signatures, 64 bytes
/// each, in a file of the same name and ".sig".
class TableStore {
 public:
  /// Creates the directory if there is none.
  static Result<TableStore> open(const std::filesystem::path& directory);

  /// Replaces the stored table and its signatures. After a crash there is the old table or the new one, and its
  /// signatures are among those beside it. The refusal, if any.
  std::optional<Refusal> save(TableKind kind, std::span<const std::byte> bytes, const Signatures& signatures) const;
  /// The stored bytes, nothing if there are none. Refused: what cannot be read, is larger than `limit` bytes or, unless
  /// it is a policy, empty.
  Result<std::optional<TableMemory>> load(TableKind kind, uint64_t limit) const;

  /// The stored signatures, nothing if there are none. Refused: what cannot be read or is no list of signatures.
  Result<Signatures> load_signatures(TableKind kind) const;

  /// The secrets, in a file that only the owner may read. Nothing if there are none.
  std::optional<Refusal> save_secrets(std::span<const std::byte> bytes) const;
  Result<std::optional<std::string>> load_secrets() const;

  std::filesystem::path path(TableKind kind) const;
  std::filesystem::path signature_path(TableKind kind) const;

 private:
  std::filesystem::path secrets_path() const { return directory_ / "secrets"; }
  std::optional<Refusal> replace(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                 mode_t mode = 0640) const;

  explicit TableStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path directory_;
};

} // namespace anytick::io
