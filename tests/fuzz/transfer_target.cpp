#include "tests/fuzz/transfer_target.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/registry/transfer_csv.h"
#include "control/registry/transfer_json.h"
#include "tests/fuzz/memory_file.h"

namespace anytick::test {
namespace {

using namespace registry::transfer;
using nlohmann::json;
using nlohmann::ordered_json;

struct ReadRows {
  std::vector<RawRow> rows;
  TransferFaults faults{"file"};
};

ReadRows read(std::optional<Kind> csv, const void* data, size_t size) {
  static const std::set<Kind> all(all_kinds.begin(), all_kinds.end());
  const MemoryFile memory(data, size);
  auto file = scores::TextFile::open(memory.path());
  require(static_cast<bool>(file), "the file opens");
  ReadRows read;
  std::set<Kind> present;
  const auto take = [&](const RawRow& row) {
    require(row.place.line >= 1 && row.place.line <= file->lines() + 1, "a row is on a line of the file");
    require(csv || present.contains(row.kind), "a row is of a part that is there");
    read.rows.push_back(row);
  };
  const bool whole = csv ? read_csv(*file, *csv, take, read.faults) : read_json(*file, all, present, take, read.faults);
  require(whole || read.faults.count() > 0, "a file that is not read to its end has a fault");
  require(read.faults.told() <= 100, "a hundred faults are told");
  return read;
}

bool has_blanks(const json& words) {
  const auto blank = [](const std::string& word) { return word.empty() || word.find_first_of(" \t\r") != word.npos; };
  if (words.is_object()) return std::ranges::any_of(words.items(), [&](const auto& each) { return blank(each.key()); });
  return std::ranges::any_of(words, [&](const json& each) { return each.is_string() && blank(each); });
}

/// Whether CSV has a way to say it: all columns, and lists of words.
bool fits_csv(const RawRow& row) {
  return std::ranges::all_of(fields_of(row.kind), [&](const Field& field) {
    const auto found = row.members.find(field.name);
    const bool list =
        field.type == FieldType::words || field.type == FieldType::pairs || field.type == FieldType::numbers;
    return found != row.members.end() && (!list || !has_blanks(*found));
  });
}

void require_same(const RawRow& row, const std::string& text, std::optional<Kind> csv, const char* property) {
  const ReadRows again = read(csv, text.data(), text.size());
  require(again.faults.count() == 0 && again.rows.size() == 1 && again.rows[0].kind == row.kind &&
              again.rows[0].members == row.members,
          property);
}

void check_row(const RawRow& row) {
  TransferFaults faults("file");
  const std::optional<Row> decoded = decode(row, faults);
  require(decoded.has_value() == (faults.count() == 0), "a row decodes, or has faults");
  if (!decoded) return;
  require(!key_of(*decoded).empty() && decode_key(row) == key_of(*decoded), "a row that decodes has a key");
  const std::string document = "{\"format\":\"anytick-registry\",\"version\":1,\"" + std::string(name_of(row.kind)) +
                               "\":[" + row.members.dump() + "]}";
  require_same(row, document, {}, "JSON says the same when it is read again");
  if (fits_csv(row))
    require_same(row, csv_header(row.kind) + csv_record(row.kind, ordered_json(row.members)), row.kind,
                 "CSV says the same when it is read again");
}

Bytes seed(char format, std::string_view text) {
  Bytes bytes(1 + text.size());
  bytes[0] = static_cast<uint8_t>(format);
  std::ranges::copy(text, bytes.begin() + 1);
  return bytes;
}

} // namespace

void check_transfer(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const size_t format = data[0] % (all_kinds.size() + 1);
  const std::optional<Kind> csv = format < all_kinds.size() ? std::optional(all_kinds[format]) : std::nullopt;
  ReadRows once = read(csv, data + 1, size - 1);
  for (const RawRow& row : once.rows) check_row(row);
}

std::vector<Bytes> transfer_seeds() {
  return {
      seed('\0', "name,logins\r\n\"A, \"\"b\"\"\",a=b@example.com=owner c@example.com=viewer\r\n"),
      seed('\1', "\xef\xbb\xbfname,parent,description\n@,,all\nde,europe,\"a\r\nb\"\n"),
      seed('\2', "origin,contact,name_servers,ttl,max_hosts,static_data\n"
                 "pool.example,hostmaster.pool.example,ns1.example.net ns2.example.net,150,4,"
                 "\"{\"\"www\"\":{\"\"alias\"\":\"\"x\"\",\"\"a\"\":[[\"\"192.0.2.1\"\",1.5]]}}\"\n"),
      seed('\3', "name,account,root,state,client,sink,throttle,note\nacme,A,pool.example,approved,ntp,nodata,,x\n"),
      seed('\4', "address,account,state,netspeed,zones,zone_netspeed,deletion,note\n"
                 "9.9.9.9,A,active,3000,de uk,@=512 de=0,2033-05-18T03:33:20Z,\n"
                 "2620:fe::9,A,unverified,0,@,,1800000000,\"\t\"\n"),
      seed('\5', "name,target,tls_name,canary,enabled\nams,ams.example.net:8953,,true,false\n"),
      seed('\6', R"({"format": "anytick-registry", "version": 1,
"accounts": [{"name":"A","logins":{"a@example.com":"owner"}}],
"tree": [{"name":"@","parent":"","description":""}],
"roots": [{"origin":"pool.example","name_servers":["ns1.example.net"],"ttl":150,"max_hosts":4,"contact":"x.y",
"static_data":{"www":{"a":[["192.0.2.1",1.5e0]],"txt":["\u00fc"]}}}],
"vendors": [{"name":"acme","account":"A","root":"pool.example","state":"draft","client":"sntp","sink":"sink","throttle":null,"note":""}],
"servers": [{"address":"9.9.9.9","zones":["de"],"zone_netspeed":{"de":0},"deletion":"2033-05-18"}, {"address":"::1","deletion":null}],
"pops": [{"name":"ams","target":"unix:/x","tls_name":"","canary":true,"enabled":false}]})"),
  };
}

} // namespace anytick::test
