#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/prefix.h"

/// What the registry knows, as plain values. Times are seconds since 1970; names are lower case.
namespace anytick::registry {

using Id = int64_t;

/// What a login may do with its account.
enum class Role : uint8_t {
  owner,  ///< everything, invitations too
  editor, ///< its servers and vendor zones
  viewer,
};

struct Login {
  std::string email;
  Role role = Role::viewer;
};

/// Somebody who was asked to join an account and has not answered. The token itself is told once and kept by nobody.
struct Invitation {
  std::string email;
  Role role = Role::viewer;
  std::string token_digest; ///< SHA-256, hexadecimal
  int64_t expires = 0;
};

struct Account {
  Id id = 0;
  std::string name; ///< distinct
  std::vector<Login> logins;
  std::vector<Invitation> invitations;
  int64_t created = 0;
};

/// Bandwidths that an owner may choose from, kbit/s; the weight of a server in DNS. 0: watched, but given to nobody.
inline constexpr std::array<uint32_t, 15> netspeeds{0,      512,    1500,   3000,    6000,    12000,   25000,  50000,
                                                    100000, 250000, 500000, 1000000, 1500000, 2000000, 3000000};
inline constexpr uint32_t netspeed_default = 10000; ///< of a new server; a step of its own
bool is_netspeed(uint32_t kbit);

enum class ServerState : uint8_t {
  unverified, ///< nobody has shown that the account controls the address
  active,
  removed, ///< kept for its history
};

struct Server {
  Id id = 0;
  geo::Address address; ///< distinct among those that are not removed
  Id account = 0;
  ServerState state = ServerState::unverified;
  uint32_t netspeed = netspeed_default;
  std::vector<std::string> zones;                ///< of the tree, sorted; all above them are meant, too
  std::map<std::string, uint32_t> zone_netspeed; ///< where a zone has another one
  std::optional<int64_t> deletion;               ///< when it leaves for good
  std::string note;
  int64_t created = 0;
};

/// A zone of the tree that servers are in: "@", continents, countries. A label of each DNS root, "@" its apex.
struct TreeZone {
  std::string name;
  std::string parent; ///< "" for "@"
  std::string description;
};

enum class VendorState : uint8_t { draft, pending, approved, rejected, suspended };
enum class VendorClient : uint8_t {
  sntp,   ///< asks VENDOR
  ntp,    ///< asks 0.VENDOR to 3.VENDOR
  legacy, ///< both
};
/// What clients of a suspended vendor get.
enum class VendorSink : uint8_t { nodata, sink };

struct VendorZone {
  Id id = 0;
  std::string name; ///< a label of 4 letters, digits and hyphens at least; never that of a tree's zone
  Id account = 0;
  std::string root; ///< origin
  VendorState state = VendorState::draft;
  VendorClient client = VendorClient::ntp;
  VendorSink sink = VendorSink::nodata;
  std::optional<uint32_t> throttle; ///< queries a second at each POP; the rest is refused, by policy
  std::string note;
};

/// A zone of the DNS that the pool answers for.
struct DnsRoot {
  std::string origin;  ///< "pool.example"
  std::string contact; ///< mailbox as a name: "hostmaster.pool.example"
  std::vector<std::string> name_servers;
  uint32_t ttl = 150;      ///< seconds, of answers with servers
  uint32_t max_hosts = 4;  ///< servers in an answer
  std::string static_data; ///< JSON object of GeoDNS labels: name servers' addresses, www, ...
};

struct Pop {
  std::string name;     ///< distinct
  std::string target;   ///< of gRPC: "unix:/run/anytick/pop.sock", "198.51.100.7:8953"
  std::string tls_name; ///< that its certificate must have; "" for Unix sockets
  bool canary = false;  ///< gets a push before the others, where that is asked for
  bool enabled = true;
};

/// Who changed what. `from` and `to` are JSON objects of the fields that changed; "" where it was not there.
struct AuditEntry {
  Id id = 0;
  int64_t when = 0;
  std::string who;
  std::string kind; ///< "server", "account", "vendor", ...
  std::string what; ///< its address, name or origin
  std::string action;
  std::string from, to;
  std::string reason;
};

/// All that a plan is made of, read in one transaction.
struct Snapshot {
  std::vector<Account> accounts;   ///< by id
  std::vector<Server> servers;     ///< by address, without the removed
  std::vector<TreeZone> tree;      ///< by name
  std::vector<VendorZone> vendors; ///< by name
  std::vector<DnsRoot> roots;      ///< by origin
  Id last_audit = 0;               ///< names this state of the registry
};

} // namespace anytick::registry
