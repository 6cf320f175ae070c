#include "control/registry/servers.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "control/registry/accounts.h"
#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "control/registry/token.h"
#include "control/registry/tree.h"

namespace anytick::registry {
namespace {

constexpr size_t note_max = 4000;

/// A zone and all below it, or all above it, as SQL of both engines; ":zone" is bound once.
constexpr const char* below_zone =
    "id IN (WITH RECURSIVE below (name) AS (SELECT name FROM tree WHERE name = :zone UNION SELECT tree.name FROM tree "
    "JOIN below ON tree.parent = below.name) SELECT server FROM server_zones WHERE zone IN (SELECT name FROM below))";
constexpr const char* above_zone =
    "WITH RECURSIVE above (name, parent) AS (SELECT name, parent FROM tree WHERE name = :zone UNION SELECT tree.name, "
    "tree.parent FROM tree JOIN above ON tree.name = above.parent) SELECT name FROM above";

/// Reads servers that hold all of some conditions on columns of `servers`.
class ServerReader {
 public:
  explicit ServerReader(soci::session& sql) : sql_(sql) {}

  template <class... Value> ServerReader& where(std::string_view condition, const Value&... value) {
    conditions_.push_back([=, text = std::string(condition)](Query& query) { query.where(text, value...); });
    return *this;
  }

  std::vector<Server> read() {
    std::vector<Server> servers = read_rows();
    std::unordered_map<Id, Server*> by_id;
    for (Server& server : servers) by_id.emplace(server.id, &server);
    if (servers.empty()) return servers;
    read_of("zone, 0", "server_zones",
            [&](Id id, const std::string& zone, int64_t) { by_id.at(id)->zones.push_back(zone); });
    read_of("zone, zone_netspeeds.netspeed", "zone_netspeeds", [&](Id id, const std::string& zone, int64_t netspeed) {
      by_id.at(id)->zone_netspeed.emplace(zone, static_cast<uint32_t>(netspeed));
    });
    // Collations differ, and text is no order of addresses.
    for (Server& server : servers) std::ranges::sort(server.zones);
    std::ranges::stable_sort(servers, {}, &Server::address);
    return servers;
  }

 private:
  void add_conditions(Query& query) const {
    for (const auto& add : conditions_) add(query);
  }

  std::vector<Server> read_rows() {
    Server row;
    std::string address, state;
    int64_t netspeed = 0;
    store::Nullable<int64_t> deletion;
    Query select(sql_);
    select.into(row.id, address, row.account, state, netspeed, deletion, row.note, row.created);
    add_conditions(select);
    select.run("SELECT id, address, account, state, netspeed, deletion, note, created FROM servers", "ORDER BY id");
    std::vector<Server> servers;
    while (select.fetch()) {
      const auto parsed = geo::parse_address(address);
      const auto known = server_state_by_name(state);
      if (!parsed || !known) throw Fault(fmt::format("the database has a server '{}', '{}'", address, state));
      row.address = *parsed;
      row.state = *known;
      row.netspeed = static_cast<uint32_t>(netspeed);
      row.deletion = deletion.get();
      servers.push_back(row);
    }
    return servers;
  }

  template <class Take> void read_of(const std::string& columns, const std::string& table, Take take) {
    Id id = 0;
    std::string zone;
    int64_t number = 0;
    Query select(sql_);
    select.into(id, zone, number);
    add_conditions(select);
    select.run("SELECT server, " + columns + " FROM " + table + " JOIN servers ON servers.id = " + table + ".server",
               "");
    while (select.fetch()) take(id, zone, number);
  }

  soci::session& sql_;
  std::vector<std::function<void(Query&)>> conditions_;
};

std::string name_of_account(soci::session& sql, Id account) {
  std::string name;
  Query select(sql);
  select.into(name).where("id = :id", account).run("SELECT name FROM accounts", "");
  if (!select.fetch()) throw Fault(fmt::format("there is no account with the id {}", account));
  return name;
}

std::set<std::string> zones_above(soci::session& sql, const std::string& zone) {
  std::string name;
  soci::statement select = (sql.prepare << above_zone, soci::use(zone), soci::into(name));
  select.execute();
  std::set<std::string> names;
  while (select.fetch()) names.insert(name);
  return names;
}

/// Sorted, without those that others imply; `implied` gets all that are meant.
std::vector<std::string> checked_zones(soci::session& sql, const std::string& what,
                                       const std::vector<std::string>& zones, std::set<std::string>& implied) {
  std::set<std::string> named, above;
  for (const std::string& text : zones) {
    const std::string zone = tree_name(text);
    if (!named.insert(zone).second) continue;
    std::set<std::string> chain = zones_above(sql, zone);
    if (chain.empty()) throw Fault(fmt::format("{}: there is no zone '{}'", what, text));
    implied.insert(chain.begin(), chain.end());
    chain.erase(zone);
    above.insert(chain.begin(), chain.end());
  }
  if (named.empty()) throw Fault(what + ": needs a zone, '@' if it is in no other");
  std::vector<std::string> own;
  std::ranges::set_difference(named, above, std::back_inserter(own));
  return own;
}

void check_netspeed(const std::string& what, uint32_t kbit) {
  if (!is_netspeed(kbit)) throw Fault(fmt::format("{}: netspeed {} is none of {}", what, kbit, netspeed_choices()));
}

std::map<std::string, uint32_t> checked_zone_netspeed(const std::string& what,
                                                      const std::map<std::string, uint32_t>& speeds,
                                                      const std::set<std::string>& implied) {
  std::map<std::string, uint32_t> checked;
  for (const auto& [text, kbit] : speeds) {
    const std::string zone = tree_name(text);
    if (!implied.contains(zone)) throw Fault(fmt::format("{}: it is not in zone '{}'", what, text));
    check_netspeed(what, kbit);
    checked[zone] = kbit;
  }
  return checked;
}

std::string shown(const geo::Address& address) {
  return "server " + geo::to_text(address);
}

void write_zones(soci::session& sql, const Server& server) {
  sql << "DELETE FROM server_zones WHERE server = :id", soci::use(server.id);
  for (const std::string& zone : server.zones)
    sql << "INSERT INTO server_zones (server, zone) VALUES (:id, :zone)", soci::use(server.id), soci::use(zone);
  sql << "DELETE FROM zone_netspeeds WHERE server = :id", soci::use(server.id);
  for (const auto& [zone, kbit] : server.zone_netspeed) {
    const int64_t netspeed = kbit;
    sql << "INSERT INTO zone_netspeeds (server, zone, netspeed) VALUES (:id, :zone, :netspeed)", soci::use(server.id),
        soci::use(zone), soci::use(netspeed);
  }
}

/// All but its zones. A token is for those that are not verified.
void update_row(soci::session& sql, const Server& server) {
  const std::string state(name_of(server.state));
  const int64_t netspeed = server.netspeed;
  store::Nullable<int64_t> deletion(server.deletion);
  sql << "UPDATE servers SET account = :account, state = :state, netspeed = :netspeed, deletion = :deletion, note = "
         ":note WHERE id = :id",
      soci::use(server.account), soci::use(state), soci::use(netspeed), soci::use(deletion.value(), deletion.state()),
      soci::use(server.note), soci::use(server.id);
  if (server.state != ServerState::unverified)
    sql << "UPDATE servers SET token_digest = '' WHERE id = :id", soci::use(server.id);
}

/// What `make_change` makes of a server is kept and told, if it is another one.
template <class MakeChange>
Server changed(soci::session& sql, const Actor& actor, const Server& before, const std::string& action,
               MakeChange make_change) {
  Server after = before;
  make_change(after);
  const std::string owner = name_of_account(sql, before.account);
  const auto was = json_of(before, owner);
  const auto is = json_of(after, after.account == before.account ? owner : name_of_account(sql, after.account));
  if (was == is) return after;
  update_row(sql, after);
  if (before.zones != after.zones || before.zone_netspeed != after.zone_netspeed) write_zones(sql, after);
  record(sql, actor, "server", geo::to_text(before.address), action, was, is);
  return after;
}

} // namespace

AddedServer add_server(soci::session& sql, const Actor& actor, const NewServer& fresh) {
  check_server_address(fresh.address, fresh.unusual);
  const std::string what = shown(fresh.address);
  if (find_server(sql, fresh.address)) throw Fault(what + ": it is in the registry already");
  const std::string account = name_of_account(sql, fresh.account);
  check_netspeed(what, fresh.netspeed);
  check_text(what + ": note", fresh.note, note_max, true);
  std::set<std::string> implied;
  AddedServer added;
  added.token = make_token();
  Server& server = added.server;
  server.address = fresh.address;
  server.account = fresh.account;
  server.netspeed = fresh.netspeed;
  server.zones = checked_zones(sql, what, fresh.zones, implied);
  server.note = fresh.note;
  server.created = actor.now;
  server.zone_netspeed = checked_zone_netspeed(what, fresh.zone_netspeed, implied);
  server.id = store::next_id(sql, "server");
  const std::string address = geo::to_text(server.address), state(name_of(server.state)),
                    digest = token_digest(added.token);
  const int64_t netspeed = server.netspeed;
  sql << "INSERT INTO servers (id, address, account, state, netspeed, note, token_digest, created) VALUES (:id, "
         ":address, :account, :state, :netspeed, :note, :digest, :created)",
      soci::use(server.id), soci::use(address), soci::use(server.account), soci::use(state), soci::use(netspeed),
      soci::use(server.note), soci::use(digest), soci::use(server.created);
  write_zones(sql, server);
  record(sql, actor, "server", address, "add", nullptr, json_of(server, account));
  return added;
}

Server change_server(soci::session& sql, const Actor& actor, const geo::Address& address,
                     const ServerChanges& changes) {
  const std::string what = shown(address);
  return changed(sql, actor, get_server(sql, address), "set", [&](Server& server) {
    if (changes.netspeed) check_netspeed(what, *changes.netspeed);
    if (changes.note) check_text(what + ": note", *changes.note, note_max, true);
    server.netspeed = changes.netspeed.value_or(server.netspeed);
    server.note = changes.note.value_or(server.note);
    if (!changes.zones && !changes.zone_netspeed) return;
    std::set<std::string> implied;
    server.zones = checked_zones(sql, what, changes.zones.value_or(server.zones), implied);
    // Those of before go with their zones, whether or not they were told again.
    auto speeds = changes.zone_netspeed.value_or(server.zone_netspeed);
    std::erase_if(speeds, [&](const auto& each) {
      const auto found = server.zone_netspeed.find(each.first);
      return !implied.contains(each.first) && found != server.zone_netspeed.end() && found->second == each.second;
    });
    server.zone_netspeed = checked_zone_netspeed(what, speeds, implied);
  });
}

std::optional<Server> find_server(soci::session& sql, const geo::Address& address) {
  std::vector<Server> found = list_servers(sql, {.address = address});
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Server get_server(soci::session& sql, const geo::Address& address) {
  if (auto server = find_server(sql, address)) return std::move(*server);
  throw Fault("there is no " + shown(address));
}

std::vector<Server> list_servers(soci::session& sql, const ServerQuery& query) {
  ServerReader reader(sql);
  if (query.account) reader.where("account = :account", *query.account);
  if (query.zone) reader.where(below_zone, tree_name(*query.zone));
  if (query.state) reader.where("state = :state", std::string(name_of(*query.state)));
  if (query.address) reader.where("address = :address", geo::to_text(*query.address));
  if (!query.removed && query.state != ServerState::removed) reader.where("state <> 'removed'");
  return reader.read();
}

std::string renew_token(soci::session& sql, const Actor& actor, const geo::Address& address) {
  const Server server = get_server(sql, address);
  if (server.state != ServerState::unverified) throw Fault(shown(address) + ": it is verified");
  std::string token = make_token();
  const std::string digest = token_digest(token);
  std::string before;
  sql << "SELECT token_digest FROM servers WHERE id = :id", soci::use(server.id), soci::into(before);
  sql << "UPDATE servers SET token_digest = :digest WHERE id = :id", soci::use(digest), soci::use(server.id);
  record(sql, actor, "server", geo::to_text(address), "renew-token", {{"token_digest", before}},
         {{"token_digest", digest}});
  return token;
}

Server verify_by_token(soci::session& sql, const Actor& actor, const std::string& token, const geo::Address& peer) {
  const std::vector<Server> found =
      ServerReader(sql).where("token_digest = :digest", token_digest(token)).where("state = 'unverified'").read();
  if (found.empty()) throw Fault("no server waits to be verified by this token");
  const Server& server = found.front();
  const geo::Address from = geo::unmapped(peer);
  if (from != server.address)
    throw Fault(fmt::format("{}: the token came from {}, not from the server's own address", shown(server.address),
                            geo::to_text(from)));
  return changed(sql, actor, server, "verify", [](Server& each) { each.state = ServerState::active; });
}

Server verify_by_operator(soci::session& sql, const Actor& actor, const geo::Address& address) {
  if (actor.reason.empty()) throw Fault(shown(address) + ": to verify it by one's word needs a reason");
  return changed(sql, actor, get_server(sql, address), "verify",
                 [](Server& server) { server.state = ServerState::active; });
}

Server schedule_deletion(soci::session& sql, const Actor& actor, const geo::Address& address, int64_t when) {
  if (when <= actor.now) throw Fault(shown(address) + ": a deletion is scheduled for later than now");
  return changed(sql, actor, get_server(sql, address), "schedule-deletion",
                 [&](Server& server) { server.deletion = when; });
}

Server keep_server(soci::session& sql, const Actor& actor, const geo::Address& address) {
  return changed(sql, actor, get_server(sql, address), "keep", [](Server& server) { server.deletion.reset(); });
}

void remove_server(soci::session& sql, const Actor& actor, const geo::Address& address) {
  Server server = get_server(sql, address);
  const auto was = json_of(server, name_of_account(sql, server.account));
  server.state = ServerState::removed;
  server.zones.clear();
  server.zone_netspeed.clear();
  update_row(sql, server);
  write_zones(sql, server);
  record(sql, actor, "server", geo::to_text(address), "remove", was, nullptr);
}

std::vector<Server> remove_due_servers(soci::session& sql, const Actor& actor) {
  std::vector<Server> due = ServerReader(sql).where("state <> 'removed'").where("deletion <= :now", actor.now).read();
  for (const Server& server : due) remove_server(sql, actor, server.address);
  return due;
}

Server move_server(soci::session& sql, const Actor& actor, const geo::Address& address, Id account) {
  return changed(sql, actor, get_server(sql, address), "move", [&](Server& server) { server.account = account; });
}

} // namespace anytick::registry
