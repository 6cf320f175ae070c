#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/command.h"
#include "control/commands/zone_command.h"
#include "control/dump.h"
#include "control_files.h"
#include "control_run.h"
#include "control_zones.h"

namespace anytick::control::test {
namespace {

std::string text_of(const std::string& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

template <class Action> std::pair<int, std::string> failure_of(Action action) {
  try {
    action();
  } catch (const CommandFailure& failure) {
    return {failure.exit_code, failure.what()};
  }
  return {0, ""};
}

TEST(WriteFile, ReplacesAFileAndLeavesNothingElse) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("image", "old and longer");
  write_file_atomically(path, bytes_of("new"));
  EXPECT_EQ(text_of(path), "new");
  EXPECT_EQ(directory.entries(), 1u);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0400, 0400u);
}

TEST(WriteFile, FailsWithTheReasonAndLeavesNothing) {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("missing/image");
  const auto [code, text] = failure_of([&] { write_file_atomically(missing, {}); });
  EXPECT_EQ(code, exit_refused);
  EXPECT_NE(text.find("No such file or directory"), text.npos) << text;

  const std::string occupied = directory.file("directory");
  std::filesystem::create_directory(occupied);
  EXPECT_EQ(failure_of([&] { write_file_atomically(occupied, bytes_of("x")); }),
            std::pair(exit_refused, occupied + ": Is a directory"));
  EXPECT_EQ(directory.entries(), 1u);
}

TEST(ReadFile, FailsWithTheReason) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("missing");
  EXPECT_EQ(failure_of([&] { read_file(path); }), std::pair(exit_refused, path + ": No such file or directory"));
  EXPECT_EQ(failure_of([&] { read_file("/"); }), std::pair(exit_refused, std::string("/: Is a directory")));
}

TEST(CreatedOption, PrefersTheOptionThenTheEnvironment) {
  ::setenv("SOURCE_DATE_EPOCH", "1000", 1);
  EXPECT_EQ(created_option(7), 7u);
  EXPECT_EQ(created_option({}), 1000u);
  ::setenv("SOURCE_DATE_EPOCH", "10 o'clock", 1);
  EXPECT_EQ(failure_of([] { created_option({}); }).first, exit_usage);
  ::unsetenv("SOURCE_DATE_EPOCH");
  EXPECT_EQ(created_option({}), 0u);
}

/// `anytick zone ...` as the program runs it.
class ZoneCommand : public testing::Test {
 protected:
  struct Outcome {
    int code;
    std::string failure;
    std::string output;
    std::string errors;
  };
  Outcome run(std::vector<std::string> words) {
    testing::internal::CaptureStderr();
    const test::Outcome outcome = run_command(std::move(words), add_zone_command);
    return {outcome.code, outcome.failure, outcome.output, testing::internal::GetCapturedStderr()};
  }

  TemporaryDirectory directory_;
  std::string image_ = directory_.file("image");
  std::string good_ =
      directory_.write("pool.example.json", R"({"serial": 7, "data": {"": {"ns": "a.b", "a": "192.0.2.1"}}})");
  std::string warned_ =
      directory_.write("warned.example.json", R"({"serial": 9, "logging": {}, "data": {"": {"ns": "a.b"}}})");
  std::string faulty_ = directory_.write("bad.example.json", R"({"data": {"": {"ns": "a.b", "a": "x"}, "dot.": {}}})");
};

TEST_F(ZoneCommand, CompilesAndDumps) {
  const Outcome compiled = run({"zone", "compile", good_, warned_, "-o", image_, "--created", "5"});
  EXPECT_EQ(compiled.code, exit_done) << compiled.failure;
  EXPECT_EQ(compiled.errors, warned_ + ": logging: warning: ignored\n");
  EXPECT_NE(compiled.output.find("zone pool.example. serial 7: 2 names\n"), std::string::npos) << compiled.output;
  EXPECT_NE(compiled.output.find("image: serial 9, "), std::string::npos) << compiled.output;

  const Outcome dumped = run({"zone", "dump", image_});
  EXPECT_EQ(dumped.code, exit_done);
  EXPECT_NE(dumped.output.find("image serial 9 format 1 created 1970-01-01T00:00:05Z bytes "), std::string::npos);
  EXPECT_NE(dumped.output.find("\npool.example. a @ rrset 1 a ttl 120 draw 1 of 1\n"), std::string::npos)
      << dumped.output;
  const auto json = nlohmann::json::parse(run({"zone", "dump", "--json", image_}).output);
  EXPECT_EQ(json["zones"][1]["origin"], "warned.example.");
}

TEST_F(ZoneCommand, AssemblesWhatItDumped) {
  ASSERT_EQ(run({"zone", "compile", good_, "-o", image_}).code, exit_done);
  const std::string dump = directory_.write("dump.json", run({"zone", "dump", "--json", image_}).output);
  const std::string again = directory_.file("again");
  const Outcome outcome = run({"zone", "assemble", dump, "-o", again});
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure << outcome.errors;
  EXPECT_TRUE(outcome.output.ends_with("\nthe image that was dumped\n")) << outcome.output;
  EXPECT_EQ(text_of(again), text_of(image_));
  const Outcome faulty = run({"zone", "assemble", good_, "-o", again});
  EXPECT_EQ(faulty.code, exit_refused);
  EXPECT_EQ(faulty.failure, "10 faults, nothing is written");
  EXPECT_NE(faulty.errors.find(good_ + ": data: fault: no such key\n"), std::string::npos) << faulty.errors;
}

TEST_F(ZoneCommand, TakesTheSerialGiven) {
  EXPECT_EQ(run({"zone", "compile", good_, "-o", image_, "--serial", "123456789012"}).code, exit_done);
  EXPECT_EQ(core::ZoneImage::validate(read_file(image_))->header().serial, 123456789012u);
}

TEST_F(ZoneCommand, WritesNothingWhereAnyFileIsFaulty) {
  const Outcome outcome = run({"zone", "compile", faulty_, good_, "-o", image_});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.failure, "2 faults, nothing is written");
  EXPECT_EQ(outcome.errors, faulty_ + ": data//a: fault: \"x\" is not an IPv4 address\n" + faulty_ +
                                ": data/dot.: fault: labels are relative to the origin, without a trailing dot\n");
  EXPECT_FALSE(std::filesystem::exists(image_));
}

TEST_F(ZoneCommand, RefusesZonesThatOverlapAndWritesNothing) {
  EXPECT_EQ(run({"zone", "compile", good_, good_, "-o", image_}).code, exit_refused);
  EXPECT_EQ(run({"zone", "check", good_, good_}).code, exit_refused);
  EXPECT_FALSE(std::filesystem::exists(image_));
}

TEST_F(ZoneCommand, ChecksStrictlyWhereAsked) {
  EXPECT_EQ(run({"zone", "check", good_, warned_}).output, "2 zones: no faults, 1 warning\n");
  EXPECT_EQ(run({"zone", "check", "--strict", good_}).code, exit_done);
  const Outcome strict = run({"zone", "check", "--strict", warned_});
  EXPECT_EQ(strict.code, exit_refused);
  EXPECT_EQ(strict.failure, "0 faults, 1 warning");
  EXPECT_EQ(run({"zone", "check", faulty_}).code, exit_refused);
  EXPECT_EQ(run({"zone", "check", directory_.file("none.json")}).code, exit_refused);
}

TEST_F(ZoneCommand, RefusesToDumpWhatIsNoImage) {
  const Outcome outcome = run({"zone", "dump", good_});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_TRUE(outcome.failure.starts_with(good_ + ": zone image: header")) << outcome.failure;
}

TEST_F(ZoneCommand, TellsUsage) {
  EXPECT_EQ(run({"zone"}).code, exit_usage);
  EXPECT_EQ(run({"zone", "compile", good_}).code, exit_usage);
}

TEST(Dump, IsCompleteAndNamesSharedThingsOnce) {
  const Zone zones[] = {
      good_zone(R"({"serial": 3, "data": {"": {"ns": "a.b"}, "0": {"a": [["192.0.2.1", 10], ["192.0.2.2", 20]],
      "txt": "x"}, "0.us": {"alias": "1"}, "1": {"a": "192.0.2.3"}, "0.v": {"alias": "0"}, "w.us": {"cname": "0"}}})")};
  const auto bytes = good_image(zones, 4);
  const core::ZoneImage image = *core::ZoneImage::validate(bytes);
  const std::string text = dump_text(image);
  EXPECT_TRUE(text.starts_with("image serial 4 format 1 created unknown bytes ")) << text;
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            R"(zone pool.example. serial 3 targeting "@ continent country" names 10 depth 4
pool.example. ns @ rrset 1 ns ttl 86400 all 1
pool.example. soa @ rrset 0 soa ttl 1200 all 1
0.pool.example. a @ rrset 2 a ttl 120 draw 2 of 2
0.pool.example. a us as 1.pool.example. a
0.pool.example. txt @ rrset 4 txt ttl 120 all 1
1.pool.example. a @ rrset 3 a ttl 120 draw 1 of 1
_country.pool.example. txt @ rrset 5 txt ttl 1 location
us.pool.example. has no types
0.us.pool.example. a as 1.pool.example. a
w.us.pool.example. other @ rrset 6 cname ttl 120 all 1
w.us.pool.example. cname as w.us.pool.example. other
v.pool.example. has no types
0.v.pool.example. a as 0.pool.example. a
0.v.pool.example. txt as 0.pool.example. txt
w.pool.example. other us rrset 6 cname ttl 120 all 1
w.pool.example. cname as w.pool.example. other
rrset 0 soa ttl 1200 all 1
rrset 0 record a.b. hostmaster.pool.example. 3 5400 5400 1209600 3600
rrset 1 ns ttl 86400 all 1
rrset 1 record a.b.
rrset 2 a ttl 120 draw 2 of 2
rrset 2 weight 10 record 192.0.2.1
rrset 2 weight 20 record 192.0.2.2
rrset 3 a ttl 120 draw 1 of 1
rrset 3 weight 1 record 192.0.2.3
rrset 4 txt ttl 120 all 1
rrset 4 record "x"
rrset 5 txt ttl 1 location
rrset 6 cname ttl 120 all 1
rrset 6 record 0.pool.example.
)");
}

TEST(Dump, JsonHoldsAllOfTheImage) {
  const Zone zones[] = {good_zone(
      R"({"serial": 3, "data": {"0": {"a": [["192.0.2.1", 10]]}, "0.us": {"alias": "1"}, "1": {"a": "192.0.2.3"}}})")};
  const auto json = nlohmann::json::parse(dump_json(*core::ZoneImage::validate(good_image(zones, 4))));
  EXPECT_EQ(json["serial"], 4);
  const auto& zone = json["zones"][0];
  EXPECT_EQ(zone["targeting"], "@ continent country");
  EXPECT_EQ(json["rrsets"][zone["soa"].get<size_t>()]["type"], "soa");
  const auto& name = zone["names"][1];
  EXPECT_EQ(name["name"], "0.pool.example.");
  const auto& entries = json["selectors"][name["types"][0]["selector"].get<size_t>()];
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0]["target"], "@");
  EXPECT_EQ(entries[1]["target"], "us");
  const auto& set = json["rrsets"][entries[0]["rrset"].get<size_t>()];
  EXPECT_EQ(set, nlohmann::json::parse(R"({"type": "a", "ttl": 120, "kind": "draw", "max_records": 1,
      "records": [{"data": "192.0.2.1", "weight": 10}]})"));
  const auto& alias = json["selectors"][entries[1]["selector"].get<size_t>()];
  EXPECT_EQ(json["rrsets"][alias[0]["rrset"].get<size_t>()]["records"][0]["data"], "192.0.2.3");
}

} // namespace
} // namespace anytick::control::test
