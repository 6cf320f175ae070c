#include "geo/location_steps.h"

#include <cassert>
#include <limits>
#include <optional>

namespace anytick::geo {

namespace {

constexpr uint32_t nothing_stated = std::numeric_limits<uint32_t>::max();

void append(std::vector<Step>& steps, Step step) {
  if (!steps.empty() && steps.back().start == step.start) steps.pop_back();
  if (steps.empty() || steps.back().value != step.value) steps.push_back(step);
}

/// Nested prefixes to a flat list: the values are the layer's statements, the innermost one where they nest.
class Flattener {
 public:
  Flattener() { steps_.push_back({0, nothing_stated}); }

  void take(const Layer::Entry& entry) {
    const AddressKey first = key_of(entry.prefix.address);
    close_before(first);
    append(steps_, {first, entry.statement});
    open_.push_back({block_end(first, entry.prefix.length), entry.statement});
  }

  std::vector<Step> finish() {
    close_before({});
    return std::move(steps_);
  }

 private:
  struct Open {
    AddressKey last;
    uint32_t statement;
  };

  /// Ends the open blocks that do not reach `first`; all of them if there is none.
  void close_before(std::optional<AddressKey> first) {
    while (!open_.empty() && (!first || open_.back().last < *first)) {
      const AddressKey last = open_.back().last;
      open_.pop_back();
      const uint32_t outer = open_.empty() ? nothing_stated : open_.back().statement;
      if (last != last_key) append(steps_, {last + 1, outer});
    }
  }

  std::vector<Step> steps_;
  std::vector<Open> open_;
};

std::vector<Step> flatten(const Layer& layer, Family family) {
  Flattener flattener;
  const Layer::Entry* previous = nullptr;
  for (const Layer::Entry& entry : layer.entries) {
    assert(previous == nullptr || previous->prefix < entry.prefix);
    previous = &entry;
    if (entry.prefix.address.family == family) flattener.take(entry);
  }
  return flattener.finish();
}

Location overlay(Location below, const Location& stated) {
  if (stated.country[0] != 0 && stated.country != below.country) {
    below.country = stated.country;
    below.region = {};
  }
  if (stated.region[0] != 0) below.region = stated.region;
  if (stated.continent != Continent::unknown) below.continent = stated.continent;
  if (stated.asn != 0) below.asn = stated.asn;
  return below;
}

std::vector<Step> overlay(const std::vector<Step>& below, const Layer& layer, Family family, Locations& locations) {
  const std::vector<Step> above = flatten(layer, family);
  std::vector<Step> merged;
  merged.reserve(below.size() + above.size());
  size_t low = 0;
  size_t high = 0;
  for (AddressKey start = 0;;) {
    uint32_t value = below[low].value;
    if (above[high].value != nothing_stated)
      value = locations.index_of(overlay(locations[value], layer.statements[above[high].value]));
    append(merged, {start, value});

    const bool low_ends = low + 1 == below.size();
    const bool high_ends = high + 1 == above.size();
    if (low_ends && high_ends) return merged;
    start = low_ends    ? above[high + 1].start
            : high_ends ? below[low + 1].start
                        : std::min(below[low + 1].start, above[high + 1].start);
    if (!low_ends && below[low + 1].start == start) ++low;
    if (!high_ends && above[high + 1].start == start) ++high;
  }
}

} // namespace

size_t LocationHash::operator()(const Location& location) const {
  uint64_t text = static_cast<uint64_t>(location.continent);
  for (const char c : location.country) text = text << 8 | static_cast<uint8_t>(c);
  for (const char c : location.region) text = text << 8 | static_cast<uint8_t>(c);
  return mix(text, location.asn);
}

std::vector<Step> merge_layers(std::span<const Layer> layers, Family family, Locations& locations) {
  std::vector<Step> steps{{0, locations.index_of(Location{})}};
  for (const Layer& layer : layers) steps = overlay(steps, layer, family, locations);
  return steps;
}

} // namespace anytick::geo
