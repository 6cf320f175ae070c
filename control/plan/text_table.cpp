#include "control/plan/text_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace anytick::plan {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

} // namespace

std::string TextTable::text() const {
  if (rows_.empty()) return "";
  std::vector<control::Side> sides;
  std::vector<Row> all(1);
  for (const Column& column : columns_) {
    sides.push_back(column.align);
    all.front().push_back(column.title);
  }
  all.insert(all.end(), rows_.begin(), rows_.end());
  return control::columns_text(sides, all, "  ");
}

std::string shown_name(std::string_view name, size_t characters) {
  std::string text(name);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  if (control::width_of(text) <= characters) return text;
  size_t end = 0;
  for (size_t left = characters - 3; left > 0; --left) do
      ++end;
    while (continues(text[end]));
  return text.substr(0, end) + "...";
}

std::string wrapped(std::string_view text, std::string_view indent, size_t columns) {
  std::string lines;
  size_t width = columns;
  for (size_t at = text.find_first_not_of(' '); at != text.npos; at = text.find_first_not_of(' ', at)) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (width + 1 + word.size() > columns) {
      lines.append(lines.empty() ? "" : "\n").append(indent);
      width = indent.size();
    } else {
      lines += ' ';
      ++width;
    }
    lines += word;
    width += word.size();
    at = end;
  }
  return lines + '\n';
}

std::string percent_text(double share) {
  return fmt::format("{:.3f} %", 100 * share);
}

std::string capacity_text(uint64_t kbit) {
  const auto number = static_cast<double>(kbit);
  if (kbit >= 1'000'000) return fmt::format("{:.2f} Gbit/s", number / 1e6);
  if (kbit >= 1'000) return fmt::format("{:.2f} Mbit/s", number / 1e3);
  return fmt::format("{} kbit/s", kbit);
}

} // namespace anytick::plan
