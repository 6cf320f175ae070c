#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Files of the registry: what is in them, by kind. A column of CSV is a member of a JSON object, by the same name.
namespace anytick::registry::transfer {

/// In the order in which each may refer to those before it.
enum class Kind : uint8_t { accounts, tree, roots, vendors, servers, pops };
inline constexpr std::array all_kinds{Kind::accounts, Kind::tree,    Kind::roots,
                                      Kind::vendors,  Kind::servers, Kind::pops};

enum class FieldType : uint8_t {
  text,
  whole,
  flag,    ///< true or false
  time,    ///< seconds since 1970, a day (2026-06-17) or a second of one (2026-06-17T09:30:00Z), UTC
  words,   ///< an array of texts; in CSV between blanks
  pairs,   ///< an object of texts; in CSV NAME=VALUE between blanks
  numbers, ///< an object of whole numbers; in CSV the same
  object,  ///< an object of whatever it holds; in CSV as JSON
};

struct Field {
  std::string_view name;
  FieldType type = FieldType::text;
};

/// The first one is the key.
std::span<const Field> fields_of(Kind kind);
const Field* find_field(Kind kind, std::string_view name);
/// "address, account, ..." for messages and help.
std::string field_names(Kind kind);

/// "servers": in files and on the command line.
std::string_view name_of(Kind kind);
std::optional<Kind> kind_by_name(std::string_view name);
/// "server": one of them.
std::string_view noun_of(Kind kind);

} // namespace anytick::registry::transfer
