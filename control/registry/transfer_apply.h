#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <soci/soci.h>

#include "control/registry/transfer_import.h"
#include "control/registry/transfer_rows.h"

namespace anytick::registry::transfer {

/// The keys of a file's rows, and their lines.
using Keys = std::array<std::unordered_map<std::string, uint64_t>, all_kinds.size()>;

/// Makes the registry what rows say, within a transaction: begin(), then for each kind in its order take() for the rows
/// and end_kind(), and finish(). What the registry refuses goes to the faults, and the rows behind it are tried all the
/// same: who has faults undoes the transaction.
class Applier {
 public:
  /// The keys tell what a file that replaces has, and which rows were refused that others refer to.
  Applier(soci::session& sql, const Actor& actor, const ImportOptions& options, const Keys& keys,
          const std::set<Kind>& present, TransferFaults& faults);

  /// Reads what is there, and removes what nothing refers to.
  void begin();
  void take(const Row& row, const Place& place);
  void end_kind(Kind kind);
  void finish();

  const std::array<Tally, all_kinds.size()>& tallies() const { return tallies_; }

 private:
  enum class Outcome : uint8_t { added, changed, same, later };

  template <class Row> struct Placed {
    Row row;
    Place place;
  };

  Outcome apply(const AccountRow& row);
  Outcome apply(const TreeRow& row);
  Outcome apply(const RootRow& row);
  Outcome apply(const VendorRow& row);
  Outcome apply(const ServerRow& row);
  Outcome apply(const PopRow& row);

  void set_logins(const Account& account, const std::vector<Login>& logins);
  Outcome set_tree_zone(const TreeRow& row);
  Outcome set_root(const RootRow& row);
  void apply_tree();
  void apply_static_data();
  VendorZone lead_to(const VendorZone& vendor, VendorState state);
  void add(const ServerRow& row);
  Server change(const Server& before, const ServerRow& row);

  void remove_pops();
  void remove_servers();
  void remove_vendors();
  void remove_tree();
  void remove_roots();
  void remove_accounts();

  /// Runs `work` for one object, and tells what the registry refuses. False: it did.
  bool attempt(const Place& place, const std::function<void()>& work);
  void tally(Kind kind, Outcome outcome);
  bool replaces(Kind kind) const { return options_.mode == Mode::replace && present_.contains(kind); }
  bool in_file(Kind kind, const std::string& key) const;
  void require_update(const std::string& what) const;
  /// Of one that a row names.
  Id account_id(const std::string& what, const std::optional<std::string>& name) const;
  void remove_one(Kind kind, const std::string& key, const std::function<void()>& remove);

  soci::session& sql_;
  const Actor& actor_;
  const ImportOptions& options_;
  const Keys& keys_;
  const std::set<Kind>& present_;
  TransferFaults& faults_;
  Place place_; ///< of the row that is taken
  std::array<Tally, all_kinds.size()> tallies_{};

  // What was there when it began, and accounts that were added.
  std::map<std::string, Account> accounts_;
  std::map<std::string, TreeZone> tree_;
  std::map<std::string, DnsRoot> roots_;
  std::map<std::string, VendorZone> vendors_;
  std::map<geo::Address, Server> servers_;
  std::map<std::string, Pop> pops_;

  std::vector<Placed<TreeRow>> tree_rows_; ///< put in their order when all are there
  std::vector<Placed<RootRow>> root_rows_; ///< whose static data may need vendor zones that are not there yet
};

} // namespace anytick::registry::transfer
