#include "dataplane/core/ntp_auth.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tests/packets/wire.h"
#include "tests/unit/allocations.h"

namespace anytick::core {
namespace {

using test::from_hex;
using test::to_hex;
using Bytes = std::vector<uint8_t>;

/// libcrypto has an allocator of its own, which operator new does not see.
std::atomic<uint64_t> crypto_allocations = 0;

void* counted_malloc(size_t size, const char* /*file*/, int /*line*/) {
  crypto_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
void* counted_realloc(void* memory, size_t size, const char* /*file*/, int /*line*/) {
  crypto_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::realloc(memory, size);
}
void counted_free(void* memory, const char* /*file*/, int /*line*/) {
  std::free(memory);
}
/// Only before libcrypto has allocated anything.
const bool counts = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

uint64_t all_allocations() {
  return crypto_allocations.load(std::memory_order_relaxed) + test::allocations();
}

/// Bytes that differ from their neighbours, and from those of another `first`.
Bytes bytes_from(size_t length, uint8_t first) {
  Bytes bytes(length);
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<uint8_t>(first + i * 37 + i / 256);
  return bytes;
}

NtpKeys keys_of(const std::vector<NtpKeyConfig>& configs) {
  Result<NtpKeys> keys = NtpKeys::make(configs);
  EXPECT_TRUE(keys) << keys.refusal().text();
  return std::move(*keys);
}

Bytes mac_of(const NtpKey& key, const Bytes& message) {
  Bytes mac(ntp_mac_bytes_max);
  mac.resize(key.sign(message, mac.data()));
  return mac;
}

struct KeyCase {
  const char* name;
  NtpKeyConfig config;
  const char* algorithm; ///< libcrypto's name, of CMAC its cipher
  size_t mac_bytes;
};

void PrintTo(const KeyCase& c, std::ostream* out) {
  *out << c.name;
}

const std::array key_cases{
    KeyCase{"md5", {1, NtpMac::md5, bytes_from(9, 'a')}, "MD5", 20},
    KeyCase{"md5_long_secret", {0xffffffff, NtpMac::md5, bytes_from(64, 1)}, "MD5", 20},
    KeyCase{"sha1", {2, NtpMac::sha1, bytes_from(20, 2)}, "SHA1", 24},
    KeyCase{"sha1_short_secret", {0x01020304, NtpMac::sha1, bytes_from(1, 3)}, "SHA1", 24},
    KeyCase{"aes128", {3, NtpMac::cmac, bytes_from(16, 4)}, "AES-128-CBC", 20},
    KeyCase{"aes256", {4, NtpMac::cmac, bytes_from(32, 5)}, "AES-256-CBC", 20},
};

/// By libcrypto's functions for a whole message at once.
Bytes expected_digest(const KeyCase& row, const Bytes& message) {
  Bytes digest(EVP_MAX_MD_SIZE);
  size_t length = 0;
  const Bytes& secret = row.config.secret;
  if (row.config.mac == NtpMac::cmac) {
    EVP_Q_mac(nullptr, "CMAC", nullptr, row.algorithm, nullptr, secret.data(), secret.size(), message.data(),
              message.size(), digest.data(), digest.size(), &length);
  } else {
    Bytes together = secret;
    together.insert(together.end(), message.begin(), message.end());
    EVP_Q_digest(nullptr, row.algorithm, nullptr, together.data(), together.size(), digest.data(), &length);
  }
  digest.resize(length);
  return digest;
}

class NtpMacs : public testing::TestWithParam<KeyCase> {
 protected:
  const NtpKeys keys_ = keys_of({GetParam().config});
  const NtpKey& key_ = *keys_.find(GetParam().config.id);
};

TEST_P(NtpMacs, OfAnyLengthAreKeyIdAndDigest) {
  EXPECT_EQ(key_.mac_bytes(), GetParam().mac_bytes);
  const uint32_t id = GetParam().config.id;
  for (size_t length = 48; length <= 1000; length += 4) {
    SCOPED_TRACE(length);
    const Bytes message = bytes_from(length, static_cast<uint8_t>(length));
    Bytes expected{static_cast<uint8_t>(id >> 24), static_cast<uint8_t>(id >> 16), static_cast<uint8_t>(id >> 8),
                   static_cast<uint8_t>(id)};
    const Bytes digest = expected_digest(GetParam(), message);
    expected.insert(expected.end(), digest.begin(), digest.end());
    ASSERT_EQ(to_hex(mac_of(key_, message)), to_hex(expected));
    ASSERT_TRUE(key_.verify(message, expected));
  }
}

TEST_P(NtpMacs, AreRefusedForAnyBitThatDiffers) {
  Bytes message = bytes_from(68, 6);
  Bytes mac = mac_of(key_, message);
  for (Bytes* changed : {&message, &mac}) {
    for (size_t bit = 0; bit < changed->size() * 8; ++bit) {
      const auto mask = static_cast<uint8_t>(1 << bit % 8);
      (*changed)[bit / 8] ^= mask;
      EXPECT_FALSE(key_.verify(message, mac)) << (changed == &mac ? "MAC" : "message") << ", bit " << bit;
      (*changed)[bit / 8] ^= mask;
    }
  }
  EXPECT_TRUE(key_.verify(message, mac)) << "what was refused before leaves no trace";
}

TEST_P(NtpMacs, AreRefusedForAnotherLength) {
  const Bytes message = bytes_from(48, 7);
  Bytes mac = mac_of(key_, message);
  mac.resize(EVP_MAX_MD_SIZE);
  for (size_t length = 0; length <= mac.size(); ++length)
    EXPECT_EQ(key_.verify(message, std::span(mac.data(), length)), length == key_.mac_bytes()) << length;
  for (size_t length = 0; length < message.size(); ++length)
    EXPECT_FALSE(key_.verify(std::span(message.data(), length), std::span(mac.data(), key_.mac_bytes()))) << length;
}

TEST_P(NtpMacs, NothingIsAllocatedForThem) {
  ASSERT_TRUE(counts);
  const Bytes message = bytes_from(1000, 8);
  Bytes mac(ntp_mac_bytes_max);
  const uint64_t before = all_allocations();
  unsigned good = 0;
  for (size_t length = 48; length <= message.size(); length += 4) {
    const std::span part(message.data(), length);
    const std::span signed_by(mac.data(), key_.sign(part, mac.data()));
    good += key_.verify(part, signed_by);
    mac[5] ^= 1;
    good += key_.verify(part, signed_by);
  }
  EXPECT_EQ(all_allocations(), before);
  EXPECT_EQ(good, 239u);
  const NtpKeys other = keys_of({GetParam().config});
  EXPECT_GT(crypto_allocations.load(), 0u) << "nothing was counted at all";
}

INSTANTIATE_TEST_SUITE_P(NtpAuth, NtpMacs, testing::ValuesIn(key_cases),
                         [](const auto& each) { return each.param.name; });

struct CmacCase {
  const char* name;
  const char* secret;
  size_t length;
  const char* digest;
};

void PrintTo(const CmacCase& c, std::ostream* out) {
  *out << c.name;
}

class NtpCmac : public testing::TestWithParam<CmacCase> {};

constexpr const char* cmac_message = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
constexpr const char* secret_128 = "2b7e151628aed2a6abf7158809cf4f3c";
constexpr const char* secret_256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

TEST_P(NtpCmac, PublishedVectors) {
  const CmacCase& row = GetParam();
  const NtpKeys keys = keys_of({{7, NtpMac::cmac, from_hex(row.secret)}});
  Bytes message = from_hex(cmac_message);
  message.resize(row.length);
  EXPECT_EQ(to_hex(mac_of(*keys.find(7), message)), std::string("00000007") + row.digest);
}

// RFC 4493 4 and, of AES-256, NIST SP 800-38B D.3.
INSTANTIATE_TEST_SUITE_P(NtpAuth, NtpCmac,
                         testing::Values(CmacCase{"rfc4493_0", secret_128, 0, "bb1d6929e95937287fa37d129b756746"},
                                         CmacCase{"rfc4493_16", secret_128, 16, "070a16b46b4d4144f79bdd9dd04a287c"},
                                         CmacCase{"rfc4493_40", secret_128, 40, "dfa66747de9ae63030ca32611497c827"},
                                         CmacCase{"rfc4493_64", secret_128, 64, "51f0bebf7e3b9d92fc49741779363cfe"},
                                         CmacCase{"aes256_0", secret_256, 0, "028962f61b7bf89efc6b551f4667d983"},
                                         CmacCase{"aes256_16", secret_256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"},
                                         CmacCase{"aes256_40", secret_256, 40, "aaf3d8f1de5640c232f5b169b9c911e6"},
                                         CmacCase{"aes256_64", secret_256, 64, "e1992190549f6ed5696a2c056c315410"}),
                         [](const auto& each) { return each.param.name; });

TEST(NtpKeys, AreFoundByIdAndNoOtherTakesTheirMac) {
  std::vector<NtpKeyConfig> configs;
  for (const KeyCase& row : key_cases) configs.push_back(row.config);
  const NtpKeys keys = keys_of(configs);
  const Bytes message = bytes_from(48, 9);
  for (const NtpKeyConfig& signer : configs) {
    ASSERT_NE(keys.find(signer.id), nullptr) << signer.id;
    EXPECT_EQ(keys.find(signer.id)->id(), signer.id);
    const Bytes mac = mac_of(*keys.find(signer.id), message);
    for (const NtpKeyConfig& verifier : configs)
      EXPECT_EQ(keys.find(verifier.id)->verify(message, mac), verifier.id == signer.id)
          << verifier.id << " of a MAC by " << signer.id;
  }
  for (const uint32_t unknown : {0u, 5u, 0x01020303u, 0x01020305u, 0xfffffffeu})
    EXPECT_EQ(keys.find(unknown), nullptr) << unknown;
  EXPECT_EQ(keys_of({}).find(1), nullptr);
}

TEST(NtpKeys, OfOneSecretButAnotherIdDoNotTakeEachOthersMac) {
  const Bytes secret = bytes_from(16, 10);
  const NtpKeys keys = keys_of({{1, NtpMac::md5, secret}, {2, NtpMac::md5, secret}});
  const Bytes message = bytes_from(48, 11);
  EXPECT_FALSE(keys.find(2)->verify(message, mac_of(*keys.find(1), message)));
}

struct RefusalCase {
  const char* name;
  std::vector<NtpKeyConfig> configs;
  const char* reason;
};

void PrintTo(const RefusalCase& c, std::ostream* out) {
  *out << c.name;
}

class NtpKeyRefusals : public testing::TestWithParam<RefusalCase> {};

TEST_P(NtpKeyRefusals, NameTheKeyAndTheReason) {
  const Result<NtpKeys> keys = NtpKeys::make(GetParam().configs);
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.refusal().text(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    NtpAuth, NtpKeyRefusals,
    testing::Values(
        RefusalCase{"twice",
                    {{9, NtpMac::md5, bytes_from(8, 1)},
                     {1, NtpMac::md5, bytes_from(8, 2)},
                     {9, NtpMac::sha1, bytes_from(8, 3)}},
                    "NTP key 9: is given twice"},
        RefusalCase{"cmac_192", {{3, NtpMac::cmac, bytes_from(24, 1)}}, "NTP key 3: libcrypto cannot compute with it"},
        RefusalCase{"cmac_empty", {{4, NtpMac::cmac, {}}}, "NTP key 4: libcrypto cannot compute with it"}),
    [](const auto& each) { return each.param.name; });

TEST(NtpKeys, OfTwoThreadsComputeAtOnce) {
  std::vector<NtpKeyConfig> configs;
  for (const KeyCase& row : key_cases) configs.push_back(row.config);
  std::atomic<unsigned> wrong = 0;
  const auto compute = [&](uint8_t first) {
    const NtpKeys keys = keys_of(configs);
    for (unsigned round = 0; round < 500; ++round) {
      const KeyCase& row = key_cases[round % key_cases.size()];
      const Bytes message = bytes_from(48 + round % 200 * 4, static_cast<uint8_t>(first + round));
      const NtpKey& key = *keys.find(row.config.id);
      const Bytes mac = mac_of(key, message);
      if (Bytes(mac.begin() + ntp_key_id_bytes, mac.end()) != expected_digest(row, message)) ++wrong;
      if (!key.verify(message, mac)) ++wrong;
    }
  };
  std::thread other(compute, uint8_t{128});
  compute(0);
  other.join();
  EXPECT_EQ(wrong, 0u);
}

} // namespace
} // namespace anytick::core
