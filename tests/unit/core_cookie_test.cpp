#include "dataplane/core/cookie.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/packets/wire.h"

namespace anytick::core {
namespace {

using test::from_hex;
using test::to_hex;

CookieKey key_of(const char* hex) {
  CookieKey key;
  std::ranges::copy(from_hex(hex), key.begin());
  return key;
}

Cookie cookie_of(const char* client, const char* server = "") {
  Cookie cookie{.present = true};
  std::ranges::copy(from_hex(client), cookie.client.begin());
  const auto bytes = from_hex(server);
  cookie.server_length = static_cast<uint8_t>(bytes.size());
  std::ranges::copy(bytes, cookie.server.begin());
  return cookie;
}

std::string hex(const ServerCookie& cookie) {
  return to_hex({cookie.begin(), cookie.end()});
}

// SipHash's own test vectors: key 00..0f, messages 00, 00 01, ... of each length.
TEST(SipHash, ReferenceVectors) {
  const CookieKey key = key_of("000102030405060708090a0b0c0d0e0f");
  std::vector<uint8_t> message;
  const char* const expected[] = {"310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d",
                                  "2d7efbd796666785", "b7877127e09427cf", "8da699cd64557618",
                                  "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593"};
  for (const char* each : expected) {
    const auto hash = siphash24(key, message);
    EXPECT_EQ(to_hex({hash.begin(), hash.end()}), each) << message.size();
    message.push_back(static_cast<uint8_t>(message.size()));
  }
}

// RFC 9018 appendix A: servers of three makers agree on these.
TEST(ServerCookie, Rfc9018Vectors) {
  const CookieKeys keys{{key_of("e5e973e5a6b2a43f48e7dc849e37bfcf")}, 1};
  const geo::Address client = *geo::parse_address("198.51.100.100");
  ServerCookie reply;
  EXPECT_EQ(check_cookie(keys, cookie_of("2464c4abcf10c957"), 1559731985, client, reply), CookieState::client_only);
  EXPECT_EQ(hex(reply), "010000005cf79f111f8130c3eee29480");

  // A.2: renewed after 30 minutes.
  EXPECT_EQ(
      check_cookie(keys, cookie_of("2464c4abcf10c957", "010000005cf79f111f8130c3eee29480"), 1559734385, client, reply),
      CookieState::good);
  EXPECT_EQ(hex(reply), "010000005cf7a871d4a564a1442aca77");

  // A.4: an IPv6 client while secrets rotate; the old one is still accepted.
  const CookieKeys rotating{{key_of("445536bcd2513298075a5d379663c962"), key_of("dd3bdf9344b678b185a6f5cb60fca715")},
                            2};
  EXPECT_EQ(check_cookie(rotating, cookie_of("22681ab97d52c298", "010000005cf7c57926556bd0934c72f8"), 1559741961,
                         *geo::parse_address("2001:db8:220:1:59de:d0f4:8769:82b8"), reply),
            CookieState::good);
  EXPECT_EQ(hex(reply), "010000005cf7c609a6bb79d16625507a");
}

TEST(ServerCookie, TimeWraps) {
  const CookieKeys keys{{key_of("e5e973e5a6b2a43f48e7dc849e37bfcf")}, 1};
  const geo::Address client = *geo::parse_address("198.51.100.100");
  Cookie cookie = cookie_of("2464c4abcf10c957");
  cookie.server = make_server_cookie(keys.keys[0], cookie.client, 0xffffff00, client);
  cookie.server_length = server_cookie_bytes;
  ServerCookie reply;
  EXPECT_EQ(check_cookie(keys, cookie, 100, client, reply), CookieState::good) << "356 s later, in another era";
  EXPECT_EQ(reply, cookie.server);
}

} // namespace
} // namespace anytick::core
