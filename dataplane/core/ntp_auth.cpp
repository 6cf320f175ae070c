// MD5 and SHA1 by the functions that OpenSSL 3 deprecates: to begin a digest anew by EVP, it allocates.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "dataplane/core/ntp_auth.h"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

template <auto free_object> struct Freed {
  template <class T> void operator()(T* object) const { free_object(object); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Freed<EVP_MAC_free>>;

constexpr size_t digest_bytes_max = ntp_mac_bytes_max - ntp_key_id_bytes;

size_t digest_bytes(NtpMac mac) {
  return mac == NtpMac::sha1 ? 20 : 16;
}

} // namespace

/// Made once: the digests with the secret in them already, CMAC with its key schedule.
struct NtpKey::Context {
  NtpMac mac = NtpMac::md5;
  MD5_CTX md5{};
  SHA_CTX sha1{};
  MacContext cmac;

  /// Whether libcrypto can.
  bool set_up(const NtpKeyConfig& config) {
    mac = config.mac;
    const std::vector<uint8_t>& secret = config.secret;
    switch (mac) {
    case NtpMac::md5:
      return MD5_Init(&md5) == 1 && MD5_Update(&md5, secret.data(), secret.size()) == 1;
    case NtpMac::sha1:
      return SHA1_Init(&sha1) == 1 && SHA1_Update(&sha1, secret.data(), secret.size()) == 1;
    case NtpMac::cmac:
      return set_up_cmac(secret);
    }
    return false;
  }

  bool set_up_cmac(const std::vector<uint8_t>& secret) {
    const Mac algorithm(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
    if (algorithm == nullptr || (secret.size() != 16 && secret.size() != 32)) return false;
    cmac.reset(EVP_MAC_CTX_new(algorithm.get()));
    char cipher[] = "AES-128-CBC";
    if (secret.size() == 32) std::copy_n("256", 3, cipher + 4);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                     OSSL_PARAM_construct_end()};
    return cmac != nullptr && EVP_MAC_init(cmac.get(), secret.data(), secret.size(), parameters) == 1;
  }

  /// False if libcrypto fails.
  bool compute(std::span<const uint8_t> message, uint8_t* out) const {
    switch (mac) {
    case NtpMac::md5: {
      MD5_CTX begun = md5;
      return MD5_Update(&begun, message.data(), message.size()) == 1 && MD5_Final(out, &begun) == 1;
    }
    case NtpMac::sha1: {
      SHA_CTX begun = sha1;
      return SHA1_Update(&begun, message.data(), message.size()) == 1 && SHA1_Final(out, &begun) == 1;
    }
    case NtpMac::cmac: {
      size_t length = 0;
      return EVP_MAC_init(cmac.get(), nullptr, 0, nullptr) == 1 &&
             EVP_MAC_update(cmac.get(), message.data(), message.size()) == 1 &&
             EVP_MAC_final(cmac.get(), out, &length, digest_bytes_max) == 1;
    }
    }
    return false;
  }
};

NtpKey::NtpKey(uint32_t id, std::unique_ptr<Context> context) : id_(id), context_(std::move(context)) {}
NtpKey::NtpKey(NtpKey&&) noexcept = default;
NtpKey& NtpKey::operator=(NtpKey&&) noexcept = default;
NtpKey::~NtpKey() = default;

size_t NtpKey::mac_bytes() const {
  return ntp_key_id_bytes + digest_bytes(context_->mac);
}

bool NtpKey::verify(std::span<const uint8_t> message, std::span<const uint8_t> mac) const {
  if (mac.size() != mac_bytes() || load_big32(mac.data()) != id_) return false;
  uint8_t digest[EVP_MAX_MD_SIZE];
  return context_->compute(message, digest) &&
         CRYPTO_memcmp(digest, mac.data() + ntp_key_id_bytes, digest_bytes(context_->mac)) == 0;
}

size_t NtpKey::sign(std::span<const uint8_t> message, uint8_t* mac) const {
  uint8_t digest[EVP_MAX_MD_SIZE] = {};
  context_->compute(message, digest);
  store_big32(mac, id_);
  std::copy_n(digest, digest_bytes(context_->mac), mac + ntp_key_id_bytes);
  return mac_bytes();
}

Result<NtpKeys> NtpKeys::make(std::span<const NtpKeyConfig> configs) {
  NtpKeys keys;
  for (const NtpKeyConfig& config : configs) {
    auto context = std::make_unique<NtpKey::Context>();
    if (!context->set_up(config))
      return Refusal{"NTP key " + std::to_string(config.id), "", "libcrypto cannot compute with it"};
    keys.keys_.emplace_back(config.id, std::move(context));
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
