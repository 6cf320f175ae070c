#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/commands/account_command.h"
#include "control/commands/audit_command.h"
#include "control/commands/listing.h"
#include "control/commands/pop_command.h"
#include "control/commands/root_command.h"
#include "control/commands/server_command.h"
#include "control/commands/time_option.h"
#include "control/commands/tree_command.h"
#include "control/commands/vendor_command.h"
#include "control/time_text.h"
#include "control_files.h"
#include "control_run.h"
#include "databases.h"

namespace anytick::control {
namespace {

using nlohmann::json;
using test::Outcome;

class RegistryCommand : public anytick::test::OnDatabase {
 protected:
  Outcome run(std::vector<std::string> words) {
    words.insert(words.end(), {"--database", empty_.connection()});
    return test::run_command(words, add_account_command, add_audit_command, add_pop_command, add_root_command,
                             add_server_command, add_tree_command, add_vendor_command);
  }
  std::string done(const std::vector<std::string>& words) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
    return outcome.output;
  }
  void refused(const std::string& why, const std::vector<std::string>& words, int code = exit_refused) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, code) << outcome.output;
    EXPECT_NE(outcome.failure.find(why), std::string::npos) << outcome.failure;
  }
  json as_json(std::vector<std::string> words) {
    words.push_back("--json");
    return json::parse(done(words));
  }
  /// The word behind "token: ".
  static std::string token_in(const std::string& output) {
    const size_t at = output.find("token: ");
    return at == output.npos ? "" : output.substr(at + 7, 32);
  }
  void make_pool() {
    done({"tree", "add", "--default"});
    done({"account", "add", "Alice Ltd", "--owner", "alice@example.net"});
    done({"root", "add", "pool.example", "--ns", "ns1.example.net", "--ns", "ns2.example.net"});
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, RegistryCommand, anytick::test::both_engines, anytick::test::engine_name);

TEST_P(RegistryCommand, AccountsAndInvitations) {
  EXPECT_EQ(done({"account", "list"}), "ACCOUNT  SERVERS  CREATED  LOGINS\n");
  EXPECT_EQ(as_json({"account", "list"}), json::array());
  EXPECT_EQ(done({"account", "add", "Alice Ltd", "--owner", "alice@example.net"}), "account 'Alice Ltd': added\n");
  refused("there is one of this name", {"account", "add", "Alice Ltd"});
  const std::string token = token_in(done({"account", "invite", "Alice Ltd", "bob@example.net", "--expires", "2d"}));
  EXPECT_EQ(token.size(), 32u);
  EXPECT_EQ(done({"account", "show", "Alice Ltd"}).find(token), std::string::npos);
  EXPECT_EQ(done({"account", "accept", token}), "account 'Alice Ltd': joined\n");
  refused("no invitation", {"account", "accept", token});
  EXPECT_EQ(done({"account", "login", "role", "Alice Ltd", "bob@example.net", "owner"}),
            "account 'Alice Ltd': role changed\n");
  EXPECT_EQ(done({"account", "login", "role", "Alice Ltd", "bob@example.net", "owner"}),
            "account 'Alice Ltd': unchanged\n");
  done({"account", "login", "remove", "Alice Ltd", "alice@example.net"});
  done({"account", "login", "add", "Alice Ltd", "carol@example.net", "--role", "viewer"});
  refused("one login at least is an owner", {"account", "login", "remove", "Alice Ltd", "bob@example.net"});
  EXPECT_EQ(as_json({"account", "invite", "Alice Ltd", "dave@example.net"})["email"], "dave@example.net");
  done({"account", "revoke", "Alice Ltd", "dave@example.net"});
  refused("is not invited", {"account", "revoke", "Alice Ltd", "dave@example.net"});
  refused("later than now", {"account", "invite", "Alice Ltd", "dave@example.net", "--expires", "2020-01-01"});
  refused("no time", {"account", "invite", "Alice Ltd", "dave@example.net", "--expires", "soon"}, exit_usage);
  done({"account", "rename", "Alice Ltd", "Bob Inc"});
  EXPECT_EQ(as_json({"account", "show", "Bob Inc"})["logins"],
            json::parse(R"({"bob@example.net": "owner", "carol@example.net": "viewer"})"));
  refused("no account 'Alice Ltd'", {"account", "show", "Alice Ltd"});
}

TEST_P(RegistryCommand, ServersComeAndGo) {
  make_pool();
  const std::vector<std::string> add{"server",     "add",  "192.0.2.1",       "2001:db8::1", "--account", "Alice Ltd",
                                     "--zone",     "de",   "--zone",          "fr",          "--note",    "two of them",
                                     "--netspeed", "3000", "--zone-netspeed", "fr=512"};
  refused("for documentation", add);
  auto unusual = add;
  unusual.push_back("--unusual");
  const std::string output = done(unusual);
  EXPECT_NE(output.find("server 192.0.2.1: added, unverified\ntoken: "), std::string::npos) << output;
  EXPECT_EQ(done({"server", "list"}),
            "ADDRESS      STATE       NETSPEED  ZONES         ACCOUNT    DELETION  NOTE\n"
            "192.0.2.1    unverified      3000  de fr fr=512  Alice Ltd  -         two of them\n"
            "2001:db8::1  unverified      3000  de fr fr=512  Alice Ltd  -         two of them\n");
  refused("needs a reason", {"server", "verify", "192.0.2.1"});
  EXPECT_EQ(done({"server", "verify", "192.0.2.1", "--reason", "seen it"}), "server 192.0.2.1: verified\n");
  EXPECT_EQ(token_in(done({"server", "verify", "2001:db8::1", "--renew"})).size(), 32u);
  EXPECT_EQ(done({"server", "set", "192.0.2.1", "2001:DB8::1", "--netspeed", "6000", "--add-zone", "gb", "--drop-zone",
                  "fr", "--zone-netspeed", "de=1500"}),
            "server 192.0.2.1: changed\nserver 2001:db8::1: changed\n");
  const json shown = as_json({"server", "show", "192.0.2.1"});
  EXPECT_EQ(shown["state"], "active");
  EXPECT_EQ(shown["netspeed"], 6000);
  EXPECT_EQ(shown["zones"], json({"de", "uk"}));
  EXPECT_EQ(shown["zone_netspeed"], json({{"de", 1500}}));
  EXPECT_EQ(shown["implied_zones"], json({"@", "de", "europe", "uk"}));
  EXPECT_EQ(done({"server", "set", "192.0.2.1", "--zone-netspeed", "de="}), "server 192.0.2.1: changed\n");
  EXPECT_EQ(done({"server", "set", "192.0.2.1", "--netspeed", "6000"}), "server 192.0.2.1: unchanged\n");
  refused("not ZONE=KBIT", {"server", "set", "192.0.2.1", "--zone-netspeed", "de"}, exit_usage);
  refused("it is not in zone 'jp'", {"server", "set", "192.0.2.1", "--drop-zone", "jp"});
  refused("is no IP address", {"server", "show", "192.0.2"}, exit_usage);
  // One that is not there, and none is changed.
  refused("no server 192.0.2.9", {"server", "set", "192.0.2.1", "192.0.2.9", "--netspeed", "512"});
  EXPECT_EQ(as_json({"server", "show", "192.0.2.1"})["netspeed"], 6000);

  done({"server", "schedule-deletion", "192.0.2.1", "--at", "2100-01-01"});
  EXPECT_EQ(as_json({"server", "show", "192.0.2.1"})["deletion"], 4102444800);
  EXPECT_NE(done({"server", "list"}).find("2100-01-01T00:00:00Z"), std::string::npos);
  EXPECT_EQ(done({"server", "remove", "--due"}), "no server is due\n");
  EXPECT_EQ(done({"server", "keep", "192.0.2.1"}), "server 192.0.2.1: kept\n");
  done({"account", "add", "Bob Inc"});
  done({"server", "move", "192.0.2.1", "--account", "Bob Inc"});
  EXPECT_EQ(as_json({"server", "list", "--account", "Bob Inc"}).size(), 1u);
  EXPECT_EQ(as_json({"server", "list", "--zone", "uk", "--state", "active"}).size(), 1u);
  refused("give addresses, or --due", {"server", "remove"}, exit_usage);
  done({"server", "remove", "192.0.2.1", "--reason", "gone"});
  EXPECT_EQ(as_json({"server", "list"}).size(), 1u);
  EXPECT_EQ(as_json({"server", "list", "--removed"}).size(), 2u);
  EXPECT_NE(done({"account", "show", "Alice Ltd"}).find("servers      2001:db8::1\n"), std::string::npos);
  done({"server", "add", "9.9.9.9", "--account", "Bob Inc", "--zone", "@", "--verified", "--reason", "ours"});
  EXPECT_EQ(as_json({"server", "show", "9.9.9.9"})["state"], "active");
}

TEST_P(RegistryCommand, TreeVendorsRootsAndPops) {
  make_pool();
  EXPECT_EQ(done({"tree", "add", "--default"}), "tree: 0 zones added\n");
  refused("give a zone, or --default", {"tree", "add"}, exit_usage);
  done({"tree", "add", "nordics", "--parent", "europe", "--description", "by the sea"});
  done({"tree", "set", "se", "--parent", "nordics"});
  done({"server", "add", "9.9.9.9", "--account", "Alice Ltd", "--zone", "se"});
  const std::string tree = done({"tree", "list"});
  EXPECT_NE(tree.find("\nnordics        europe               1  by the sea\n"), std::string::npos) << tree;
  refused("servers are in it", {"tree", "remove", "se"});
  done({"tree", "remove", "aq"});

  EXPECT_EQ(done({"vendor", "add", "acme", "--account", "Alice Ltd", "--client", "sntp"}),
            "vendor zone 'acme': added to pool.example, draft\n");
  refused("it is draft", {"vendor", "approve", "acme"});
  EXPECT_EQ(done({"vendor", "submit", "acme"}), "vendor zone 'acme': pending\n");
  refused("needs a reason", {"vendor", "reject", "acme"});
  EXPECT_EQ(done({"vendor", "approve", "acme"}), "vendor zone 'acme': approved\n");
  EXPECT_EQ(done({"vendor", "set", "acme", "--throttle", "500", "--sink", "sink"}), "vendor zone 'acme': changed\n");
  EXPECT_EQ(as_json({"vendor", "show", "acme"})["throttle"], 500);
  EXPECT_EQ(as_json({"vendor", "show", "acme"})["client"], "sntp");
  done({"vendor", "set", "acme", "--no-throttle"});
  done({"vendor", "suspend", "acme", "--reason", "floods"});
  EXPECT_EQ(done({"vendor", "list", "--state", "suspended"}),
            "VENDOR  ROOT          STATE      CLIENT  SINK  THROTTLE  ACCOUNT    NOTE\n"
            "acme    pool.example  suspended  sntp    sink         -  Alice Ltd  -\n");
  EXPECT_EQ(as_json({"vendor", "list", "--state", "draft"}), json::array());
  done({"vendor", "resume", "acme"});
  refused("reject or suspend it first", {"vendor", "remove", "acme"});

  const test::TemporaryDirectory directory;
  const std::string labels = directory.write("labels.json", R"({"www": {"a": ["192.0.2.1"]}})");
  EXPECT_EQ(done({"root", "set", "pool.example", "--static", labels, "--ttl", "60"}), "root pool.example: changed\n");
  EXPECT_EQ(done({"root", "set", "pool.example", "--ttl", "60"}), "root pool.example: unchanged\n");
  EXPECT_EQ(as_json({"root", "show", "pool.example"})["static_data"]["www"]["a"][0], "192.0.2.1");
  EXPECT_EQ(done({"root", "list"}),
            "ORIGIN        CONTACT                  TTL  SERVERS  LABELS  NAME SERVERS\n"
            "pool.example  hostmaster.pool.example   60        4       1  ns1.example.net ns2.example.net\n");
  done({"root", "add", "time.example", "--ns", "ns1.time.example"}); // with a warning: it is not there
  done({"root", "remove", "time.example"});
  refused("TTL of 3", {"root", "set", "pool.example", "--ttl", "3"});
  refused("vendor zone 'acme' is in it", {"root", "remove", "pool.example"});

  done({"pop", "add", "fra-1", "198.51.100.7:8953", "--canary"});
  done({"pop", "add", "local", "unix:/run/pop.sock", "--disable"});
  EXPECT_EQ(done({"pop", "list"}), "POP    TARGET              CERTIFICATE   CANARY  ENABLED\n"
                                   "fra-1  198.51.100.7:8953   198.51.100.7  canary  enabled\n"
                                   "local  unix:/run/pop.sock  -             -       disabled\n");
  EXPECT_EQ(done({"pop", "set", "local", "--enable"}), "POP 'local': changed\n");
  EXPECT_EQ(done({"pop", "set", "fra-1", "--no-canary", "--tls-name", "fra.example"}), "POP 'fra-1': changed\n");
  EXPECT_EQ(as_json({"pop", "list"})[0]["canary"], false);
  done({"pop", "remove", "local"});
  refused("no POP 'local'", {"pop", "remove", "local"});
}

TEST_P(RegistryCommand, AuditSaysWhoDidWhat) {
  ::setenv("ANYTICK_USER", "carol", 1);
  make_pool();
  ::unsetenv("ANYTICK_USER");
  done({"server", "add", "9.9.9.9", "--account", "Alice Ltd", "--zone", "de", "--as", "dave", "--reason", "asked for"});
  done({"server", "set", "9.9.9.9", "--netspeed", "512", "--note", "slow\nline", "--as", "dave"});
  const json entries = as_json({"audit", "--kind", "server"});
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0]["who"], "dave");
  EXPECT_EQ(entries[0]["reason"], "asked for");
  EXPECT_EQ(entries[0]["from"], nullptr);
  EXPECT_EQ(entries[1]["from"], json({{"netspeed", 10000}, {"note", ""}}));
  EXPECT_EQ(entries[1]["to"], json({{"netspeed", 512}, {"note", "slow\nline"}}));
  EXPECT_EQ(as_json({"audit", "--who", "carol"}).size(), 3u);
  EXPECT_EQ(as_json({"audit", "--limit", "1"}).size(), 1u);
  EXPECT_EQ(as_json({"audit", "--since", "1h"}).size(), 5u);
  EXPECT_EQ(as_json({"audit", "--until", "1h"}).size(), 0u);
  EXPECT_EQ(as_json({"audit", "--what", "pool.example"}).size(), 1u);
  const std::string text = done({"audit", "--what", "9.9.9.9"});
  EXPECT_NE(text.find("netspeed 10000 -> 512; note - -> slow line\n"), std::string::npos) << text;
}

TEST(RegistryCommandDatabase, IsFoundByTheConfiguration) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.file("hub.toml");
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--hub", file});
    return test::run_command(words, add_account_command);
  };
  EXPECT_EQ(run({"account", "list"}).code, exit_refused);
  directory.write("hub.toml", "database = \"sqlite:own.db\"\n");
  EXPECT_EQ(run({"account", "add", "x"}).code, exit_done);
  EXPECT_NE(run({"account", "list"}).output.find("\nx "), std::string::npos);
  EXPECT_FALSE(read_file(directory.file("own.db")).empty());
  directory.write("hub.toml", "colour = 1\n");
  EXPECT_NE(run({"account", "list"}).failure.find("colour: unknown key"), std::string::npos);
}

TEST(RegistryCommandTimes, AreDatesOrDurations) {
  EXPECT_EQ(time_of("0"), 0);
  EXPECT_EQ(time_of("1970-01-02"), 86400);
  EXPECT_EQ(time_of("2026-06-17T09:30:00Z"), 1781688600);
  for (const char* text : {"", "-1", "x", "2026-06", "2026-06-31", "2026-13-01", "2026-06-17T09:30:00", "2026-06-17 "})
    EXPECT_FALSE(time_of(text)) << text;
  EXPECT_EQ(time_option("--at", "2h", 10'000, 1), 17'200);
  EXPECT_EQ(time_option("--since", "2h", 10'000, -1), 2'800);
  EXPECT_THROW(time_option("--at", "2x", 0, 1), CommandFailure);
}

TEST(RegistryCommandTable, StaysOneLineForEachRow) {
  TextTable table({{"A"}, {"NUMBER", TextTable::Side::right}, {"LAST"}});
  table.add({"zürich", "1", ""});
  table.add({"two\nlines", "200000000", "x"});
  EXPECT_EQ(table.text(), "A             NUMBER  LAST\n"
                          "zürich             1  -\n"
                          "two lines  200000000  x\n");
  EXPECT_EQ(fields_text({{"note", "two\nlines"}, {"created", 86400}, {"zones", {"a", "b"}}, {"none", nullptr}}),
            "note     two\n         lines\ncreated  1970-01-02T00:00:00Z\nzones    a b\nnone     -\n");
}

} // namespace
} // namespace anytick::control
