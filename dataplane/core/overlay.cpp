#include "dataplane/core/overlay.h"

#include <algorithm>
#include <bit>

namespace anytick::core {
namespace {

uint128 key_of(const geo::Address& address) {
  return uint128{address.high()} << 64 | address.low();
}

/// The first address behind a prefix; 0 where it reaches the end of the space.
uint128 end_of(const geo::Prefix& prefix) {
  const uint128 size = prefix.length == 0 ? 0 : uint128{1} << (128 - prefix.length);
  return key_of(prefix.address) + size;
}

unsigned common_bits(uint128 left, uint128 right) {
  const uint128 difference = left ^ right;
  const auto high = static_cast<uint64_t>(difference >> 64);
  return high != 0 ? static_cast<unsigned>(std::countl_zero(high))
                   : 64u + static_cast<unsigned>(std::countl_zero(static_cast<uint64_t>(difference)));
}

} // namespace

Overlay::Overlay(std::span<const Target> targets) : entries_(1) {
  EntryIndex known{{{}, 0}};
  ipv4_ = lay_out(targets, geo::Family::ipv4, known);
  ipv6_ = lay_out(targets, geo::Family::ipv6, known);
}

uint32_t Overlay::entry_of(std::vector<uint32_t> combination, EntryIndex& known) {
  const auto [at, fresh] = known.emplace(std::move(combination), static_cast<uint32_t>(entries_.size()));
  if (fresh) entries_.push_back(at->first);
  return at->second;
}

// A sweep over the borders of all prefixes: they nest or are apart, so those open at a place form a stack.
Overlay::Segments Overlay::lay_out(std::span<const Target> targets, geo::Family family, EntryIndex& known) {
  std::vector<Target> sorted;
  for (const Target& target : targets)
    if (target.prefix.address.family == family) sorted.push_back(target);
  std::sort(sorted.begin(), sorted.end(), [](const Target& a, const Target& b) { return a.prefix < b.prefix; });
  Segments segments;
  std::vector<const Target*> open;
  const auto begin_segment = [&](uint128 start) {
    std::vector<uint32_t> combination;
    for (size_t i = open.size(); i-- > 0;) combination.push_back(open[i]->index);
    if (!segments.starts.empty() && segments.starts.back() == start) {
      segments.starts.pop_back();
      segments.entries.pop_back();
    }
    segments.starts.push_back(start);
    segments.entries.push_back(entry_of(std::move(combination), known));
  };
  const auto close_before = [&](const geo::Prefix* next) {
    while (!open.empty() && (next == nullptr || !open.back()->prefix.contains(next->address))) {
      const uint128 end = end_of(open.back()->prefix);
      open.pop_back();
      if (end != 0) begin_segment(end);
    }
  };
  begin_segment(0);
  for (const Target& target : sorted) {
    close_before(&target.prefix);
    open.push_back(&target);
    begin_segment(key_of(target.prefix.address));
  }
  close_before(nullptr);
  return segments;
}

Overlay::Match Overlay::find(const geo::Address& address) const {
  const Segments& segments = address.family == geo::Family::ipv4 ? ipv4_ : ipv6_;
  const uint128 key = key_of(address);
  const auto next = std::upper_bound(segments.starts.begin(), segments.starts.end(), key);
  const auto here = next - 1;
  // A prefix around the address stays inside the segment once it is longer than what it has in common with the
  // addresses just outside.
  unsigned length = 0;
  if (*here != 0) length = common_bits(key, *here - 1) + 1;
  if (next != segments.starts.end()) length = std::max(length, common_bits(key, *next) + 1);
  return {segments.entries[static_cast<size_t>(here - segments.starts.begin())], static_cast<uint8_t>(length)};
}

size_t Overlay::memory_bytes() const {
  size_t bytes = (ipv4_.starts.size() + ipv6_.starts.size()) * (sizeof(uint128) + sizeof(uint32_t));
  for (const auto& entry : entries_) bytes += sizeof entry + entry.size() * sizeof(uint32_t);
  return bytes;
}

} // namespace anytick::core
