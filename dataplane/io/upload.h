#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/io/tables.h"
#include "dataplane/pop.pb.h"

namespace anytick::io {

inline constexpr uint32_t protocol_version = 1;
inline constexpr size_t chunk_max = size_t{1} << 20; ///< bytes
inline constexpr uint32_t confirm_seconds_max = 86'400;

/// What came of a step of an upload.
struct UploadFault {
  enum class Kind : uint8_t {
    violation, ///< the client does not follow pop.proto
    refused,   ///< it does, but this POP does not take the table
  };
  Kind kind;
  std::string reason;
};

/// The parts of one Load stream, checked in order and gathered into table memory. One thread.
class Upload {
 public:
  /// `max_table_bytes` for each table; a policy has PolicyBounds::text at most.
  explicit Upload(uint64_t max_table_bytes) : max_table_bytes_(max_table_bytes) {}

  std::optional<UploadFault> take(const pop::v1::LoadRequest& part);
  /// After the last part. Afterwards the tables may be taken.
  std::optional<UploadFault> finish() const;
  NewTables take_tables();
  /// That they are to be confirmed within; 0: they need not be.
  std::chrono::seconds confirm_within() const { return confirm_within_; }

 private:
  struct Incoming {
    TableKind kind;
    TableMemory memory;
    std::string digest;
    Signatures signatures;
    size_t filled = 0;
  };

  std::optional<UploadFault> begin(const pop::v1::LoadBegin& begin);
  std::optional<UploadFault> announce(const pop::v1::TableHead& head);
  std::optional<UploadFault> check_size(TableKind kind, uint64_t size) const;
  std::optional<UploadFault> append(std::string_view chunk);

  uint64_t max_table_bytes_;
  bool begun_ = false;
  std::chrono::seconds confirm_within_{0};
  std::vector<Incoming> tables_;
  size_t filling_ = 0; ///< index into tables_
};

} // namespace anytick::io
