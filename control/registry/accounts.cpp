#include "control/registry/accounts.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "control/registry/token.h"

namespace anytick::registry {
namespace {

Role read_role(const std::string& text) {
  const auto role = role_by_name(text);
  if (!role) throw Fault("the database has a role '" + text + "'");
  return *role;
}

/// All, or those that hold a condition on a column of `accounts`.
class AccountReader {
 public:
  explicit AccountReader(soci::session& sql) : sql_(sql) {}

  void read(const std::optional<Id>& id) {
    Account row;
    Query select(sql_);
    select.into(row.id, row.name, row.created);
    if (id) select.where("id = :id", *id);
    select.run("SELECT id, name, created FROM accounts", "");
    while (select.fetch()) by_id_.emplace(row.id, row);
    read_logins(id);
    read_invitations(id);
  }

  std::vector<Account> take() {
    std::vector<Account> accounts;
    for (auto& [id, account] : by_id_) accounts.push_back(std::move(account));
    return accounts;
  }

 private:
  void read_logins(const std::optional<Id>& id) {
    Login row;
    Id account = 0;
    std::string role;
    Query select(sql_);
    select.into(account, row.email, role);
    if (id) select.where("account = :account", *id);
    select.run("SELECT account, email, role FROM logins", "ORDER BY account, email");
    while (select.fetch()) {
      row.role = read_role(role);
      by_id_.at(account).logins.push_back(row);
    }
  }

  void read_invitations(const std::optional<Id>& id) {
    Invitation row;
    Id account = 0;
    std::string role;
    Query select(sql_);
    select.into(account, row.email, role, row.token_digest, row.expires);
    if (id) select.where("account = :account", *id);
    select.run("SELECT account, email, role, token_digest, expires FROM invitations", "ORDER BY account, email");
    while (select.fetch()) {
      row.role = read_role(role);
      by_id_.at(account).invitations.push_back(row);
    }
  }

  soci::session& sql_;
  std::map<Id, Account> by_id_;
};

std::string checked_name(const std::string& name) {
  constexpr size_t most = 100;
  const std::string what = fmt::format("account '{}'", name);
  check_text("an account's name", name, most);
  if (name.empty() || name.front() == ' ' || name.back() == ' ')
    throw Fault(what + ": a name is not empty, and has no blanks around it");
  return name;
}

void require_free(soci::session& sql, const std::string& name) {
  if (find_account(sql, name)) throw Fault("account '" + name + "': there is one of this name");
}

auto find_login(Account& account, const std::string& email) {
  return std::ranges::find(account.logins, email, &Login::email);
}

auto find_invitation(Account& account, const std::string& email) {
  return std::ranges::find(account.invitations, email, &Invitation::email);
}

void write_logins(soci::session& sql, const Account& account) {
  sql << "DELETE FROM logins WHERE account = :id", soci::use(account.id);
  for (const Login& login : account.logins) {
    const std::string role(name_of(login.role));
    sql << "INSERT INTO logins (account, email, role) VALUES (:account, :email, :role)", soci::use(account.id),
        soci::use(login.email), soci::use(role);
  }
}

void write_invitations(soci::session& sql, const Account& account) {
  sql << "DELETE FROM invitations WHERE account = :id", soci::use(account.id);
  for (const Invitation& each : account.invitations) {
    const std::string role(name_of(each.role));
    sql << "INSERT INTO invitations (account, email, role, token_digest, expires) VALUES (:account, :email, :role, "
           ":digest, :expires)",
        soci::use(account.id), soci::use(each.email), soci::use(role), soci::use(each.token_digest),
        soci::use(each.expires);
  }
}

void require_owner(const Account& account) {
  const bool owned = std::ranges::any_of(account.logins, [](const Login& each) { return each.role == Role::owner; });
  if (!owned) throw Fault("account '" + account.name + "': one login at least is an owner");
}

/// Keeps what became of an account, and says so.
void write(soci::session& sql, const Actor& actor, const std::string& action, const Account& before, Account& after) {
  std::ranges::sort(after.logins, {}, &Login::email);
  std::ranges::sort(after.invitations, {}, &Invitation::email);
  const auto was = json_of(before), is = json_of(after);
  if (was == is) return;
  // An account may begin without logins, but not lose its owners.
  if (was["logins"] != is["logins"]) require_owner(after);
  sql << "UPDATE accounts SET name = :name WHERE id = :id", soci::use(after.name), soci::use(after.id);
  if (was["logins"] != is["logins"]) write_logins(sql, after);
  if (was["invitations"] != is["invitations"]) write_invitations(sql, after);
  record(sql, actor, "account", before.name, action, was, is);
}

} // namespace

Account add_account(soci::session& sql, const Actor& actor, const std::string& name, const std::vector<Login>& logins) {
  Account account;
  account.name = checked_name(name);
  account.created = actor.now;
  require_free(sql, name);
  for (const Login& login : logins) {
    const std::string email = checked_email(login.email);
    if (find_login(account, email) != account.logins.end()) throw Fault("login " + email + " stands twice");
    account.logins.push_back({email, login.role});
  }
  if (!logins.empty()) require_owner(account);
  std::ranges::sort(account.logins, {}, &Login::email);
  account.id = store::next_id(sql, "account");
  sql << "INSERT INTO accounts (id, name, created) VALUES (:id, :name, :created)", soci::use(account.id),
      soci::use(account.name), soci::use(account.created);
  write_logins(sql, account);
  record(sql, actor, "account", account.name, "add", nullptr, json_of(account));
  return account;
}

void rename_account(soci::session& sql, const Actor& actor, Id id, const std::string& name) {
  const Account before = get_account(sql, id);
  Account after = before;
  after.name = checked_name(name);
  if (name != before.name) require_free(sql, name);
  write(sql, actor, "rename", before, after);
}

void remove_account(soci::session& sql, const Actor& actor, Id id) {
  const Account account = get_account(sql, id);
  const auto refuse_if = [&](const std::string& select, const char* what) {
    int64_t rows = 0;
    sql << select, soci::use(id), soci::into(rows);
    if (rows > 0) throw Fault(fmt::format("account '{}': {} {} its own", account.name, rows, what));
  };
  refuse_if("SELECT COUNT(*) FROM vendors WHERE account = :id", "vendor zones are");
  refuse_if("SELECT COUNT(*) FROM servers WHERE account = :id", "servers are or were");
  sql << "DELETE FROM accounts WHERE id = :id", soci::use(id);
  record(sql, actor, "account", account.name, "remove", json_of(account), nullptr);
}

std::optional<Account> find_account(soci::session& sql, const std::string& name) {
  Id id = 0;
  Query select(sql);
  select.into(id).where("name = :name", name).run("SELECT id FROM accounts", "");
  if (!select.fetch()) return std::nullopt;
  return get_account(sql, id);
}

Account get_account(soci::session& sql, const std::string& name) {
  if (auto account = find_account(sql, name)) return std::move(*account);
  throw Fault("there is no account '" + name + "'");
}

Account get_account(soci::session& sql, Id id) {
  AccountReader reader(sql);
  reader.read(id);
  std::vector<Account> found = reader.take();
  if (found.empty()) throw Fault(fmt::format("there is no account with the id {}", id));
  return std::move(found.front());
}

std::vector<Account> list_accounts(soci::session& sql) {
  AccountReader reader(sql);
  reader.read(std::nullopt);
  std::vector<Account> accounts = reader.take();
  std::ranges::sort(accounts, {}, &Account::name);
  return accounts;
}

void add_login(soci::session& sql, const Actor& actor, Id id, const Login& login) {
  const Account before = get_account(sql, id);
  Account after = before;
  const std::string email = checked_email(login.email);
  if (find_login(after, email) != after.logins.end())
    throw Fault(fmt::format("account '{}': {} is a login of it", before.name, email));
  after.logins.push_back({email, login.role});
  // Who is in needs no invitation any more.
  std::erase_if(after.invitations, [&](const Invitation& each) { return each.email == email; });
  write(sql, actor, "login-add", before, after);
}

void set_role(soci::session& sql, const Actor& actor, Id id, const Login& login) {
  const Account before = get_account(sql, id);
  Account after = before;
  const std::string email = checked_email(login.email);
  const auto found = find_login(after, email);
  if (found == after.logins.end()) throw Fault(fmt::format("account '{}': {} is no login of it", before.name, email));
  found->role = login.role;
  write(sql, actor, "login-role", before, after);
}

void remove_login(soci::session& sql, const Actor& actor, Id id, const std::string& text) {
  const Account before = get_account(sql, id);
  Account after = before;
  const std::string email = checked_email(text);
  const auto found = find_login(after, email);
  if (found == after.logins.end()) throw Fault(fmt::format("account '{}': {} is no login of it", before.name, email));
  after.logins.erase(found);
  write(sql, actor, "login-remove", before, after);
}

std::string invite(soci::session& sql, const Actor& actor, Id id, const Login& login, int64_t expires) {
  const Account before = get_account(sql, id);
  Account after = before;
  const std::string email = checked_email(login.email);
  if (find_login(after, email) != after.logins.end())
    throw Fault(fmt::format("account '{}': {} is a login of it", before.name, email));
  if (expires <= actor.now) throw Fault("an invitation expires later than now");
  if (before.logins.empty() && login.role != Role::owner)
    throw Fault("account '" + before.name + "': its first login is an owner");
  std::erase_if(after.invitations, [&](const Invitation& each) { return each.email == email; });
  std::string token = make_token();
  after.invitations.push_back({email, login.role, token_digest(token), expires});
  write(sql, actor, "invite", before, after);
  return token;
}

Account accept_invitation(soci::session& sql, const Actor& actor, const std::string& token) {
  Id id = 0;
  std::string email;
  Query select(sql);
  select.into(id, email).where("token_digest = :digest", token_digest(token));
  select.run("SELECT account, email FROM invitations", "");
  if (!select.fetch()) throw Fault("there is no invitation with this token");
  const Account before = get_account(sql, id);
  Account after = before;
  const auto invitation = find_invitation(after, email);
  if (invitation->expires <= actor.now)
    throw Fault(fmt::format("account '{}': the invitation of {} has expired", before.name, email));
  after.logins.push_back({email, invitation->role});
  after.invitations.erase(invitation);
  write(sql, actor, "accept", before, after);
  return after;
}

void revoke_invitation(soci::session& sql, const Actor& actor, Id id, const std::string& text) {
  const Account before = get_account(sql, id);
  Account after = before;
  const std::string email = checked_email(text);
  const auto found = find_invitation(after, email);
  if (found == after.invitations.end()) throw Fault(fmt::format("account '{}': {} is not invited", before.name, email));
  after.invitations.erase(found);
  write(sql, actor, "revoke", before, after);
}

} // namespace anytick::registry
