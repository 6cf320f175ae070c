#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "geo/prefix.h"

/// DNS server cookies (RFC 7873), interoperable between all POPs of an address (RFC 9018).
namespace anytick::core {

inline constexpr size_t client_cookie_bytes = 8;
inline constexpr size_t server_cookie_bytes = 16; ///< ours; others' may have 8 to 32

using CookieKey = std::array<uint8_t, 16>;
using ServerCookie = std::array<uint8_t, server_cookie_bytes>;

/// The secrets, shared by all POPs of an address. The first makes cookies, all of them are good in what clients bring.
struct CookieKeys {
  static constexpr size_t max = 4;
  std::array<CookieKey, max> keys{};
  uint32_t count = 0; ///< 0: no cookies are given
};

/// The COOKIE option of a query.
struct Cookie {
  bool present = false;
  uint8_t server_length = 0; ///< bytes, as sent; only one of server_cookie_bytes can be ours
  std::array<uint8_t, client_cookie_bytes> client{};
  ServerCookie server{};
};

enum class CookieState : uint8_t { none, client_only, bad, good };

/// Seconds for which a server cookie is good, at most ahead of us, and until it is replaced (RFC 9018 4.3).
inline constexpr int32_t cookie_age_max = 3600;
inline constexpr int32_t cookie_ahead_max = 300;
inline constexpr int32_t cookie_renew_age = 1800;

/// SipHash-2-4 of `bytes`, as the bytes of the reference implementation's output.
std::array<uint8_t, 8> siphash24(const CookieKey& key, std::span<const uint8_t> bytes);

/// A server cookie for a client at `source` (RFC 9018 4). `now`: seconds since 1970 modulo 2^32.
ServerCookie make_server_cookie(const CookieKey& key, std::span<const uint8_t, client_cookie_bytes> client,
                                uint32_t now, const geo::Address& source);

/// What a query's cookie is worth, and in `reply` the server cookie to answer with: the one that was sent while it is
/// young, else a fresh one. Precondition: the cookie is present, keys.count > 0.
CookieState check_cookie(const CookieKeys& keys, const Cookie& cookie, uint32_t now, const geo::Address& source,
                         ServerCookie& reply);

} // namespace anytick::core
