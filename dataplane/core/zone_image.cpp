#include "dataplane/core/zone_image.h"

#include <openssl/evp.h>

namespace anytick::core {

std::string_view ZoneImage::text_of(BlobRange range) const {
  const auto bytes = bytes_of(range);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::array<uint8_t, 32> image_digest(std::span<const std::byte> bytes) {
  constexpr size_t digest_at = offsetof(ZoneHeader, digest);
  constexpr std::array<uint8_t, 32> zeros{};
  std::array<uint8_t, 32> digest{};
  if (bytes.size() < digest_at + zeros.size()) return digest;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  EVP_DigestUpdate(context, bytes.data(), digest_at);
  EVP_DigestUpdate(context, zeros.data(), zeros.size());
  const auto rest = bytes.subspan(digest_at + zeros.size());
  EVP_DigestUpdate(context, rest.data(), rest.size());
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_MD_CTX_free(context);
  return digest;
}

} // namespace anytick::core
