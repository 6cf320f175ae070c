#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/findings.h"

namespace anytick::control {

/// Where a value stands in a JSON text: a chain of keys and indices, made into text only when something is to be said.
class JsonPath {
 public:
  JsonPath() = default;
  /// The parent and the key's characters must outlive the path.
  JsonPath(const JsonPath& parent, std::string_view key) : parent_(&parent), key_(key) {}
  JsonPath(const JsonPath& parent, size_t index) : parent_(&parent), index_(index), is_index_(true) {}

  std::string text() const; ///< "data/0.us/a/3"; "" for the whole text

 private:
  const JsonPath* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
  bool is_index_ = false;
};

/// The value of a JSON text (RFC 8259). A syntax error (with line and column), a key that stands twice in an object and
/// absurd nesting are faults; nothing comes back after the first and the last of them.
std::optional<nlohmann::json> parse_json(std::string_view text, Findings& findings);

/// Whether JSON may have it as a text.
bool is_utf8(std::string_view text);

/// A value for a message: as JSON, shortened.
std::string shown(const nlohmann::json& value);

} // namespace anytick::control
