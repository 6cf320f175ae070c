#include "geo/mmdb.h"

#include <maxminddb.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>

#include "geo/address_key.h"
#include "geo/mmdb_record.h"

namespace anytick::geo {

namespace {

using Fault = std::optional<Refusal>;

/// What one side of a search node holds.
struct Record {
  uint64_t value; ///< the node's number, for a search node
  uint8_t type;   ///< MMDB_RECORD_TYPE_*
  MMDB_entry_s entry;
};

struct Block {
  AddressKey first;
  unsigned length;
};

class Reader {
 public:
  Reader(MMDB_s& database, const std::string& path) : database_(database), path_(path) { layer_.name = path; }

  Result<Layer> run() {
    const Record root{0, MMDB_RECORD_TYPE_SEARCH_NODE, {}};
    Fault fault = database_.metadata.ip_version == 4 ? walk_ipv4(root) : walk_combined(root);
    if (!fault && layer_.entries.empty())
      fault = Refusal{path_, "", "no record states a country, region, continent or AS number"};
    if (fault) return *std::move(fault);
    return std::move(layer_);
  }

 private:
  Fault walk_ipv4(const Record& root) {
    family_ = Family::ipv4;
    return visit(root, {});
  }

  Fault walk_combined(const Record& root) {
    Record ipv4 = root;
    for (unsigned depth = 0; depth < 96 && ipv4.type == MMDB_RECORD_TYPE_SEARCH_NODE; ++depth) {
      MMDB_search_node_s node;
      if (Fault fault = read(ipv4, node)) return fault;
      ipv4 = {node.left_record, node.left_record_type, node.left_record_entry};
    }
    if (Fault fault = walk_ipv4(ipv4)) return fault;
    family_ = Family::ipv6;
    ipv4_root_ = ipv4;
    return visit(root, {});
  }

  Fault read(const Record& record, MMDB_search_node_s& node) const {
    const int status = MMDB_read_node(&database_, static_cast<uint32_t>(record.value), &node);
    if (status != MMDB_SUCCESS) return corrupt_node(record.value, MMDB_strerror(status));
    return {};
  }

  Fault visit(const Record& record, Block block) {
    if (++visits_ > most_visits_) return Refusal{path_, "", "search tree reaches its nodes again and again"};
    switch (record.type) {
    case MMDB_RECORD_TYPE_EMPTY:
      return {};
    case MMDB_RECORD_TYPE_DATA:
      return add(record, block);
    case MMDB_RECORD_TYPE_SEARCH_NODE:
      return is_ipv4_in_ipv6(record, block) ? Fault{} : visit_node(record, block);
    default:
      return corrupt_node(record.value, "record points outside the file");
    }
  }

  Fault visit_node(const Record& record, Block block) {
    const unsigned width = family_ == Family::ipv4 ? 32 : 128;
    if (block.length == width) return corrupt_node(record.value, "search tree is deeper than an address");
    MMDB_search_node_s node;
    if (Fault fault = read(record, node)) return fault;
    const AddressKey one = AddressKey{1} << (127 - block.length);
    if (Fault fault =
            visit({node.left_record, node.left_record_type, node.left_record_entry}, {block.first, block.length + 1}))
      return fault;
    return visit({node.right_record, node.right_record_type, node.right_record_entry},
                 {block.first | one, block.length + 1});
  }

  bool is_ipv4_in_ipv6(const Record& record, Block block) const {
    if (family_ == Family::ipv4) return false;
    const bool is_alias = ipv4_root_.type == MMDB_RECORD_TYPE_SEARCH_NODE && record.value == ipv4_root_.value;
    return is_alias || (block.first == 0 && block.length == 96);
  }

  Fault add(const Record& record, Block block) {
    if (family_ == Family::ipv6 && block.first == 0 && block.length >= 96) return {};
    const auto [cached, is_new] = statement_by_offset_.emplace(record.entry.offset, no_statement);
    if (is_new) {
      Result<Location> location = read_mmdb_record(record.entry);
      if (!location) return Refusal{path_, location.refusal().where, location.refusal().reason};
      if (*location != Location{}) {
        cached->second = static_cast<uint32_t>(layer_.statements.size());
        layer_.statements.push_back(*location);
      }
    }
    if (cached->second == no_statement) return {};
    layer_.entries.push_back({{address_at(block.first, family_), static_cast<uint8_t>(block.length)}, cached->second});
    return {};
  }

  Refusal corrupt_node(uint64_t node, std::string reason) const {
    return {path_, "node " + std::to_string(node), std::move(reason)};
  }

  static constexpr uint32_t no_statement = ~uint32_t{0};

  MMDB_s& database_;
  const std::string& path_;
  Layer layer_;
  Family family_ = Family::ipv4;
  Record ipv4_root_{};
  uint64_t visits_ = 0;
  /// A tree has two records a node, and is walked twice where it is combined. Some sharing is let pass, but shared
  /// nodes can make a walk of exponential length.
  const uint64_t most_visits_ = 8 * (uint64_t{database_.metadata.node_count} + 1);
  std::unordered_map<uint32_t, uint32_t> statement_by_offset_;
};

std::string open_error(int status) {
  std::string reason = MMDB_strerror(status);
  if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) reason += std::string{": "} + std::strerror(errno);
  return reason;
}

} // namespace

Result<Layer> read_mmdb(const std::string& path) {
  MMDB_s database;
  errno = 0;
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database);
  if (status != MMDB_SUCCESS) return Refusal{path, "", open_error(status)};
  const std::unique_ptr<MMDB_s, decltype(&MMDB_close)> closer{&database, MMDB_close};
  return Reader{database, path}.run();
}

} // namespace anytick::geo
