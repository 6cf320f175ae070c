#pragma once

#include <memory>
#include <optional>

#include "dataplane/core/join.h"
#include "dataplane/core/view.h"
#include "dataplane/core/zone_image.h"
#include "dataplane/io/table_memory.h"
#include "geo/map.h"

namespace anytick::io {

/// A copy of a validated table in the memory of a NUMA node.
template <class Table> struct TableCopy {
  const Table* original; ///< told apart by, never followed
  TableMemory memory;
  Table table;
};

/// What the workers of one NUMA node answer from: copies of image and map, joined there. Copies of tables that a load
/// leaves alone are shared with the next generation. A policy and what is small are everybody's.
class Replica {
 public:
  explicit Replica(int node) : node_(node) {}

  /// Becomes a copy of `home`. Refuses where there is no memory; then it is not to be used. Allocates.
  std::optional<Refusal> follow(const core::View& home);
  const core::View& view() const { return view_; }

 private:
  int node_;
  std::shared_ptr<const TableCopy<core::ZoneImage>> image_;
  std::shared_ptr<const TableCopy<geo::Map>> map_;
  std::shared_ptr<const core::Join> join_;
  core::View view_;
};

} // namespace anytick::io
