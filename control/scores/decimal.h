#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace anytick::scores {

/// Appends the shortest decimal that is read as the same value.
template <class Number> void append_decimal(std::string& text, Number value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  text.append(digits, end.ptr);
}

/// Reads a number off the begin of `text`. False: there is none.
template <class Number> bool take_decimal(std::string_view& text, Number& value) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return true;
}

/// Reads that character off the begin of `text`. False: there is another one.
inline bool take_character(std::string_view& text, char character) {
  if (text.empty() || text.front() != character) return false;
  text.remove_prefix(1);
  return true;
}

} // namespace anytick::scores
