#include "control/findings.h"

#include <fmt/format.h>

namespace anytick::control {

std::string Finding::text() const {
  std::string plain = file + ": ";
  if (!where.empty()) plain += where + ": ";
  plain += severity == Severity::fault ? "fault: " : "warning: ";
  plain += reason;
  std::string text;
  for (const char c : plain) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      text += fmt::format("\\x{:02x}", byte);
    else
      text += c;
  }
  return text;
}

void Findings::add(Severity severity, std::string where, std::string reason) {
  if (severity == Severity::fault) ++faults_;
  all_.push_back({severity, file_, std::move(where), std::move(reason)});
}

} // namespace anytick::control
