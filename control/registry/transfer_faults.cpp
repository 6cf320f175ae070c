#include "control/registry/transfer_faults.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "control/findings.h"

namespace anytick::registry::transfer {
namespace {

constexpr size_t shown_max = 60;

std::string_view beginning(std::string_view value) {
  size_t end = std::min(value.size(), shown_max);
  // Not inside a UTF-8 sequence.
  while (end > 0 && end < value.size() && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
  return value.substr(0, end);
}

} // namespace

void TransferFaults::add(const Place& place, std::string_view reason) {
  ++count_;
  if (told_.size() < told_max_) told_.push_back({place, std::string(reason)});
}

void TransferFaults::add(const Place& place, std::string_view name, std::string_view value, std::string_view reason) {
  const std::string_view shown = beginning(value);
  add(place, fmt::format("{} \"{}{}\" {}", name, shown, shown.size() < value.size() ? "..." : "", reason));
}

std::string TransferFaults::text() const {
  std::vector<Told> sorted = told_;
  std::ranges::stable_sort(sorted, std::less(), [](const Told& each) { return each.place.line; });
  std::string text;
  for (const auto& [place, reason] : sorted) {
    std::string where = place.line > 0 ? fmt::format("line {}", place.line) : "";
    if (!place.path.empty()) where += (where.empty() ? "" : ", ") + place.path;
    text += control::Finding{control::Severity::fault, file_, where, reason}.text() + "\n";
  }
  if (count_ > told_.size()) text += fmt::format("{}: and {} more\n", file_, count_ - told_.size());
  return text;
}

} // namespace anytick::registry::transfer
