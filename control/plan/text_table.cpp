#include "control/plan/text_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace anytick::plan {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Characters of UTF-8.
size_t length_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

} // namespace

std::string TextTable::text() const {
  if (rows_.empty()) return "";
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(length_of(column.title));
  for (const Row& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], length_of(row[i]));
  std::string text;
  const auto line = [&](auto cell_of) {
    std::string cells;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string blank(widths[i] - length_of(cell), ' ');
      cells += "  " + (columns_[i].align == Align::right ? blank + cell : cell + blank);
    }
    text.append(cells, 0, cells.find_last_not_of(' ') + 1) += '\n';
  };
  line([&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const Row& row : rows_) line([&](size_t i) -> const std::string& { return row[i]; });
  return text;
}

std::string shown_name(std::string_view name, size_t characters) {
  std::string text(name);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  if (length_of(text) <= characters) return text;
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
