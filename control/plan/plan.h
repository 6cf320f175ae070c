#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/selection/select.h"
#include "geo/refusal.h"

/// What would change, before it does.
namespace anytick::plan {

/// Of all addresses that clients are given in a family, the part that a server, zone or account has.
struct Shares {
  std::map<geo::Address, double> servers;
  std::map<std::string, double> zones; ///< of the queries of clients that a zone's own servers and borrowed ones answer
  std::map<registry::Id, double> accounts;
  bool operator==(const Shares&) const = default;
};
using FamilyShares = std::array<Shares, 2>; ///< IPv4, IPv6

/// How the DNS roots answer from a selection.
struct AnswerRules {
  std::vector<uint32_t> max_hosts; ///< servers in an answer, of each root
  bool ipv6_everywhere = true;     ///< selection::Policy's
  bool operator==(const AnswerRules&) const = default;
};

/// A server that comes in, leaves, or has another weight in its own zones.
struct ServerChange {
  geo::Address address;
  registry::Id account = 0;
  selection::Verdict before = selection::Verdict::in; ///< `unverified` too where it was not there
  selection::Verdict after = selection::Verdict::in;
  std::optional<double> score;
  bool is_new = false;                          ///< the registry had it not
  bool is_gone = false;                         ///< the registry has it no more
  std::string zone;                             ///< of its own zones, the one where its weight changes most
  uint32_t weight_before = 0, weight_after = 0; ///< there
  bool operator==(const ServerChange&) const = default;
};

struct ZoneChange {
  std::string zone;
  geo::Family family = geo::Family::ipv4;
  uint32_t servers_before = 0, servers_after = 0;   ///< borrowed ones too, as in all of these
  uint32_t removed = 0, added = 0, moved = 0;       ///< moved: to another of 0 to 3
  uint64_t capacity_before = 0, capacity_after = 0; ///< sums of weights
  bool operator==(const ZoneChange&) const = default;
};

/// What a root answers with beside servers; what is long is there by its SHA-256, hexadecimal.
struct RootData {
  std::string origin, contact;
  std::vector<std::string> name_servers;
  uint32_t ttl = 0, max_hosts = 0;
  std::string static_digest, vendors_digest;
  bool operator==(const RootData&) const = default;
};

/// What the next plan is compared with beside servers.
struct AnswerData {
  std::vector<RootData> roots; ///< by origin
  std::string tree_digest;     ///< of the names of its zones
  bool operator==(const AnswerData&) const = default;
};

/// A change of answers that is none of servers. `text` is for people.
struct DataChange {
  enum class Kind : uint8_t { root_added, root_removed, root_changed, zone_names, rules, query_policy, other };
  Kind kind;
  std::string root; ///< its origin; "" where it is not of one root
  std::string text;
  bool operator==(const DataChange&) const = default;
};

/// What the guard holds against a plan. `text` is for people and names the rule's key.
struct Objection {
  enum class Rule : uint8_t {
    zone_servers_removed,
    zone_capacity_removed,
    zone_emptied,
    servers_demoted,
    first_servers_out,
  };
  Rule rule;
  std::string zone; ///< "" where it is about all servers
  std::string text;
  bool operator==(const Objection&) const = default;
};

struct Plan {
  int64_t serial = 0;              ///< of the image that it makes
  std::optional<int64_t> base;     ///< serial of what it was compared with; none: nothing was pushed yet
  int64_t created = 0;             ///< seconds since 1970
  registry::Id registry_state = 0; ///< Snapshot::last_audit
  std::string policy_digest;       ///< of selection's policy, demand, query policy: another one is another plan
  std::string demand_digest;       ///< of demand alone: shares of the same demand can be compared
  AnswerRules answers;
  selection::Scores scores;
  selection::Selection selection; ///< what becomes of it, and the `previous` of the next plan
  std::string image_digest;       ///< hexadecimal
  std::string query_policy;       ///< that POPs get with it; "" none
  FamilyShares before, after;
  std::vector<ServerChange> servers;    ///< by address
  std::vector<ZoneChange> zones;        ///< by zone and family, changed ones alone
  std::optional<AnswerData> data;       ///< none: of a program that did not note it
  std::vector<DataChange> data_changes; ///< none without data
  std::vector<Objection> objections;

  bool changes_nothing() const { return servers.empty() && zones.empty() && data_changes.empty(); }
};

} // namespace anytick::plan
