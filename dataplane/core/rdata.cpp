#include "dataplane/core/rdata.h"

#include "dataplane/core/names.h"

namespace anytick::core {
namespace {

bool skip(std::span<const uint8_t>& rest, size_t count) {
  if (rest.size() < count) return false;
  rest = rest.subspan(count);
  return true;
}

bool skip_name(std::span<const uint8_t>& rest) {
  FoldedName name;
  return read_name(rest, name) && skip(rest, name.length);
}

bool skip_character_strings(std::span<const uint8_t>& rest) {
  if (rest.empty()) return false;
  while (!rest.empty())
    if (!skip(rest, size_t{rest[0]} + 1)) return false;
  return true;
}

bool skip_caa(std::span<const uint8_t>& rest) {
  if (rest.size() < 2 || rest[1] == 0 || !skip(rest, size_t{rest[1]} + 2)) return false;
  rest = {};
  return true;
}

bool skip_rdata(uint16_t type, std::span<const uint8_t>& rest) {
  switch (type) {
  case dns::A:
    return skip(rest, 4);
  case dns::AAAA:
    return skip(rest, 16);
  case dns::NS:
  case dns::CNAME:
  case dns::PTR:
    return skip_name(rest);
  case dns::MX:
    return skip(rest, 2) && skip_name(rest);
  case dns::SRV:
    return skip(rest, 6) && skip_name(rest);
  case dns::SOA:
    return skip_name(rest) && skip_name(rest) && skip(rest, 20);
  case dns::TXT:
  case dns::SPF:
    return skip_character_strings(rest);
  case dns::CAA:
    return skip_caa(rest);
  default:
    return skip(rest, rest.size());
  }
}

} // namespace

bool rdata_is_well_formed(uint16_t type, std::span<const uint8_t> rdata) {
  return skip_rdata(type, rdata) && rdata.empty();
}

} // namespace anytick::core
