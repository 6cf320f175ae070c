#pragma once

#include <optional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"

/// Accounts, within a transaction. All throw Fault.
namespace anytick::registry {

/// Names are distinct, with 1 to 100 visible characters. The first login is an owner; operators' own accounts may do
/// without.
Account add_account(soci::session& sql, const Actor& actor, const std::string& name,
                    const std::vector<Login>& logins = {});
void rename_account(soci::session& sql, const Actor& actor, Id account, const std::string& name);
/// Refused: one that has vendor zones, or that has or had servers, whose history needs it.
void remove_account(soci::session& sql, const Actor& actor, Id account);

std::optional<Account> find_account(soci::session& sql, const std::string& name);
/// Fault where there is none.
Account get_account(soci::session& sql, const std::string& name);
Account get_account(soci::session& sql, Id account);
/// By name.
std::vector<Account> list_accounts(soci::session& sql);

/// An account that has logins has an owner among them: the last one stays, and stays it. An e-mail address is kept in
/// lower case.
void add_login(soci::session& sql, const Actor& actor, Id account, const Login& login);
void set_role(soci::session& sql, const Actor& actor, Id account, const Login& login);
void remove_login(soci::session& sql, const Actor& actor, Id account, const std::string& email);

/// Returns the token, which nobody can tell again. Another invitation of the same address replaces the one before.
/// `expires` is a time, later than now.
std::string invite(soci::session& sql, const Actor& actor, Id account, const Login& login, int64_t expires);
/// The account that whoever has the token is a login of from now on.
Account accept_invitation(soci::session& sql, const Actor& actor, const std::string& token);
void revoke_invitation(soci::session& sql, const Actor& actor, Id account, const std::string& email);

} // namespace anytick::registry
