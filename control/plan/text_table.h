#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/columns.h"

namespace anytick::plan {

/// Columns of text, each as wide as it must be.
class TextTable {
 public:
  using Align = control::Side;
  using Row = std::vector<std::string>;

  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Precondition: as many cells as columns.
  void add(Row row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  /// The titles, then the rows, each behind two blanks; "" where there are no rows.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

/// For a terminal: control characters as '?', of more than so many characters the first and "...".
std::string shown_name(std::string_view name, size_t characters);

/// Lines of at most so many columns, the second and those behind it indented like the first.
std::string wrapped(std::string_view text, std::string_view indent, size_t columns);

std::string percent_text(double share);   ///< "12.34 %"
std::string capacity_text(uint64_t kbit); ///< "1.25 Gbit/s"

} // namespace anytick::plan
