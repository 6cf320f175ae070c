#include "dataplane/core/names.h"

namespace anytick::core {

int compare_names(const FoldedName& left, const FoldedName& right) {
  unsigned i = left.labels;
  unsigned j = right.labels;
  while (i > 0 && j > 0) {
    const uint8_t* a = left.bytes.data() + left.label_at[--i];
    const uint8_t* b = right.bytes.data() + right.label_at[--j];
    if (const int order = std::memcmp(a + 1, b + 1, std::min(a[0], b[0]))) return order;
    if (a[0] != b[0]) return a[0] - b[0];
  }
  return static_cast<int>(i) - static_cast<int>(j);
}

} // namespace anytick::core
