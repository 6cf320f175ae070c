#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/core/signature.h"

namespace anytick::io {

/// The tables that a POP can be given.
enum class TableKind : uint8_t { zone, geo, policy };
inline constexpr std::array table_kinds{TableKind::zone, TableKind::geo, TableKind::policy};

constexpr std::string_view table_name(TableKind kind) {
  switch (kind) {
  case TableKind::zone:
    return "zone image";
  case TableKind::geo:
    return "geo map";
  case TableKind::policy:
    return "policy";
  }
  return "";
}

/// Of one table. More than one only where the newest of them may be of a table that a crash kept from the disk.
using Signatures = std::vector<core::Signature>;

/// SHA-256, as in a table's own header, or of a policy's text.
using TableDigest = std::array<uint8_t, 32>;

/// What a table says of itself, and when it was loaded (seconds since 1970).
struct TableInfo {
  TableKind kind = TableKind::zone;
  uint32_t format = 0;
  uint64_t size = 0;
  TableDigest digest{};
  uint64_t serial = 0;  ///< zone image only
  uint64_t created = 0; ///< 0 of a policy, which does not say
  uint64_t loaded = 0;
  std::optional<core::KeyId> signed_by; ///< a trusted key; not set where none is configured
};

} // namespace anytick::io
