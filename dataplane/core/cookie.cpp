#include "dataplane/core/cookie.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

constexpr uint8_t version = 1;

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void add(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

/// Where the time stands in a server cookie, and where the hash.
constexpr size_t time_at = 4;
constexpr size_t hash_at = 8;

/// The hash is over the client cookie, all of the server cookie before it, and the client's address.
std::array<uint8_t, 8> hash_of(const CookieKey& key, std::span<const uint8_t, client_cookie_bytes> client,
                               const ServerCookie& server, const geo::Address& source) {
  std::array<uint8_t, client_cookie_bytes + hash_at + 16> input;
  auto at = std::copy(client.begin(), client.end(), input.begin());
  at = std::copy_n(server.begin(), hash_at, at);
  const size_t address_bytes = source.width() / 8;
  std::copy_n(source.bytes.begin(), address_bytes, at);
  return siphash24(key, std::span(input).first(client_cookie_bytes + hash_at + address_bytes));
}

/// All bytes are compared whatever they are: the time taken tells nothing of the hash.
bool equal(const uint8_t* left, const uint8_t* right) {
  return (load<uint64_t>(left) ^ load<uint64_t>(right)) == 0;
}

} // namespace

std::array<uint8_t, 8> siphash24(const CookieKey& key, std::span<const uint8_t> bytes) {
  const uint64_t k0 = load<uint64_t>(key.data());
  const uint64_t k1 = load<uint64_t>(key.data() + 8);
  SipState state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) state.add(load<uint64_t>(bytes.data() + at));
  uint64_t last = uint64_t{bytes.size()} << 56;
  for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) last |= uint64_t{bytes[at]} << shift;
  state.add(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  std::array<uint8_t, 8> hash;
  store(hash.data(), state.v0 ^ state.v1 ^ state.v2 ^ state.v3);
  return hash;
}

ServerCookie make_server_cookie(const CookieKey& key, std::span<const uint8_t, client_cookie_bytes> client,
                                uint32_t now, const geo::Address& source) {
  ServerCookie cookie{version};
  store_big32(&cookie[time_at], now);
  const auto hash = hash_of(key, client, cookie, source);
  std::copy(hash.begin(), hash.end(), cookie.begin() + hash_at);
  return cookie;
}

CookieState check_cookie(const CookieKeys& keys, const Cookie& cookie, uint32_t now, const geo::Address& source,
                         ServerCookie& reply) {
  CookieState state = cookie.server_length == 0 ? CookieState::client_only : CookieState::bad;
  // Serial arithmetic: the time in a cookie wraps in 2106.
  const auto age = static_cast<int32_t>(now - load_big32(&cookie.server[time_at]));
  const bool timely = age <= cookie_age_max && age >= -cookie_ahead_max;
  if (cookie.server_length == server_cookie_bytes && cookie.server[0] == version && timely) {
    for (uint32_t i = 0; i < keys.count; ++i) {
      const auto hash = hash_of(keys.keys[i], cookie.client, cookie.server, source);
      if (!equal(hash.data(), &cookie.server[hash_at])) continue;
      state = CookieState::good;
      if (i > 0 || age > cookie_renew_age) break;
      reply = cookie.server;
      return state;
    }
  }
  reply = make_server_cookie(keys.keys[0], cookie.client, now, source);
  return state;
}

} // namespace anytick::core
