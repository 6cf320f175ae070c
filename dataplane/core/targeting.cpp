#include "dataplane/core/targeting.h"

#include <algorithm>

#include "dataplane/core/join.h"
#include "geo/region_groups.h"

namespace anytick::core {

namespace {

TargetKinds kind_of_text(std::string_view text) {
  geo::Level level;
  if (TargetIndex::level_of(text, level)) return kind_of(level);
  return geo::parse_prefix(text) ? kind_address : TargetKinds{0};
}

} // namespace

TargetKinds kinds_tried(uint32_t targeting) {
  TargetKinds kinds = 0;
  if ((targeting & target_asn) != 0) kinds |= kind_of(geo::Level::asn);
  if ((targeting & (target_region | target_region_group)) != 0) kinds |= kind_of(geo::Level::region);
  if ((targeting & target_country) != 0) kinds |= kind_of(geo::Level::country);
  if ((targeting & target_continent) != 0) kinds |= kind_of(geo::Level::continent);
  if ((targeting & target_ip) != 0) kinds |= kind_address;
  return kinds;
}

TargetIndex::TargetIndex(const ZoneImage& image) {
  for (const ImageTarget& target : image.targets()) {
    const std::string_view text = image.text_of(target.text);
    by_text_.emplace(text, static_cast<uint32_t>(kinds_.size()));
    kinds_.push_back(kind_of_text(text));
  }
}

uint32_t TargetIndex::find(std::string_view text) const {
  const auto found = by_text_.find(text);
  return found == by_text_.end() ? no_target : found->second;
}

TargetList TargetIndex::signature(const geo::Location& location, uint32_t targeting) const {
  TargetList targets;
  const auto try_target = [&](Targeting flag, std::string_view text) {
    if ((targeting & flag) == 0 || text.empty()) return;
    if (const uint32_t target = find(text); target != no_target) targets.push_back(target);
  };
  if (location.asn != 0) try_target(target_asn, "as" + std::to_string(location.asn));
  try_target(target_region, location.region_text());
  try_target(target_region_group, geo::region_group(location));
  try_target(target_country, location.country_text());
  try_target(target_continent, geo::continent_name(location.continent));
  if (const uint32_t everybody = find("@"); everybody != no_target) targets.push_back(everybody);
  return targets;
}

bool TargetIndex::level_of(std::string_view text, geo::Level& level) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (geo::continent_by_name(text)) {
    level = geo::Level::continent;
  } else if (text.size() == 2 && is_letter(text[0]) && is_letter(text[1])) {
    level = geo::Level::country;
  } else if (text.size() > 2 && text.starts_with("as") && std::all_of(text.begin() + 2, text.end(), is_digit)) {
    level = geo::Level::asn;
  } else if (text.size() > 3 && is_letter(text[0]) && is_letter(text[1]) && text[2] == '-') {
    level = geo::Level::region;
  } else {
    return false;
  }
  return true;
}

void Evaluator::start(std::span<const uint32_t> signature) {
  signature_ = signature;
  ++round_;
}

uint32_t Evaluator::evaluate(uint32_t selector) {
  Known& known = known_[selector];
  if (known.round != round_) known = {round_, search(selector)};
  return known.result;
}

uint32_t Evaluator::search(uint32_t selector) {
  const ImageSelector& from = image_.selectors()[selector];
  const auto entries = image_.entries().subspan(from.first_entry, from.entry_count);
  for (const uint32_t target : signature_) {
    const auto entry = std::lower_bound(entries.begin(), entries.end(), target,
                                        [](const ImageEntry& e, uint32_t t) { return e.target < t; });
    if (entry == entries.end() || entry->target != target) continue;
    const uint32_t found = entry->is_alias ? evaluate(entry->index) : entry->index;
    if (found != AnswerRef::none_index) return found;
  }
  return AnswerRef::none_index;
}

} // namespace anytick::core
