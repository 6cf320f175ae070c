#include "dataplane/core/zone_image.h"

#include "geo/table_digest.h"

namespace anytick::core {

std::string_view ZoneImage::text_of(BlobRange range) const {
  const auto bytes = bytes_of(range);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::array<uint8_t, 32> image_digest(std::span<const std::byte> bytes) {
  constexpr size_t digest_at = offsetof(ZoneHeader, digest);
  if (bytes.size() < digest_at + sizeof(ZoneHeader::digest)) return {};
  return geo::table_digest(bytes, digest_at);
}

} // namespace anytick::core
