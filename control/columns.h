#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text in columns.
namespace anytick::control {

/// Of UTF-8: its characters, all taken to be as wide as one another.
size_t width_of(std::string_view text);

enum class Side : uint8_t { left, right };

/// A line for each row, with `indent` before it and two blanks between cells; each column is as wide as it must be,
/// with its cells at its side. Precondition: as many cells as sides in each row.
std::string columns_text(const std::vector<Side>& sides, const std::vector<std::vector<std::string>>& rows,
                         std::string_view indent);

} // namespace anytick::control
