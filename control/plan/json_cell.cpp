#include "control/plan/json_cell.h"

#include <algorithm>
#include <cmath>

namespace anytick::plan {

using nlohmann::json;

void Cell::mistyped(const std::string& wanted) const {
  if (value_ != nullptr) fault("not " + wanted + ": " + control::shown(*value_));
}

int64_t Cell::integer(int64_t min, int64_t max) const {
  const bool is_integer = value_ != nullptr && value_->is_number_integer();
  const bool fits = is_integer && (!value_->is_number_unsigned() ||
                                   value_->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  if (fits && value_->get<int64_t>() >= min && value_->get<int64_t>() <= max) return value_->get<int64_t>();
  mistyped(fmt::format("an integer from {} to {}", min, max));
  return min;
}

double Cell::real(double min, double max) const {
  if (value_ != nullptr && value_->is_number()) {
    const auto number = value_->get<double>();
    if (std::isfinite(number) && number >= min && number <= max) return number;
  }
  mistyped(fmt::format("a number from {} to {}", min, max));
  return min;
}

bool Cell::flag() const {
  if (value_ != nullptr && value_->is_boolean()) return value_->get<bool>();
  mistyped("true or false");
  return false;
}

std::string Cell::text() const {
  if (value_ != nullptr && value_->is_string()) return value_->get<std::string>();
  mistyped("a text");
  return {};
}

bool Cell::is_row(size_t columns) const {
  if (value_ != nullptr && value_->is_array() && value_->size() == columns) return true;
  mistyped(fmt::format("an array of {}", columns));
  return false;
}

size_t Cell::size() const {
  if (value_ != nullptr && value_->is_array()) return value_->size();
  mistyped("an array");
  return 0;
}

bool Cell::is_object() const {
  if (value_ != nullptr && value_->is_object()) return true;
  mistyped("an object");
  return false;
}

Fields::Fields(const Cell& cell, std::span<const std::string_view> keys) : cell_(cell) {
  if (!cell.is_object()) return;
  for (const auto& [key, member] : cell.value_->items())
    if (std::ranges::find(keys, key) == keys.end()) at(key).fault("no such key");
  for (const std::string_view key : keys)
    if (!cell.value_->contains(key)) cell.fault(fmt::format("\"{}\" is missing", key));
}

Cell Fields::at(std::string_view key) const {
  const json* found = nullptr;
  if (cell_.value_ != nullptr && cell_.value_->is_object())
    if (const auto member = cell_.value_->find(key); member != cell_.value_->end()) found = &*member;
  return {found, control::JsonPath(cell_.path_, key), *cell_.findings_};
}

} // namespace anytick::plan
