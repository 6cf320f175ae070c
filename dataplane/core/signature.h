#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "geo/refusal.h"

/// Detached Ed25519 signatures (RFC 8032) of tables.
///
/// Signed is not the table but
///
///     "anytick zone image v1", "anytick geo map v1" or "anytick policy v1", a zero byte, the 32 bytes of the digest in
///     the table's header, or of the policy's text
///
/// so that a signature of one kind of table is none of another, nor of anything else that a key is ever used for.
///
/// The digest in a header is a claim. A signature says something of a table only after validate() has recomputed the
/// digest from the bytes: verify first and a signed header could carry other insides. It says who made the table, not
/// that there is no newer one.
namespace anytick::core {

using Signature = std::array<uint8_t, 64>;

/// Tells keys apart for people, and is nothing to trust by: the first bytes of SHA-256 over those of the public key.
using KeyId = std::array<uint8_t, 8>;

enum class SignedTable : uint8_t { zone_image, geo_map, policy };

/// SHA-256 of the text, which has no header that could state it.
std::array<uint8_t, 32> policy_digest(std::span<const std::byte> text);

/// The bytes of a key, as in RFC 8032 5.1.5.
using KeyBytes = std::array<uint8_t, 32>;

class PublicKey {
 public:
  /// SubjectPublicKeyInfo (RFC 8410) in PEM; text around it is allowed. Refused, naming `what`: anything but one
  /// Ed25519 public key.
  static Result<PublicKey> from_pem(std::string_view pem, const std::string& what);

  Result<std::string> to_pem() const;
  const KeyBytes& bytes() const { return bytes_; }
  KeyId id() const;
  /// False for any signature that is not 64 bytes.
  bool verify(std::span<const uint8_t> message, std::span<const uint8_t> signature) const;

 private:
  friend class PrivateKey;
  explicit PublicKey(const KeyBytes& bytes) : bytes_(bytes) {}

  KeyBytes bytes_;
};

/// Its bytes are wiped when it is gone.
class PrivateKey {
 public:
  static Result<PrivateKey> generate();
  /// PKCS #8 (RFC 8410) in PEM, not encrypted. Refused, naming `what`: anything but one Ed25519 private key.
  static Result<PrivateKey> from_pem(std::string_view pem, const std::string& what);
  PrivateKey(const PrivateKey&) = default;
  PrivateKey& operator=(const PrivateKey&) = default;
  ~PrivateKey();

  Result<std::string> to_pem() const;
  const PublicKey& public_key() const { return public_key_; }
  Result<Signature> sign(std::span<const uint8_t> message) const;

 private:
  PrivateKey(const KeyBytes& secret, const PublicKey& public_key) : secret_(secret), public_key_(public_key) {}
  static Result<PrivateKey> of(const KeyBytes& secret);

  KeyBytes secret_;
  PublicKey public_key_;
};

/// Precondition of both: `digest` is the table's own, recomputed by its validate() or policy_digest().
Result<Signature> sign_table(const PrivateKey& key, SignedTable table, const std::array<uint8_t, 32>& digest);
bool verify_table(const PublicKey& key, SignedTable table, const std::array<uint8_t, 32>& digest,
                  std::span<const uint8_t> signature);

} // namespace anytick::core
