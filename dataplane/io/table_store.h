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

/// A table to be stored; all of it is someone else's.
struct TableToStore {
  TableKind kind;
  std::span<const std::byte> bytes;
  std::span<const core::Signature> signatures;
};

/// The last good tables on disk: state_dir/zone.image, geo.map and policy.toml, each with its signatures, 64 bytes
/// each, in a file of the same name and ".sig".
class TableStore {
 public:
  /// Creates the directory if there is none. Ends what a crash broke off in the middle of save().
  static Result<TableStore> open(const std::filesystem::path& directory);

  /// Replaces the stored tables of these kinds, each at most once, and their signatures. Whatever crash comes, a daemon
  /// that is started afterwards has all of the old ones or all of the new ones, and their signatures are among those
  /// beside them. The refusal, if any: then the old ones are there, or the new ones will be.
  std::optional<Refusal> save(std::span<const TableToStore> tables) const;
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
  std::filesystem::path pending_path() const { return directory_ / "pending"; }
  std::optional<Refusal> replace(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                 mode_t mode = 0640) const;
  std::optional<Refusal> sync() const;
  std::optional<Refusal> prepare(const TableToStore& table) const;
  std::optional<Refusal> prepare(std::span<const TableToStore> tables) const;
  std::optional<Refusal> put_in_place(std::span<const TableToStore> tables) const;
  std::optional<Refusal> finish_pending() const;

  explicit TableStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path directory_;
};

} // namespace anytick::io
