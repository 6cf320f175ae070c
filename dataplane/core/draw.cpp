#include "dataplane/core/draw.h"

#include <algorithm>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

constexpr unsigned threshold_bits = 48;

// Duplicates rejected before the search takes over. A pool's answer sets rarely see one; a giant beside dwarfs sees
// nothing else, and a search costs about as much as this many proposals.
constexpr unsigned rejections_max = 8;

bool contains(const Drawn& drawn, uint32_t index) {
  bool found = false;
  for (unsigned i = 0; i < drawn.count; ++i) found |= drawn.indices[i] == index;
  return found;
}

void add(Drawn& drawn, uint32_t index, uint32_t value) {
  drawn.indices[drawn.count] = index;
  drawn.values[drawn.count] = value;
  ++drawn.count;
}

// One record among those not drawn yet, exactly by weight: a point on the line of all weights with the drawn ones cut
// out, found by moving it past each cut to its left.
void search_one(const DrawView& view, Random& random, Drawn& drawn) {
  uint32_t cuts[draw_records_max];
  std::copy_n(drawn.indices, drawn.count, cuts);
  std::sort(cuts, cuts + drawn.count);
  uint64_t left = view.before[view.count];
  for (unsigned i = 0; i < drawn.count; ++i) left -= view.before[cuts[i] + 1] - view.before[cuts[i]];
  auto point = static_cast<uint64_t>(static_cast<uint128>(random.next()) * left >> 64);
  for (unsigned i = 0; i < drawn.count; ++i)
    if (point >= view.before[cuts[i]]) point += view.before[cuts[i] + 1] - view.before[cuts[i]];
  const uint64_t* end = view.before + view.count + 1;
  const auto index = static_cast<uint32_t>(std::upper_bound(view.before, end, point) - view.before - 1);
  add(drawn, index, view.slots[index].own);
}

} // namespace

void build_draw(std::span<const uint32_t> weights, std::span<const uint32_t> values, std::span<DrawSlot> slots,
                std::span<uint64_t> before) {
  const size_t count = weights.size();
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    before[i] = total;
    total += weights[i];
  }
  before[count] = total;

  // Each column holds `total`; a record's weight is scaled by the number of columns, so all of it is exact in integers.
  std::vector<uint64_t> scaled(count);
  std::vector<uint32_t> small, large;
  for (size_t i = 0; i < count; ++i) {
    scaled[i] = uint64_t{weights[i]} * count;
    (scaled[i] < total ? small : large).push_back(static_cast<uint32_t>(i));
  }
  const auto fill = [&](uint32_t column, uint32_t alias) {
    const auto parts =
        static_cast<uint64_t>(((static_cast<uint128>(scaled[column]) << threshold_bits) + total / 2) / total);
    const uint64_t threshold = std::min(parts, (uint64_t{1} << threshold_bits) - 1);
    slots[column] = {threshold << 16 | alias, values[column], values[alias]};
  };
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back();
    const uint32_t rich = large.back();
    small.pop_back();
    fill(poor, rich);
    scaled[rich] -= total - scaled[poor];
    if (scaled[rich] < total) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // What is left fills its column exactly: both candidates are the record itself.
  for (const uint32_t column : small) fill(column, column);
  for (const uint32_t column : large) fill(column, column);
}

void draw(const DrawView& view, unsigned k, Random& random, Drawn& drawn) {
  drawn.count = 0;
  k = std::min(k, view.count);
  // Most proposals would be duplicates where few records are left over.
  unsigned proposals = view.count > 2 * k ? k + rejections_max : 0;
  for (; drawn.count < k && proposals > 0; --proposals) {
    const auto product = static_cast<uint128>(random.next()) * view.count;
    const auto column = static_cast<uint32_t>(product >> 64);
    const DrawSlot& slot = view.slots[column];
    const bool own = static_cast<uint64_t>(product) >> 16 < slot.threshold_alias >> 16;
    const uint32_t index = own ? column : static_cast<uint32_t>(slot.threshold_alias & 0xffff);
    if (!contains(drawn, index)) add(drawn, index, own ? slot.own : slot.other);
  }
  while (drawn.count < k) search_one(view, random, drawn);
}

} // namespace anytick::core
