#include "geo/table_digest.h"

#include <openssl/evp.h>

#include <cassert>
#include <memory>

namespace anytick::geo {

std::array<uint8_t, 32> table_digest(std::span<const std::byte> bytes, size_t digest_at) {
  std::array<uint8_t, 32> digest{};
  assert(bytes.size() >= digest_at + digest.size());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  const std::span<const std::byte> rest = bytes.subspan(digest_at + digest.size());
  [[maybe_unused]] const bool done = EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1 &&
                                     EVP_DigestUpdate(context.get(), bytes.data(), digest_at) == 1 &&
                                     EVP_DigestUpdate(context.get(), digest.data(), digest.size()) == 1 &&
                                     EVP_DigestUpdate(context.get(), rest.data(), rest.size()) == 1 &&
                                     EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  assert(done);
  return digest;
}

} // namespace anytick::geo
