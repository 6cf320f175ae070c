#include <gtest/gtest.h>

#include "control/registry/transfer_csv.h"
#include "control/registry/transfer_json.h"
#include "control/registry/transfer_rows.h"
#include "control/time_text.h"
#include "control_files.h"

namespace anytick::registry::transfer::test {
namespace {

struct Read {
  bool whole = false;
  std::vector<RawRow> raw;
  std::vector<Row> rows;
  std::set<Kind> present;
  TransferFaults faults{"file"};
};

Read read(const std::string& text, std::optional<Kind> csv_kind) {
  const control::test::TemporaryDirectory directory;
  auto file = scores::TextFile::open(directory.write("file", text));
  Read read;
  const auto take = [&](const RawRow& raw) {
    read.raw.push_back(raw);
    if (auto row = decode(raw, read.faults)) read.rows.push_back(*row);
  };
  const std::set<Kind> all(all_kinds.begin(), all_kinds.end());
  read.whole =
      csv_kind ? read_csv(*file, *csv_kind, take, read.faults) : read_json(*file, all, read.present, take, read.faults);
  return read;
}

struct FaultCase {
  const char* description;
  std::optional<Kind> csv; ///< else JSON, whose head and end are put around
  std::string text;
  std::string faults; ///< without "file: " in each line
};

const std::string head = "{\"format\": \"anytick-registry\", \"version\": 1,\n";

const std::vector<FaultCase> fault_cases{
    {"nothing at all", Kind::servers, "", "line 1: fault: no header with the names of columns\n"},
    {"an unknown column", Kind::pops, "name,target,colour\na,b,c\n",
     "line 1: fault: column \"colour\" is not known; pops have name, target, tls_name, canary, enabled\n"},
    {"two unknown columns", Kind::tree, "name,x,y\n",
     "line 1: fault: column \"x\" is not known; tree have name, parent, description\n"
     "line 1: fault: column \"y\" is not known; tree have name, parent, description\n"},
    {"a column twice", Kind::tree, "name,parent,name\n", "line 1: fault: column name stands twice\n"},
    {"no key", Kind::servers, "account,netspeed\n",
     "line 1: fault: no column address, which says what a line is about\n"},
    {"quotes that do not end in the header", Kind::tree, "\"name\n",
     "line 1: fault: the quotes of a cell do not end\n"},
    {"too few cells", Kind::servers, "address,account\n9.9.9.9\n",
     "line 2: fault: 1 cells, but the header names 2 columns\n"},
    {"too many cells, behind a cell of two lines", Kind::servers, "address,note\n9.9.9.9,\"a\nb\"\n\n9.9.9.8,a,b\n",
     "line 5: fault: 3 cells, but the header names 2 columns\n"},
    {"quotes in a cell", Kind::servers, "address,note\n9.9.9.9,a\"b\"\n9.9.9.8,x,y\n",
     "line 2: fault: quotes stand inside a cell that has none around it\n"
     "line 3: fault: 3 cells, but the header names 2 columns\n"},
    {"text behind quotes", Kind::servers, "address,note\n9.9.9.9,\"a\"b\n9.9.9.8,x,y\n",
     "line 2: fault: something stands behind the quotes of a cell\n"
     "line 3: fault: 3 cells, but the header names 2 columns\n"},
    {"quotes that do not end", Kind::servers, "address,note\n9.9.9.8,\n9.9.9.9,\"a\nb\n",
     "line 3: fault: the quotes of a cell do not end\n"},
    {"not UTF-8", Kind::servers, "address,note\n9.9.9.9,\xff\n", "line 2: fault: note is not in UTF-8\n"},
    {"control characters", Kind::servers, "address,account,note\n9.9.9.9,a\tb,\"x\ty\nz\x01\"\n",
     "line 2: fault: account \"a\\x09b\" has control characters\n"
     "line 2: fault: note \"x\\x09y\\x0az\\x01\" has control characters\n"},
    {"no address", Kind::servers, "address,netspeed\nsomewhere,1\n,2\n",
     "line 2: fault: address \"somewhere\" is no IP address\nline 3: fault: address is missing\n"},
    {"all that can be wrong with a server", Kind::servers,
     "address,state,netspeed,zone_netspeed,deletion\n"
     "9.9.9.1,removed,-1,de,soon\n9.9.9.2,,,de=x,2026-02-30\n9.9.9.3,active,4294967296,de=1 "
     "de=2,2026-01-01T24:00:00Z\n",
     "line 2: fault: state \"removed\" is none of unverified, active\n"
     "line 2: fault: netspeed \"-1\" is no whole number from 0 to 4294967295\n"
     "line 2: fault: zone_netspeed \"de\" is no list of names with whole numbers, each once\n"
     "line 2: fault: deletion \"soon\" is no time: 2026-06-17, 2026-06-17T09:30:00Z or seconds since 1970\n"
     "line 3: fault: state is empty, and is none of unverified, active\n"
     "line 3: fault: netspeed is empty, and is no whole number from 0 to 4294967295\n"
     "line 3: fault: zone_netspeed {\"de\":\"x\"} is no list of names with whole numbers, each once\n"
     "line 3: fault: deletion \"2026-02-30\" is no time: 2026-06-17, 2026-06-17T09:30:00Z or seconds since 1970\n"
     "line 4: fault: netspeed 4294967296 is no whole number from 0 to 4294967295\n"
     "line 4: fault: zone_netspeed \"de=1 de=2\" is no list of names with whole numbers, each once\n"
     "line 4: fault: deletion \"2026-01-01T24:00:00Z\" is no time: 2026-06-17, 2026-06-17T09:30:00Z or seconds since "
     "1970\n"},
    {"all that can be wrong with a vendor zone", Kind::vendors,
     "name,state,client,sink,throttle\n,new,all,black,many\n",
     "line 2: fault: name is missing\n"
     "line 2: fault: state \"new\" is none of draft, pending, approved, rejected, suspended\n"
     "line 2: fault: client \"all\" is none of sntp, ntp, legacy\n"
     "line 2: fault: sink \"black\" is none of nodata, sink\n"
     "line 2: fault: throttle \"many\" is no whole number from 0 to 4294967295\n"},
    {"logins", Kind::accounts, "name,logins\na,x@example.com\nb,x@example.com=king\nc,X@a.b=owner x@a.b=owner\n",
     "line 2: fault: logins \"x@example.com\" is no list of e-mail addresses with roles, each once\n"
     "line 3: fault: logins \"king\" is no role: owner, editor or viewer\n"
     "line 4: fault: logins \"x@a.b\" stands twice\n"},
    {"flags", Kind::pops, "name,canary,enabled\na,yes,\n",
     "line 2: fault: canary \"yes\" is neither true nor false\n"
     "line 2: fault: enabled is empty, and is neither true nor false\n"},
    {"static data", Kind::roots, "origin,static_data\npool.example,\"{\"\"a\"\":1,\"\"a\"\":2}\"\nb.example,[]\n",
     "line 2: fault: static_data \"{\"a\":1,\"a\":2}\" is no JSON object\n"
     "line 3: fault: static_data [] is no JSON object\n"},
    {"a long value", Kind::servers, "address\n" + std::string(100, 'x') + "\n",
     "line 2: fault: address \"" + std::string(60, 'x') + "...\" is no IP address\n"},

    {"no JSON",
     {},
     "]",
     "line 2: fault: parse error at line 2, column 1: syntax error while parsing object key - "
     "unexpected ']'; expected string literal\n"},
    {"an unknown part", {}, "\"colours\": []}", "line 2: fault: member \"colours\" is not known\n"},
    {"a part twice", {}, "\"pops\": [],\n\"pops\": []}", "line 3, pops: fault: stands twice\n"},
    {"a part that is no list",
     {},
     "\"pops\": {\"name\": \"x\"},\n\"servers\": 7}",
     "line 2, pops: fault: is no list\nline 3, servers: fault: is no list\n"},
    {"records that are no objects",
     {},
     "\"pops\": [1,\n[{\"name\": []}],\nnull]}",
     "line 2, pops/0: fault: is no JSON object\nline 3, pops/1: fault: is no JSON object\n"
     "line 4, pops/2: fault: is no JSON object\n"},
    {"an unknown member",
     {},
     "\"pops\": [{\"name\": \"a\"}, {\"name\": \"b\",\n\"colour\": {\"name\": 1}}]}",
     "line 3, pops/1: fault: member \"colour\" is not known; pops have name, target, tls_name, canary, enabled\n"},
    {"a member twice",
     {},
     "\"pops\": [{\"name\": \"a\",\n\"name\": \"b\"}]}",
     "line 3, pops/0: fault: member \"name\" stands twice\n"},
    {"a member twice, deeper",
     {},
     "\"roots\": [{\"origin\": \"a\", \"static_data\": {\"x\": 1,\n\"x\": 2}}]}",
     "line 3, roots/0: fault: member \"x\" stands twice\n"},
    {"types",
     {},
     "\"servers\": [{\"address\": 7},\n{\"address\": \"9.9.9.9\", \"account\": null, \"zones\": \"de\",\n"
     "\"netspeed\": 1.5,\n\"deletion\": true, \"note\": {}}]}",
     "line 2, servers/0/address: fault: address 7 is no text\n"
     "line 3, servers/1/account: fault: account is empty, and is no text\n"
     "line 3, servers/1/zones: fault: zones \"de\" is no list of texts\n"
     "line 4, servers/1/netspeed: fault: netspeed 1.5 is no whole number from 0 to 4294967295\n"
     "line 5, servers/1/deletion: fault: deletion true is no time: 2026-06-17, 2026-06-17T09:30:00Z or seconds since "
     "1970\n"
     "line 5, servers/1/note: fault: note {} is no text\n"},
    {"an end too early",
     {},
     "\"pops\": [{\"name\": \"a\"},\n{\"name\"",
     "line 3: fault: parse error at line 3, column 8: syntax error while parsing object separator - unexpected end of "
     "input; expected ':'\n"},
    {"nested too deeply",
     {},
     "\"roots\": [{\"origin\": \"a\", \"static_data\": " + std::string(40, '[') + "]}",
     "line 2, roots/0: fault: nested more than 33 levels\n"},
};

TEST(TransferFiles, FaultsAreToldWithTheirLines) {
  for (const FaultCase& each : fault_cases) {
    SCOPED_TRACE(each.description);
    const Read result = read(each.csv ? each.text : head + each.text, each.csv);
    std::string wanted;
    for (size_t begin = 0; begin < each.faults.size(); begin = each.faults.find('\n', begin) + 1)
      wanted += "file: " + each.faults.substr(begin, each.faults.find('\n', begin) + 1 - begin);
    EXPECT_EQ(result.faults.text(), wanted);
  }
}

TEST(TransferFiles, ADocumentSaysWhatItIs) {
  const std::string format = "\"format\": \"anytick-registry\"", version = "\"version\": 1";
  EXPECT_TRUE(read("{" + version + ", \"pops\": [], " + format + "}", {}).whole);
  for (const auto& [text, fault] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "is no JSON object"},
           {"7", "is no JSON object"},
           {"{" + format + "}", "no \"version\": 1"},
           {"{" + version + "}", "no \"format\": \"anytick-registry\""},
           {"{" + format + ", \"version\": 2}", "version: fault: 2: this program reads version 1"},
           {"{" + format + ", \"version\": \"1\"}", "version: fault: \"1\": this program"},
           {"{\"format\": {}, " + version + "}", "format: fault: is not \"anytick-registry\""},
           {"{" + format + ", " + version + "} x", "expected end of input"}}) {
    SCOPED_TRACE(text);
    const Read result = read(text, {});
    EXPECT_FALSE(result.whole);
    EXPECT_NE(result.faults.text().find(fault), std::string::npos) << result.faults.text();
  }
}

TEST(TransferFiles, RecordsAreBounded) {
  const std::string large(record_max + 1, 'x');
  const Read csv = read("address,note\n9.9.9.9," + large + "\n9.9.9.8,\n", Kind::servers);
  EXPECT_EQ(csv.faults.text(), "file: line 2: fault: the record has more than 1 MiB\n");
  EXPECT_EQ(csv.rows.size(), 1u);
  const Read json = read(head + "\"servers\": [{\"address\": \"9.9.9.9\", \"note\": \"" + large + "\"}]}", {});
  EXPECT_FALSE(json.whole);
  EXPECT_EQ(json.faults.text(), "file: line 2: fault: a record of more than 1 MiB begins before this line\n");
  EXPECT_FALSE(read(head + "\"" + large + "\": []}", {}).whole);
}

TEST(TransferFiles, CsvAsSpreadsheetsWriteIt) {
  const Read result =
      read("\xef\xbb\xbf\"address\",note\r\n\"9.9.9.9\",\"a\r\nb \"\"c\"\"\"\r\n\r\n2620:fe::9,", Kind::servers);
  EXPECT_EQ(result.faults.text(), "");
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(key_of(result.rows[0]), "9.9.9.9");
  EXPECT_EQ(std::get<ServerRow>(result.rows[0]).note, "a\nb \"c\"");
  EXPECT_EQ(std::get<ServerRow>(result.rows[1]).note, "");
  EXPECT_FALSE(std::get<ServerRow>(result.rows[1]).netspeed);
  EXPECT_EQ(result.raw[1].place.line, 5u);
}

TEST(TransferFiles, KeysAreOnesHoweverTheyAreWritten) {
  const auto keys = [](Kind kind, const std::string& text) {
    std::string all;
    for (const Row& row : read(text, kind).rows) all += key_of(row) + " ";
    return all;
  };
  EXPECT_EQ(keys(Kind::servers, "address\n2620:FE:0::9\n2620:fe::0009\n"), "2620:fe::9 2620:fe::9 ");
  EXPECT_EQ(keys(Kind::tree, "name\nGB\nuk\n"), "uk uk ");
  EXPECT_EQ(keys(Kind::roots, "origin\nPool.Example.\n"), "pool.example ");
  EXPECT_EQ(keys(Kind::accounts, "name\nA\na\n"), "A a ");
}

TEST(TransferFiles, TimesAreDaysOrSeconds) {
  using control::time_of;
  EXPECT_EQ(time_of("1970-01-01"), 0);
  EXPECT_EQ(time_of("2026-06-17"), 1781654400);
  EXPECT_EQ(time_of("2026-06-17T09:30:07Z"), 1781654400 + 9 * 3600 + 30 * 60 + 7);
  EXPECT_EQ(time_of("2024-02-29"), 1709164800);
  EXPECT_EQ(time_of("9999-12-31T23:59:59Z"), 253402300799);
  EXPECT_EQ(time_of("253402300800"), 253402300800);
  for (const char* text :
       {"", "-1", "1969-12-31", "2026-6-17", "2026-13-01", "2023-02-29", "2026-00-10", "2026-06-17T09:30Z",
        "2026-06-17 09:30:07", "2026-06-17T09:30:60Z", "2026-06-17T09:60:00Z", "2026-06-17T24:00:00Z", "2026-06-17Z"})
    EXPECT_FALSE(time_of(text)) << text;
}

} // namespace
} // namespace anytick::registry::transfer::test
