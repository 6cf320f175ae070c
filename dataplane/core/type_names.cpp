#include "dataplane/core/type_names.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "geo/text.h"

namespace anytick::core {
namespace {

struct TypeName {
  uint16_t type;
  std::string_view mnemonic;
};

constexpr std::array<TypeName, 51> type_names{{
    {1, "a"},           {2, "ns"},      {5, "cname"},  {6, "soa"},     {12, "ptr"},     {13, "hinfo"},
    {14, "minfo"},      {15, "mx"},     {16, "txt"},   {17, "rp"},     {18, "afsdb"},   {24, "sig"},
    {25, "key"},        {28, "aaaa"},   {29, "loc"},   {33, "srv"},    {35, "naptr"},   {36, "kx"},
    {37, "cert"},       {39, "dname"},  {41, "opt"},   {42, "apl"},    {43, "ds"},      {44, "sshfp"},
    {45, "ipseckey"},   {46, "rrsig"},  {47, "nsec"},  {48, "dnskey"}, {49, "dhcid"},   {50, "nsec3"},
    {51, "nsec3param"}, {52, "tlsa"},   {55, "hip"},   {59, "cds"},    {60, "cdnskey"}, {61, "openpgpkey"},
    {62, "csync"},      {63, "zonemd"}, {64, "svcb"},  {65, "https"},  {99, "spf"},     {108, "eui48"},
    {109, "eui64"},     {249, "tkey"},  {250, "tsig"}, {251, "ixfr"},  {252, "axfr"},   {253, "mailb"},
    {254, "maila"},     {255, "any"},   {257, "caa"},
}};

constexpr std::string_view numbered = "type";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_text(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

} // namespace

std::string_view type_mnemonic(uint16_t type) {
  const auto found = std::ranges::find(type_names, type, &TypeName::type);
  return found == type_names.end() ? std::string_view() : found->mnemonic;
}

std::optional<uint16_t> parse_qtype(std::string_view text) {
  for (const TypeName& each : type_names)
    if (same_text(text, each.mnemonic)) return each.type;
  if (!same_text(text.substr(0, numbered.size()), numbered)) return {};
  return geo::number_of<uint16_t>(text.substr(numbered.size()));
}

} // namespace anytick::core
