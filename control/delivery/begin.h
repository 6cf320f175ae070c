#pragma once

#include <string>
#include <vector>

#include "control/delivery/operations.h"

/// How a push begins: all of it in one transaction, or none. All throw Fault.
namespace anytick::delivery {

registry::Id begin_push(const Desk& desk, const Lease& lease, const PushRequest& request);
registry::Id begin_rollback(const Desk& desk, const Lease& lease, int64_t serial, const registry::Actor& actor,
                            const Manner& manner);

/// Why nothing else can begin while this one is open.
std::string waits_text(const Push& push);
/// Fault for one that is not an enabled POP's. Within a transaction.
void check_names(soci::session& sql, const std::vector<std::string>& pops);

} // namespace anytick::delivery
