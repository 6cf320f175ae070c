#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "control/registry/accounts.h"
#include "control/registry/token.h"
#include "registry_fixture.h"

namespace anytick::registry {
namespace {

class RegistryAccounts : public test::OnRegistry {
 protected:
  Account add(const std::string& name, const std::vector<Login>& logins = {}) {
    return transact([&](soci::session& sql) { return add_account(sql, actor, name, logins); });
  }
  Account get(Id id) {
    return transact([&](soci::session& sql) { return get_account(sql, id); });
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, RegistryAccounts, anytick::test::both_engines, anytick::test::engine_name);

TEST_P(RegistryAccounts, AreAddedWithOwners) {
  const Account account = add("Zürich time", {{"Ada@Example.net", Role::owner}, {"bob@example.net", Role::viewer}});
  expect_told("account", "Zürich time", "add", "",
              R"({"name": "Zürich time", "logins": {"ada@example.net": "owner", "bob@example.net": "viewer"},
                  "invitations": {}, "created": 1800000000})");
  const Account kept = get(account.id);
  EXPECT_EQ(kept.name, "Zürich time");
  ASSERT_EQ(kept.logins.size(), 2u);
  EXPECT_EQ(kept.logins[0].email, "ada@example.net");
  EXPECT_EQ(kept.logins[0].role, Role::owner);
  add("operators");
  const auto all = transact(list_accounts);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].name, "operators");
  EXPECT_NE(all[0].id, all[1].id);
}

TEST_P(RegistryAccounts, RefuseWhatIsNoAccount) {
  add("taken");
  struct Case {
    std::string name;
    std::vector<Login> logins;
    std::string why;
  };
  for (const Case& each : std::vector<Case>{{"taken", {}, "there is one"},
                                            {"", {}, "not empty"},
                                            {" x", {}, "blanks"},
                                            {std::string(101, 'x'), {}, "101 bytes"},
                                            {"a\nb", {}, "control characters"},
                                            {"\xff", {}, "UTF-8"},
                                            {"x", {{"a@b.example", Role::editor}}, "owner"},
                                            {"x", {{"a.example", Role::owner}}, "no e-mail address"},
                                            {"x", {{"a@b@c", Role::owner}}, "no e-mail address"},
                                            {"x", {{"a b@c", Role::owner}}, "no e-mail address"},
                                            {"x", {{"@c", Role::owner}}, "no e-mail address"},
                                            {"x", {{"a@c", Role::owner}, {"A@C", Role::viewer}}, "twice"}})
    expect_fault(each.why, [&](soci::session& sql) { add_account(sql, actor, each.name, each.logins); });
  expect_fault("there is no account 'nobody'", [](soci::session& sql) { get_account(sql, "nobody"); });
  actor.who.clear();
  expect_fault("must be told", [&](soci::session& sql) { add_account(sql, actor, "y"); });
}

TEST_P(RegistryAccounts, AreRenamed) {
  const Account account = add("old");
  add("other");
  told();
  const auto rename = [&](const std::string& name) {
    return [&, name](soci::session& sql) { rename_account(sql, actor, account.id, name); };
  };
  transact(rename("new"));
  expect_told("account", "old", "rename", R"({"name": "old"})", R"({"name": "new"})");
  EXPECT_EQ(get(account.id).name, "new");
  transact(rename("new"));
  expect_nothing_told();
  expect_fault("there is one", rename("other"));
}

TEST_P(RegistryAccounts, KeepAnOwner) {
  const Id id = add("a", {{"ada@x", Role::owner}}).id;
  told();
  transact([&](soci::session& sql) { add_login(sql, actor, id, {"Bob@x", Role::editor}); });
  expect_told("account", "a", "login-add", R"({"logins": {"ada@x": "owner"}})",
              R"({"logins": {"ada@x": "owner", "bob@x": "editor"}})");
  expect_fault("is a login of it", [&](soci::session& sql) { add_login(sql, actor, id, {"bob@x", Role::owner}); });
  const auto demote = [&](soci::session& sql) { set_role(sql, actor, id, {"ada@x", Role::viewer}); };
  const auto remove = [&](soci::session& sql) { remove_login(sql, actor, id, "ADA@x"); };
  expect_fault("one login at least is an owner", demote);
  expect_fault("one login at least is an owner", remove);
  transact([&](soci::session& sql) { set_role(sql, actor, id, {"bob@x", Role::owner}); });
  expect_told("account", "a", "login-role", R"({"logins": {"ada@x": "owner", "bob@x": "editor"}})",
              R"({"logins": {"ada@x": "owner", "bob@x": "owner"}})");
  transact([&](soci::session& sql) { set_role(sql, actor, id, {"bob@x", Role::owner}); });
  expect_nothing_told();
  transact(remove);
  expect_told("account", "a", "login-remove", R"({"logins": {"ada@x": "owner", "bob@x": "owner"}})",
              R"({"logins": {"bob@x": "owner"}})");
  expect_fault("is no login", remove);
  expect_fault("is no login", demote);
  expect_fault("one login at least", [&](soci::session& sql) { remove_login(sql, actor, id, "bob@x"); });
}

TEST_P(RegistryAccounts, AreJoinedByInvitation) {
  const Id id = add("a", {{"ada@x", Role::owner}}).id;
  told();
  const auto ask = [&](soci::session& sql) { return invite(sql, actor, id, {"bob@x", Role::editor}, now + 100); };
  const std::string lost = transact(ask);
  const std::string token = transact(ask);
  EXPECT_EQ(token.size(), 32u);
  EXPECT_NE(token, lost);
  EXPECT_EQ(told().size(), 2u);
  const auto accept = [&](soci::session& sql) { return accept_invitation(sql, actor, token); };
  expect_fault("no invitation with this token", [&](soci::session& sql) { accept_invitation(sql, actor, lost); });
  expect_fault("no invitation with this token", [&](soci::session& sql) { accept_invitation(sql, actor, ""); });
  const Account joined = transact(accept);
  EXPECT_EQ(joined.name, "a");
  expect_told("account", "a", "accept",
              R"({"logins": {"ada@x": "owner"}, "invitations": {"bob@x": {"role": "editor", "expires": 1800000100,
                  "token_digest": ")" +
                  token_digest(token) + R"("}}})",
              R"({"logins": {"ada@x": "owner", "bob@x": "editor"}, "invitations": {}})");
  expect_fault("no invitation with this token", accept);
  expect_fault("is a login of it", ask);
  EXPECT_EQ(get(id).logins.size(), 2u);
}

TEST_P(RegistryAccounts, InvitationsExpireAndAreRevoked) {
  const Id id = add("a", {{"ada@x", Role::owner}}).id;
  const auto ask = [&](soci::session& sql) { return invite(sql, actor, id, {"bob@x", Role::viewer}, now + 100); };
  std::string token = transact(ask);
  const auto accept = [&](soci::session& sql) { return accept_invitation(sql, actor, token); };
  actor.now = now + 100; // the first second that is too late
  expect_fault("has expired", accept);
  expect_fault("later than now", ask);
  actor.now = now + 99;
  transact(accept);

  actor.now = now;
  transact([&](soci::session& sql) { remove_login(sql, actor, id, "bob@x"); });
  token = transact(ask);
  told();
  const auto revoke = [&](soci::session& sql) { revoke_invitation(sql, actor, id, "bob@x"); };
  transact(revoke);
  expect_told("account", "a", "revoke",
              R"({"invitations": {"bob@x": {"role": "viewer", "expires": 1800000100, "token_digest": ")" +
                  token_digest(token) + R"("}}})",
              R"({"invitations": {}})");
  expect_fault("is not invited", revoke);
  expect_fault("no invitation with this token", accept);
}

TEST_P(RegistryAccounts, AnOwnerComesFirst) {
  const Id id = add("empty").id;
  expect_fault("owner", [&](soci::session& sql) { add_login(sql, actor, id, {"a@x", Role::viewer}); });
  expect_fault("owner", [&](soci::session& sql) { invite(sql, actor, id, {"a@x", Role::editor}, now + 1); });
  const std::string token = transact([&](soci::session& sql) {
    return invite(sql, actor, id, {"a@x", Role::owner}, now + 1);
  });
  // Who becomes a login otherwise needs no invitation any more.
  transact([&](soci::session& sql) { add_login(sql, actor, id, {"a@x", Role::owner}); });
  EXPECT_TRUE(get(id).invitations.empty());
  expect_fault("no invitation", [&](soci::session& sql) { accept_invitation(sql, actor, token); });
}

TEST_P(RegistryAccounts, ManyAtOnceLoseNothing) {
  const Id id = add("shared", {{"owner@x", Role::owner}}).id;
  constexpr int writers = 4, each = 10;
  std::vector<std::thread> threads;
  std::atomic<int> named{0};
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      const auto own = empty_.open();
      for (int i = 0; i < each; ++i) {
        const std::string email = "w" + std::to_string(writer) + "." + std::to_string(i) + "@x";
        own->transact([&](soci::session& sql) { add_login(sql, actor, id, {email, Role::editor}); });
        try {
          own->transact([&](soci::session& sql) { add_account(sql, actor, "one of " + std::to_string(i)); });
          ++named;
        } catch (const Fault&) {
          // Another one was first.
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(get(id).logins.size(), 1u + writers * each);
  EXPECT_EQ(named, each);
  EXPECT_EQ(transact(list_accounts).size(), 1u + each);
  const auto entries = told();
  EXPECT_EQ(entries.size(), 1u + writers * each + each);
  for (size_t i = 1; i < entries.size(); ++i) EXPECT_EQ(entries[i].id, entries[i - 1].id + 1);
}

/// Two owners that each give up, at the same time: one of them stays.
TEST_P(RegistryAccounts, OwnersDoNotAllLeaveAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const std::string name = "round " + std::to_string(round);
    const Id id = add(name, {{"a@x", Role::owner}, {"b@x", Role::owner}}).id;
    std::vector<std::thread> threads;
    for (const char* email : {"a@x", "b@x"}) {
      threads.emplace_back([&, email] {
        const auto own = empty_.open();
        try {
          own->transact([&](soci::session& sql) { remove_login(sql, actor, id, email); });
        } catch (const Fault&) {
          // The other one was first.
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(get(id).logins.size(), 1u);
  }
}

TEST_P(RegistryAccounts, AuditIsFoundByWhatItSays) {
  add("one");
  actor = {"somebody else", "", now + 10};
  add("two");
  actor.now = now + 20;
  add("three");
  const auto whats = [&](const AuditQuery& query) {
    std::string text;
    for (const AuditEntry& each : transact([&](soci::session& sql) { return read_audit(sql, query); }))
      text += (text.empty() ? "" : " ") + each.what;
    return text;
  };
  EXPECT_EQ(whats({}), "one two three");
  EXPECT_EQ(whats({.limit = 2}), "two three");
  EXPECT_EQ(whats({.what = "two"}), "two");
  EXPECT_EQ(whats({.kind = "server"}), "");
  EXPECT_EQ(whats({.kind = "account", .who = "somebody else"}), "two three");
  EXPECT_EQ(whats({.since = now + 10, .until = now + 20}), "two");
  EXPECT_EQ(whats({.after = 2}), "three");
}

} // namespace
} // namespace anytick::registry
