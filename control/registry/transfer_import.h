#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "control/registry/actor.h"
#include "control/registry/model.h"
#include "control/registry/transfer_faults.h"
#include "control/registry/transfer_kinds.h"
#include "control/scores/text_file.h"
#include "control/store/database.h"

/// Files into the registry, all of a file or nothing.
namespace anytick::registry::transfer {

enum class Format : uint8_t { csv, json };

enum class Mode : uint8_t {
  add,     ///< what is there already is a fault
  update,  ///< what is there already is changed in what the file says of it
  replace, ///< and what is not in the file is removed, of the kinds that the file has
};

struct ImportOptions {
  Format format = Format::json;
  std::set<Kind> kinds; ///< one for CSV; of a document, its others are passed over
  Mode mode = Mode::update;
  bool unusual = false;      ///< addresses that are nobody's on the Internet are taken, too
  bool dry_run = false;      ///< all of it is done, and undone
  bool list_changes = false; ///< ImportReport::changes is filled
};

/// Objects of one kind.
struct Tally {
  uint64_t added = 0;
  uint64_t changed = 0;
  uint64_t same = 0;
  uint64_t removed = 0;
  uint64_t kept = 0; ///< accounts that a file leaves out, kept for the history of servers that they had

  bool operator==(const Tally&) const = default;
};

struct ImportReport {
  TransferFaults faults; ///< none: it was done (or could be, for a dry run)
  std::array<Tally, all_kinds.size()> tallies{};
  std::set<Kind> present{};          ///< kinds that the file has
  std::vector<AuditEntry> changes{}; ///< as the audit log has them

  const Tally& of(Kind kind) const { return tallies.at(static_cast<size_t>(kind)); }
};

/// Rows done of so many; of 0: they are being counted. Called for each row.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

/// One transaction, which others that change the registry wait for. The file is read several times, record by record:
/// memory grows with the registry and the keys in the file alone. Throws what the database throws.
ImportReport import_file(store::Database& database, scores::TextFile& file, const std::string& name, const Actor& actor,
                         const ImportOptions& options, const Progress& progress);

} // namespace anytick::registry::transfer
