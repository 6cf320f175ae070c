#include "control/registry/snapshot.h"

#include <algorithm>

#include "control/registry/accounts.h"
#include "control/registry/audit.h"
#include "control/registry/roots.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"

namespace anytick::registry {

Snapshot read_snapshot(soci::session& sql) {
  Snapshot snapshot{.accounts = list_accounts(sql),
                    .servers = list_servers(sql, {}),
                    .tree = list_tree(sql),
                    .vendors = list_vendors(sql),
                    .roots = list_roots(sql),
                    .last_audit = last_audit(sql)};
  std::ranges::sort(snapshot.accounts, {}, &Account::id);
  return snapshot;
}

} // namespace anytick::registry
