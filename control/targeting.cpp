#include "control/targeting.h"

#include <algorithm>

#include "dataplane/core/zone_image.h"
#include "geo/location.h"
#include "geo/prefix.h"
#include "geo/region_groups.h"

namespace anytick::control {
namespace {

struct Word {
  std::string_view text;
  uint32_t flag;
};

constexpr Word words[]{
    {"@", 0},
    {"continent", core::target_continent},
    {"country", core::target_country},
    {"regiongroup", core::target_region_group},
    {"region", core::target_region},
    {"asn", core::target_asn},
    {"ip", core::target_ip},
};

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter_or_digit(char c) {
  return is_letter(c) || is_digit(c);
}

bool is_country(std::string_view label) {
  return label.size() == 2 && is_letter(label[0]) && is_letter(label[1]);
}

/// ISO 3166-2. Longer words behind the hyphen are names as good as any: "my-server", "no-such-thing".
bool is_region(std::string_view label) {
  return label.size() > 3 && label.size() <= 6 && is_country(label.substr(0, 2)) && label[2] == '-' &&
         std::all_of(label.begin() + 3, label.end(), is_letter_or_digit);
}

bool is_asn(std::string_view label) {
  return label.size() > 2 && label.starts_with("as") && label[2] != '0' &&
         std::all_of(label.begin() + 2, label.end(), is_digit);
}

} // namespace

uint32_t parse_targeting(std::string_view text, const std::string& where, Findings& findings) {
  constexpr std::string_view space = " \t\r\n";
  uint32_t flags = 0;
  bool everybody = false;
  for (size_t at = text.find_first_not_of(space); at != text.npos; at = text.find_first_not_of(space, at)) {
    const size_t end = std::min(text.find_first_of(space, at), text.size());
    const std::string_view name = text.substr(at, end - at);
    const auto word = std::find_if(std::begin(words), std::end(words), [&](const Word& w) { return w.text == name; });
    if (word == std::end(words))
      findings.fault(where, "unknown target \"" + std::string(name) + "\"");
    else if (word->flag == 0)
      everybody = true;
    else
      flags |= word->flag;
    at = end;
  }
  if (!everybody) findings.warn(where, "\"@\" is not in it, but is always tried last");
  return flags;
}

std::string targeting_text(uint32_t targeting) {
  std::string text = "@";
  for (const Word& word : words)
    if ((targeting & word.flag) != 0) text.append(" ").append(word.text);
  return text;
}

bool is_target(std::string_view label, uint32_t targeting) {
  if (geo::continent_by_name(label)) return (targeting & core::target_continent) != 0;
  if (is_country(label)) return (targeting & core::target_country) != 0;
  if (geo::is_region_group(label) && (targeting & core::target_region_group) != 0) return true;
  if (is_region(label)) return (targeting & core::target_region) != 0;
  if (is_asn(label)) return (targeting & core::target_asn) != 0;
  return false;
}

std::optional<std::string> address_target(std::string_view label) {
  if (label.size() < 2 || label.front() != '[' || label.back() != ']') return {};
  const auto address = geo::parse_address(label.substr(1, label.size() - 2));
  if (!address) return {};
  // GeoDNS also tries the base of the client's /24 or /48: an address that is one stands for all of it.
  const bool ipv4 = address->family == geo::Family::ipv4;
  const unsigned base = ipv4 ? 24 : 48;
  const bool is_base = geo::prefix_of(*address, base).address == *address;
  return geo::to_text(geo::prefix_of(*address, is_base ? base : address->width()));
}

SplitLabel split_label(std::string_view name, uint32_t targeting) {
  // Addresses have dots of their own.
  const bool in_brackets = (targeting & core::target_ip) != 0 && !name.empty() && name.back() == ']';
  const size_t start = in_brackets ? name.rfind('[') : name.rfind('.') + 1; // npos + 1 is 0
  if (start == name.npos || (start > 0 && name[start - 1] != '.')) return {};
  const std::string_view last = name.substr(start);
  SplitLabel split{std::string(name.substr(0, start == 0 ? 0 : start - 1)), {}};
  if (in_brackets) {
    split.target = address_target(last).value_or("");
  } else if (is_target(last, targeting)) {
    split.target = last;
  }
  return split;
}

Variants::Variants(const Zone& zone) {
  for (const ZoneLabel& label : zone.labels) {
    const SplitLabel split = split_label(label.name, zone.targeting);
    if (!split.target.empty()) by_name_[split.name].push_back({split.target, &label});
    // "0.[192.0.2.1]" is nothing that anybody asks for by name.
    if (!label.name.ends_with(']')) by_name_[label.name].push_back({"@", &label});
  }
  for (auto& [name, variants] : by_name_)
    std::sort(variants.begin(), variants.end(), [](const Variant& a, const Variant& b) { return a.target < b.target; });
}

const std::vector<Variant>* Variants::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

} // namespace anytick::control
