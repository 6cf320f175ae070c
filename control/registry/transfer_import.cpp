#include "control/registry/transfer_import.h"

#include <fmt/format.h>

#include "control/registry/audit.h"
#include "control/registry/transfer_apply.h"
#include "control/registry/transfer_csv.h"
#include "control/registry/transfer_json.h"
#include "control/registry/transfer_rows.h"

namespace anytick::registry::transfer {
namespace {

/// Ends a transaction of which nothing is to stay.
struct Undo {};

/// One that others who change the registry wait for from here on. They all count up this row to write the audit log:
/// without it, one of them may come between, and a long import would have to begin again.
void hold_registry(soci::session& sql) {
  sql << "UPDATE ids SET last = last WHERE kind = 'audit'";
}

class Import {
 public:
  Import(scores::TextFile& file, const std::string& name, const Actor& actor, const ImportOptions& options,
         const Progress& progress)
      : file_(file), actor_(actor), options_(options), progress_(progress), found_(name) {}

  /// Reads the file as it is, beside no registry. False: to its end it could not be.
  bool check();
  /// One attempt, within a transaction.
  void apply(soci::session& sql);
  ImportReport report() && { return std::move(report_); }

 private:
  bool read(const std::set<Kind>& kinds, const TakeRow& take, TransferFaults& faults);
  void note_key(const RawRow& raw);

  scores::TextFile& file_;
  const Actor& actor_;
  const ImportOptions& options_;
  const Progress& progress_;
  TransferFaults found_; ///< by check()
  Keys keys_;
  std::set<Kind> present_;
  uint64_t rows_ = 0;
  ImportReport report_{found_};
};

bool Import::read(const std::set<Kind>& kinds, const TakeRow& take, TransferFaults& faults) {
  file_.rewind();
  std::set<Kind> present;
  bool whole = false;
  if (options_.format == Format::json) {
    whole = read_json(file_, kinds, present, take, faults);
  } else {
    present = kinds;
    whole = read_csv(file_, *kinds.begin(), take, faults);
  }
  present_.merge(present);
  if (!file_.failed()) return whole;
  faults.add({file_.lines() + 1, ""}, "could not be read to its end");
  return false;
}

void Import::note_key(const RawRow& raw) {
  const auto key = decode_key(raw);
  if (!key) return;
  const auto [at, fresh] = keys_.at(static_cast<size_t>(raw.kind)).emplace(*key, raw.place.line);
  if (!fresh)
    found_.add(raw.place, fmt::format("{} {} stands twice, first on line {}", noun_of(raw.kind), *key, at->second));
}

bool Import::check() {
  const auto take = [&](const RawRow& raw) {
    progress_(++rows_, 0);
    decode(raw, found_);
    note_key(raw);
  };
  const bool whole = read(options_.kinds, take, found_);
  report_.faults = found_;
  report_.present = present_;
  return whole;
}

void Import::apply(soci::session& sql) {
  report_ = {.faults = found_, .present = present_};
  hold_registry(sql);
  const Id before = last_audit(sql);
  Applier applier(sql, actor_, options_, keys_, present_, report_.faults);
  applier.begin();
  TransferFaults untold("", 0); // they are in found_
  uint64_t done = 0;
  const auto take = [&](const RawRow& raw) {
    progress_(++done, rows_);
    if (const auto row = decode(raw, untold)) applier.take(*row, raw.place);
  };
  bool whole = true;
  for (const Kind kind : all_kinds) {
    if (present_.contains(kind)) whole &= read({kind}, take, untold);
    applier.end_kind(kind);
  }
  if (!whole || done != rows_ || untold.count() > found_.count())
    report_.faults.add({}, "was changed while it was read, or cannot be read again");
  applier.finish();
  report_.tallies = applier.tallies();
  if (options_.list_changes) {
    AuditQuery query;
    query.after = before;
    query.limit = 0;
    report_.changes = read_audit(sql, query);
  }
  if (options_.dry_run || report_.faults.count() > 0) throw Undo();
}

} // namespace

ImportReport import_file(store::Database& database, scores::TextFile& file, const std::string& name, const Actor& actor,
                         const ImportOptions& options, const Progress& progress) {
  Import import(file, name, actor, options, progress);
  // What more is wrong with a file that ends early is not known.
  if (!import.check()) return std::move(import).report();
  try {
    database.transact([&](soci::session& sql) { import.apply(sql); });
  } catch (const Undo&) {
    // Rolled back.
  }
  return std::move(import).report();
}

} // namespace anytick::registry::transfer
