#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "dataplane/core/signature.h"

namespace anytick::core {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::string pem_of(const char* label, const Bytes& der) {
  std::string base64(der.size() * 2 + 4, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<uint8_t*>(base64.data()), der.data(), static_cast<int>(der.size()));
  base64.resize(static_cast<size_t>(size));
  return std::string("-----BEGIN ") + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
}

/// RFC 8410 7 and 4, the encodings around the 32 bytes of a key.
std::string private_pem(std::string_view seed) {
  return pem_of("PRIVATE KEY", from_hex("302e020100300506032b657004220420" + std::string(seed)));
}
std::string public_pem(std::string_view key) {
  return pem_of("PUBLIC KEY", from_hex("302a300506032b6570032100" + std::string(key)));
}

/// Keys of other algorithms, as OpenSSL writes them.
template <class... Parameters>
std::string other_key(bool with_private, const char* algorithm, Parameters... parameters) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm, parameters...);
  BIO* bio = BIO_new(BIO_s_mem());
  if (with_private)
    PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  else
    PEM_write_bio_PUBKEY(bio, key);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

/// RFC 8032 7.1.
struct Vector {
  std::string name;
  std::string secret, key, message, signature;
};

void PrintTo(const Vector& c, std::ostream* out) {
  *out << c.name;
}

class Rfc8032 : public testing::TestWithParam<Vector> {};

TEST_P(Rfc8032, SignsAndVerifies) {
  const Vector& c = GetParam();
  const Bytes message = from_hex(c.message);
  Bytes signature = from_hex(c.signature);
  const auto secret = PrivateKey::from_pem(private_pem(c.secret), "secret");
  ASSERT_TRUE(secret) << secret.refusal().text();
  const auto key = PublicKey::from_pem(public_pem(c.key), "key");
  ASSERT_TRUE(key) << key.refusal().text();
  EXPECT_EQ(Bytes(key->bytes().begin(), key->bytes().end()), from_hex(c.key));
  EXPECT_EQ(secret->public_key().bytes(), key->bytes());
  const auto made = secret->sign(message);
  ASSERT_TRUE(made);
  EXPECT_EQ(Bytes(made->begin(), made->end()), signature);
  EXPECT_TRUE(key->verify(message, signature));
  for (size_t bit = 0; bit < signature.size() * 8; bit += 7) {
    signature[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(key->verify(message, signature)) << "bit " << bit;
    signature[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Rfc8032,
    testing::Values(Vector{"Test1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
                           "f9b46bd25bf5f0595bbe24655141438e7a100b"},
                    Vector{"Test2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                           "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                           "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
                           "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
                    Vector{"Test3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                           "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                           "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
                           "4dc6594a7c15e9716ed28dc027beceea1ec40a"}),
    [](const auto& each) { return each.param.name; });

/// A table's digest, and who signed it.
class TableSignature : public testing::Test {
 protected:
  PrivateKey key_ = *PrivateKey::generate();
  std::array<uint8_t, 32> digest_{1, 2, 3};
  Signature signature_ = *sign_table(key_, SignedTable::zone_image, digest_);

  bool good(SignedTable table, std::span<const uint8_t> signature) const {
    return verify_table(key_.public_key(), table, digest_, signature);
  }
};

TEST_F(TableSignature, IsGoodForItsTable) {
  EXPECT_TRUE(good(SignedTable::zone_image, signature_));
  EXPECT_TRUE(good(SignedTable::geo_map, *sign_table(key_, SignedTable::geo_map, digest_)));
  EXPECT_TRUE(good(SignedTable::policy, *sign_table(key_, SignedTable::policy, digest_)));
}

TEST_F(TableSignature, IsNoneOfTheOtherKindOfTable) {
  EXPECT_FALSE(good(SignedTable::geo_map, signature_));
  EXPECT_FALSE(good(SignedTable::policy, signature_));
  EXPECT_FALSE(good(SignedTable::zone_image, *sign_table(key_, SignedTable::geo_map, digest_)));
}

TEST_F(TableSignature, IsOfTheStatedMessage) {
  for (const auto& [table, context] : {std::pair(SignedTable::zone_image, std::string("anytick zone image v1")),
                                       std::pair(SignedTable::geo_map, std::string("anytick geo map v1")),
                                       std::pair(SignedTable::policy, std::string("anytick policy v1"))}) {
    SCOPED_TRACE(context);
    Bytes message(context.c_str(), context.c_str() + context.size() + 1);
    message.insert(message.end(), digest_.begin(), digest_.end());
    EXPECT_TRUE(key_.public_key().verify(message, *sign_table(key_, table, digest_)));
  }
  // The digest alone is a message of something else.
  EXPECT_FALSE(good(SignedTable::zone_image, *key_.sign(digest_)));
}

TEST_F(TableSignature, IsNoneOfAnotherKey) {
  EXPECT_FALSE(verify_table(PrivateKey::generate()->public_key(), SignedTable::zone_image, digest_, signature_));
}

TEST_F(TableSignature, IsNoneOfAnotherDigest) {
  for (size_t bit = 0; bit < digest_.size() * 8; ++bit) {
    digest_[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(good(SignedTable::zone_image, signature_)) << "bit " << bit;
    digest_[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
  }
}

TEST_F(TableSignature, HasItsWholeLengthAndNoMore) {
  Bytes bytes(signature_.begin(), signature_.end());
  EXPECT_FALSE(good(SignedTable::zone_image, {}));
  EXPECT_FALSE(good(SignedTable::zone_image, std::span(bytes).first(63)));
  bytes.push_back(0);
  EXPECT_FALSE(good(SignedTable::zone_image, bytes));
}

TEST(Keys, SurviveTheirPem) {
  const PrivateKey key = *PrivateKey::generate();
  const auto again = PrivateKey::from_pem(*key.to_pem(), "again");
  ASSERT_TRUE(again) << again.refusal().text();
  EXPECT_EQ(again->public_key().bytes(), key.public_key().bytes());
  const auto alone = PublicKey::from_pem("id 0123 of the hub\n" + *key.public_key().to_pem(), "alone");
  ASSERT_TRUE(alone) << alone.refusal().text();
  EXPECT_EQ(alone->bytes(), key.public_key().bytes());
  EXPECT_EQ(alone->id(), key.public_key().id());
}

TEST(Keys, AreNotMadeTwice) {
  EXPECT_NE(PrivateKey::generate()->public_key().bytes(), PrivateKey::generate()->public_key().bytes());
  EXPECT_NE(PrivateKey::generate()->public_key().id(), PrivateKey::generate()->public_key().id());
}

TEST(Keys, IdIsTheHeadOfSha256) {
  // sha256sum of the 32 bytes.
  const auto key =
      PublicKey::from_pem(public_pem("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), "k");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id(), (KeyId{0x21, 0xfe, 0x31, 0xdf, 0xa1, 0x54, 0xa2, 0x61}));
}

struct KeyCase {
  std::string name;
  std::string (*pem)();
  std::string as_public; ///< "": it is one
  std::string as_private;
};

void PrintTo(const KeyCase& c, std::ostream* out) {
  *out << c.name;
}

class KeyFiles : public testing::TestWithParam<KeyCase> {};

TEST_P(KeyFiles, HoldOneKeyOfTheRightKind) {
  const std::string pem = GetParam().pem();
  const auto public_key = PublicKey::from_pem(pem, "F");
  EXPECT_EQ(public_key ? "" : public_key.refusal().text(), GetParam().as_public);
  const auto private_key = PrivateKey::from_pem(pem, "F");
  EXPECT_EQ(private_key ? "" : private_key.refusal().text(), GetParam().as_private);
}

std::string good_public() {
  return *PrivateKey::generate()->public_key().to_pem();
}
std::string good_private() {
  return *PrivateKey::generate()->to_pem();
}

INSTANTIATE_TEST_SUITE_P(
    , KeyFiles,
    testing::Values(
        KeyCase{"Public", good_public, "", "F: no private key"},
        KeyCase{"Private", good_private, "F: a private key, not a public one", ""},
        KeyCase{"Empty", [] { return std::string(); }, "F: no PEM", "F: no PEM"},
        KeyCase{"TwoKeys", [] { return good_public() + good_public(); }, "F: more than one PEM block",
                "F: more than one PEM block"},
        KeyCase{"Huge", [] { return std::string(65537, '\n') + good_public(); }, "F: too large for a key",
                "F: too large for a key"},
        KeyCase{"Cut", [] { return good_public().substr(0, 60); }, "F: no public key", "F: no private key"},
        KeyCase{"Garbage", [] { return pem_of("PUBLIC KEY", Bytes(44, 0x30)) + '\0'; }, "F: no public key",
                "F: no private key"},
        KeyCase{"ShortKey",
                [] { return pem_of("PUBLIC KEY", from_hex("3029300506032b6570032000" + std::string(62, '1'))); },
                "F: no public key", "F: no private key"},
        KeyCase{"RsaPublic", [] { return other_key(false, "RSA", size_t{1024}); }, "F: not an Ed25519 key",
                "F: no private key"},
        KeyCase{"RsaPrivate", [] { return other_key(true, "RSA", size_t{1024}); }, "F: a private key, not a public one",
                "F: not an Ed25519 key"},
        KeyCase{"EcPublic", [] { return other_key(false, "EC", "P-256"); }, "F: not an Ed25519 key",
                "F: no private key"},
        KeyCase{"X25519Public", [] { return other_key(false, "X25519"); }, "F: not an Ed25519 key",
                "F: no private key"},
        KeyCase{"X25519Private", [] { return other_key(true, "X25519"); }, "F: a private key, not a public one",
                "F: not an Ed25519 key"},
        KeyCase{"Ed448", [] { return other_key(false, "ED448"); }, "F: not an Ed25519 key", "F: no private key"},
        KeyCase{"WithPassphrase", [] { return pem_of("ENCRYPTED PRIVATE KEY", Bytes(100, 0x30)); },
                "F: a key with a passphrase", "F: a key with a passphrase"}),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace anytick::core
