#include "control/registry/audit.h"

#include <algorithm>

#include "control/registry/checks.h"
#include "control/registry/query.h"

namespace anytick::registry {
namespace {

using nlohmann::ordered_json;

/// What `object` has that `other` has not, or has otherwise.
ordered_json differing(const ordered_json& object, const ordered_json& other) {
  auto fields = ordered_json::object();
  for (const auto& [key, value] : object.items())
    if (!other.is_object() || !other.contains(key) || other[key] != value) fields[key] = value;
  return fields;
}

std::string text_of(const ordered_json& object, const ordered_json& other) {
  return object.is_null() ? "" : differing(object, other).dump();
}

} // namespace

void check_actor(const Actor& actor) {
  constexpr size_t who_max = 254, reason_max = 1000;
  if (actor.who.empty()) throw Fault("who changes something must be told");
  check_text("who", actor.who, who_max);
  check_text("reason", actor.reason, reason_max);
}

void record(soci::session& sql, const Actor& actor, const std::string& kind, const std::string& what,
            const std::string& action, const ordered_json& before, const ordered_json& after) {
  if (before == after) return;
  check_actor(actor);
  const int64_t id = store::next_id(sql, "audit");
  const std::string was = text_of(before, after), became = text_of(after, before);
  sql << "INSERT INTO audit (id, time, who, kind, what, action, was, became, reason) VALUES (:id, :time, :who, :kind, "
         ":what, :action, :was, :became, :reason)",
      soci::use(id), soci::use(actor.now), soci::use(actor.who), soci::use(kind), soci::use(what), soci::use(action),
      soci::use(was), soci::use(became), soci::use(actor.reason);
}

std::vector<AuditEntry> read_audit(soci::session& sql, const AuditQuery& query) {
  AuditEntry row;
  Query select(sql);
  select.into(row.id, row.when, row.who, row.kind, row.what, row.action, row.from, row.to, row.reason);
  if (query.kind) select.where("kind = :kind", *query.kind);
  if (query.what) select.where("what = :what", *query.what);
  if (query.who) select.where("who = :who", *query.who);
  if (query.since) select.where("time >= :since", *query.since);
  if (query.until) select.where("time < :until", *query.until);
  if (query.after) select.where("id > :after", *query.after);
  if (query.before) select.where("id < :before", *query.before);
  const std::string limit = query.limit > 0 ? " LIMIT " + std::to_string(query.limit) : "";
  select.run("SELECT id, time, who, kind, what, action, was, became, reason FROM audit", "ORDER BY id DESC" + limit);
  std::vector<AuditEntry> entries;
  while (select.fetch()) entries.push_back(row);
  std::ranges::reverse(entries);
  return entries;
}

Id last_audit(soci::session& sql) {
  Id last = 0;
  sql << "SELECT COALESCE(MAX(id), 0) FROM audit", soci::into(last);
  return last;
}

} // namespace anytick::registry
