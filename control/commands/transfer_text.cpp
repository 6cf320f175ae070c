#include "control/commands/transfer_text.h"

#include <fmt/format.h>

namespace anytick::control {

std::string change_text(const registry::AuditEntry& entry) {
  std::string text = fmt::format("{} {}: {}", entry.kind, entry.what, entry.action);
  if (!entry.from.empty()) text += " " + entry.from;
  if (!entry.from.empty() && !entry.to.empty()) text += " ->";
  if (!entry.to.empty()) text += " " + entry.to;
  return text;
}

std::string report_text(const registry::transfer::ImportReport& report, bool dry_run) {
  std::string text;
  for (const registry::transfer::Kind kind : report.present) {
    const registry::transfer::Tally& tally = report.of(kind);
    text += fmt::format("{}: {} added, {} changed, {} as they were, {} removed", name_of(kind), tally.added,
                        tally.changed, tally.same, tally.removed);
    if (tally.kept > 0) text += fmt::format(", {} kept for the history of their servers", tally.kept);
    text += '\n';
  }
  return text + (dry_run ? "dry run: nothing is changed\n" : "");
}

} // namespace anytick::control
