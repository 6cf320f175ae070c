#include "control/commands/account_command.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/commands/time_option.h"
#include "control/registry/accounts.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/servers.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Account;
using registry::Actor;

struct AccountOptions {
  HubOptions hub;
  std::string name;
  std::string new_name;
  std::vector<std::string> owners;
  std::string email;
  std::string role = "editor";
  std::string expires = "7d";
  std::string token;
  bool json = false;
};

/// What nobody needs who did not make it stays in the database.
ordered_json shown(const Account& account) {
  ordered_json object = registry::json_of(account);
  for (auto& invitation : object["invitations"]) invitation.erase("token_digest");
  return object;
}

registry::Login login_of(const AccountOptions& options) {
  return {options.email, *registry::role_by_name(options.role)};
}

void run_add(const AccountOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    std::vector<registry::Login> logins;
    for (const std::string& email : options.owners) logins.push_back({email, registry::Role::owner});
    return fmt::format("account '{}': added\n", registry::add_account(sql, actor, options.name, logins).name);
  });
}

void run_list(const AccountOptions& options) {
  std::vector<Account> accounts;
  std::map<registry::Id, size_t> servers;
  read_registry(options.hub, [&](soci::session& sql) {
    accounts = registry::list_accounts(sql);
    servers.clear();
    for (const registry::Server& server : registry::list_servers(sql, {})) ++servers[server.account];
  });
  auto array = ordered_json::array();
  TextTable table({{"ACCOUNT"}, {"SERVERS", TextTable::Side::right}, {"CREATED"}, {"LOGINS"}});
  for (const Account& account : accounts) {
    array.push_back(shown(account));
    array.back()["servers"] = servers[account.id];
    table.add({account.name, std::to_string(servers[account.id]), value_text("created", account.created),
               value_text("logins", array.back()["logins"])});
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

void run_show(const AccountOptions& options) {
  ordered_json object;
  read_registry(options.hub, [&](soci::session& sql) {
    const Account account = registry::get_account(sql, options.name);
    object = shown(account);
    object["servers"] = ordered_json::array();
    for (const registry::Server& server : registry::list_servers(sql, {.account = account.id}))
      object["servers"].push_back(geo::to_text(server.address));
  });
  print_object(object, options.json);
}

/// What changes one account by `change(sql, actor, its id)`.
template <class Change> void run_change(const AccountOptions& options, const std::string& word, Change change) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const Account account = registry::get_account(sql, options.name);
    ChangeWatch watch(sql);
    change(sql, actor, account.id);
    return watch.line("account '" + account.name + "'", word);
  });
}

void run_invite(const AccountOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const int64_t expires = time_option("account invite: --expires", options.expires, actor.now, 1);
    const Account account = registry::get_account(sql, options.name);
    const std::string token = registry::invite(sql, actor, account.id, login_of(options), expires);
    if (options.json)
      return ordered_json{{"account", account.name}, {"email", options.email}, {"token", token}, {"expires", expires}}
                 .dump() +
             "\n";
    return fmt::format("account '{}': {} is invited until {}\ntoken: {}\n", account.name, options.email,
                       value_text("expires", expires), token);
  });
}

void run_accept(const AccountOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    return fmt::format("account '{}': joined\n", registry::accept_invitation(sql, actor, options.token).name);
  });
}

using Shared = std::shared_ptr<AccountOptions>;

CLI::App* add(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
              void (*run)(const AccountOptions&)) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->footer(std::string("Example: anytick account ") + example);
  add_hub_options(*command, options->hub);
  command->callback([options, run] { run(*options); });
  return command;
}

/// One that changes an account that it names first.
CLI::App* add_change(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
                     void (*run)(const AccountOptions&)) {
  CLI::App* command = add(parent, name, what, options, example, run);
  command->add_option("ACCOUNT", options->name, "its name")->required();
  add_actor_options(*command, options->hub);
  return command;
}

void add_email(CLI::App& command, AccountOptions& options) {
  command.add_option("EMAIL", options.email, "e-mail address of the login")->required();
}

void add_role(CLI::App& command, AccountOptions& options) {
  command.add_option("--role", options.role, "owner, editor or viewer")
      ->check(CLI::IsMember({"owner", "editor", "viewer"}))
      ->capture_default_str();
}

void add_login_commands(CLI::App& account, const Shared& options) {
  CLI::App* login = account.add_subcommand("login", "Who acts for an account");
  login->require_subcommand(1);
  CLI::App* added =
      add_change(*login, "add", "Add a login; an account's first one is an owner", options,
                 "login add 'Alice Ltd' bob@example.net --role editor", [](const AccountOptions& given) {
                   run_change(given, "login added", [&](soci::session& sql, const Actor& actor, registry::Id id) {
                     registry::add_login(sql, actor, id, login_of(given));
                   });
                 });
  add_email(*added, *options);
  add_role(*added, *options);
  CLI::App* removed =
      add_change(*login, "remove", "Remove a login; the last owner stays", options,
                 "login remove 'Alice Ltd' bob@example.net", [](const AccountOptions& given) {
                   run_change(given, "login removed", [&](soci::session& sql, const Actor& actor, registry::Id id) {
                     registry::remove_login(sql, actor, id, given.email);
                   });
                 });
  add_email(*removed, *options);
  CLI::App* role =
      add_change(*login, "role", "Change what a login may do; the last owner stays one", options,
                 "login role 'Alice Ltd' bob@example.net owner", [](const AccountOptions& given) {
                   run_change(given, "role changed", [&](soci::session& sql, const Actor& actor, registry::Id id) {
                     registry::set_role(sql, actor, id, login_of(given));
                   });
                 });
  add_email(*role, *options);
  role->add_option("ROLE", options->role, "owner, editor or viewer")
      ->required()
      ->check(CLI::IsMember({"owner", "editor", "viewer"}));
}

void add_invitation_commands(CLI::App& account, const Shared& options) {
  CLI::App* invite = add_change(account, "invite", "Invite somebody; the token is told once, to be passed on", options,
                                "invite 'Alice Ltd' bob@example.net --role viewer --expires 14d", run_invite);
  add_email(*invite, *options);
  add_role(*invite, *options);
  invite->add_option("--expires", options->expires, "a time, or how long from now")->capture_default_str();
  invite->add_flag("--json", options->json, "as one JSON object");
  CLI::App* accept = add(account, "accept", "Become a login of the account that invited", options,
                         "accept 0123456789abcdef0123456789abcdef", run_accept);
  accept->add_option("TOKEN", options->token, "of the invitation")->required();
  add_actor_options(*accept, options->hub);
  CLI::App* revoke = add_change(account, "revoke", "Take an invitation back", options,
                                "revoke 'Alice Ltd' bob@example.net", [](const AccountOptions& given) {
                                  run_change(given, "invitation revoked",
                                             [&](soci::session& sql, const Actor& actor, registry::Id id) {
                                               registry::revoke_invitation(sql, actor, id, given.email);
                                             });
                                });
  add_email(*revoke, *options);
}

} // namespace

void add_account_command(CLI::App& app) {
  const auto options = std::make_shared<AccountOptions>();
  CLI::App* account = app.add_subcommand("account", "Accounts, their logins and invitations");
  account->require_subcommand(1);

  CLI::App* added =
      add_change(*account, "add", "Add an account", options, "add 'Alice Ltd' --owner alice@example.net", run_add);
  added->add_option("--owner", options->owners, "e-mail address of an owner; may stand several times");

  CLI::App* list = add(*account, "list", "List accounts", options, "list", run_list);
  list->add_flag("--json", options->json, "as a JSON array");

  CLI::App* show = add(*account, "show", "Show an account", options, "show 'Alice Ltd' --json", run_show);
  show->add_option("ACCOUNT", options->name, "its name")->required();
  show->add_flag("--json", options->json, "as one JSON object");

  CLI::App* rename = add_change(*account, "rename", "Give an account another name", options,
                                "rename 'Alice Ltd' 'Alice and Sons'", [](const AccountOptions& given) {
                                  run_change(given, "renamed to '" + given.new_name + "'",
                                             [&](soci::session& sql, const Actor& actor, registry::Id id) {
                                               registry::rename_account(sql, actor, id, given.new_name);
                                             });
                                });
  rename->add_option("NAME", options->new_name, "the other name")->required();

  add_login_commands(*account, options);
  add_invitation_commands(*account, options);
}

} // namespace anytick::control
