#include <sys/stat.h>

#include <gtest/gtest.h>

#include "control/command.h"
#include "control/commands/geo_command.h"
#include "control/commands/key_command.h"
#include "control/commands/zone_command.h"
#include "control/signing.h"
#include "control_files.h"
#include "control_run.h"
#include "control_zones.h"
#include "dataplane/core/signature.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control::test {
namespace {

Outcome run(const std::vector<std::string>& words) {
  return run_command(words, add_key_command, add_zone_command, add_geo_command);
}

std::string text_of(const std::string& file) {
  const auto bytes = read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

mode_t mode_of(const std::string& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 0777;
}

class KeyCommand : public testing::Test {
 protected:
  KeyCommand() {
    EXPECT_EQ(run({"key", "generate", "-o", secret_}).code, exit_done);
    EXPECT_EQ(run({"key", "generate", "-o", directory_.file("other.pem")}).code, exit_done);
    const Zone zones[] = {good_zone(R"({"serial": 1, "data": {"": {"ns": "a.b"}}})")};
    const auto bytes = good_image(zones);
    zone_ = directory_.write("zone.image", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  std::string id() const { return key_text(read_public_key(public_)); }

  TemporaryDirectory directory_;
  std::string secret_ = directory_.file("hub.pem");
  std::string public_ = directory_.file("hub.pub");
  std::string stranger_ = directory_.file("other.pub");
  std::string zone_;
  std::string map_ = directory_.file("geo.map");
  std::string zones_ = directory_.write("pool.example.json", R"({"serial": 7, "data": {"": {"ns": "a.b"}}})");
  std::string overrides_ = directory_.write("own.txt", "10.0.0.0/8 country=us\n");
};

TEST_F(KeyCommand, GeneratesAPairThatOnlyTheOwnerReads) {
  EXPECT_EQ(mode_of(secret_), 0600u);
  EXPECT_EQ(read_private_key(secret_).public_key().bytes(), read_public_key(public_).bytes());
  EXPECT_NE(read_public_key(public_).bytes(), read_public_key(stranger_).bytes());
  EXPECT_EQ(run({"key", "generate", "-o", directory_.file("plain")}).code, exit_done);
  EXPECT_EQ(read_private_key(directory_.file("plain")).public_key().bytes(),
            read_public_key(directory_.file("plain.pub")).bytes());
}

TEST_F(KeyCommand, NeverReplacesAKey) {
  const std::string secret = text_of(secret_), public_key = text_of(public_);
  EXPECT_EQ(run({"key", "generate", "-o", secret_}).failure, public_ + ": File exists");
  std::filesystem::remove(public_);
  const Outcome outcome = run({"key", "generate", "-o", secret_});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.failure, secret_ + ": File exists");
  EXPECT_EQ(text_of(secret_), secret);
  EXPECT_FALSE(std::filesystem::exists(public_)); // not that of another pair
}

TEST_F(KeyCommand, ShowsEitherHalfAsAPublicKeyFile) {
  const std::string shown = run({"key", "show", public_}).output;
  EXPECT_EQ(shown, "id " + id() + "\n" + text_of(public_));
  EXPECT_EQ(run({"key", "show", secret_}).output, shown);
  EXPECT_EQ(read_public_key(directory_.write("again.pub", shown)).bytes(), read_public_key(public_).bytes());
  EXPECT_EQ(run({"key", "show", zones_}).failure, zones_ + ": no PEM");
}

TEST_F(KeyCommand, SignsAndVerifiesTables) {
  ASSERT_EQ(run({"geo", "compile", "--override", overrides_, "-o", map_}).code, exit_done);
  const Outcome signed_tables = run({"key", "sign", secret_, zone_, map_});
  EXPECT_EQ(signed_tables.code, exit_done) << signed_tables.failure;
  EXPECT_EQ(signed_tables.output, zone_ + ".sig: by key " + id() + "\n" + map_ + ".sig: by key " + id() + "\n");
  EXPECT_EQ(std::filesystem::file_size(zone_ + ".sig"), 64u);
  EXPECT_EQ(run({"key", "verify", public_, zone_, map_}).output,
            zone_ + ": signed by key " + id() + "\n" + map_ + ": signed by key " + id() + "\n");
  EXPECT_EQ(run({"key", "verify", stranger_, zone_}).code, exit_refused);
}

TEST_F(KeyCommand, SignsAndVerifiesAPolicy) {
  const std::string policy = directory_.write("policy.toml", "[[rule]]\nname = 'a'\naction = 'drop'\n");
  ASSERT_EQ(run({"key", "sign", secret_, policy}).output, policy + ".sig: by key " + id() + "\n");
  EXPECT_EQ(run({"key", "verify", public_, policy}).output, policy + ": signed by key " + id() + "\n");
  EXPECT_EQ(run({"key", "verify", stranger_, policy}).code, exit_refused);
  directory_.write("policy.toml", "[[rule]]\nname = 'a'\naction = 'refuse'\n");
  EXPECT_EQ(run({"key", "verify", public_, policy}).failure,
            policy + ".sig: no signature of " + policy + " by key " + id());
  directory_.write("policy.toml", "[[rule]]\nname = 'a'\naction = 'drip'\n");
  EXPECT_NE(run({"key", "sign", secret_, policy}).failure.find("line 3"), std::string::npos);
}

TEST_F(KeyCommand, VerifyTellsWhatIsWrong) {
  EXPECT_EQ(run({"key", "verify", public_, zone_}).failure, zone_ + ".sig: not there");
  directory_.write("zone.image.sig", std::string(63, 's'));
  EXPECT_EQ(run({"key", "verify", public_, zone_}).failure, zone_ + ".sig: a signature has 64 bytes, not 63");
  directory_.write("zone.image.sig", std::string(64, 's'));
  EXPECT_EQ(run({"key", "verify", public_, zone_}).failure,
            zone_ + ".sig: no signature of " + zone_ + " by key " + id());
  EXPECT_EQ(run({"key", "verify", secret_, zone_}).failure, secret_ + ": a private key, not a public one");
}

TEST_F(KeyCommand, ASignatureDoesNotGoWithAnotherTable) {
  ASSERT_EQ(run({"key", "sign", secret_, zone_}).code, exit_done);
  ASSERT_EQ(run({"zone", "compile", zones_, "-o", zone_}).code, exit_done);
  EXPECT_EQ(run({"key", "verify", public_, zone_}).code, exit_refused);
}

/// A signed digest that is not that of the bytes would be worth nothing.
TEST_F(KeyCommand, SignsNothingWhereOneTableIsNotValid) {
  std::string damaged = text_of(zone_);
  damaged[damaged.size() / 2] ^= 1;
  const std::string bad = directory_.write("bad.image", damaged);
  const Outcome outcome = run({"key", "sign", secret_, zone_, bad});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.failure.find(bad + ": zone image: "), 0u) << outcome.failure;
  const std::string neither = overrides_ + ": neither a zone image nor a geo map, and no policy: ";
  EXPECT_EQ(run({"key", "sign", secret_, overrides_}).failure.find(neither), 0u);
  EXPECT_FALSE(std::filesystem::exists(zone_ + ".sig"));
  EXPECT_FALSE(std::filesystem::exists(bad + ".sig"));
}

TEST_F(KeyCommand, CompilersSign) {
  const Outcome zone = run({"zone", "compile", zones_, "-o", zone_, "--sign", secret_});
  EXPECT_EQ(zone.code, exit_done) << zone.failure;
  const Outcome map = run({"geo", "compile", "--override", overrides_, "-o", map_, "--sign", secret_});
  EXPECT_EQ(map.code, exit_done) << map.failure;
  const Outcome verified = run({"key", "verify", public_, zone_, map_});
  EXPECT_EQ(verified.code, exit_done) << verified.failure;
}

TEST_F(KeyCommand, CompilersWriteNothingWithoutTheirKey) {
  const std::string before = text_of(zone_);
  EXPECT_EQ(run({"zone", "compile", zones_, "-o", zone_, "--sign", public_}).failure, public_ + ": no private key");
  EXPECT_EQ(run({"geo", "compile", "--override", overrides_, "-o", map_, "--sign", directory_.file("none")}).failure,
            directory_.file("none") + ": No such file or directory");
  EXPECT_EQ(text_of(zone_), before);
  EXPECT_FALSE(std::filesystem::exists(map_));
}

} // namespace
} // namespace anytick::control::test
