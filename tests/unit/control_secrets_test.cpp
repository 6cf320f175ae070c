#include "control/commands/secrets.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "control/command.h"
#include "control/commands/secret_command.h"
#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

namespace v1 = pop::v1;

constexpr const char* two = R"(
[[cookie]]
key = "000102030405060708090a0b0c0d0e0f"
state = "accept-only"
[[cookie]]
key = "101112131415161718191a1b1c1d1e1f"
state = "active"
)";

TEST(Secrets, AreReadAndWritten) {
  const auto secrets = parse_secrets(two, "s.toml");
  ASSERT_TRUE(secrets) << secrets.refusal().text();
  ASSERT_EQ(secrets->cookies_size(), 2);
  EXPECT_EQ(secrets->cookies(0).key()[15], '\x0f');
  EXPECT_EQ(secrets->cookies(1).state(), v1::SECRET_STATE_ACTIVE);
  const auto again = parse_secrets(secrets_text(*secrets), "again");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->SerializeAsString(), secrets->SerializeAsString());
}

struct Fault {
  const char* name;
  std::string text;
  const char* refusal;
};

std::string cookie(const std::string& key, const std::string& state) {
  return "[[cookie]]\nkey = \"" + key + "\"\nstate = \"" + state + "\"\n";
}
const std::string a_key = "000102030405060708090a0b0c0d0e0f", b_key = "f00102030405060708090a0b0c0d0e0f";

class Faulty : public testing::TestWithParam<Fault> {};

TEST_P(Faulty, IsRefusedWithItsPlace) {
  const auto secrets = parse_secrets(GetParam().text, "s.toml");
  ASSERT_FALSE(secrets);
  EXPECT_EQ(secrets.refusal().text(), GetParam().refusal);
}

INSTANTIATE_TEST_SUITE_P(
    Secrets, Faulty,
    testing::Values(
        Fault{"Empty", "", "s.toml: has no [[cookie]]"},
        Fault{"NoToml", "[[cookie",
              "s.toml at line 1, column 9: Error while parsing table header: encountered "
              "end-of-file"},
        Fault{"ShortKey", cookie("00", "active"), "s.toml at line 1, column 1: key: must be 32 hexadecimal digits"},
        Fault{"NoHex", cookie(std::string(32, 'g'), "active"),
              "s.toml at line 1, column 1: key: must be 32 hexadecimal digits"},
        Fault{"NoKey", "[[cookie]]\nstate = \"active\"",
              "s.toml at line 1, column 1: key: must be 32 hexadecimal digits"},
        Fault{"NoState", cookie(a_key, ""), R"(s.toml at line 1, column 1: state: must be "active" or "accept-only")"},
        Fault{"UnknownKey", cookie(a_key, "active") + "age = 1", "s.toml at line 4, column 1: age: unknown key"},
        Fault{"UnknownTable", "[nts]\n", "s.toml at line 1, column 2: nts: unknown key"},
        Fault{"Twice", cookie(a_key, "active") + cookie(a_key, "accept-only"),
              "s.toml at cookie 1: the same key as cookie 0"},
        Fault{"NoneActive", cookie(a_key, "accept-only"), "s.toml: 0 secrets are active, one must be"},
        Fault{"TwoActive", cookie(a_key, "active") + cookie(b_key, "active"),
              "s.toml: 2 secrets are active, one must be"}),
    [](const auto& i) { return i.param.name; });

// At each step POPs that are one step behind or ahead take each other's cookies.
TEST(Secrets, RotateWithoutRefusingAGoodCookie) {
  const auto keys = [](const v1::Secrets& secrets) {
    std::set<std::string> all;
    for (const auto& each : secrets.cookies()) all.insert(each.key());
    return all;
  };
  const auto active = [](const v1::Secrets& secrets) {
    return std::ranges::find(secrets.cookies(), v1::SECRET_STATE_ACTIVE, &v1::CookieSecret::state)->key();
  };
  v1::Secrets now = generate_secrets();
  const std::string first = active(now);
  for (int step = 0; step < 6; ++step) {
    const v1::Secrets before = now;
    rotate_secrets(now);
    EXPECT_TRUE(parse_secrets(secrets_text(now), "now"));
    EXPECT_TRUE(keys(now).contains(active(before))) << step;
    EXPECT_TRUE(keys(before).contains(active(now))) << step;
  }
  EXPECT_EQ(now.cookies_size(), 1);
  EXPECT_FALSE(keys(now).contains(first)) << "two rounds of three steps";
}

TEST(SecretCommand, MakesAndRotatesAFileForItsOwner) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("cookies.toml");
  const auto run = [](std::vector<std::string> words) { return run_command(words, add_secret_command).code; };
  EXPECT_EQ(run({"secret", "generate", "-o", file}), exit_done);
  EXPECT_EQ(run({"secret", "generate", "-o", file}), exit_refused) << "never replaces a secret";
  for (const int count : {2, 2, 1}) {
    EXPECT_EQ(run({"secret", "rotate", file}), exit_done);
    EXPECT_EQ(read_secrets_file(file).cookies_size(), count);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  EXPECT_EQ(run({"secret", "rotate", directory.file("nothing")}), exit_refused);
}

} // namespace
} // namespace anytick::control::test
