#pragma once

#include <set>
#include <string_view>

#include "control/registry/transfer_rows.h"
#include "control/scores/text_file.h"

/// Any kinds as one JSON document: {"format": "anytick-registry", "version": 1, "accounts": [{...}, ...], ...}, with
/// the parts and their records in any order.
namespace anytick::registry::transfer {

inline constexpr std::string_view document_format = "anytick-registry";
inline constexpr uint64_t document_version = 1;

/// Hands over the records of the kinds that are `wanted`, one at a time, in the file's order; `present` gets those of
/// them that the document has. False: the file ends early or is no such document, and more may be wrong with it.
bool read_json(scores::TextFile& file, const std::set<Kind>& wanted, std::set<Kind>& present, const TakeRow& take,
               TransferFaults& faults);

} // namespace anytick::registry::transfer
