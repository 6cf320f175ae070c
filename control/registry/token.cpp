#include "control/registry/token.h"

#include <array>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "control/registry/actor.h"
#include "control/text.h"

namespace anytick::registry {

std::string make_token() {
  std::array<uint8_t, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw Fault("no randomness for a token");
  return control::hex_text(bytes);
}

std::string token_digest(std::string_view token) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(token.data()), token.size(), digest.data());
  return control::hex_text(digest);
}

} // namespace anytick::registry
