#include "control/scores/row_batch.h"

#include "control/scores/row_faults.h"

namespace anytick::scores {
namespace {

constexpr size_t name_max = 100;
/// What a text or a server takes is as much as so many rows.
constexpr size_t rows_of_text = 2;
constexpr size_t rows_of_server = 4;
/// Longer errors are cut: nobody keeps more of them.
constexpr size_t text_max = 256;

} // namespace

RowBatch::Server& RowBatch::server(const geo::Address& address) {
  if (last_ < servers_.size() && servers_[last_].address == address) return servers_[last_];
  const auto [place, is_new] = places_.try_emplace(address, servers_.size());
  last_ = place->second;
  if (is_new) {
    servers_.push_back({.address = address});
    size_ += rows_of_server;
  }
  return servers_[last_];
}

void RowBatch::take(const Row& row) {
  ++size_;
  Server& whose = server(row.server);
  (whose.first == none ? whose.first : rows_[whose.last].next) = rows_.size();
  whose.last = rows_.size();
  Row& kept = rows_.emplace_back(Link{row, none}).row;
  if (row.error.empty()) return;
  const auto [text, is_new] = texts_.emplace(row.error.substr(0, text_max));
  kept.error = *text;
  if (is_new) size_ += rows_of_text;
}

void RowBatch::take(const geo::Address& address, const Monitor& monitor) {
  if (!monitor.name.empty()) names_[monitor.id] = printable(monitor.name, name_max);
  if (!monitor.status) return;
  const auto [place, is_new] = server(address).statuses.insert_or_assign(monitor.id, *monitor.status);
  if (is_new) ++size_;
}

void RowBatch::clear() {
  size_ = 0;
  rows_.clear();
  servers_.clear();
  places_.clear();
  texts_.clear();
  names_.clear();
}

} // namespace anytick::scores
