#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "dataplane/io/table_kind.h"
#include "dataplane/io/table_memory.h"

namespace anytick::io {

/// The last good tables on disk: state_dir/zone.image and state_dir/geo.map.
class TableStore {
 public:
  /// Creates the directory if there is none.
  static Result<TableStore> open(const std::filesystem::path& directory);

  /// Replaces the stored table in one step: after a crash there is the old one or the new one. The refusal, if any.
  std::optional<Refusal> save(TableKind kind, std::span<const std::byte> bytes) const;
  /// The stored bytes, nothing if there are none. Refused: what cannot be read, is empty or larger than `limit` bytes.
  Result<std::optional<TableMemory>> load(TableKind kind, uint64_t limit) const;

  std::filesystem::path path(TableKind kind) const;

 private:
  explicit TableStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path directory_;
};

} // namespace anytick::io
