#include "dataplane/io/secrets.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/random.h>

namespace anytick::io {
namespace {

Refusal refuse(std::string where, std::string reason) {
  return {"secrets", std::move(where), std::move(reason)};
}

} // namespace

Result<core::CookieKeys> read_secrets(const pop::v1::Secrets& message) {
  core::CookieKeys keys;
  int active = 0;
  for (int i = 0; i < message.cookies_size(); ++i) {
    const pop::v1::CookieSecret& from = message.cookies(i);
    const std::string where = fmt::format("cookie secret {}", i);
    core::CookieKey key;
    if (from.key().size() != key.size()) return refuse(where, fmt::format("is not {} bytes", key.size()));
    std::ranges::copy(from.key(), key.begin());
    if (from.state() == pop::v1::SECRET_STATE_RETIRED) continue;
    if (from.state() != pop::v1::SECRET_STATE_ACTIVE && from.state() != pop::v1::SECRET_STATE_ACCEPT_ONLY)
      return refuse(where, "has no state");
    const auto known = std::span(keys.keys).first(keys.count);
    if (std::ranges::find(known, key) != known.end()) return refuse(where, "stands twice");
    if (keys.count == core::CookieKeys::max)
      return refuse(where, fmt::format("is one too many: {} are kept", core::CookieKeys::max));
    keys.keys[keys.count++] = key;
    if (from.state() != pop::v1::SECRET_STATE_ACTIVE) continue;
    ++active;
    std::swap(keys.keys[0], keys.keys[keys.count - 1]);
  }
  if (active != 1) return refuse("", fmt::format("{} cookie secrets are active, one must be", active));
  return keys;
}

pop::v1::Secrets write_secrets(const core::CookieKeys& keys) {
  pop::v1::Secrets message;
  for (uint32_t i = 0; i < keys.count; ++i) {
    pop::v1::CookieSecret& to = *message.add_cookies();
    to.set_key(keys.keys[i].data(), keys.keys[i].size());
    to.set_state(i == 0 ? pop::v1::SECRET_STATE_ACTIVE : pop::v1::SECRET_STATE_ACCEPT_ONLY);
  }
  return message;
}

core::CookieKeys random_secrets() {
  core::CookieKeys keys;
  keys.count = 1;
  const auto size = static_cast<ssize_t>(keys.keys[0].size());
  if (::getrandom(keys.keys[0].data(), keys.keys[0].size(), 0) != size)
    throw std::system_error(errno, std::generic_category(), "getrandom");
  return keys;
}

std::array<uint8_t, 4> fingerprint(const core::CookieKey& key) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(key.data(), key.size(), digest.data());
  return {digest[0], digest[1], digest[2], digest[3]};
}

} // namespace anytick::io
