#include "dataplane/core/signature.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace anytick::core {
namespace {

using namespace std::string_view_literals;

/// Far above any file with one key in it.
constexpr size_t pem_max = size_t{64} << 10;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

/// What OpenSSL queued about a failure is of no use to whoever uses it next on this thread.
struct ErrorQueue {
  ErrorQueue() = default;
  ErrorQueue(const ErrorQueue&) = delete;
  ErrorQueue& operator=(const ErrorQueue&) = delete;
  ~ErrorQueue() { ERR_clear_error(); }
};

/// Instead of OpenSSL's own, which asks at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

using PemReader = EVP_PKEY* (*)(BIO*, EVP_PKEY**, pem_password_cb*, void*);

Result<Key> read_pem(std::string_view pem, const std::string& what, PemReader read, const char* otherwise) {
  constexpr auto begin = "-----BEGIN "sv;
  if (pem.size() > pem_max) return Refusal{what, "", "too large for a key"};
  const size_t first = pem.find(begin);
  if (first == pem.npos) return Refusal{what, "", "no PEM"};
  if (pem.find(begin, first + 1) != pem.npos) return Refusal{what, "", "more than one PEM block"};
  if (pem.find("ENCRYPTED") != pem.npos) return Refusal{what, "", "a key with a passphrase"};
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(bio == nullptr ? nullptr : read(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) return Refusal{what, "", otherwise};
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) return Refusal{what, "", "not an Ed25519 key"};
  return key;
}

/// The text that write(bio, key) writes.
template <class Write> Result<std::string> pem_text(const Key& key, Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (key == nullptr || bio == nullptr || write(bio.get(), key.get()) != 1)
    return Refusal{"key", "", "cannot be written as PEM"};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

/// Its bytes are wiped when it is gone.
struct Secret {
  KeyBytes bytes{};

  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::optional<KeyBytes> public_bytes(const Key& key) {
  KeyBytes bytes{};
  size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1 || size != bytes.size()) return std::nullopt;
  return bytes;
}

Key key_of(const PublicKey& key) {
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes().data(), key.bytes().size()));
}
Key key_of(const KeyBytes& secret) {
  return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size()));
}

std::string_view context_of(SignedTable table) {
  switch (table) {
  case SignedTable::zone_image:
    return "anytick zone image v1\0"sv;
  case SignedTable::geo_map:
    return "anytick geo map v1\0"sv;
  case SignedTable::policy:
    return "anytick policy v1\0"sv;
  }
  return {};
}

std::vector<uint8_t> signed_message(SignedTable table, const std::array<uint8_t, 32>& digest) {
  const std::string_view context = context_of(table);
  std::vector<uint8_t> message(context.begin(), context.end());
  message.insert(message.end(), digest.begin(), digest.end());
  return message;
}

} // namespace

std::array<uint8_t, 32> policy_digest(std::span<const std::byte> text) {
  std::array<uint8_t, 32> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem, const std::string& what) {
  const ErrorQueue queue;
  const bool is_private = pem.find("PRIVATE KEY") != pem.npos;
  const Result<Key> key =
      read_pem(pem, what, PEM_read_bio_PUBKEY, is_private ? "a private key, not a public one" : "no public key");
  if (!key) return key.refusal();
  const auto bytes = public_bytes(*key);
  if (!bytes) return Refusal{what, "", "no public key"};
  return PublicKey(*bytes);
}

Result<std::string> PublicKey::to_pem() const {
  const ErrorQueue queue;
  const Key key = key_of(*this);
  return pem_text(key, [](BIO* bio, EVP_PKEY* written) { return PEM_write_bio_PUBKEY(bio, written); });
}

KeyId PublicKey::id() const {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> hash{};
  SHA256(bytes_.data(), bytes_.size(), hash.data());
  KeyId id{};
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

bool PublicKey::verify(std::span<const uint8_t> message, std::span<const uint8_t> signature) const {
  const ErrorQueue queue;
  const Key key = key_of(*this);
  const Context context(EVP_MD_CTX_new());
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

Result<PrivateKey> PrivateKey::of(const KeyBytes& secret) {
  const Key key = key_of(secret);
  const auto bytes = key == nullptr ? std::nullopt : public_bytes(key);
  if (!bytes) return Refusal{"key", "", "cannot be derived"};
  return PrivateKey(secret, PublicKey(*bytes));
}

PrivateKey::~PrivateKey() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
}

Result<PrivateKey> PrivateKey::generate() {
  const ErrorQueue queue;
  Secret secret;
  if (RAND_priv_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) != 1)
    return Refusal{"key", "", "no randomness to make it from"};
  return of(secret.bytes);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, const std::string& what) {
  const ErrorQueue queue;
  const Result<Key> key = read_pem(pem, what, PEM_read_bio_PrivateKey, "no private key");
  if (!key) return key.refusal();
  Secret secret;
  size_t size = secret.bytes.size();
  if (EVP_PKEY_get_raw_private_key(key->get(), secret.bytes.data(), &size) != 1 || size != secret.bytes.size())
    return Refusal{what, "", "no private key"};
  return of(secret.bytes);
}

Result<std::string> PrivateKey::to_pem() const {
  const ErrorQueue queue;
  const Key key = key_of(secret_);
  return pem_text(key, [](BIO* bio, EVP_PKEY* written) {
    return PEM_write_bio_PKCS8PrivateKey(bio, written, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Result<Signature> PrivateKey::sign(std::span<const uint8_t> message) const {
  const ErrorQueue queue;
  const Key key = key_of(secret_);
  const Context context(EVP_MD_CTX_new());
  Signature signature{};
  size_t size = signature.size();
  if (key == nullptr || context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1 ||
      size != signature.size()) {
    return Refusal{"key", "", "cannot sign"};
  }
  return signature;
}

Result<Signature> sign_table(const PrivateKey& key, SignedTable table, const std::array<uint8_t, 32>& digest) {
  return key.sign(signed_message(table, digest));
}

bool verify_table(const PublicKey& key, SignedTable table, const std::array<uint8_t, 32>& digest,
                  std::span<const uint8_t> signature) {
  return key.verify(signed_message(table, digest), signature);
}

} // namespace anytick::core
