#include "control/registry/transfer_export.h"

#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "control/registry/accounts.h"
#include "control/registry/audit.h"
#include "control/registry/json.h"
#include "control/registry/pops.h"
#include "control/registry/roots.h"
#include "control/registry/servers.h"
#include "control/registry/transfer_csv.h"
#include "control/registry/transfer_json.h"
#include "control/registry/transfer_rows.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"
#include "control/text.h"

namespace anytick::registry::transfer {
namespace {

using nlohmann::ordered_json;

using Names = std::map<Id, std::string>;

/// time_of() it is `seconds`.
ordered_json time_value(int64_t seconds) {
  constexpr int64_t first_of_year_10000 = 253'402'300'800;
  if (seconds <= 0 || seconds >= first_of_year_10000) return seconds;
  return control::date_text(static_cast<uint64_t>(seconds));
}

/// The fields of its kind alone, in their order.
ordered_json exported(Kind kind, ordered_json object) {
  auto record = ordered_json::object();
  for (const Field& field : fields_of(kind)) {
    const std::string name(field.name);
    ordered_json& value = object.at(name);
    if (field.type == FieldType::time && value.is_number_integer())
      record[name] = time_value(value.get<int64_t>());
    else
      record[name] = std::move(value);
  }
  return record;
}

Names account_names(soci::session& sql) {
  Names names;
  for (Account& account : list_accounts(sql)) names[account.id] = std::move(account.name);
  return names;
}

template <class Take> void each_vendor(soci::session& sql, const Take& take) {
  const Names names = account_names(sql);
  for (const VendorZone& vendor : list_vendors(sql)) take(json_of(vendor, names.at(vendor.account)));
}

template <class Take> void each_server(soci::session& sql, const Take& take) {
  const Names names = account_names(sql);
  for (const Server& server : list_servers(sql, {})) take(json_of(server, names.at(server.account)));
}

/// All of a kind in the order of their keys.
void each_record(soci::session& sql, Kind kind, const std::function<void(const ordered_json&)>& take) {
  const auto take_object = [&](ordered_json object) { take(exported(kind, std::move(object))); };
  const auto take_all = [&](const auto& objects) {
    for (const auto& object : objects) take_object(json_of(object));
  };
  switch (kind) {
  case Kind::accounts:
    return take_all(list_accounts(sql));
  case Kind::tree:
    return take_all(list_tree(sql));
  case Kind::roots:
    return take_all(list_roots(sql));
  case Kind::vendors:
    return each_vendor(sql, take_object);
  case Kind::servers:
    return each_server(sql, take_object);
  case Kind::pops:
    return take_all(list_pops(sql));
  }
}

void remove_secrets(ordered_json& value) {
  if (value.is_object()) value.erase("token_digest");
  if (!value.is_structured()) return;
  for (ordered_json& each : value) remove_secrets(each);
}

} // namespace

void export_csv(soci::session& sql, Kind kind, const Write& write) {
  write(csv_header(kind));
  each_record(sql, kind, [&](const ordered_json& record) { write(csv_record(kind, record)); });
}

void export_json(soci::session& sql, const std::set<Kind>& kinds, const Write& write) {
  write(fmt::format("{{\"format\": \"{}\", \"version\": {}", document_format, document_version));
  for (const Kind kind : kinds) {
    write(fmt::format(",\n\"{}\": [", name_of(kind)));
    const char* between = "\n";
    each_record(sql, kind, [&](const ordered_json& record) {
      write(between + record.dump());
      between = ",\n";
    });
    write("\n]");
  }
  write("}\n");
}

void export_audit(soci::session& sql, Id after, const Write& write) {
  constexpr Id at_once = 1000;
  const Id last = last_audit(sql);
  AuditQuery query;
  query.limit = 0;
  for (Id from = after; from < last; from += at_once) {
    query.after = from;
    query.before = from + at_once + 1;
    for (const AuditEntry& entry : read_audit(sql, query)) {
      ordered_json line = json_of(entry);
      remove_secrets(line);
      write(line.dump() + "\n");
    }
  }
}

} // namespace anytick::registry::transfer
