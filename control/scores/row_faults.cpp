#include "control/scores/row_faults.h"

#include <fmt/format.h>

namespace anytick::scores {
namespace {

constexpr size_t shown_max = 60;

} // namespace

std::string printable(std::string_view value, size_t most) {
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7f;
    if (text.size() + (plain ? 1 : 4) > most) return text + "...";
    if (plain)
      text += c;
    else
      text += fmt::format("\\x{:02x}", byte);
  }
  return text;
}

void RowFaults::add(uint64_t line, std::string_view name, std::string_view value, std::string_view reason) {
  ++count_;
  if (told_.size() == told_max_) return;
  std::string text;
  if (!name.empty()) text = fmt::format("{} ", name);
  if (!value.empty()) text += fmt::format("\"{}\" ", printable(value, shown_max));
  text += reason;
  told_.push_back({file_, fmt::format("line {}", line), text});
}

std::string RowFaults::text() const {
  std::string text;
  for (const Refusal& fault : told_) text += fault.text() + "\n";
  if (count_ > told_.size()) text += fmt::format("{}: and {} more\n", file_, count_ - told_.size());
  return text;
}

} // namespace anytick::scores
