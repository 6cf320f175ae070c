#include "dataplane/io/replica.h"

#include <algorithm>
#include <utility>

#include "dataplane/io/numa.h"

namespace anytick::io {
namespace {

template <class Table> Result<std::shared_ptr<const TableCopy<Table>>> copy_of(const Table& original, int node) {
  Result<TableMemory> memory = TableMemory::reserve(original.bytes().size(), node);
  if (!memory) return memory.refusal();
  std::ranges::copy(original.bytes(), memory->writable().begin());
  const auto bytes = memory->freeze();
  if (!bytes) return bytes.refusal();
  Result<Table> table = Table::validate(*bytes);
  if (!table) return table.refusal();
  TableCopy<Table> copy{&original, std::move(*memory), std::move(*table)};
  return std::make_shared<const TableCopy<Table>>(std::move(copy));
}

/// Makes `copy` one of `original`, if it is of another. Whether it was.
template <class Table>
Result<bool> renew(std::shared_ptr<const TableCopy<Table>>& copy, const Table* original, int node) {
  if (original == nullptr || (copy != nullptr && copy->original == original)) return false;
  auto made = copy_of(*original, node);
  if (!made) return made.refusal();
  copy = std::move(*made);
  return true;
}

} // namespace

std::optional<Refusal> Replica::follow(const core::View& home) {
  const NodePreference here(node_);
  const Result<bool> new_image = renew(image_, home.image, node_);
  if (!new_image) return new_image.refusal();
  const Result<bool> new_map = renew(map_, home.map, node_);
  if (!new_map) return new_map.refusal();
  const geo::Map* map = map_ != nullptr ? &map_->table : nullptr;
  if (image_ != nullptr && (*new_image || *new_map)) {
    auto join = core::Join::build(image_->table, map);
    if (!join) return join.refusal();
    join_ = std::move(*join);
  }
  view_ = home;
  view_.image = image_ != nullptr ? &image_->table : nullptr;
  view_.map = map;
  view_.join = join_.get();
  return std::nullopt;
}

} // namespace anytick::io
