#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/delivery/desk.h"
#include "control/delivery/pushes.h"
#include "control/delivery/revisions.h"
#include "control/registry/model.h"

namespace anytick::delivery {

/// What one POP runs, as it says.
struct PopReport {
  registry::Pop pop;
  Answer<pop::v1::StatusReply> status;
  std::optional<int64_t> serial{}; ///< of the revision that it runs; none: away, or the hub does not know its tables
  std::optional<double> answers_a_second{}; ///< DNS and NTP; none: not asked twice

  /// Its zone image; null: away, or it has none.
  const pop::v1::TableInfo* zone() const;
};

struct FleetReport {
  std::vector<PopReport> pops; ///< by name, enabled ones
  std::optional<Push> current; ///< what they are to run
  std::optional<Push> open;    ///< under way, or unconfirmed
  std::optional<Hold> hold;
  /// Digests, hexadecimal, of what current and open are.
  std::optional<std::string> current_digest, open_digest;
};

/// Asks all POPs at once; with `interval`, once more after it, which tells their rates.
FleetReport ask_fleet(const Desk& desk, std::optional<std::chrono::milliseconds> interval);

/// Greatest serial of a zone image that a POP runs; 0: none does.
int64_t greatest_running(const FleetReport& report);
/// Of revisions that POPs run or go back to.
std::set<int64_t> running_serials(const FleetReport& report);

} // namespace anytick::delivery
