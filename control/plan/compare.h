#pragma once

#include <vector>

#include "control/plan/plan.h"

namespace anytick::plan {

/// Walks two sequences that are sorted by `key` at once: `each(a, b)` gets pointers to the elements of every key, null
/// where one side has none.
template <class Sequence, class Key, class Each>
void walk_both(const Sequence& before, const Sequence& after, Key key, Each each) {
  auto a = before.begin(), b = after.begin();
  while (a != before.end() || b != after.end()) {
    if (b == after.end() || (a != before.end() && key(*a) < key(*b)))
      each(&*a++, nullptr);
    else if (a == before.end() || key(*b) < key(*a))
      each(nullptr, &*b++);
    else
      each(&*a++, &*b++);
  }
}

/// By address: servers that are in before or after, and not the same in their own zones.
std::vector<ServerChange> server_changes(const selection::Selection& before, const selection::Selection& after);

/// By zone and family: those whose answers differ.
std::vector<ZoneChange> zone_changes(const selection::Selection& before, const selection::Selection& after);

} // namespace anytick::plan
