#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/push.h"
#include "dataplane/io/control_server.h"
#include "dataplane/io/control_service.h"
#include "geo/map.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

namespace pb = pop::v1;
using core::PrivateKey;
using core::SignedTable;

struct Signed {
  pb::TableKind kind;
  std::vector<std::byte> bytes;
  std::string signature;
};

std::string text_of(const core::Signature& signature) {
  return {signature.begin(), signature.end()};
}

/// Not signed without a key.
Signed zone_by(const PrivateKey* key, uint32_t serial) {
  Signed table{pb::TABLE_KIND_ZONE, zone_image(serial), ""};
  const auto digest = core::ZoneImage::validate(table.bytes)->header().digest;
  if (key != nullptr) table.signature = text_of(*core::sign_table(*key, SignedTable::zone_image, digest));
  return table;
}

Signed geo_by(const PrivateKey* key, std::string_view country) {
  Signed table{pb::TABLE_KIND_GEO, geo_map(country), ""};
  const auto digest = geo::Map::validate(table.bytes)->digest();
  if (key != nullptr) table.signature = text_of(*core::sign_table(*key, SignedTable::geo_map, digest));
  return table;
}

Signed policy_by(const PrivateKey* key, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  Signed table{pb::TABLE_KIND_POLICY, {bytes.begin(), bytes.end()}, ""};
  if (key != nullptr)
    table.signature = text_of(*core::sign_table(*key, SignedTable::policy, core::policy_digest(bytes)));
  return table;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void overwrite(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

constexpr const char* unsigned_reason =
    "zone image: signature: missing, but this POP takes only what a trusted key signed";
constexpr const char* stranger_reason = "zone image: signature: not one of this table by a trusted key";

/// A POP that is pushed to by the operator's own client.
class TrustTest : public testing::Test {
 protected:
  using Keys = std::vector<core::PublicKey>;

  TrustTest() { start({hub_.public_key()}); }

  /// As a daemon starts, with the tables of the one before.
  void start(Keys trusted) {
    server_.reset();
    service_.reset();
    tables_ = std::make_unique<Tables>(1, *TableStore::open(directory_.path() / "state"), std::move(trusted),
                                       core::Identity{}, policy_compiler());
    tables_->load_stored(max_table_bytes);
    service_ = std::make_unique<ControlService>(ServiceConfig{"fra1", "1.2.3", max_table_bytes}, *tables_,
                                                std::vector<WorkerView>());
    Result<std::unique_ptr<ControlServer>> server = ControlServer::start(directory_.path() / "pop.sock", *service_);
    ASSERT_TRUE(server) << server.refusal().text();
    server_ = std::move(*server);
  }

  control::PopClient client() const {
    return {"unix:" + (directory_.path() / "pop.sock").string(), std::chrono::seconds(20)};
  }
  pb::LoadReply load(const std::vector<Signed>& tables) const {
    std::vector<control::PushTable> push;
    for (const Signed& table : tables) push.push_back({table.kind, table.bytes, table.signature});
    return client().load(push, [](size_t, size_t) {});
  }
  void expect_refused(const std::vector<Signed>& tables, const std::string& reason) {
    const auto before = tables_->running();
    const pb::LoadReply reply = load(tables);
    EXPECT_FALSE(reply.applied());
    EXPECT_EQ(reply.reason(), reason);
    EXPECT_EQ(tables_->running(), before);
  }
  uint64_t serial() const {
    const auto running = tables_->running();
    return running->zone == nullptr ? 0 : running->zone->info.serial;
  }
  std::filesystem::path stored(std::string_view file) const { return directory_.path() / "state" / file; }

  static constexpr uint64_t max_table_bytes = 4u << 20;
  ScratchDirectory directory_;
  PrivateKey hub_ = *PrivateKey::generate();
  PrivateKey next_ = *PrivateKey::generate();
  PrivateKey stranger_ = *PrivateKey::generate();
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<ControlService> service_;
  std::unique_ptr<ControlServer> server_;
};

std::string id_of(const PrivateKey& key) {
  const core::KeyId id = key.public_key().id();
  return {id.begin(), id.end()};
}

TEST_F(TrustTest, TakesWhatATrustedKeySigned) {
  const pb::LoadReply reply = load({zone_by(&hub_, 7), geo_by(&hub_, "jp")});
  ASSERT_TRUE(reply.applied()) << reply.reason();
  ASSERT_EQ(reply.tables_size(), 2);
  EXPECT_EQ(reply.tables(0).key_id(), id_of(hub_));
  EXPECT_EQ(reply.tables(1).key_id(), id_of(hub_));
  const pb::StatusReply status = client().status();
  ASSERT_EQ(status.trusted_key_ids_size(), 1);
  EXPECT_EQ(status.trusted_key_ids(0), id_of(hub_));
  EXPECT_EQ(status.tables(0).key_id(), id_of(hub_));
}

TEST_F(TrustTest, RefusesAnythingElse) {
  ASSERT_TRUE(load({zone_by(&hub_, 7), geo_by(&hub_, "jp")}).applied());
  const std::string zone_file = contents(stored("zone.image")), signature_file = contents(stored("zone.image.sig"));
  expect_refused({zone_by(nullptr, 8)}, unsigned_reason);
  expect_refused({zone_by(&stranger_, 8)}, stranger_reason);
  expect_refused({geo_by(&hub_, "de"), zone_by(&stranger_, 8)}, stranger_reason);
  Signed zone = zone_by(&hub_, 8);
  zone.signature = zone_by(&hub_, 9).signature;
  expect_refused({zone}, stranger_reason);
  zone.signature = geo_by(&hub_, "de").signature;
  expect_refused({zone}, stranger_reason);
  EXPECT_EQ(contents(stored("zone.image")), zone_file);
  EXPECT_EQ(contents(stored("zone.image.sig")), signature_file);
}

/// Same digest, so the signature is good; but the digest is not that of the bytes.
TEST_F(TrustTest, GoodSignatureDoesNotExcuseOtherBytes) {
  Signed zone = zone_by(&hub_, 8);
  zone.bytes[zone.bytes.size() / 2] ^= std::byte{1};
  const pb::LoadReply reply = load({zone});
  EXPECT_FALSE(reply.applied());
  EXPECT_EQ(reply.reason().find("zone image: "), 0u) << reply.reason();
  EXPECT_EQ(reply.reason().find("signature"), std::string::npos) << reply.reason();
  EXPECT_EQ(serial(), 0u);
}

TEST_F(TrustTest, SignatureOfAnotherLengthIsAViolation) {
  Signed zone = zone_by(&hub_, 8);
  zone.signature.pop_back();
  try {
    load({zone});
    FAIL() << "63 bytes were taken";
  } catch (const std::exception& failure) {
    EXPECT_NE(std::string(failure.what()).find("zone image: a signature has 64 bytes, not 63"), std::string::npos)
        << failure.what();
  }
}

TEST_F(TrustTest, KeysAreRotatedWithoutAGap) {
  ASSERT_TRUE(load({zone_by(&hub_, 1)}).applied());
  start({hub_.public_key(), next_.public_key()});
  EXPECT_EQ(serial(), 1u);
  EXPECT_EQ(client().status().trusted_key_ids_size(), 2);
  EXPECT_TRUE(load({zone_by(&hub_, 2)}).applied());
  const pb::LoadReply reply = load({zone_by(&next_, 3)});
  ASSERT_TRUE(reply.applied()) << reply.reason();
  EXPECT_EQ(reply.tables(0).key_id(), id_of(next_));
  start({next_.public_key()});
  EXPECT_EQ(serial(), 3u);
  expect_refused({zone_by(&hub_, 4)}, stranger_reason);
}

TEST_F(TrustTest, RestartsFromSignedTables) {
  const Signed zone = zone_by(&hub_, 7);
  ASSERT_TRUE(load({zone, geo_by(&hub_, "jp")}).applied());
  EXPECT_EQ(contents(stored("zone.image.sig")), zone.signature);
  start({hub_.public_key()});
  EXPECT_EQ(serial(), 7u);
  EXPECT_NE(tables_->running()->geo, nullptr);
  EXPECT_EQ(client().status().tables(0).key_id(), id_of(hub_));
}

TEST_F(TrustTest, StoredTableWithoutAGoodSignatureIsLeftOut) {
  ASSERT_TRUE(load({zone_by(&hub_, 7), geo_by(&hub_, "jp")}).applied());
  const auto damage = [&](std::string_view how, const std::function<void()>& action) {
    SCOPED_TRACE(how);
    action();
    start({hub_.public_key()});
    EXPECT_EQ(tables_->running()->zone, nullptr);
    EXPECT_NE(tables_->running()->geo, nullptr);
  };
  damage("stranger", [&] { overwrite(stored("zone.image.sig"), zone_by(&stranger_, 7).signature); });
  damage("cut", [&] { overwrite(stored("zone.image.sig"), zone_by(&hub_, 7).signature.substr(1)); });
  damage("empty", [&] { overwrite(stored("zone.image.sig"), ""); });
  damage("missing", [&] { std::filesystem::remove(stored("zone.image.sig")); });
  EXPECT_TRUE(load({zone_by(&hub_, 8)}).applied());
  start({hub_.public_key()});
  EXPECT_EQ(serial(), 8u);
}

TEST_F(TrustTest, PolicyIsSignedAsOne) {
  constexpr std::string_view text = "[[rule]]\nname = 'a'\naction = 'drop'\n";
  ASSERT_TRUE(load({zone_by(&hub_, 7), policy_by(&hub_, text)}).applied());
  EXPECT_EQ(client().status().tables(1).key_id(), id_of(hub_));
  expect_refused({policy_by(nullptr, text)},
                 "policy: signature: missing, but this POP takes only what a trusted key signed");
  const std::string stranger = "policy: signature: not one of this table by a trusted key";
  expect_refused({policy_by(&stranger_, text)}, stranger);
  Signed policy = policy_by(&hub_, text);
  policy.bytes.push_back(std::byte{'\n'});
  expect_refused({policy}, stranger);
  policy = policy_by(&hub_, text);
  policy.signature = zone_by(&hub_, 7).signature;
  expect_refused({policy}, stranger);
  start({hub_.public_key()});
  EXPECT_EQ(client().status().policy_size(), 1);
  start({next_.public_key()});
  EXPECT_EQ(client().status().policy_size(), 0);
}

TEST_F(TrustTest, NoLongerTrustedTableIsLeftOut) {
  ASSERT_TRUE(load({zone_by(&hub_, 7)}).applied());
  start({next_.public_key()});
  EXPECT_EQ(serial(), 0u);
}

/// A crash between the steps of storing leaves either table, with the signatures of both.
TEST_F(TrustTest, RestartsAfterACrashWhileStoring) {
  const Signed old_zone = zone_by(&hub_, 7), new_zone = zone_by(&next_, 8);
  ASSERT_TRUE(load({old_zone}).applied());
  for (const Signed* there : {&old_zone, &new_zone}) {
    overwrite(stored("zone.image"), {reinterpret_cast<const char*>(there->bytes.data()), there->bytes.size()});
    overwrite(stored("zone.image.sig"), new_zone.signature + old_zone.signature);
    start({hub_.public_key(), next_.public_key()});
    EXPECT_EQ(serial(), there == &old_zone ? 7u : 8u);
  }
  const Signed last = zone_by(&hub_, 9);
  ASSERT_TRUE(load({last}).applied());
  EXPECT_EQ(contents(stored("zone.image.sig")), last.signature);
}

TEST_F(TrustTest, OldTableStaysGoodWhereTheNewOneCannotBeStored) {
  const Signed old_zone = zone_by(&hub_, 7), new_zone = zone_by(&hub_, 8);
  ASSERT_TRUE(load({old_zone}).applied());
  std::filesystem::create_directory(stored("zone.image.new")); // where the new table would be written first
  ASSERT_TRUE(load({new_zone}).applied());
  EXPECT_EQ(contents(stored("zone.image.sig")), new_zone.signature + old_zone.signature);
  start({hub_.public_key()});
  EXPECT_EQ(serial(), 7u);
}

TEST_F(TrustTest, WithoutKeysSignaturesAreKeptButNotAsked) {
  start({});
  ASSERT_TRUE(load({zone_by(nullptr, 1)}).applied());
  EXPECT_FALSE(std::filesystem::exists(stored("zone.image.sig")));
  const pb::LoadReply reply = load({zone_by(&hub_, 2)});
  ASSERT_TRUE(reply.applied());
  EXPECT_EQ(reply.tables(0).key_id(), "");
  EXPECT_EQ(client().status().trusted_key_ids_size(), 0);
  start({hub_.public_key()});
  EXPECT_EQ(serial(), 2u);
  start({});
  ASSERT_TRUE(load({zone_by(nullptr, 3)}).applied());
  EXPECT_FALSE(std::filesystem::exists(stored("zone.image.sig")));
  start({hub_.public_key()});
  EXPECT_EQ(serial(), 0u);
}

} // namespace
} // namespace anytick::io
