#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "geo/refusal.h"

/// Symmetric keys of NTP: the MAC that may follow header and extension fields (RFC 5905 7.3 and Appendix A, RFC 8573).
namespace anytick::core {

enum class NtpMac : uint8_t {
  md5,  ///< of key and message, 16 bytes
  sha1, ///< of key and message, 20 bytes
  cmac, ///< AES-CMAC (RFC 4493) by a key of 16 or 32 bytes, 16 bytes
};

/// As configured. Ids are 1 to 2^32 - 1.
struct NtpKeyConfig {
  uint32_t id = 0;
  NtpMac mac = NtpMac::md5;
  std::vector<uint8_t> secret; ///< 1..64 bytes; of cmac 16 or 32
};

inline constexpr size_t ntp_key_id_bytes = 4;
inline constexpr size_t ntp_mac_bytes_max = 24; ///< key id and digest

/// One key and what computes with it. One thread; no allocation after construction.
class NtpKey {
 public:
  struct Context;

  NtpKey(uint32_t id, std::unique_ptr<Context> context);
  NtpKey(NtpKey&&) noexcept;
  NtpKey& operator=(NtpKey&&) noexcept;
  ~NtpKey();

  uint32_t id() const { return id_; }
  /// Of a MAC: key id and digest, 20 or 24.
  size_t mac_bytes() const;

  /// Whether `mac`, key id and digest, is the message's. In time that does not depend on the digest.
  bool verify(std::span<const uint8_t> message, std::span<const uint8_t> mac) const;
  /// Writes key id and digest; returns mac_bytes().
  size_t sign(std::span<const uint8_t> message, uint8_t* mac) const;

 private:
  uint32_t id_;
  std::unique_ptr<Context> context_;
};

/// The keys of one thread.
class NtpKeys {
 public:
  /// Refuses ids that are given twice, and what libcrypto cannot compute.
  static Result<NtpKeys> make(std::span<const NtpKeyConfig> keys);

  /// Null where it is not known. O(log keys).
  const NtpKey* find(uint32_t id) const;

 private:
  std::vector<NtpKey> keys_; ///< by id
};

} // namespace anytick::core
