#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/hub/config.h"
#include "control/push.h"

/// The tables that POPs are to run with a revision.
namespace anytick::delivery {

struct CargoTable {
  pop::v1::TableKind kind = pop::v1::TABLE_KIND_UNSPECIFIED;
  std::vector<std::byte> bytes;
  std::string digest;    ///< 32 bytes
  std::string signature; ///< 64 bytes, or none
};

struct Cargo {
  int64_t serial = 0;
  CargoTable image;
  CargoTable policy;             ///< without a byte: none, and one that runs is taken away
  std::optional<CargoTable> geo; ///< none: POPs keep what they have
};

/// Signed where the configuration has a key. Throws CommandFailure for files.
Cargo make_cargo(int64_t serial, std::vector<std::byte> image, const std::string& query_policy,
                 const hub::Config& config);
/// Of a stored revision, within a transaction. Throws Fault, too.
Cargo read_cargo(soci::session& sql, int64_t serial, const hub::Config& config);

/// What a POP has: `tables` of LoadReply and StatusReply.
using RunningTables = google::protobuf::RepeatedPtrField<pop::v1::TableInfo>;
bool is_running(const RunningTables& tables, const CargoTable& table);
/// What it has not. The bytes are the cargo's.
std::vector<control::PushTable> missing_tables(const RunningTables& tables, const Cargo& cargo);

} // namespace anytick::delivery
