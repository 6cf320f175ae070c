#include "dataplane/core/ntp_auth.h"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

template <auto free_object> struct Freed {
  template <class T> void operator()(T* object) const { free_object(object); }
};
using Digest = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Freed<EVP_MAC_free>>;

constexpr size_t digest_bytes_max = ntp_mac_bytes_max - ntp_key_id_bytes;

size_t digest_bytes(NtpMac mac) {
  return mac == NtpMac::sha1 ? 20 : 16;
}

} // namespace

/// Made once, since making one allocates: begun anew for each message.
struct NtpKey::Context {
  std::vector<uint8_t> secret;
  Digest digest;
  DigestContext of_digest;
  MacContext of_cmac;

  /// Whether libcrypto can.
  bool set_up(NtpMac mac) {
    if (mac == NtpMac::cmac) return set_up_cmac();
    digest.reset(EVP_MD_fetch(nullptr, mac == NtpMac::md5 ? "MD5" : "SHA1", nullptr));
    of_digest.reset(EVP_MD_CTX_new());
    return digest != nullptr && of_digest != nullptr && EVP_DigestInit_ex2(of_digest.get(), digest.get(), nullptr) == 1;
  }

  bool set_up_cmac() {
    const Mac algorithm(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
    if (algorithm == nullptr || (secret.size() != 16 && secret.size() != 32)) return false;
    of_cmac.reset(EVP_MAC_CTX_new(algorithm.get()));
    char cipher[] = "AES-128-CBC";
    if (secret.size() == 32) std::copy_n("256", 3, cipher + 4);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                     OSSL_PARAM_construct_end()};
    return of_cmac != nullptr && EVP_MAC_init(of_cmac.get(), secret.data(), secret.size(), parameters) == 1;
  }

  /// False if libcrypto fails.
  bool compute(std::span<const uint8_t> message, uint8_t* out) const {
    if (of_cmac != nullptr) {
      size_t length = 0;
      return EVP_MAC_init(of_cmac.get(), nullptr, 0, nullptr) == 1 &&
             EVP_MAC_update(of_cmac.get(), message.data(), message.size()) == 1 &&
             EVP_MAC_final(of_cmac.get(), out, &length, digest_bytes_max) == 1;
    }
    return EVP_DigestInit_ex2(of_digest.get(), nullptr, nullptr) == 1 &&
           EVP_DigestUpdate(of_digest.get(), secret.data(), secret.size()) == 1 &&
           EVP_DigestUpdate(of_digest.get(), message.data(), message.size()) == 1 &&
           EVP_DigestFinal_ex(of_digest.get(), out, nullptr) == 1;
  }
};

NtpKey::NtpKey(uint32_t id, NtpMac mac, std::unique_ptr<Context> context)
    : id_(id), mac_(mac), context_(std::move(context)) {}
NtpKey::NtpKey(NtpKey&&) noexcept = default;
NtpKey& NtpKey::operator=(NtpKey&&) noexcept = default;
NtpKey::~NtpKey() = default;

size_t NtpKey::mac_bytes() const {
  return ntp_key_id_bytes + digest_bytes(mac_);
}

bool NtpKey::verify(std::span<const uint8_t> message, std::span<const uint8_t> mac) const {
  if (mac.size() != mac_bytes() || load_big32(mac.data()) != id_) return false;
  uint8_t digest[EVP_MAX_MD_SIZE];
  return context_->compute(message, digest) &&
         CRYPTO_memcmp(digest, mac.data() + ntp_key_id_bytes, digest_bytes(mac_)) == 0;
}

size_t NtpKey::sign(std::span<const uint8_t> message, uint8_t* mac) const {
  uint8_t digest[EVP_MAX_MD_SIZE] = {};
  context_->compute(message, digest);
  store_big32(mac, id_);
  std::copy_n(digest, digest_bytes(mac_), mac + ntp_key_id_bytes);
  return mac_bytes();
}

Result<NtpKeys> NtpKeys::make(std::span<const NtpKeyConfig> configs) {
  NtpKeys keys;
  for (const NtpKeyConfig& config : configs) {
    auto context = std::make_unique<NtpKey::Context>();
    context->secret = config.secret;
    if (!context->set_up(config.mac))
      return Refusal{"NTP key " + std::to_string(config.id), "", "libcrypto cannot compute with it"};
    keys.keys_.emplace_back(config.id, config.mac, std::move(context));
  }
  const auto by_id = [](const NtpKey& left, const NtpKey& right) { return left.id() < right.id(); };
  std::sort(keys.keys_.begin(), keys.keys_.end(), by_id);
  const auto twice =
      std::adjacent_find(keys.keys_.begin(), keys.keys_.end(),
                         [](const NtpKey& left, const NtpKey& right) { return left.id() == right.id(); });
  if (twice != keys.keys_.end()) return Refusal{"NTP key " + std::to_string(twice->id()), "", "is given twice"};
  return keys;
}

const NtpKey* NtpKeys::find(uint32_t id) const {
  const auto found = std::lower_bound(keys_.begin(), keys_.end(), id,
                                      [](const NtpKey& key, uint32_t wanted) { return key.id() < wanted; });
  return found != keys_.end() && found->id() == id ? &*found : nullptr;
}

} // namespace anytick::core
