#include "control/delivery/fault.h"

#include <algorithm>

namespace anytick::delivery {
namespace {

/// The gravest come first; where monitors fail, each of some hundred zones is one.
constexpr size_t shown_max = 10;

std::string text_of(const std::vector<std::string>& objections) {
  std::string text = "the guard refuses it:";
  for (size_t i = 0; i < std::min(objections.size(), shown_max); ++i) text += "\n  " + objections[i];
  if (objections.size() > shown_max) text += "\n  and " + std::to_string(objections.size() - shown_max) + " more";
  return text + "\nIf that is as it shall be: --force --reason TEXT";
}

} // namespace

Guarded::Guarded(const std::vector<std::string>& objections) : Fault(text_of(objections)) {}

} // namespace anytick::delivery
