#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dataplane/core/signature.h"

/// Keys and signatures (dataplane/core/signature.h) in files. All throw CommandFailure.
namespace anytick::control {

core::PrivateKey read_private_key(const std::string& file);
/// Of a file that has the public key alone.
core::PublicKey read_public_key(const std::string& file);

/// "0123456789abcdef"
std::string key_text(const core::PublicKey& key);

/// What is signed of a table.
struct SignedDigest {
  core::SignedTable table;
  std::array<uint8_t, 32> digest;
};
/// Of a table that validates, or of a policy without faults; `file` is named where it does not.
SignedDigest signed_digest(std::span<const std::byte> table, const std::string& file);

core::Signature sign(const core::PrivateKey& key, const SignedDigest& digest);

/// The key of a --sign option, nothing where it was not given.
std::optional<core::PrivateKey> sign_key_option(const std::string& file);
/// Writes a table and then, if there is a key, its signature, each in one step.
void write_signed(const std::string& file, std::span<const std::byte> table, const SignedDigest& digest,
                  const std::optional<core::PrivateKey>& key);

/// Where a table's signature is: 64 bytes, nothing else.
std::string signature_file(const std::string& table_file);
void write_signature(const std::string& table_file, const core::Signature& signature);
/// Nothing if there is no such file.
std::optional<core::Signature> read_signature(const std::string& table_file);

} // namespace anytick::control
