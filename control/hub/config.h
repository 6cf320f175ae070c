#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/selection/policy.h"
#include "geo/refusal.h"

namespace anytick::hub {

/// How much is kept of what monitors say; a key of [scores] each.
struct ScoresConfig {
  uint32_t history_days = 30;     ///< rows older than that are pruned; 0: no rows are kept, only scores
  uint32_t full_history_days = 3; ///< rows older than that are thinned to one an hour, server and monitor
  bool keep_files = true;         ///< files that were taken stay in the spool's done/

  bool operator==(const ScoresConfig&) const = default;
};

/// Who asks what, to tell shares of traffic. [demand]
struct DemandConfig {
  /// Queries of each, of any unit; empty: by IPv4 addresses in the geo map. ISO 3166-1 in lower case, or a continent or
  /// "@" for clients of whom no more is known.
  std::map<std::string, double> countries;
  double unnumbered = 0.2; ///< share of queries for the zone itself; the rest asks 0 to 3 alike
};

/// What makes a push need --force. [guard]
struct GuardConfig {
  double zone_servers_removed = 0.3;  ///< share of a zone's servers
  double zone_capacity_removed = 0.3; ///< and of their weight
  double servers_demoted = 0.1;       ///< share of all that were in and are out by their score
  double first_servers_out = 0.3;     ///< where nothing was pushed yet, share of all that only their score keeps out
  uint32_t zone_servers_least = 4;    ///< zones that had fewer are only guarded from being emptied
  uint32_t zone_emptied_least = 1;    ///< and that only if they had so many of their own

  bool operator==(const GuardConfig&) const = default;
};

/// Of the hub as a client of its POPs. [tls]
struct TlsConfig {
  std::string ca, certificate, key; ///< PEM files; all or none
};

/// For so long a POP waits for its confirmation at most.
inline constexpr std::chrono::seconds confirm_max{86'400};
/// A canary's own time to go back, beyond the soak: what it takes to look at all of them and to confirm.
inline constexpr std::chrono::seconds canary_grace{180};

/// `anytick hub run`. [run]
struct RunConfig {
  std::chrono::seconds interval{60};     ///< between plans
  std::chrono::seconds retry{15};        ///< before a POP that was away is tried again
  std::string listen = "127.0.0.1:9153"; ///< /metrics, /health, /verify/TOKEN; "": none
  bool push = true;                      ///< else it only plans
  bool canary = false;                   ///< POPs that are canaries get it first
  std::chrono::seconds soak{30};         ///< that canaries run it before the others get it
  uint32_t revisions = 100;              ///< so many of the newest stay whole, to be rolled back to

  bool operator==(const RunConfig&) const = default;
};

/// hub.toml. Paths in it are relative to its directory; here they are as to be opened.
struct Config {
  std::string file;
  std::string directory;
  std::string database = "sqlite:hub.db";
  std::string spool = "spool";
  std::string geo_map;  ///< pushed to POPs that have another one, and tells AS numbers; "": none
  std::string policy;   ///< the operator's query policy; "": none
  std::string sign_key; ///< "": nothing is signed
  selection::Policy selection;
  ScoresConfig scores;
  DemandConfig demand;
  GuardConfig guard;
  TlsConfig tls;
  RunConfig run;
};

/// A configuration, or every reason why there is none: `what` is the file, `where` line and column.
struct ParsedConfig {
  std::optional<Config> config; ///< set if there are no faults
  std::vector<Refusal> faults;
};
ParsedConfig parse_config(std::string_view text, const std::string& file);
/// Throws control::CommandFailure with all faults.
Config read_config(const std::string& file);

} // namespace anytick::hub
