#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/columns.h"

/// What commands list: tables for people and grep, objects, JSON.
namespace anytick::control {

/// One line for each row, its cells below their heads. Control characters in cells become blanks; "" is shown as "-".
class TextTable {
 public:
  using Side = control::Side;
  struct Column {
    std::string head;
    Side side = Side::left;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Precondition: as many cells as there are columns.
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// An object's members, one a line, named before them. Those that are times are shown as dates.
std::string fields_text(const nlohmann::ordered_json& object);

/// A value of a registry's object in few words: "-", "de jp", "de=512", "2026-06-17T09:30:00Z" where `key` is a time's.
std::string value_text(const std::string& key, const nlohmann::ordered_json& value);

/// An array with one element a line.
std::string list_json(const nlohmann::ordered_json& array);

/// Joined by what is between them.
std::string joined(const std::vector<std::string>& words, const char* between);

} // namespace anytick::control
