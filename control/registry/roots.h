#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <soci/soci.h>

#include "control/findings.h"
#include "control/registry/actor.h"
#include "control/registry/model.h"

/// DNS roots, within a transaction. All throw Fault.
namespace anytick::registry {

inline constexpr uint32_t root_ttl_min = 30; ///< less would be no shelter from resolvers
inline constexpr uint32_t root_ttl_max = 86400;
inline constexpr uint32_t root_max_hosts_max = 16;

/// As a root is named, whether or not it is there: in lower case, without the dot at the end.
std::string origin_of(std::string_view text);

/// What is wrong with a root beside the tree and the vendors that are there, by GeoDNS' rules for zones. Its static
/// labels must be none of those that the pool makes; where one leads to them (alias, CNAME), they count as there.
control::Findings check_root(soci::session& sql, const DnsRoot& root);

/// Names are kept in lower case without the dot at the end. Returns the root as it is kept.
DnsRoot add_root(soci::session& sql, const Actor& actor, const DnsRoot& root);

/// What is not set stays.
struct RootChanges {
  std::optional<std::string> contact{};
  std::optional<std::vector<std::string>> name_servers{};
  std::optional<uint32_t> ttl{};
  std::optional<uint32_t> max_hosts{};
  std::optional<std::string> static_data{};
};
DnsRoot change_root(soci::session& sql, const Actor& actor, const std::string& origin, const RootChanges& changes);
/// Refused: one with vendor zones.
void remove_root(soci::session& sql, const Actor& actor, const std::string& origin);

std::optional<DnsRoot> find_root(soci::session& sql, const std::string& origin);
/// Fault where there is none.
DnsRoot get_root(soci::session& sql, const std::string& origin);
/// By origin.
std::vector<DnsRoot> list_roots(soci::session& sql);

} // namespace anytick::registry
