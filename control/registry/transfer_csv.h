#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "control/registry/transfer_rows.h"
#include "control/scores/text_file.h"

/// One kind as CSV (RFC 4180), whose header names the fields of the columns. On reading, lines may end with LF alone.
namespace anytick::registry::transfer {

/// Bytes of a record; of a longer one, nothing is read but its end.
inline constexpr size_t record_max = size_t{1} << 20;

/// Hands over the records in the file's order. False: the header is none, and nothing was read. An empty cell is an
/// empty value: no deletion, no note; a field that is not to be changed has no column.
bool read_csv(scores::TextFile& file, Kind kind, const TakeRow& take, TransferFaults& faults);

/// With its end.
std::string csv_header(Kind kind);
/// Of a record that exported() made.
std::string csv_record(Kind kind, const nlohmann::ordered_json& record);

} // namespace anytick::registry::transfer
