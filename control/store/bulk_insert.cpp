#include "control/store/bulk_insert.h"

namespace anytick::store {

std::string values_text(const std::string& head, size_t rows, size_t columns, const std::string& tail) {
  std::string text = head + " VALUES ";
  size_t number = 0;
  for (size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "(" : ", (";
    for (size_t column = 0; column < columns; ++column)
      text += (column == 0 ? ":v" : ", :v") + std::to_string(number++);
    text += ")";
  }
  return text + " " + tail;
}

} // namespace anytick::store
