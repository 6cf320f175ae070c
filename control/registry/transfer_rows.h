#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/registry/model.h"
#include "control/registry/transfer_faults.h"
#include "control/registry/transfer_kinds.h"

/// Rows of files: what they say of one object each. What is not set was not in the file.
namespace anytick::registry::transfer {

/// A record as it was read: its members are of the fields of its kind, of any JSON type.
struct RawRow {
  Kind kind = Kind::servers;
  nlohmann::json members = nlohmann::json::object();
  Place place{};
  std::map<std::string, uint64_t> lines{}; ///< of members that stand on others than `place`
};

struct AccountRow {
  std::string name;
  std::optional<std::vector<Login>> logins; ///< e-mail addresses in lower case
};

struct TreeRow {
  std::string name; ///< as tree_name() makes it
  std::optional<std::string> parent;
  std::optional<std::string> description;
};

struct RootRow {
  std::string origin;
  std::optional<std::string> contact;
  std::optional<std::vector<std::string>> name_servers;
  std::optional<uint32_t> ttl;
  std::optional<uint32_t> max_hosts;
  std::optional<std::string> static_data;
};

struct VendorRow {
  std::string name;
  std::optional<std::string> account;
  std::optional<std::string> root;
  std::optional<VendorState> state;
  std::optional<VendorClient> client;
  std::optional<VendorSink> sink;
  std::optional<std::optional<uint32_t>> throttle; ///< set, and empty: none
  std::optional<std::string> note;
};

struct ServerRow {
  geo::Address address;
  std::optional<std::string> account;
  std::optional<ServerState> state; ///< never `removed`
  std::optional<uint32_t> netspeed;
  std::optional<std::vector<std::string>> zones;
  std::optional<std::map<std::string, uint32_t>> zone_netspeed;
  std::optional<std::optional<int64_t>> deletion; ///< set, and empty: none
  std::optional<std::string> note;
};

struct PopRow {
  std::string name;
  std::optional<std::string> target;
  std::optional<std::string> tls_name;
  std::optional<bool> canary;
  std::optional<bool> enabled;
};

/// In the order of Kind.
using Row = std::variant<AccountRow, TreeRow, RootRow, VendorRow, ServerRow, PopRow>;

inline Kind kind_of(const Row& row) {
  return static_cast<Kind>(row.index());
}
/// The text that names the object, the same for all ways to write it.
std::string key_of(const Row& row);

/// What the members say, or nothing and the faults of all that do not fit.
std::optional<Row> decode(const RawRow& raw, TransferFaults& faults);
/// The key alone, without telling of faults: of a row that does not decode, too.
std::optional<std::string> decode_key(const RawRow& raw);

/// Gets rows one by one. Lines and members that do not fit are told to whoever reads, not to it.
using TakeRow = std::function<void(const RawRow&)>;

} // namespace anytick::registry::transfer
