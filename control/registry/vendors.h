#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"

/// Vendor zones, within a transaction. All throw Fault.
namespace anytick::registry {

enum class VendorStep : uint8_t { submit, approve, reject, suspend, resume };
std::string_view name_of(VendorStep step);

/// The state that a step leads to; none: it is not allowed.
std::optional<VendorState> after_step(VendorState state, VendorStep step);

/// Its id and state are made here: it begins as a draft. Distinct names: labels of 4 characters at least; no zone of
/// the tree, no continent, no label of the root's static data, nothing that GeoDNS takes for a target ("us-ca",
/// "as64500").
VendorZone add_vendor(soci::session& sql, const Actor& actor, const VendorZone& vendor);

/// What is not set stays.
struct VendorChanges {
  std::optional<VendorClient> client{};
  std::optional<VendorSink> sink{};
  std::optional<std::optional<uint32_t>> throttle{}; ///< set, and empty: none any more
  std::optional<std::string> note{};
};
VendorZone change_vendor(soci::session& sql, const Actor& actor, const std::string& name, const VendorChanges& changes);

/// To reject or suspend needs a reason.
VendorZone step_vendor(soci::session& sql, const Actor& actor, const std::string& name, VendorStep step);
/// Refused: one that is pending or approved.
void remove_vendor(soci::session& sql, const Actor& actor, const std::string& name);

std::optional<VendorZone> find_vendor(soci::session& sql, const std::string& name);
/// Fault where there is none.
VendorZone get_vendor(soci::session& sql, const std::string& name);
/// By name.
std::vector<VendorZone> list_vendors(soci::session& sql);

} // namespace anytick::registry
