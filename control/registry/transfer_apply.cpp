#include "control/registry/transfer_apply.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/registry/accounts.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/pops.h"
#include "control/registry/roots.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"

namespace anytick::registry::transfer {
namespace {

/// A row that refers to another of the file that was refused: one fault is enough.
struct RefersToRefused {};

template <class Key, class Value, class KeyOf> auto by_key(std::vector<Value> values, KeyOf key_of_value) {
  std::map<Key, Value> map;
  for (Value& value : values) {
    Key key = std::invoke(key_of_value, value);
    map.emplace(std::move(key), std::move(value));
  }
  return map;
}

} // namespace

Applier::Applier(soci::session& sql, const Actor& actor, const ImportOptions& options, const Keys& keys,
                 const std::set<Kind>& present, TransferFaults& faults)
    : sql_(sql), actor_(actor), options_(options), keys_(keys), present_(present), faults_(faults) {}

void Applier::begin() {
  accounts_ = by_key<std::string>(list_accounts(sql_), &Account::name);
  const auto has = [&](Kind kind) { return present_.contains(kind); };
  if (has(Kind::tree)) tree_ = by_key<std::string>(list_tree(sql_), &TreeZone::name);
  if (has(Kind::roots)) roots_ = by_key<std::string>(list_roots(sql_), &DnsRoot::origin);
  if (has(Kind::vendors)) vendors_ = by_key<std::string>(list_vendors(sql_), &VendorZone::name);
  if (has(Kind::servers)) servers_ = by_key<geo::Address>(list_servers(sql_, {}), &Server::address);
  if (has(Kind::pops)) pops_ = by_key<std::string>(list_pops(sql_), &Pop::name);
  // Nothing refers to these, and what they leave may be needed: labels of vendor zones.
  if (replaces(Kind::pops)) remove_pops();
  if (replaces(Kind::servers)) remove_servers();
  if (replaces(Kind::vendors)) remove_vendors();
}

void Applier::take(const Row& row, const Place& place) {
  place_ = place;
  const Kind kind = kind_of(row);
  attempt(place, [&] { tally(kind, std::visit([&](const auto& each) { return apply(each); }, row)); });
}

void Applier::end_kind(Kind kind) {
  if (kind == Kind::tree) apply_tree();
  if (kind == Kind::vendors) apply_static_data();
}

void Applier::finish() {
  // Those that others referred to, now that they do not.
  if (replaces(Kind::tree)) remove_tree();
  if (replaces(Kind::roots)) remove_roots();
  if (replaces(Kind::accounts)) remove_accounts();
}

bool Applier::attempt(const Place& place, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const RefersToRefused&) {
    return false;
  } catch (const Fault& fault) {
    const std::string_view text = fault.what();
    // One of a root's static data has a line for each.
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      faults_.add(place, text.substr(begin, end - begin));
      begin = end + 1;
    }
    return false;
  }
}

void Applier::tally(Kind kind, Outcome outcome) {
  Tally& to = tallies_.at(static_cast<size_t>(kind));
  to.added += outcome == Outcome::added;
  to.changed += outcome == Outcome::changed;
  to.same += outcome == Outcome::same;
}

bool Applier::in_file(Kind kind, const std::string& key) const {
  return keys_.at(static_cast<size_t>(kind)).contains(key);
}

void Applier::require_update(const std::string& what) const {
  if (options_.mode == Mode::add) throw Fault(what + ": it is there already");
}

Id Applier::account_id(const std::string& what, const std::optional<std::string>& name) const {
  if (!name) throw Fault(what + ": needs an account");
  if (const auto found = accounts_.find(*name); found != accounts_.end()) return found->second.id;
  if (in_file(Kind::accounts, *name)) throw RefersToRefused();
  throw Fault(fmt::format("{}: there is no account '{}'", what, *name));
}

Applier::Outcome Applier::apply(const AccountRow& row) {
  const auto found = accounts_.find(row.name);
  if (found == accounts_.end()) {
    accounts_[row.name] = add_account(sql_, actor_, row.name, row.logins.value_or(std::vector<Login>()));
    return Outcome::added;
  }
  const Account before = found->second;
  require_update("account '" + before.name + "'");
  if (row.logins) set_logins(before, *row.logins);
  found->second = get_account(sql_, before.id);
  return json_of(found->second) == json_of(before) ? Outcome::same : Outcome::changed;
}

void Applier::set_logins(const Account& account, const std::vector<Login>& logins) {
  const auto role_before = [&](const std::string& email) -> std::optional<Role> {
    const auto found = std::ranges::find(account.logins, email, &Login::email);
    return found == account.logins.end() ? std::nullopt : std::optional(found->role);
  };
  const auto set = [&](const Login& login) {
    const auto before = role_before(login.email);
    if (!before) return add_login(sql_, actor_, account.id, login);
    if (*before != login.role) set_role(sql_, actor_, account.id, login);
  };
  // New owners before the old ones go: it is never without.
  for (const Login& each : logins)
    if (each.role == Role::owner) set(each);
  for (const Login& each : logins)
    if (each.role != Role::owner) set(each);
  for (const Login& each : account.logins)
    if (std::ranges::find(logins, each.email, &Login::email) == logins.end())
      remove_login(sql_, actor_, account.id, each.email);
}

Applier::Outcome Applier::apply(const PopRow& row) {
  const auto found = pops_.find(row.name);
  if (found == pops_.end()) {
    add_pop(sql_, actor_,
            {.name = row.name,
             .target = row.target.value_or(""),
             .tls_name = row.tls_name.value_or(""),
             .canary = row.canary.value_or(false),
             .enabled = row.enabled.value_or(true)});
    return Outcome::added;
  }
  require_update("POP '" + row.name + "'");
  const Pop after =
      change_pop(sql_, actor_, row.name,
                 {.target = row.target, .tls_name = row.tls_name, .canary = row.canary, .enabled = row.enabled});
  return json_of(after) == json_of(found->second) ? Outcome::same : Outcome::changed;
}

void Applier::remove_one(Kind kind, const std::string& key, const std::function<void()>& remove) {
  if (in_file(kind, key)) return;
  const auto told = [&] {
    try {
      remove();
    } catch (const Fault& fault) {
      throw Fault(std::string("not in the file, and stays: ") + fault.what());
    }
    ++tallies_.at(static_cast<size_t>(kind)).removed;
  };
  attempt({}, told);
}

void Applier::remove_pops() {
  for (const auto& each : pops_) remove_one(Kind::pops, each.first, [&] { remove_pop(sql_, actor_, each.first); });
}

void Applier::remove_accounts() {
  for (const auto& [name, account] : accounts_) {
    const std::vector<Server> servers = in_file(Kind::accounts, name)
                                            ? std::vector<Server>()
                                            : list_servers(sql_, {.account = account.id, .removed = true});
    const auto is_removed = [](const Server& each) { return each.state == ServerState::removed; };
    if (!servers.empty() && std::ranges::all_of(servers, is_removed))
      ++tallies_.at(static_cast<size_t>(Kind::accounts)).kept;
    else
      remove_one(Kind::accounts, name, [&, id = account.id] { remove_account(sql_, actor_, id); });
  }
}

} // namespace anytick::registry::transfer
