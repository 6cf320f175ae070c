#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "control/scores/row.h"

namespace anytick::scores {

/// Rows of a feed that are taken together, by server and within it in the feed's order. Its texts are its own.
class RowBatch {
  static constexpr size_t none = SIZE_MAX;

 public:
  /// Of one server.
  struct Server {
    geo::Address address;
    size_t first = none, last = none;             ///< of its rows, a chain through the batch's
    std::map<uint32_t, MonitorStatus> statuses{}; ///< that monitors were said to have with it
  };

  void take(const Row& row);
  void take(const geo::Address& server, const Monitor& monitor);

  /// Rows, and whatever else takes memory.
  size_t size() const { return size_; }
  const std::vector<Server>& servers() const { return servers_; }
  /// Its rows, in the feed's order.
  template <class Sink> void each_row(const Server& server, Sink sink) const {
    for (size_t at = server.first; at != none; at = rows_[at].next) sink(rows_[at].row);
  }
  const std::map<uint32_t, std::string>& names() const { return names_; } ///< of monitors; printable ASCII
  /// Keeps the rows' memory.
  void clear();

 private:
  struct Link {
    Row row;
    size_t next;
  };
  struct AddressHash {
    size_t operator()(const geo::Address& address) const {
      return std::hash<uint64_t>()((address.high() ^ address.low()) * 0x9e3779b97f4a7c15);
    }
  };

  Server& server(const geo::Address& address);

  size_t size_ = 0;
  std::vector<Link> rows_;
  std::vector<Server> servers_;
  std::unordered_map<geo::Address, size_t, AddressHash> places_;
  size_t last_ = 0; ///< a log is mostly of one server
  std::unordered_set<std::string> texts_;
  std::map<uint32_t, std::string> names_;
};

} // namespace anytick::scores
