#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/registry/accounts.h"
#include "control/registry/servers.h"
#include "registry_transfer.h"

namespace anytick::registry::transfer::test {
namespace {

class TransferTest : public OnTransfer {};
INSTANTIATE_TEST_SUITE_P(Engines, TransferTest, anytick::test::both_engines, anytick::test::engine_name);

constexpr Tally tally(uint64_t added, uint64_t changed, uint64_t same, uint64_t removed) {
  return {.added = added, .changed = changed, .same = same, .removed = removed};
}

/// `text` with each of the changes made once.
std::string with(std::string text, const std::vector<std::pair<std::string, std::string>>& changes) {
  for (const auto& [from, to] : changes) {
    const size_t at = text.find(from);
    if (at == text.npos) throw std::runtime_error("not there: " + from);
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST_P(TransferTest, AnExportOfAnImportIsTheSameBytes) {
  import_sample();
  EXPECT_EQ(json(), sample);
  const Id before = last();
  const ImportReport again = import_json(json());
  EXPECT_EQ(again.faults.text(), "");
  EXPECT_EQ(again.of(Kind::servers), tally(0, 0, 3, 0));
  EXPECT_EQ(again.of(Kind::vendors), tally(0, 0, 4, 0));
  EXPECT_EQ(last(), before) << "an import that changes nothing is told";
  EXPECT_EQ(import_json(json(), Mode::replace).faults.text(), "");
  EXPECT_EQ(last(), before);
}

TEST_P(TransferTest, CsvOfEachKindIsTheSameAsJson) {
  import_sample();
  const anytick::test::EmptyDatabase other(GetParam());
  const auto database = other.open();
  for (const Kind kind : all_kinds) {
    std::string text = csv(kind);
    // Static data that leads to vendor zones is for one file with both.
    if (kind == Kind::roots) text = with(text, {{"\"{\"\"www\"\":{\"\"alias\"\":\"\"acmentp\"\"}}\"", "{}"}});
    const ImportReport report = import_into(*database, text, {.format = Format::csv, .kinds = {kind}});
    EXPECT_EQ(report.faults.text(), "") << text;
  }
  const ImportReport roots = import_into(*database, csv(Kind::roots), {.format = Format::csv, .kinds = {Kind::roots}});
  EXPECT_EQ(roots.of(Kind::roots), tally(0, 1, 0, 0)) << roots.faults.text();
  EXPECT_EQ(json_of(*database), sample);
}

TEST_P(TransferTest, CsvHasColumnsInTheirOrder) {
  import_sample();
  EXPECT_EQ(csv(Kind::servers),
            "address,account,state,netspeed,zones,zone_netspeed,deletion,note\r\n"
            "9.9.9.1,Öffentlich,active,3000,de uk,@=512 de=0,2033-05-18T03:33:20Z,\"ü, \"\"x\"\"\"\r\n"
            "9.9.9.10,\"Acme, \"\"the\"\" vendor\",unverified,10000,@,,,\r\n"
            "2620:fe::9,\"Acme, \"\"the\"\" vendor\",active,0,asia,,,\r\n");
  EXPECT_EQ(
      csv(Kind::accounts),
      "name,logins\r\n\"Acme, \"\"the\"\" vendor\",a=b@example.com=owner b@example.com=viewer\r\nÖffentlich,\r\n");
}

TEST_P(TransferTest, UpdateChangesWhatTheFileSaysAndNothingElse) {
  import_sample();
  const ImportReport report = import_csv(Kind::servers, "note,address\nmoved,9.9.9.10\n\"ü, \"\"x\"\"\",9.9.9.1\n");
  EXPECT_EQ(report.faults.text(), "");
  EXPECT_EQ(report.of(Kind::servers), tally(0, 1, 1, 0));
  EXPECT_EQ(json(), with(sample, {{R"(["@"],"zone_netspeed":{},"deletion":null,"note":"")",
                                   R"(["@"],"zone_netspeed":{},"deletion":null,"note":"moved")"}}));
}

TEST_P(TransferTest, EmptyCellsClear) {
  import_sample();
  const ImportReport report = import_csv(Kind::servers, "address,zone_netspeed,deletion,note\r\n9.9.9.1,,,\r\n");
  EXPECT_EQ(report.of(Kind::servers), tally(0, 1, 0, 0)) << report.faults.text();
  EXPECT_EQ(json(), with(sample, {{R"({"@":512,"de":0},"deletion":"2033-05-18T03:33:20Z","note":"ü, \"x\"")",
                                   R"({},"deletion":null,"note":"")"}}));
  EXPECT_EQ(import_csv(Kind::vendors, "name,throttle\nacmentp,\n").of(Kind::vendors), tally(0, 1, 0, 0));
  // A year that has no four digits.
  EXPECT_EQ(import_csv(Kind::servers, "address,deletion\n9.9.9.1,253402300800\n").faults.text(), "");
  EXPECT_NE(json().find("\"deletion\":253402300800"), std::string::npos);
}

TEST_P(TransferTest, MissingColumnsOfNewRowsAreDefaults) {
  import_sample();
  EXPECT_EQ(import_csv(Kind::servers, "address,account,zones\n8.8.4.4,Öffentlich,uk\n").faults.text(), "");
  EXPECT_EQ(import_csv(Kind::pops, "name,target\nzrh,192.0.2.7:8953\n").faults.text(), "");
  EXPECT_EQ(
      json(),
      with(sample,
           {{R"({"address":"9.9.9.1",)",
             R"({"address":"8.8.4.4","account":"Öffentlich","state":"unverified","netspeed":10000,"zones":["uk"],)"
             R"("zone_netspeed":{},"deletion":null,"note":""},)"
             "\n"
             R"({"address":"9.9.9.1",)"},
            {"\"enabled\":true}\n",
             "\"enabled\":true},\n"
             R"({"name":"zrh","target":"192.0.2.7:8953","tls_name":"192.0.2.7","canary":false,"enabled":true})"
             "\n"}}));
}

TEST_P(TransferTest, EverythingOfARowCanChange) {
  import_sample();
  const std::string other =
      with(sample, {{R"({"a=b@example.com":"owner","b@example.com":"viewer"})",
                     R"({"b@example.com":"owner","c@example.com":"editor"})"},
                    {R"("asia","parent":"@","description":"")", R"("asia","parent":"europe","description":"moved")"},
                    {R"("parent":"europe","description":"country")", R"("parent":"asia","description":"country")"},
                    {R"("contact":"hostmaster.pool.example")", R"("contact":"ops.example.net")"},
                    {R"("ttl":150,"max_hosts":4)", R"("ttl":60,"max_hosts":2)"},
                    {R"({"alias":"acmentp"})", R"({"cname":["www.example.net."]})"},
                    {R"("state":"approved","client":"legacy","sink":"nodata","throttle":5000)",
                     R"("state":"suspended","client":"sntp","sink":"sink","throttle":7)"},
                    {R"("state":"draft")", R"("state":"approved")"},
                    {R"("account":"Öffentlich","state":"active","netspeed":3000)",
                     R"("account":"Acme, \"the\" vendor","state":"active","netspeed":6000)"},
                    {R"(["de","uk"],"zone_netspeed":{"@":512,"de":0})", R"(["uk"],"zone_netspeed":{"europe":1500})"},
                    {"2033-05-18T03:33:20Z", "2033-05-19T00:00:00Z"},
                    {R"("state":"unverified")", R"("state":"active")"},
                    {R"("ams.example.net:8953","tls_name":"ams.example.net","canary":true,"enabled":false)",
                     R"("192.0.2.7:1","tls_name":"ams2.example.net","canary":false,"enabled":true)"}});
  const ImportReport report = import_json(other);
  EXPECT_EQ(report.faults.text(), "");
  EXPECT_EQ(json(), other);
  EXPECT_EQ(report.of(Kind::accounts), tally(0, 1, 1, 0));
  EXPECT_EQ(report.of(Kind::tree), tally(0, 2, 3, 0));
  EXPECT_EQ(report.of(Kind::roots), tally(0, 1, 0, 0));
  EXPECT_EQ(report.of(Kind::vendors), tally(0, 2, 2, 0));
  EXPECT_EQ(report.of(Kind::servers), tally(0, 2, 1, 0));
  EXPECT_EQ(report.of(Kind::pops), tally(0, 1, 1, 0));
  // And back, where there is a way back: not from approved to draft.
  const ImportReport back = import_json(sample);
  EXPECT_EQ(back.faults.text(),
            "file: line 19, vendors/2: fault: vendor zone 'fresh': it is approved, from which no steps lead to draft\n"
            "file: line 24, servers/1: fault: server 9.9.9.10: it is verified, and stays that\n");
  EXPECT_EQ(json(), other);
}

TEST_P(TransferTest, AddTakesWhatIsNewAlone) {
  import_sample();
  const ImportReport report = import_json(sample, Mode::add);
  EXPECT_EQ(report.faults.count(), 17u) << report.faults.text();
  EXPECT_NE(report.faults.text().find("line 23, servers/0: fault: server 9.9.9.1: it is there already"),
            std::string::npos)
      << report.faults.text();
  EXPECT_EQ(import_csv(Kind::servers, "address,account,zones\n8.8.4.4,Öffentlich,uk\n", Mode::add).of(Kind::servers),
            tally(1, 0, 0, 0));
}

TEST_P(TransferTest, ReplaceRemovesWhatTheFileLeavesOut) {
  import_sample();
  const ImportReport servers = import_csv(Kind::servers, "address,note\n9.9.9.1,kept\n", Mode::replace);
  EXPECT_EQ(servers.faults.text(), "");
  EXPECT_EQ(servers.of(Kind::servers), tally(0, 1, 0, 2));
  const std::string less = R"({"format": "anytick-registry", "version": 1,
"accounts": [
{"name":"Öffentlich","logins":{}}
],
"tree": [
{"name":"@","parent":"","description":"all servers"},
{"name":"acmentp","parent":"@","description":"a label that was a vendor's"}
],
"roots": [],
"vendors": [],
"servers": [
{"address":"9.9.9.1","account":"Öffentlich","state":"active","netspeed":3000,"zones":["@"],"zone_netspeed":{},"deletion":null,"note":""}
],
"pops": []}
)";
  const ImportReport report = import_json(less, Mode::replace);
  EXPECT_EQ(report.faults.text(), "");
  EXPECT_EQ(report.of(Kind::vendors), tally(0, 0, 0, 4));
  EXPECT_EQ(report.of(Kind::tree), tally(1, 0, 1, 4));
  EXPECT_EQ(report.of(Kind::roots), tally(0, 0, 0, 1));
  EXPECT_EQ(report.of(Kind::pops), tally(0, 0, 0, 2));
  Tally accounts = tally(0, 0, 1, 0);
  accounts.kept = 1; // its servers were removed
  EXPECT_EQ(report.of(Kind::accounts), accounts);
}

TEST_P(TransferTest, ReplaceIsForTheKindsOfTheFile) {
  import_sample();
  const ImportReport pops = import_json(R"({"version":1,"format":"anytick-registry","pops":[]})", Mode::replace);
  EXPECT_EQ(pops.faults.text(), "");
  EXPECT_EQ(pops.of(Kind::pops), tally(0, 0, 0, 2));
  EXPECT_EQ(pops.present, std::set{Kind::pops});
  EXPECT_NE(json({Kind::servers}).find("9.9.9.1"), std::string::npos);
  const std::string before = json();
  EXPECT_EQ(import_csv(Kind::tree, "name,parent\n@,\neurope,@\nde,europe\n", Mode::replace).faults.text(),
            "file: fault: not in the file, and stays: zone 'uk': 1 servers are in it\n"
            "file: fault: not in the file, and stays: zone 'asia': 1 servers are in it\n");
  EXPECT_EQ(json(), before);
}

TEST_P(TransferTest, AFaultOnTheLastLineLeavesNothing) {
  import_sample();
  const std::string before = json();
  const Id entries = last();
  std::string text = "address,account,zones\n";
  for (int i = 0; i < 200; ++i) text += fmt::format("8.8.{}.{},Öffentlich,uk\n", i / 100, i % 100 + 1);
  const ImportReport report = import_csv(Kind::servers, text + "8.8.9.9,nobody,uk\n");
  EXPECT_EQ(report.faults.text(), "file: line 202: fault: server 8.8.9.9: there is no account 'nobody'\n");
  EXPECT_EQ(json(), before);
  EXPECT_EQ(last(), entries);
  EXPECT_EQ(import_csv(Kind::servers, text).of(Kind::servers), tally(200, 0, 0, 0));
}

TEST_P(TransferTest, ADryRunSaysAllAndChangesNothing) {
  const ImportReport dry = import(sample, {.kinds = every_kind, .dry_run = true, .list_changes = true});
  EXPECT_EQ(dry.faults.text(), "");
  EXPECT_EQ(dry.of(Kind::servers), tally(3, 0, 0, 0));
  EXPECT_EQ(last(), 0);
  EXPECT_EQ(json().find("9.9.9.1"), std::string::npos);
  const ImportReport real = import(sample, {.kinds = every_kind, .list_changes = true});
  ASSERT_EQ(real.changes.size(), dry.changes.size());
  for (size_t i = 0; i < dry.changes.size(); ++i) {
    EXPECT_EQ(dry.changes[i].what, real.changes[i].what);
    EXPECT_EQ(dry.changes[i].action, real.changes[i].action);
    EXPECT_EQ(dry.changes[i].to, real.changes[i].to);
    EXPECT_EQ(real.changes[i].reason, actor.reason);
  }
  EXPECT_EQ(real.tallies, dry.tallies);
}

TEST_P(TransferTest, PartsStandInAnyOrder) {
  const auto document = nlohmann::ordered_json::parse(sample);
  auto turned = nlohmann::ordered_json::object();
  for (auto part = document.rbegin(); part != document.rend(); ++part) {
    turned[part.key()] = *part;
    if (part->is_array()) std::reverse(turned[part.key()].begin(), turned[part.key()].end());
  }
  EXPECT_EQ(import_json(turned.dump(2)).faults.text(), "");
  EXPECT_EQ(json(), sample);
}

TEST_P(TransferTest, KindsOfADocumentCanBeChosen) {
  const ImportReport report = import(sample, {.kinds = {Kind::accounts, Kind::pops}});
  EXPECT_EQ(report.present, (std::set{Kind::accounts, Kind::pops}));
  EXPECT_EQ(report.of(Kind::pops), tally(2, 0, 0, 0));
  EXPECT_EQ(json({Kind::servers}).find("address"), std::string::npos);
}

TEST_P(TransferTest, UnusualAddressesNeedTheirOption) {
  import_sample();
  const std::string text = "address,account,zones\n10.0.0.1,Öffentlich,uk\n";
  EXPECT_NE(
      import_csv(Kind::servers, text).faults.text().find("line 2: fault: server 10.0.0.1: the address is private"),
      std::string::npos);
  EXPECT_EQ(import(text, {.format = Format::csv, .kinds = {Kind::servers}, .unusual = true}).faults.text(), "");
}

TEST_P(TransferTest, FaultsOfFormAndOfTheRegistryAreToldTogether) {
  import_sample();
  const std::string before = json();
  const ImportReport report = import_json(R"({"format": "anytick-registry", "version": 1,
"servers": [
{"address": "8.8.4.1", "account": "Öffentlich", "zones": ["nowhere"]},
{"address": "8.8.4.2", "account": "new", "zones": ["uk"]},
{"address": "8.8.4.3", "account": "Öffentlich", "zones": ["uk"], "netspeed": 77}
],
"accounts": [
{"name": "new", "logins": {"x@example.com": "boss"}}
]}
)");
  // What refers to an account that was refused is not told.
  const std::string text = report.faults.text();
  EXPECT_EQ(report.faults.count(), 3u) << text;
  EXPECT_NE(text.find("line 3, servers/0: fault: server 8.8.4.1: there is no zone 'nowhere'"), std::string::npos);
  EXPECT_NE(text.find("line 5, servers/2: fault: server 8.8.4.3: netspeed 77 is none of"), std::string::npos);
  EXPECT_NE(text.find("line 8, accounts/0/logins: fault: logins \"boss\" is no role"), std::string::npos) << text;
  EXPECT_EQ(json(), before);
}

TEST_P(TransferTest, AHundredFaultsAreTold) {
  import_sample();
  std::string text = "address,account,zones\n";
  for (int i = 1; i <= 150; ++i) text += fmt::format("8.8.8.{},nobody,uk\n", i);
  const ImportReport report = import_csv(Kind::servers, text);
  EXPECT_EQ(report.faults.count(), 150u);
  EXPECT_EQ(report.faults.told(), 100u);
  EXPECT_TRUE(report.faults.text().ends_with("line 101: fault: server 8.8.8.100: there is no account 'nobody'\n"
                                             "file: and 50 more\n"))
      << report.faults.text();
}

TEST_P(TransferTest, AFileThatChangesWhileItIsReadChangesNothing) {
  import_sample();
  const std::string before = json();
  std::string text = "address,account,zones\n";
  for (int i = 0; i < 20'000; ++i) text += fmt::format("8.8.{}.{},Öffentlich,uk\n", i / 200, i % 200 + 1);
  const std::string path = directory_.write("servers.csv", text);
  auto file = scores::TextFile::open(path);
  ASSERT_TRUE(file);
  const ImportOptions options{.format = Format::csv, .kinds = {Kind::servers}};
  const ImportReport report =
      import_file(*database_, *file, "servers.csv", actor, options, [&](uint64_t done, uint64_t total) {
        if (total > 0 && done == 1) std::filesystem::resize_file(path, text.size() / 2);
      });
  EXPECT_NE(report.faults.text().find("was changed while it was read"), std::string::npos) << report.faults.text();
  EXPECT_EQ(json(), before);
}

TEST_P(TransferTest, ImportAndEditsBesideEachOtherLoseNothing) {
  import_sample();
  std::string text = "address,account,zones,netspeed\n";
  for (int i = 0; i < 400; ++i) text += fmt::format("8.8.{}.{},Öffentlich,uk,3000\n", i / 200, i % 200 + 1);
  const Id before = last();
  std::atomic<bool> done = false;
  std::atomic<int> edits = 0;
  std::thread editor([&] {
    const auto own = empty_.open();
    do {
      const std::string note = "edit " + std::to_string(++edits);
      own->transact(
          [&](soci::session& sql) { change_server(sql, actor, *geo::parse_address("9.9.9.10"), {.note = note}); });
    } while (!done);
  });
  const ImportReport report = import_csv(Kind::servers, text);
  done = true;
  editor.join();
  EXPECT_EQ(report.faults.text(), "");
  EXPECT_EQ(report.of(Kind::servers), tally(400, 0, 0, 0));
  const std::string all = json({Kind::servers});
  EXPECT_NE(all.find("\"edit " + std::to_string(edits) + "\""), std::string::npos);
  EXPECT_NE(all.find("8.8.1.200"), std::string::npos);
  // One entry for each edit and each server: nothing was done twice.
  EXPECT_EQ(last(), before + edits + 400);
  const std::string log = audit();
  EXPECT_EQ(std::ranges::count(log, '\n'), last());
}

TEST_P(TransferTest, TheAuditLogIsJsonLinesWithoutSecrets) {
  import_sample();
  database_->transact([&](soci::session& sql) {
    const Account account = get_account(sql, "Öffentlich");
    invite(sql, actor, account.id, {"new@example.com", Role::owner}, now + 100);
    renew_token(sql, actor, *geo::parse_address("9.9.9.10"));
  });
  const std::string log = audit();
  EXPECT_EQ(log.find("token_digest"), std::string::npos);
  EXPECT_NE(log.find("new@example.com"), std::string::npos);
  Id id = 0;
  for (size_t begin = 0; begin < log.size(); begin = log.find('\n', begin) + 1) {
    const auto line = nlohmann::json::parse(log.substr(begin, log.find('\n', begin) - begin));
    EXPECT_EQ(line["id"], ++id);
    EXPECT_EQ(line["who"], "tester");
  }
  EXPECT_EQ(id, last());
  EXPECT_EQ(std::ranges::count(audit(last() - 2), '\n'), 2);
  EXPECT_EQ(json().find("new@example.com"), std::string::npos) << "an invitation is exported";
}

} // namespace
} // namespace anytick::registry::transfer::test
