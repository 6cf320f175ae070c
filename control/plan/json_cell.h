#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/findings.h"
#include "control/json_source.h"

namespace anytick::plan {

/// A value of a JSON text that should be of some type. One that is not is a fault, and reads as nothing; so is one that
/// is not there at all, which is a fault of who has it. A cell must outlive those that are made of it.
class Cell {
 public:
  Cell(const nlohmann::json* value, control::JsonPath path, control::Findings& findings)
      : value_(value), path_(path), findings_(&findings) {}

  int64_t integer(int64_t min, int64_t max) const;
  double real(double min, double max) const; ///< a finite one, too
  bool flag() const;
  std::string text() const;
  bool is_null() const { return value_ != nullptr && value_->is_null(); }
  /// What `parse` makes of the text; "" would be.
  template <class Parse> auto parsed(std::string_view complaint, Parse parse) const {
    auto result = parse(text());
    if (result) return *std::move(result);
    if (value_ != nullptr && value_->is_string()) fault(fmt::format("{}: {}", complaint, control::shown(*value_)));
    return typename std::decay_t<decltype(*result)>{};
  }

  /// An array of so many.
  bool is_row(size_t columns) const;
  /// Of an array.
  size_t size() const;
  Cell at(size_t index) const {
    const bool is_there = value_ != nullptr && value_->is_array() && index < value_->size();
    return {is_there ? &(*value_)[index] : nullptr, control::JsonPath(path_, index), *findings_};
  }
  /// Of an object: gets each key and value.
  template <class Each> void each_member(Each each) const {
    if (!is_object()) return;
    for (const auto& [key, member] : value_->items())
      each(key, Cell(&member, control::JsonPath(path_, key), *findings_));
  }

  void fault(std::string reason) const { findings_->fault(path_.text(), std::move(reason)); }

 private:
  friend class Fields;
  bool is_object() const;
  void mistyped(const std::string& wanted) const;

  const nlohmann::json* value_;
  control::JsonPath path_;
  control::Findings* findings_;
};

/// An object with exactly these keys. The cell must outlive it.
class Fields {
 public:
  Fields(const Cell& cell, std::span<const std::string_view> keys);
  Fields(const Cell& cell, std::initializer_list<std::string_view> keys)
      : Fields(cell, std::span(keys.begin(), keys.size())) {}

  Cell at(std::string_view key) const;

 private:
  const Cell& cell_;
};

} // namespace anytick::plan
