#include "control/commands/listing.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;

constexpr std::array times{"created", "deletion", "expires", "when"};

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

} // namespace

void TextTable::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = cell.empty() ? "-" : one_line(std::move(cell));
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<control::Side> sides;
  std::vector<std::vector<std::string>> all(1);
  for (const Column& column : columns_) {
    sides.push_back(column.side);
    all.front().push_back(column.head);
  }
  all.insert(all.end(), rows_.begin(), rows_.end());
  return columns_text(sides, all, "");
}

std::string value_text(const std::string& key, const ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get_ref<const std::string&>();
  const bool is_time = std::ranges::find(times, key) != times.end();
  if (is_time && value.is_number_integer()) return date_text(static_cast<uint64_t>(value.get<int64_t>()));
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> words;
  for (const auto& [name, each] : value.items()) {
    // What is deeper is JSON, as it was given.
    const bool leaf = !each.is_structured();
    const std::string text = leaf ? value_text("", each) : each.dump();
    words.push_back(value.is_array() ? text : fmt::format("{}={}", name, text));
  }
  return words.empty() ? "-" : joined(words, " ");
}

std::string fields_text(const ordered_json& object) {
  size_t width = 0;
  for (const auto& [key, value] : object.items()) width = std::max(width, key.size());
  std::string text;
  for (const auto& [key, value] : object.items()) {
    std::string shown = value_text(key, value);
    // Lines of notes stand below each other.
    for (size_t at = shown.find('\n'); at != shown.npos; at = shown.find('\n', at + width + 3))
      shown.insert(at + 1, width + 2, ' ');
    text += fmt::format("{:<{}}  {}\n", key, width, shown.empty() ? "-" : shown);
  }
  return text;
}

std::string list_json(const ordered_json& array) {
  if (array.empty()) return "[]\n";
  std::string text = "[";
  for (const ordered_json& each : array) text += (text.size() == 1 ? "\n" : ",\n") + each.dump();
  return text + "\n]\n";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  return fmt::format("{}", fmt::join(words, between));
}

} // namespace anytick::control
