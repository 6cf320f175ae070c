#pragma once

#include <fstream>
#include <string>

#include "control/registry/audit.h"
#include "control/registry/transfer_export.h"
#include "control/registry/transfer_import.h"
#include "control_files.h"
#include "databases.h"

namespace anytick::registry::transfer::test {

inline const std::set<Kind> every_kind(all_kinds.begin(), all_kinds.end());

/// A registry with some of everything, as it is exported.
inline const std::string sample = R"({"format": "anytick-registry", "version": 1,
"accounts": [
{"name":"Acme, \"the\" vendor","logins":{"a=b@example.com":"owner","b@example.com":"viewer"}},
{"name":"Öffentlich","logins":{}}
],
"tree": [
{"name":"@","parent":"","description":"all servers"},
{"name":"asia","parent":"@","description":""},
{"name":"de","parent":"europe","description":"country"},
{"name":"europe","parent":"@","description":"continent"},
{"name":"uk","parent":"europe","description":""}
],
"roots": [
{"origin":"pool.example","contact":"hostmaster.pool.example","name_servers":["ns1.example.net","ns2.example.net"],"ttl":150,"max_hosts":4,"static_data":{"www":{"alias":"acmentp"}}}
],
"vendors": [
{"name":"acmentp","account":"Acme, \"the\" vendor","root":"pool.example","state":"approved","client":"legacy","sink":"nodata","throttle":5000,"note":"a line\n\"another\", with\ttabs"},
{"name":"away","account":"Acme, \"the\" vendor","root":"pool.example","state":"suspended","client":"ntp","sink":"sink","throttle":null,"note":""},
{"name":"fresh","account":"Öffentlich","root":"pool.example","state":"draft","client":"sntp","sink":"nodata","throttle":null,"note":""},
{"name":"refused","account":"Öffentlich","root":"pool.example","state":"rejected","client":"ntp","sink":"nodata","throttle":null,"note":""}
],
"servers": [
{"address":"9.9.9.1","account":"Öffentlich","state":"active","netspeed":3000,"zones":["de","uk"],"zone_netspeed":{"@":512,"de":0},"deletion":"2033-05-18T03:33:20Z","note":"ü, \"x\""},
{"address":"9.9.9.10","account":"Acme, \"the\" vendor","state":"unverified","netspeed":10000,"zones":["@"],"zone_netspeed":{},"deletion":null,"note":""},
{"address":"2620:fe::9","account":"Acme, \"the\" vendor","state":"active","netspeed":0,"zones":["asia"],"zone_netspeed":{},"deletion":null,"note":""}
],
"pops": [
{"name":"ams","target":"ams.example.net:8953","tls_name":"ams.example.net","canary":true,"enabled":false},
{"name":"here","target":"unix:/run/anytick/pop.sock","tls_name":"","canary":false,"enabled":true}
]}
)";

/// Files into an empty database, and out of it.
class OnTransfer : public anytick::test::OnDatabase {
 protected:
  static constexpr int64_t now = 1'800'000'000;
  const Actor actor{"tester", "as a test", now};

  ImportReport import(const std::string& text, ImportOptions options) { return import_into(*database_, text, options); }
  ImportReport import_into(store::Database& database, const std::string& text, const ImportOptions& options) {
    auto file = scores::TextFile::open(directory_.write("file", text));
    return import_file(database, *file, "file", actor, options, [](uint64_t, uint64_t) {});
  }
  ImportReport import_json(const std::string& text, Mode mode = Mode::update) {
    return import(text, {.format = Format::json, .kinds = every_kind, .mode = mode});
  }
  ImportReport import_csv(Kind kind, const std::string& text, Mode mode = Mode::update) {
    return import(text, {.format = Format::csv, .kinds = {kind}, .mode = mode});
  }
  void import_sample() {
    const ImportReport report = import_json(sample);
    ASSERT_EQ(report.faults.text(), "");
  }

  std::string json(const std::set<Kind>& kinds = every_kind) { return json_of(*database_, kinds); }
  static std::string json_of(store::Database& database, const std::set<Kind>& kinds = every_kind) {
    std::string text;
    database.read([&](soci::session& sql) {
      text.clear();
      export_json(sql, kinds, [&](std::string_view piece) { text += piece; });
    });
    return text;
  }
  std::string csv(Kind kind) {
    std::string text;
    database_->read([&](soci::session& sql) { export_csv(sql, kind, [&](std::string_view piece) { text += piece; }); });
    return text;
  }
  std::string audit(Id after = 0) {
    std::string text;
    database_->read(
        [&](soci::session& sql) { export_audit(sql, after, [&](std::string_view piece) { text += piece; }); });
    return text;
  }
  Id last() {
    Id id = 0;
    database_->read([&](soci::session& sql) { id = last_audit(sql); });
    return id;
  }

  control::test::TemporaryDirectory directory_;
};

} // namespace anytick::registry::transfer::test
