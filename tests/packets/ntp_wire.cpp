#include "tests/packets/ntp_wire.h"

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <openssl/evp.h>

namespace anytick::test {
namespace {

void append64(Bytes& bytes, uint64_t value) {
  append32(bytes, static_cast<uint32_t>(value >> 32));
  append32(bytes, static_cast<uint32_t>(value));
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("NTP: ") + what);
}

Bytes digest(const char* name, const Bytes& secret, const Bytes& message) {
  Bytes all = secret;
  append(all, message);
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  require(EVP_Digest(all.data(), all.size(), out.data(), &length, md, nullptr) == 1, name);
  EVP_MD_free(md);
  out.resize(length);
  return out;
}

Bytes cmac(const Bytes& secret, const Bytes& message) {
  Bytes out(16);
  size_t length = 0;
  const char* cipher = secret.size() == 16 ? "AES-128-CBC" : "AES-256-CBC";
  require(EVP_Q_mac(nullptr, "CMAC", nullptr, cipher, nullptr, secret.data(), secret.size(), message.data(),
                    message.size(), out.data(), out.size(), &length) != nullptr,
          "CMAC");
  return out;
}

const core::NtpKeyConfig* key_of(uint32_t id) {
  for (const core::NtpKeyConfig& key : ntp_keys_of_cases())
    if (key.id == id) return &key;
  return nullptr;
}

unsigned milliseconds(const Bytes& reply, size_t at) {
  const uint32_t units = static_cast<uint32_t>(get64(reply, at) >> 32);
  return static_cast<unsigned>(std::lround(units * 1000.0 / 65536));
}

void check_times(const Bytes& reply, bool interleaved) {
  const uint64_t reference = get64(reply, 16), receive = get64(reply, 32), transmit = get64(reply, 40);
  require(receive != 0 && transmit != 0, "a timestamp is zero");
  require(interleaved || static_cast<int64_t>(transmit - receive) > 0, "transmit is not after receive");
  require(reference == 0 || static_cast<int64_t>(transmit - reference) >= 0, "reference is after transmit");
}

} // namespace

Bytes NtpMessage::bytes() const {
  Bytes bytes{static_cast<uint8_t>(leap << 6 | version << 3 | mode), static_cast<uint8_t>(stratum),
              static_cast<uint8_t>(poll), static_cast<uint8_t>(precision)};
  bytes.resize(16);
  for (const uint64_t time : {reference, origin, receive, transmit}) append64(bytes, time);
  append(bytes, after);
  return bytes;
}

Bytes extension_field(unsigned type, size_t length, unsigned stated_length) {
  Bytes field;
  append16(field, type);
  append16(field, stated_length != 0 ? stated_length : static_cast<unsigned>(length));
  field.resize(length, 0xaa);
  return field;
}

Bytes ntp_mac(uint32_t id, const Bytes& message) {
  Bytes mac;
  append32(mac, id);
  const core::NtpKeyConfig* key = key_of(id);
  if (key == nullptr) {
    append(mac, digest("MD5", {1, 2, 3}, message));
  } else if (key->mac == core::NtpMac::cmac) {
    append(mac, cmac(key->secret, message));
  } else {
    append(mac, digest(key->mac == core::NtpMac::md5 ? "MD5" : "SHA1", key->secret, message));
  }
  return mac;
}

Bytes with_mac(uint32_t id, Bytes message) {
  append(message, ntp_mac(id, message));
  return message;
}

std::span<const core::NtpKeyConfig> ntp_keys_of_cases() {
  using core::NtpMac;
  static const core::NtpKeyConfig keys[] = {
      {1, NtpMac::md5, from_hex("6b6579206f6e65")},
      {2, NtpMac::sha1, from_hex("00112233445566778899aabbccddeeff01234567")},
      {3, NtpMac::cmac, from_hex("2b7e151628aed2a6abf7158809cf4f3c")},
      {4, NtpMac::cmac, from_hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")},
  };
  return keys;
}

uint64_t get64(const Bytes& bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | bytes.at(at + i);
  return value;
}

std::string render_ntp(const Bytes& request, const Bytes& reply) {
  require(reply.size() >= 48, "shorter than a header");
  require(reply.size() <= request.size(), "the reply is longer than the request");
  const uint64_t origin = get64(reply, 24);
  const bool interleaved = origin != get64(request, 40);
  require(!interleaved || origin == get64(request, 32), "origin is nothing that was sent");
  check_times(reply, interleaved);
  const auto precision = static_cast<int8_t>(reply[3]);
  require(precision <= -10 && precision >= -32, "precision");
  char text[160];
  std::snprintf(text, sizeof text,
                "v%u mode %u LI %u stratum %u poll %u | delay %u ms, dispersion %u ms, %08x | origin %016llx | ",
                reply[0] >> 3 & 7u, reply[0] & 7u, reply[0] >> 6u, reply[1], reply[2], milliseconds(reply, 4),
                milliseconds(reply, 8), static_cast<uint32_t>(get64(reply, 12) >> 32),
                static_cast<unsigned long long>(origin));
  if (reply.size() == 48) return std::string(text) + '-';
  const Bytes header(reply.begin(), reply.begin() + 48), mac(reply.begin() + 48, reply.end());
  const auto id = static_cast<uint32_t>(get64(mac, 0) >> 32);
  require(key_of(id) != nullptr && mac == ntp_mac(id, header), "the MAC is wrong");
  return std::string(text) + "key " + std::to_string(id);
}

std::string without_wait(std::string shown) {
  constexpr std::string_view key = ", dispersion ";
  const size_t at = shown.find(key), end = shown.find(" ms, ", at);
  if (at == std::string::npos || end == std::string::npos) return shown;
  const size_t number = at + key.size();
  if (std::stoul(shown.substr(number, end - number)) > 5) shown.replace(number, end - number, "5");
  return shown;
}

} // namespace anytick::test
