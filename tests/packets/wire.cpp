#include "tests/packets/wire.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace anytick::test {
namespace {

bool is_ipv6(std::string_view address) {
  return address.find(':') != address.npos;
}

Bytes address_bytes(const std::string& text) {
  Bytes bytes(is_ipv6(text) ? 16 : 4);
  if (inet_pton(is_ipv6(text) ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) != 1)
    throw std::invalid_argument("no address: " + text);
  return bytes;
}

void set16(Bytes& bytes, size_t at, unsigned value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
}

uint16_t checksum(const Bytes& bytes) {
  return static_cast<uint16_t>(~internet_sum(bytes));
}

Bytes udp_datagram(const Packet& packet) {
  Bytes udp;
  const auto length = static_cast<unsigned>(8 + packet.payload.size());
  append16(udp, packet.from_port);
  append16(udp, packet.to_port);
  append16(udp, length + static_cast<unsigned>(packet.udp_length_change));
  append16(udp, 0);
  append(udp, packet.payload);
  if (packet.no_udp_checksum) return udp;
  Bytes summed = address_bytes(packet.from);
  append(summed, address_bytes(packet.to));
  append16(summed, 17);
  append16(summed, length + static_cast<unsigned>(packet.udp_length_change));
  append(summed, udp);
  unsigned sum = checksum(summed);
  if (sum == 0) sum = 0xffff;
  if (packet.bad_udp_checksum) sum ^= 0x0101;
  set16(udp, 6, sum);
  return udp;
}

Bytes ipv4_header(const Packet& packet, size_t payload) {
  Bytes ip;
  const size_t header = 20 + packet.ip_options.size();
  const unsigned version = packet.version != 0 ? packet.version : 4;
  ip.push_back(static_cast<uint8_t>(version << 4 | header / 4));
  ip.push_back(static_cast<uint8_t>(packet.tos));
  append16(ip, static_cast<unsigned>(static_cast<int>(header + payload) + packet.ip_length_change));
  append16(ip, packet.ip_id);
  append16(ip, packet.fragment);
  ip.push_back(static_cast<uint8_t>(packet.ttl));
  ip.push_back(static_cast<uint8_t>(packet.protocol));
  append16(ip, 0);
  append(ip, address_bytes(packet.from));
  append(ip, address_bytes(packet.to));
  append(ip, packet.ip_options);
  set16(ip, 10, checksum(ip) ^ (packet.bad_ip_checksum ? 0x0101 : 0));
  return ip;
}

Bytes ipv6_header(const Packet& packet, size_t payload) {
  Bytes ip;
  const unsigned version = packet.version != 0 ? packet.version : 6;
  append32(ip, version << 28 | packet.tos << 20 | 0x12345);
  append16(ip, static_cast<unsigned>(static_cast<int>(payload) + packet.ip_length_change));
  ip.push_back(static_cast<uint8_t>(packet.protocol));
  ip.push_back(static_cast<uint8_t>(packet.ttl));
  append(ip, address_bytes(packet.from));
  append(ip, address_bytes(packet.to));
  return ip;
}

} // namespace

void append16(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void append32(Bytes& bytes, uint32_t value) {
  append16(bytes, value >> 16);
  append16(bytes, value & 0xffff);
}

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ' ' && c != '\n') digits.push_back(c);
  Bytes bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::strtoul(digits.substr(i, 2).c_str(), nullptr, 16)));
  return bytes;
}

std::string to_hex(const Bytes& bytes) {
  std::string text;
  char pair[4];
  for (const uint8_t byte : bytes) {
    std::snprintf(pair, sizeof pair, "%02x", byte);
    text += pair;
  }
  return text;
}

Bytes wire_name(std::string_view name) {
  Bytes wire;
  while (!name.empty() && name != ".") {
    const size_t dot = std::min(name.find('.'), name.size());
    wire.push_back(static_cast<uint8_t>(dot));
    wire.insert(wire.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  wire.push_back(0);
  return wire;
}

Option subnet(std::string_view prefix, uint8_t scope) {
  const size_t slash = prefix.find('/');
  const std::string address(prefix.substr(0, slash));
  const auto length = static_cast<uint8_t>(std::atoi(std::string(prefix.substr(slash + 1)).c_str()));
  Bytes bytes = address_bytes(address);
  bytes.resize((length + 7u) / 8);
  if (length % 8 != 0) bytes.back() &= static_cast<uint8_t>(0xff00 >> length % 8);
  Option option{8, {}};
  append16(option.data, is_ipv6(address) ? 2 : 1);
  option.data.push_back(length);
  option.data.push_back(scope);
  append(option.data, bytes);
  return option;
}

Bytes Message::bytes() const {
  Bytes message;
  append16(message, id);
  append16(message, flags);
  const std::vector<unsigned> right{1, 0, 0, edns ? 1u : 0u};
  for (const unsigned count : counts.empty() ? right : counts) append16(message, count);
  if (question.empty()) {
    append(message, wire_name(name));
    append16(message, type);
    append16(message, klass);
  } else {
    append(message, question);
  }
  append(message, before_opt);
  if (edns) {
    Bytes rdata;
    for (const Option& option : options) {
      append16(rdata, option.code);
      append16(rdata, static_cast<unsigned>(option.data.size()));
      append(rdata, option.data);
    }
    message.push_back(0);
    append16(message, 41);
    append16(message, udp_size);
    append32(message, edns_version << 16 | edns_flags);
    append16(message, static_cast<unsigned>(rdata.size()));
    append(message, rdata);
  }
  append(message, after);
  return message;
}

Bytes Packet::bytes() const {
  const bool v6 = is_ipv6(to);
  Bytes frame = from_hex(to_mac + from_mac);
  for (const uint32_t tag : tags) append32(frame, tag);
  append16(frame, ethertype != 0 ? ethertype : v6 ? 0x86dd : 0x0800);
  const Bytes udp = udp_datagram(*this);
  append(frame, v6 ? ipv6_header(*this, udp.size()) : ipv4_header(*this, udp.size()));
  append(frame, udp);
  append(frame, padding);
  frame.resize(std::min(frame.size(), cut));
  return frame;
}

uint16_t internet_sum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

} // namespace anytick::test
