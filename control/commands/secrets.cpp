#include "control/commands/secrets.h"

#include <array>
#include <optional>

#include <fmt/format.h>
#include <openssl/rand.h>
#include <toml++/toml.h>

#include "control/command.h"
#include "control/text.h"

namespace anytick::control {
namespace {

namespace v1 = pop::v1;

constexpr size_t key_bytes = 16;

std::string random_key() {
  std::array<unsigned char, key_bytes> key;
  if (RAND_bytes(key.data(), key.size()) != 1) throw CommandFailure(exit_refused, "no randomness for a secret");
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::optional<int> hex_digit(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const size_t at = digits.find(c);
  return at == digits.npos ? std::nullopt : std::optional(static_cast<int>(at));
}

std::optional<std::string> key_of(std::string_view hex) {
  if (hex.size() != 2 * key_bytes) return {};
  std::string key;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const auto high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (!high || !low) return {};
    key += static_cast<char>(*high << 4 | *low);
  }
  return key;
}

v1::SecretState state_of(std::string_view text) {
  if (text == "active") return v1::SECRET_STATE_ACTIVE;
  if (text == "accept-only") return v1::SECRET_STATE_ACCEPT_ONLY;
  return v1::SECRET_STATE_UNSPECIFIED;
}

std::string_view state_text(v1::SecretState state) {
  return state == v1::SECRET_STATE_ACTIVE ? "active" : "accept-only";
}

v1::CookieSecret new_secret(v1::SecretState state) {
  v1::CookieSecret secret;
  secret.set_key(random_key());
  secret.set_state(state);
  return secret;
}

std::string position(const toml::source_region& source) {
  return fmt::format("line {}, column {}", source.begin.line, source.begin.column);
}

std::optional<Refusal> read_cookie(const toml::table& table, const std::string& file, v1::CookieSecret& secret) {
  for (const auto& [key, node] : table)
    if (key.str() != "key" && key.str() != "state")
      return Refusal{file, position(key.source()), fmt::format("{}: unknown key", key.str())};
  const auto key = key_of(table["key"].value_or(std::string_view()));
  if (!key) return Refusal{file, position(table.source()), "key: must be 32 hexadecimal digits"};
  secret.set_key(*key);
  secret.set_state(state_of(table["state"].value_or(std::string_view())));
  if (secret.state() == v1::SECRET_STATE_UNSPECIFIED)
    return Refusal{file, position(table.source()), R"(state: must be "active" or "accept-only")"};
  return {};
}

std::optional<Refusal> misfit(const v1::Secrets& secrets, const std::string& file) {
  int active = 0;
  for (int i = 0; i < secrets.cookies_size(); ++i) {
    active += secrets.cookies(i).state() == v1::SECRET_STATE_ACTIVE ? 1 : 0;
    for (int before = 0; before < i; ++before)
      if (secrets.cookies(i).key() == secrets.cookies(before).key())
        return Refusal{file, fmt::format("cookie {}", i), "the same key as cookie " + std::to_string(before)};
  }
  if (active != 1) return Refusal{file, "", fmt::format("{} secrets are active, one must be", active)};
  if (secrets.cookies_size() > 4) return Refusal{file, "", "more than 4 secrets"};
  return {};
}

} // namespace

Result<v1::Secrets> parse_secrets(std::string_view text, const std::string& file) {
  v1::Secrets secrets;
  try {
    const toml::table root = toml::parse(text, file);
    for (const auto& [key, node] : root)
      if (key.str() != "cookie")
        return Refusal{file, position(key.source()), fmt::format("{}: unknown key", key.str())};
    const toml::array* cookies = root["cookie"].as_array();
    if (cookies == nullptr) return Refusal{file, "", "has no [[cookie]]"};
    for (const toml::node& each : *cookies) {
      const toml::table* table = each.as_table();
      if (table == nullptr) return Refusal{file, position(each.source()), "cookie: must be written as [[cookie]]"};
      if (auto refusal = read_cookie(*table, file, *secrets.add_cookies())) return *std::move(refusal);
    }
  } catch (const toml::parse_error& error) {
    return Refusal{file, position(error.source()), std::string(error.description())};
  }
  if (auto refusal = misfit(secrets, file)) return *std::move(refusal);
  return secrets;
}

std::string secrets_text(const v1::Secrets& secrets) {
  std::string text =
      "# DNS cookie secrets, newest first: the same at all POPs of an address, and nobody else's to know.\n";
  for (const v1::CookieSecret& each : secrets.cookies())
    text += fmt::format("\n[[cookie]]\nkey = \"{}\"\nstate = \"{}\"\n", hex_text(each.key()), state_text(each.state()));
  return text;
}

v1::Secrets read_secrets_file(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  auto secrets = parse_secrets(as_text(bytes), path);
  if (!secrets) throw CommandFailure(exit_refused, secrets.refusal().text());
  return *std::move(secrets);
}

v1::Secrets generate_secrets() {
  v1::Secrets secrets;
  *secrets.add_cookies() = new_secret(v1::SECRET_STATE_ACTIVE);
  return secrets;
}

std::string rotate_secrets(v1::Secrets& secrets) {
  if (secrets.cookies_size() == 1) {
    v1::Secrets next;
    *next.add_cookies() = new_secret(v1::SECRET_STATE_ACCEPT_ONLY);
    *next.add_cookies() = secrets.cookies(0);
    secrets = next;
    return "a new secret is accepted only; when all POPs have it, rotate again to use it";
  }
  if (secrets.cookies(1).state() == v1::SECRET_STATE_ACTIVE) {
    secrets.mutable_cookies(0)->set_state(v1::SECRET_STATE_ACTIVE);
    secrets.mutable_cookies(1)->set_state(v1::SECRET_STATE_ACCEPT_ONLY);
    return "the new secret is active; an hour after all POPs have it, rotate again to drop the old one";
  }
  secrets.mutable_cookies()->RemoveLast();
  return "the old secret is dropped";
}

} // namespace anytick::control
