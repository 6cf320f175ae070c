#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"

/// The log of what was changed. Functions of the registry write it by themselves, one entry for each change.
namespace anytick::registry {

/// Throws Fault where record() would: for what cannot be undone once it is to be recorded.
void check_actor(const Actor& actor);

/// Writes which fields of an object differ; null: it is not there. Nothing where they are the same.
void record(soci::session& sql, const Actor& actor, const std::string& kind, const std::string& what,
            const std::string& action, const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

/// All that are set hold.
struct AuditQuery {
  std::optional<std::string> kind{}, what{}, who{};
  std::optional<int64_t> since{}; ///< seconds since 1970, itself included
  std::optional<int64_t> until{}; ///< itself not included
  std::optional<Id> after{};      ///< entries with greater ids alone
  std::optional<Id> before{};     ///< with smaller ids
  size_t limit = 100;             ///< the newest so many; 0: all
};
/// The newest last.
std::vector<AuditEntry> read_audit(soci::session& sql, const AuditQuery& query);

/// 0: nothing was ever changed.
Id last_audit(soci::session& sql);

} // namespace anytick::registry
