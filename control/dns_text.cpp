#include "control/dns_text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/core/dns.h"
#include "dataplane/core/names.h"
#include "dataplane/core/type_names.h"
#include "geo/prefix.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

Refusal because(std::string reason) {
  return {"", "", std::move(reason)};
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && std::strchr("-_/:*+", c) != nullptr);
}

uint64_t take_big(std::string_view& bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(count);
  return value;
}

std::string_view take_name(std::string_view& bytes) {
  size_t size = 1;
  while (bytes[size - 1] != 0) size += static_cast<unsigned char>(bytes[size - 1]) + 1u;
  const std::string_view name = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return name;
}

std::string escaped(std::string_view bytes, std::string_view special) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      text += fmt::format("\\{:03}", byte);
    else if (special.find(c) != special.npos)
      text += {'\\', c};
    else
      text += c;
  }
  return text;
}

std::string quoted(std::string_view bytes) {
  return '"' + escaped(bytes, "\"\\") + '"';
}

std::string strings_text(std::string_view rdata) {
  std::string text;
  while (!rdata.empty()) {
    const size_t size = take_big(rdata, 1);
    if (!text.empty()) text += ' ';
    text += quoted(rdata.substr(0, size));
    rdata.remove_prefix(size);
  }
  return text;
}

std::string address_text(geo::Family family, std::string_view rdata) {
  geo::Address address{.family = family};
  std::memcpy(address.bytes.data(), rdata.data(), rdata.size());
  return geo::to_text(address);
}

std::string soa_text(std::string_view rdata) {
  std::string text = name_text(take_name(rdata));
  text += ' ' + name_text(take_name(rdata));
  while (!rdata.empty()) text += ' ' + std::to_string(take_big(rdata, 4));
  return text;
}

std::string srv_text(std::string_view rdata) {
  std::string text;
  for (int i = 0; i < 3; ++i) text += std::to_string(take_big(rdata, 2)) + ' ';
  return text + name_text(rdata);
}

std::string mx_text(std::string_view rdata) {
  const uint64_t preference = take_big(rdata, 2);
  return std::to_string(preference) + ' ' + name_text(rdata);
}

std::string caa_text(std::string_view rdata) {
  const uint64_t flags = take_big(rdata, 1);
  const size_t size = take_big(rdata, 1);
  return std::to_string(flags) + ' ' + escaped(rdata.substr(0, size), " \\") + ' ' + quoted(rdata.substr(size));
}

std::string unknown_text(std::string_view rdata) {
  std::string text = fmt::format("\\# {}", rdata.size());
  if (!rdata.empty()) text += ' ';
  for (const char c : rdata) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

} // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

Result<std::string> parse_name(std::string_view text, std::string_view origin) {
  if (text == ".") return std::string(root_name);
  const bool absolute = text.ends_with('.');
  std::string lower = lower_case(absolute ? text.substr(0, text.size() - 1) : text);
  std::string wire;
  std::string_view rest = lower;
  while (true) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty()) return because("empty label");
    if (label.size() > dns::label_max) return because("a label of more than 63 bytes");
    const auto bad = std::find_if_not(label.begin(), label.end(), is_name_character);
    if (bad != label.end())
      return because(static_cast<unsigned char>(*bad) < 0x80 ? fmt::format("'{}' is not served in names", *bad)
                                                             : "not ASCII: names are written in their xn-- form");
    wire += static_cast<char>(label.size());
    wire += label;
    if (label.size() == rest.size()) break;
    rest.remove_prefix(label.size() + 1);
  }
  wire += absolute ? root_name : origin;
  if (wire.size() > dns::name_max) return because("a name of more than 255 bytes");
  return wire;
}

std::string name_text(std::string_view wire) {
  if (wire == root_name) return ".";
  std::array<char, core::name_text_max> text;
  const size_t length =
      core::write_name_text({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()}, text.data());
  return std::string(text.data(), length) + '.';
}

std::optional<std::string> relative_text(std::string_view wire, std::string_view origin) {
  std::string text;
  while (wire != origin) {
    const size_t size = take_big(wire, 1);
    if (size == 0) return {};
    if (!text.empty()) text += '.';
    text += wire.substr(0, size);
    wire.remove_prefix(size);
  }
  return text;
}

std::string type_text(uint16_t type) {
  const std::string_view mnemonic = core::type_mnemonic(type);
  return mnemonic.empty() ? "type" + std::to_string(type) : std::string(mnemonic);
}

std::string rdata_text(uint16_t type, std::string_view rdata) {
  switch (type) {
  case dns::A:
    return address_text(geo::Family::ipv4, rdata);
  case dns::AAAA:
    return address_text(geo::Family::ipv6, rdata);
  case dns::NS:
  case dns::CNAME:
  case dns::PTR:
    return name_text(rdata);
  case dns::SOA:
    return soa_text(rdata);
  case dns::MX:
    return mx_text(rdata);
  case dns::SRV:
    return srv_text(rdata);
  case dns::TXT:
  case dns::SPF:
    return strings_text(rdata);
  case dns::CAA:
    return caa_text(rdata);
  default:
    return unknown_text(rdata);
  }
}

std::string_view kind_text(core::AnswerKind kind) {
  static constexpr std::array<std::string_view, 4> names{"all", "draw", "signed-subsets", "location"};
  return names[static_cast<size_t>(kind)];
}

} // namespace anytick::control
