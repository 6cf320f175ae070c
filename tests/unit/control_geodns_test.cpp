#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/dns_text.h"
#include "control/json_source.h"
#include "control_zones.h"
#include "dataplane/core/dns.h"

namespace anytick::control::test {
namespace {

namespace dns = core::dns;
using Lines = std::vector<std::string>;

/// Zone text around labels, with a name server so that nobody misses one.
std::string zone_with(const std::string& labels, const std::string& options = "") {
  return "{\"serial\": 1," + options + "\"data\": {\"\": {\"ns\": [\"ns1.example.net.\"]}" +
         (labels.empty() ? "" : ", ") + labels + "}}";
}

struct FindingCase {
  const char* name;
  std::string json;
  Lines findings;
};

class GeodnsFindings : public testing::TestWithParam<FindingCase> {};

TEST_P(GeodnsFindings, AreExactAndComplete) {
  const ReadResult result = read(GetParam().json);
  EXPECT_EQ(result.findings, GetParam().findings);
  const bool faulty = std::any_of(result.findings.begin(), result.findings.end(),
                                  [](const auto& f) { return f.find("fault: ") != f.npos; });
  EXPECT_EQ(result.zone.has_value(), !faulty);
}

const FindingCase syntax_cases[] = {
    {"good", zone_with("\"www\": {\"a\": [[\"192.0.2.1\", 10]]}"), {}},
    {"cut_off",
     "{\n  \"data\": {",
     {"fault: parse error at line 2, column 12: syntax error while parsing object key - unexpected end of input; "
      "expected "
      "string literal"}},
    {"trailing_comma",
     "{\"data\": {},}",
     {"fault: parse error at line 1, column 13: syntax error while parsing object key - unexpected '}'; expected "
      "string "
      "literal"}},
    {"empty",
     "",
     {"fault: parse error at line 1, column 1: syntax error while parsing value - unexpected end of input; expected "
      "'[', "
      "'{', or a literal"}},
    {"bad_utf8",
     "{\"data\": {\"\xff\": {}}}",
     {"fault: parse error at line 1, column 12: syntax error while parsing object key - invalid string: ill-formed "
      "UTF-8 byte; "
      "last read: '\"\xff'; expected string literal"}},
    {"not_an_object", "[]", {"fault: not a JSON object"}},
    {"no_data", "{}", {"fault: needs \"data\"", "warning: the zone has no name servers"}},
    {"data_is_a_list", "{\"data\": []}", {"data: fault: not an object", "warning: the zone has no name servers"}},
    {"label_is_a_list", zone_with("\"www\": []"), {"data/www: fault: not an object"}},
    {"nested_deep",
     std::string(40, '['),
     {"0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0: fault: nested more "
      "than 32 levels deep"}},
    {"duplicate_keys",
     "{\"ttl\": 1, \"ttl\": 2, \"data\": {\"\": {\"ns\": [\"a.b.\"]}, \"www\": {\"a\": \"192.0.2.1\", \"a\": [{\"ip\": "
     "1, \"ip\": "
     "2}]}, \"www\": {}}}",
     {"ttl: fault: this key stands twice", "data/www/a: fault: this key stands twice",
      "data/www/a/0/ip: fault: this key stands twice", "data/www: fault: this key stands twice"}},
};

const FindingCase option_cases[] = {
    {"integers_out_of_range",
     zone_with("", "\"ttl\": -1, \"max_hosts\": 0, "),
     {"ttl: fault: -1 is not in 0..2147483647", "max_hosts: fault: 0 is not in 1..65535"}},
    {"integers_of_other_types",
     zone_with("", "\"ttl\": 1.5, \"max_hosts\": [], "),
     {"ttl: fault: 1.5 is not an integer", "max_hosts: fault: [] is not an integer"}},
    {"integers_as_strings", zone_with("\"www\": {\"ttl\": \"601\", \"max_hosts\": \"1\"}", "\"ttl\": \"60\", "), {}},
    {"bad_integer_strings",
     zone_with("", "\"ttl\": \"6x\", \"max_hosts\": \"\", "),
     {"ttl: fault: \"6x\" is not an integer", "max_hosts: fault: \"\" is not an integer"}},
    {"integer_beyond_64_bits",
     zone_with("", "\"ttl\": \"99999999999999999999999\", "),
     {"ttl: fault: 99999999999999999999999 is not in 0..2147483647"}},
    {"serial_of_33_bits",
     "{\"serial\": 4294967296, \"data\": {\"\": {\"ns\": [\"a.b.\"]}}}",
     {"serial: fault: 4294967296 is not in 0..4294967295"}},
    {"many_hosts", zone_with("", "\"max_hosts\": 100, "), {"max_hosts: warning: an answer draws 32 records at most"}},
    {"ignored_keys",
     zone_with("\"www\": {\"closest\": true, \"health\": {}, \"loc\": 1}",
               "\"closest\": true, \"logging\": {}, \"foo\": 1, "),
     {"closest: warning: ignored: distances are not known", "foo: warning: ignored: unknown key",
      "logging: warning: ignored", "data/www/closest: warning: ignored: distances are not known",
      "data/www/health: warning: ignored: health checks are not made", "data/www/loc: warning: ignored: unknown type"}},
    {"closest_off", zone_with("\"www\": {\"closest\": false}", "\"closest\": false, "), {}},
    {"targeting_words",
     zone_with("", "\"targeting\": \"@ country planet\", "),
     {"targeting: fault: unknown target \"planet\""}},
    {"targeting_without_everybody",
     zone_with("", "\"targeting\": \"country\", "),
     {"targeting: warning: \"@\" is not in it, but is always tried last"}},
    {"targeting_by_address",
     zone_with("\"0.[192.0.2.1]\": {\"a\": \"192.0.2.1\"}, \"0.[192.0.2]\": {\"a\": \"192.0.2.1\"}",
               "\"targeting\": \"@ ip\", "),
     {"data/0.[192.0.2]: fault: ends in brackets, but not in [ADDRESS]"}},
    {"targeting_no_string", zone_with("", "\"targeting\": 1, "), {"targeting: fault: 1 is not a string"}},
    {"contact",
     zone_with("", "\"contact\": \"a@b@c\", "),
     {"contact: fault: \"a@b@c\" is neither a mail address nor a name"}},
    {"contact_no_string", zone_with("", "\"contact\": 7, "), {"contact: fault: 7 is not a string"}},
};

const FindingCase label_cases[] = {
    {"wildcards",
     zone_with("\"*\": {}, \"*.foo\": {\"ns\": \"ns.example.net.\"}"),
     {"data/*.foo/ns: fault: a wildcard cannot be delegated"}},
    {"names",
     zone_with("\"a..b\": {}, \"a b\": {}, \"dot.\": {}, \"\xc3\xa4\": {}"),
     {"data/a b: fault: ' ' is not served in names", "data/a..b: fault: empty label",
      "data/dot.: fault: labels are relative to the origin, without a trailing dot",
      "data/\xc3\xa4: fault: not ASCII: names are written in their xn-- form"}},
    {"label_of_63", zone_with("\"" + std::string(63, 'a') + "\": {}"), {}},
    {"label_of_64",
     zone_with("\"" + std::string(64, 'a') + "\": {}"),
     {"data/" + std::string(64, 'a') + ": fault: a label of more than 63 bytes"}},
    {"case_duplicates", zone_with("\"EU\": {}, \"eu\": {}"), {"data/eu: fault: the same label as data/EU"}},
    {"control_characters", zone_with("\"a\\u001b\": {}"), {"data/a\\x1b: fault: '\\x1b' is not served in names"}},
    {"delegation",
     zone_with(R"("sub": {"ns": {"ns.sub.pool.example.": "192.0.2.1"}}, "also": {"ns": "a.b", "txt": "x"},
                  "lower.also": {"a": "192.0.2.1", "mx": "m.x."}, "a": {"alias": "lower.also"},
                  "again": {"ns": "a.b", "alias": "c"}, "c": {"a": "192.0.2.1"})"),
     {"data/a/alias: fault: leads into the delegation of \"also\"",
      "data/again/alias: fault: stands beside a delegation", "data/also/txt: fault: stands beside a delegation",
      "data/lower.also/mx: fault: lies below the delegation of \"also\""}},
    {"delegation_by_target",
     zone_with(R"("sub.[192.0.2.0]": {"ns": "a.b"})", "\"targeting\": \"ip @\", "),
     {"data/sub.[192.0.2.0]/ns: fault: a delegation is the same for all clients"}},
    {"empty_labels", zone_with("\"www\": {}, \"no\": {\"a\": [], \"aaaa\": null}"), {}},
};

const FindingCase record_cases[] = {
    {"addresses",
     zone_with("\"www\": {\"a\": [\"192.0.2.1\", [\"192.0.2.300\", 1], [\"2001:db8::1\", 1], 7, [], {}], "
               "\"aaaa\": \"192.0.2.1\"}"),
     {"data/www/a/1: fault: \"192.0.2.300\" is not an IPv4 address",
      "data/www/a/2: fault: \"2001:db8::1\" is not an IPv4 address", "data/www/a/3: fault: 7 is not a record of type a",
      "data/www/a/4: fault: [] is not a record of type a", "data/www/a/5: fault: needs \"ip\"",
      "data/www/aaaa: fault: \"192.0.2.1\" is not an IPv6 address"}},
    {"weights",
     zone_with("\"www\": {\"a\": [[\"192.0.2.1\", -1], [\"192.0.2.2\", \"x\"], {\"ip\": \"192.0.2.3\", \"weight\": "
               "4294967296}, [\"192.0.2.4\", \"10\"]]}"),
     {"data/www/a/0/1: fault: -1 is not in 0..4294967295", "data/www/a/1/1: fault: \"x\" is not an integer",
      "data/www/a/2/weight: fault: 4294967296 is not in 0..4294967295"}},
    {"weight_0",
     zone_with("\"www\": {\"a\": [[\"192.0.2.1\", 0], [\"192.0.2.2\", 5]]}"),
     {"data/www/a/0: warning: left out: weight 0 is never drawn"}},
    {"all_weights_0",
     zone_with("\"www\": {\"a\": [[\"192.0.2.1\", 0], [\"192.0.2.2\", \"0\"]]}"),
     {"data/www/a/0: warning: left out: weight 0 is never drawn",
      "data/www/a/1: warning: left out: weight 0 is never drawn", "data/www/a: fault: all weights are 0"}},
    {"same_address",
     zone_with("\"www\": {\"aaaa\": [[\"2001:db8::1\", 1], [\"2001:DB8:0::1\", 2]]}"),
     {"data/www/aaaa/1: fault: 2001:db8::1 stands twice"}},
    {"same_record",
     zone_with("\"www\": {\"mx\": [\"mx.example.net\", {\"mx\": \"MX.example.net.\"}]}"),
     {"data/www/mx/1: fault: 0 mx.example.net. stands twice"}},
    {"record_keys",
     zone_with("\"www\": {\"a\": [{\"ip\": \"192.0.2.1\", \"health\": \"x\", \"speed\": 1}, {\"a\": 5}]}"),
     {"data/www/a/0/health: warning: ignored: health checks are not made",
      "data/www/a/0/speed: warning: ignored: unknown key", "data/www/a/1/a: fault: 5 is not a string"}},
    {"srv",
     zone_with("\"_s._tcp\": {\"srv\": [{\"target\": \"x\", \"port\": 65536}, \"x\", {\"port\": 1}, {\"target\": "
               "\"a..b\"}]}"),
     {"data/_s._tcp/srv/0/port: fault: 65536 is not in 0..65535",
      "data/_s._tcp/srv/1: fault: \"x\" is not a record of type srv", "data/_s._tcp/srv/2: fault: needs \"target\"",
      "data/_s._tcp/srv/3: fault: \"a..b\" is not a name: empty label"}},
    {"mx",
     zone_with("\"www\": {\"mx\": [{\"mx\": \"x\", \"preference\": -5}, [\"x\", 1]]}"),
     {"data/www/mx/0/preference: fault: -5 is not in 0..65535",
      "data/www/mx/1: fault: [\"x\",1] is not a record of type mx"}},
    {"caa",
     zone_with("\"www\": {\"caa\": [{\"value\": \"ca.example\"}, {\"tag\": \"is sue\", \"value\": \"x\"}, {\"tag\": "
               "\"issue\", \"value\": \"x\", \"flags\": 256}]}"),
     {"data/www/caa/0: fault: needs a \"tag\"", "data/www/caa/1: fault: the tag is not 1 to 255 letters and digits",
      "data/www/caa/2/flags: fault: 256 is not in 0..255"}},
    {"name_servers",
     "{\"serial\": 1, \"data\": {\"\": {\"ns\": [\"ns1.example.net\", \"NS1.example.net.\", 7]}}}",
     {"data//ns/1: fault: ns1.example.net. stands twice", "data//ns/2: fault: 7 is not the name of a server"}},
    {"glue",
     "{\"serial\": 1, \"data\": {\"\": {\"ns\": {\"ns.example.net.\": \"192.0.2.1\", \"ns1\": \"192.0.2.2\", \"ns2\": "
     "\"192.0.2.999\", \"ns3\": \"192.0.2.3\"}}, \"ns3\": {\"a\": \"192.0.2.4\"}}}",
     {"data//ns/ns2: fault: \"192.0.2.999\" is not an address",
      "data//ns/ns.example.net.: warning: glue is ignored: the name is not "
      "in this zone",
      "data//ns/ns3: warning: glue is ignored: the label has addresses of its own",
      "data//ns: warning: ns2.pool.example. does not exist in this zone"}},
    {"long_txt",
     zone_with("\"www\": {\"txt\": \"" + std::string(65536, 'x') + "\"}"),
     {"data/www/txt: fault: longer than a record can be"}},
    {"large_answer",
     zone_with("\"www\": {\"txt\": [\"a" + std::string(40000, 'x') + "\", \"b" + std::string(40000, 'x') + "\"]}"),
     {"data/www/txt: fault: an answer could exceed 60000 bytes"}},
};

const FindingCase zone_cases[] = {
    {"cname_beside_others",
     zone_with("\"www\": {\"cname\": \"x\", \"a\": \"192.0.2.1\", \"txt\": \"t\"}, \"w\": {\"cname\": \"x\", "
               "\"alias\": \"v\"}, \"v\": {}"),
     {"data/w/cname: fault: a CNAME stands beside alias", "data/www/cname: fault: a CNAME stands beside a, txt"}},
    {"cname_for_the_apex",
     zone_with("\"us\": {\"cname\": \"x\"}"),
     {"data/us/cname: fault: would answer for the apex, where no CNAME may stand"}},
    {"cname_for_the_apex_by_alias",
     "{\"data\": {\"\": {\"ns\": \"a.b\", \"alias\": \"w\"}, \"w\": {\"alias\": \"v\"}, \"v.europe\": {\"cname\": "
     "\"x\"}}}",
     {"data/v.europe/cname: fault: would answer for the apex, where no CNAME may stand"}},
    {"alias_to_nothing",
     zone_with("\"a\": {\"alias\": \"b\"}, \"c\": {\"alias\": \"d.e\"}, \"x.d.e\": {}"),
     {"data/a/alias: fault: there is no label \"b\"", "data/c/alias: fault: there is no label \"d.e\""}},
    {"alias_to_targets_only", zone_with("\"a\": {\"alias\": \"b\"}, \"b.us\": {\"a\": \"192.0.2.1\"}"), {}},
    {"alias_no_label",
     zone_with("\"a\": {\"alias\": 7}, \"b\": {\"alias\": [\"a\", \"c\"]}"),
     {"data/a/alias: fault: 7 is not a label", "data/b/alias: fault: [\"a\",\"c\"] is not a label"}},
    {"alias_to_itself", zone_with("\"a\": {\"alias\": \"A\"}"), {"data/a/alias: fault: alias loop: a -> a"}},
    {"alias_loop",
     zone_with("\"a\": {\"alias\": \"b\"}, \"b\": {\"alias\": \"c\"}, \"c\": {\"alias\": \"a\"}, \"d\": {\"alias\": "
               "\"a\"}"),
     {"data/c/alias: fault: alias loop: a -> b -> c -> a"}},
    {"alias_loop_through_targets",
     zone_with("\"a\": {\"alias\": \"b\"}, \"b.us\": {\"alias\": \"c\"}, \"c.europe\": {\"alias\": "
               "\"a\"}, \"c\": {}, \"b\": {}"),
     {"data/c.europe/alias: fault: alias loop: a -> b.us -> c.europe -> a"}},
    {"alias_loop_of_the_apex", zone_with("\"us\": {\"alias\": \"\"}"), {"data/us/alias: fault: alias loop: us -> us"}},
    {"no_name_servers", "{\"serial\": 1, \"data\": {\"www\": {}}}", {"warning: the zone has no name servers"}},
    {"name_server_missing",
     "{\"serial\": 1, \"data\": {\"\": {\"ns\": [\"ns1\"]}}}",
     {"data//ns: warning: ns1.pool.example. does not exist in this zone"}},
};

std::string case_name(const testing::TestParamInfo<FindingCase>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Syntax, GeodnsFindings, testing::ValuesIn(syntax_cases), case_name);
INSTANTIATE_TEST_SUITE_P(Options, GeodnsFindings, testing::ValuesIn(option_cases), case_name);
INSTANTIATE_TEST_SUITE_P(Labels, GeodnsFindings, testing::ValuesIn(label_cases), case_name);
INSTANTIATE_TEST_SUITE_P(Records, GeodnsFindings, testing::ValuesIn(record_cases), case_name);
INSTANTIATE_TEST_SUITE_P(Zones, GeodnsFindings, testing::ValuesIn(zone_cases), case_name);

TEST(GeodnsFile, MustBeNamedAfterAZone) {
  const std::string json = zone_with("");
  EXPECT_EQ(read(json, "dir/pool.example").findings, Lines{"fault: a zone's file is named ORIGIN.json"});
  EXPECT_EQ(read(json, ".json").findings, Lines{"fault: \"\" is not a zone's name: empty label"});
  EXPECT_EQ(read(json, "a b.json").findings, Lines{"fault: \"a b\" is not a zone's name: ' ' is not served in names"});
  EXPECT_EQ(name_text(good_zone(json, "some/dir/Pool.Example.json").origin), "pool.example.");
}

TEST(GeodnsFile, AliasChainsAreBounded) {
  const auto chain = [](unsigned steps) {
    std::string labels = "\"x\": {\"a\": \"192.0.2.1\"}";
    for (unsigned i = 0; i < steps; ++i)
      labels += fmt::format(R"(, "c{}": {{"alias": "{}"}})", i, i == 0 ? "x" : fmt::format("c{}", i - 1));
    return read(zone_with(labels)).findings;
  };
  EXPECT_EQ(chain(16), Lines{});
  EXPECT_EQ(chain(17), Lines{"data/c16/alias: fault: more than 16 aliases in a row"});
  EXPECT_FALSE(chain(100000).empty());
}

struct RecordCase {
  const char* name;
  std::string label; ///< of "www"
  uint16_t type;
  std::string set;
};

class GeodnsRecords : public testing::TestWithParam<RecordCase> {};

TEST_P(GeodnsRecords, AreRead) {
  const ReadResult result = read(zone_with("\"www\": {" + GetParam().label + "}", "\"ttl\": 300, "));
  ASSERT_TRUE(result.zone);
  EXPECT_EQ(result.findings, Lines{});
  const ZoneLabel& label = result.zone->labels.back();
  const RecordSet* set = label.find(GetParam().type);
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(set_text(*set, label.max_hosts), GetParam().set);
}

const RecordCase reads[] = {
    {"a_bare", "\"a\": \"192.0.2.1\"", dns::A, "a 300 draw 1: 192.0.2.1=1"},
    {"a_pair", "\"a\": [\"192.0.2.1\", 10]", dns::A, "a 300 draw 1: 192.0.2.1=10"},
    {"a_list", "\"a\": [[\"192.0.2.1\", 3000000], [\"192.0.2.2\"], \"192.0.2.3\", [\"192.0.2.4\", \"7\"]]", dns::A,
     "a 300 draw 2: 192.0.2.1=3000000 192.0.2.2=1 192.0.2.3=1 192.0.2.4=7"},
    {"a_objects", "\"a\": [{\"ip\": \"192.0.2.1\", \"weight\": \"5\"}, {\"a\": \"192.0.2.2\", \"weight\": null}]",
     dns::A, "a 300 draw 2: 192.0.2.1=5 192.0.2.2=1"},
    {"aaaa", "\"aaaa\": [{\"aaaa\": \"2001:DB8::1\"}, [\"2001:db8::2\", 4294967295]]", dns::AAAA,
     "aaaa 300 draw 2: 2001:db8::1=1 2001:db8::2=4294967295"},
    {"ttl_and_hosts", "\"ttl\": \"601\", \"max_hosts\": \"1\", \"a\": [\"192.0.2.1\", \"192.0.2.2\"]", dns::A,
     "a 601 draw 1: 192.0.2.1=1 192.0.2.2=1"},
    {"cname_relative", "\"cname\": \"Foo.bar\"", dns::CNAME, "cname 300 all: foo.bar.pool.example."},
    {"cname_absolute", "\"cname\": [[\"foo.bar.\", 3]]", dns::CNAME, "cname 300 draw 1: foo.bar.=3"},
    {"cname_several", "\"cname\": [\"a\", {\"cname\": \"b\"}]", dns::CNAME,
     "cname 300 draw 1: a.pool.example.=1 b.pool.example.=1"},
    {"mx_string", "\"mx\": \"mx.example.net\"", dns::MX, "mx 300 all: 0 mx.example.net."},
    {"mx_object", "\"mx\": {\"mx\": \"mail\", \"preference\": 10}", dns::MX, "mx 300 all: 10 mail.pool.example."},
    {"mx_weights",
     "\"mx\": [{\"mx\": \"a.b\", \"preference\": \"10\", \"weight\": 1}, {\"mx\": \"c.d\", \"weight\": 2}, \"e.f\"]",
     dns::MX, "mx 300 draw 2: 10 a.b.=1 0 c.d.=2 0 e.f.=1"},
    {"mx_none", "\"mx\": \".\"", dns::MX, "mx 300 all: 0 ."},
    {"txt_string", "\"txt\": \"this is \\\"foo\\\"\"", dns::TXT, "txt 300 all: \"this is \\\"foo\\\"\""},
    {"txt_several", "\"txt\": [\"a\", {\"txt\": \"b\"}]", dns::TXT, "txt 300 all: \"a\" \"b\""},
    {"txt_weights", "\"txt\": [{\"txt\": \"w1000\", \"weight\": 1000}, [\"w1\", 1]]", dns::TXT,
     "txt 300 draw 2: \"w1000\"=1000 \"w1\"=1"},
    {"txt_empty", "\"txt\": \"\"", dns::TXT, "txt 300 all: \"\""},
    {"txt_255", "\"txt\": \"" + std::string(255, 'x') + "\"", dns::TXT,
     "txt 300 all: \"" + std::string(255, 'x') + "\""},
    {"txt_256", "\"txt\": \"" + std::string(256, 'x') + "\"", dns::TXT,
     "txt 300 all: \"" + std::string(255, 'x') + "\" \"x\""},
    {"spf", "\"spf\": [{\"spf\": \"v=spf1 ~all\"}]", dns::SPF, "spf 300 all: \"v=spf1 ~all\""},
    {"srv", "\"srv\": [{\"target\": \"x\", \"port\": 123, \"priority\": 10, \"srv_weight\": \"100\"}]", dns::SRV,
     "srv 300 all: 10 100 123 x.pool.example."},
    {"ptr", "\"ptr\": \"host.example.net\"", dns::PTR, "ptr 300 all: host.example.net."},
    {"caa", "\"caa\": {\"tag\": \"issue\", \"value\": \"ca.example; x=y\", \"flags\": 128}", dns::CAA,
     "caa 300 all: 128 issue \"ca.example; x=y\""},
};
INSTANTIATE_TEST_SUITE_P(Forms, GeodnsRecords, testing::ValuesIn(reads),
                         [](const auto& each) { return each.param.name; });

TEST(GeodnsZone, HasSoaAndNameServersByDefault) {
  const Zone zone = good_zone("{\"data\": {}}");
  EXPECT_EQ(zone.serial, 1000000000u);
  EXPECT_EQ(set_text(zone.soa, 1),
            "soa 1200 all: pool.example. hostmaster.pool.example. 1000000000 5400 5400 1209600 3600");
}

TEST(GeodnsZone, TakesSoaFromItsOptions) {
  const Zone zone = good_zone("{\"serial\": \"7\", \"ttl\": 600, \"contact\": \"john.doe@example.net\", "
                              "\"data\": {\"\": {\"ttl\": 5, \"ns\": [\"ns2.example.net\", \"ns1.example.net\"]}}}");
  EXPECT_EQ(set_text(zone.soa, 1), "soa 3600 all: ns2.example.net. john\\.doe.example.net. 7 5400 5400 1209600 3600");
  EXPECT_EQ(set_text(zone.labels[0].sets[0], 1), "ns 86400 all: ns2.example.net. ns1.example.net.");
  EXPECT_EQ(set_text(good_zone("{\"serial\": 7, \"contact\": \"dns.example.net\", \"data\": {}}").soa, 1),
            "soa 1200 all: pool.example. dns.example.net. 7 5400 5400 1209600 3600");
}

TEST(GeodnsZone, GivesGlueToTheLabelsOfNameServers) {
  const Zone zone =
      good_zone("{\"serial\": 1, \"data\": {\"\": {\"ns\": {\"ns1.pool.example.\": [\"192.0.2.1\", \"2001:db8::1\"], "
                "\"NS2\": \"192.0.2.2\", \"ns.example.net.\": null}}, \"ns2\": {\"txt\": \"x\"}}}");
  ASSERT_EQ(zone.labels.size(), 3u);
  EXPECT_EQ(set_text(*zone.labels[1].find(dns::A), 2), "a 120 draw 1: 192.0.2.1=1");
  EXPECT_EQ(set_text(*zone.labels[1].find(dns::AAAA), 2), "aaaa 120 draw 1: 2001:db8::1=1");
  EXPECT_EQ(set_text(*zone.labels[2].find(dns::A), 2), "a 120 draw 1: 192.0.2.2=1");
  EXPECT_NE(zone.labels[2].find(dns::TXT), nullptr);
}

} // namespace
} // namespace anytick::control::test
