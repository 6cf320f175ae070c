#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

/// Loads and stores at any alignment. The wire is big-endian, we run on little-endian machines only.
namespace anytick::core {

static_assert(std::endian::native == std::endian::little);

__extension__ using uint128 = unsigned __int128;

template <class T> inline T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T> inline void store(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

constexpr uint16_t big16(uint16_t value) {
  return __builtin_bswap16(value);
}
constexpr uint32_t big32(uint32_t value) {
  return __builtin_bswap32(value);
}
constexpr uint64_t big64(uint64_t value) {
  return __builtin_bswap64(value);
}

inline uint16_t load_big16(const void* from) {
  return big16(load<uint16_t>(from));
}
inline uint32_t load_big32(const void* from) {
  return big32(load<uint32_t>(from));
}
inline uint64_t load_big64(const void* from) {
  return big64(load<uint64_t>(from));
}
inline void store_big16(void* to, uint16_t value) {
  store(to, big16(value));
}
inline void store_big32(void* to, uint32_t value) {
  store(to, big32(value));
}

} // namespace anytick::core
