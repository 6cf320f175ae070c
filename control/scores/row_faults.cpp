#include "control/scores/row_faults.h"

#include <fmt/format.h>

namespace anytick::scores {
namespace {

constexpr size_t shown_max = 60;

std::string printable(std::string_view value) {
  std::string text;
  for (const char c : value.substr(0, shown_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      text += fmt::format("\\x{:02x}", byte);
    else
      text += c;
  }
  return value.size() > shown_max ? text + "..." : text;
}

} // namespace

void RowFaults::add(uint64_t line, std::string_view name, std::string_view value, std::string_view reason) {
  ++count_;
  if (told_.size() == told_max_) return;
  std::string text;
  if (!name.empty()) text = fmt::format("{} ", name);
  if (!value.empty()) text += fmt::format("\"{}\" ", printable(value));
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
