#include "control/delivery/fault.h"

namespace anytick::delivery {
namespace {

std::string text_of(const std::vector<std::string>& objections) {
  std::string text = "the guard refuses it:";
  for (const std::string& each : objections) text += "\n  " + each;
  return text + "\nIf that is as it shall be: --force --reason TEXT";
}

} // namespace

Guarded::Guarded(const std::vector<std::string>& objections) : Fault(text_of(objections)) {}

} // namespace anytick::delivery
