#pragma once

#include <functional>
#include <set>
#include <string_view>

#include <soci/soci.h>

#include "control/registry/model.h"
#include "control/registry/transfer_kinds.h"

/// The registry into files, without secrets: neither invitations nor what is known of tokens. The same registry gives
/// the same bytes. Within a transaction that reads.
namespace anytick::registry::transfer {

/// Gets the text piece by piece.
using Write = std::function<void(std::string_view)>;

void export_csv(soci::session& sql, Kind kind, const Write& write);
/// A record on a line of its own.
void export_json(soci::session& sql, const std::set<Kind>& kinds, const Write& write);
/// The audit log behind that entry (0: all of it) as JSON lines, the oldest first. Digests of tokens are left out.
void export_audit(soci::session& sql, Id after, const Write& write);

} // namespace anytick::registry::transfer
