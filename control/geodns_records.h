#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/findings.h"
#include "control/json_source.h"
#include "control/zone.h"

/// The record types of a GeoDNS zone file.
namespace anytick::control {

/// RR type of a label's key ("a", "mx", ...); nothing for keys that are no record type here.
std::optional<uint16_t> record_type(std::string_view key);

/// An integer, or a string that is one. Anything else, or one outside [min, max], is a fault.
std::optional<uint64_t> read_integer(const nlohmann::json& value, const JsonPath& where, uint64_t min, uint64_t max,
                                     Findings& findings);

/// The records of one type at one label: a list of them or a single one, each in any form that the type has.
/// Records of weight 0 are left out with a warning; the same record twice is a fault. `origin` is in wire format.
std::vector<ZoneRecord> read_records(uint16_t type, const nlohmann::json& value, const JsonPath& where,
                                     std::string_view origin, Findings& findings);

/// A name server, and addresses for it if the file states them.
struct NameServer {
  std::string name;              ///< wire format
  std::vector<std::string> glue; ///< RDATA of A (4 bytes) and AAAA (16 bytes)
  std::string where;
};

/// The value of "ns": a list of names or a map name -> glue.
std::vector<NameServer> read_name_servers(const nlohmann::json& value, const JsonPath& where, std::string_view origin,
                                          Findings& findings);

} // namespace anytick::control
