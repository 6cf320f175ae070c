#include "control/delivery/pushes.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "control/delivery/fault.h"
#include "control/registry/pops.h"
#include "control/store/database.h"

namespace anytick::delivery {
namespace {

constexpr std::array<std::string_view, 7> push_states{"pushing", "unconfirmed", "done",    "partial",
                                                      "failed",  "expired",     "reverted"};
constexpr std::array<std::string_view, 3> stages{"canaries", "all", "confirming"};
constexpr std::array<std::string_view, 8> delivery_states{"waiting", "sending", "unconfirmed", "applied",
                                                          "refused", "away",    "gone_back",   "left"};

template <class State, size_t size>
State state_by_name(const std::array<std::string_view, size>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) throw Fault(fmt::format("the database has a state '{}' that nobody knows", name));
  return static_cast<State>(found - names.begin());
}

constexpr const char* push_columns =
    "SELECT id, serial, previous, time, who, reason, forced, state, stage, soak, confirm_by, detail FROM pushes ";

std::vector<Push> read_pushes(soci::session& sql, const std::string& rest, std::optional<int64_t> value) {
  Push row;
  store::Nullable<int64_t> previous, confirm_by;
  int64_t forced = 0;
  std::string state, stage;
  soci::statement statement(sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.serial));
  statement.exchange(soci::into(previous.value(), previous.state()));
  statement.exchange(soci::into(row.time));
  statement.exchange(soci::into(row.who));
  statement.exchange(soci::into(row.reason));
  statement.exchange(soci::into(forced));
  statement.exchange(soci::into(state));
  statement.exchange(soci::into(stage));
  statement.exchange(soci::into(row.soak));
  statement.exchange(soci::into(confirm_by.value(), confirm_by.state()));
  statement.exchange(soci::into(row.detail));
  if (value) statement.exchange(soci::use(*value));
  statement.alloc();
  statement.prepare(push_columns + rest);
  statement.define_and_bind();
  statement.execute();
  std::vector<Push> found;
  while (statement.fetch()) {
    row.previous = previous.get();
    row.confirm_by = confirm_by.get();
    row.forced = forced != 0;
    row.state = state_by_name<PushState>(push_states, state);
    row.stage = state_by_name<PushStage>(stages, stage);
    found.push_back(row);
  }
  return found;
}

std::optional<Push> first(std::vector<Push> found) {
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::optional<registry::Id> last_push_at(soci::session& sql, const std::string& pop) {
  registry::Id push = 0;
  sql << "SELECT push FROM deliveries WHERE pop = :pop AND state IN ('applied', 'unconfirmed', 'sending') "
         "ORDER BY push DESC LIMIT 1",
      soci::use(pop), soci::into(push);
  return sql.got_data() ? std::optional(push) : std::nullopt;
}

/// The oldest `most` of those that nobody needs, see prune_pushes().
std::vector<registry::Id> prunable_pushes(soci::session& sql, int64_t before, size_t most) {
  std::set<registry::Id> needed;
  for (const registry::Pop& pop : registry::list_pops(sql))
    if (const auto push = last_push_at(sql, pop.name)) needed.insert(*push);
  // What is open may end so that this one is current again.
  registry::Id last_kept = 0;
  sql << "SELECT COALESCE(MAX(id), 0) FROM pushes WHERE state IN ('done', 'partial')", soci::into(last_kept);
  registry::Id id = 0;
  soci::statement old = (sql.prepare << "SELECT id FROM pushes WHERE id < :last_kept AND time < :before ORDER BY id",
                         soci::use(last_kept), soci::use(before), soci::into(id));
  old.execute();
  std::vector<registry::Id> found;
  while (found.size() < most && old.fetch())
    if (!needed.contains(id)) found.push_back(id);
  return found;
}

} // namespace

std::string_view name_of(PushState state) {
  return push_states[static_cast<size_t>(state)];
}

std::string_view name_of(PushStage stage) {
  return stages[static_cast<size_t>(stage)];
}

std::string_view name_of(DeliveryState state) {
  return delivery_states[static_cast<size_t>(state)];
}

registry::Id add_push(soci::session& sql, const Push& push) {
  const registry::Id id = store::next_id(sql, "push");
  store::Nullable<int64_t> previous(push.previous), confirm_by(push.confirm_by);
  const int64_t forced = push.forced;
  const std::string state(name_of(push.state)), stage(name_of(push.stage));
  sql << "INSERT INTO pushes (id, serial, previous, time, who, reason, forced, state, stage, soak, confirm_by, detail) "
         "VALUES (:id, :serial, :previous, :time, :who, :reason, :forced, :state, :stage, :soak, :confirm_by, :detail)",
      soci::use(id), soci::use(push.serial), soci::use(previous.value(), previous.state()), soci::use(push.time),
      soci::use(push.who), soci::use(push.reason), soci::use(forced), soci::use(state), soci::use(stage),
      soci::use(push.soak), soci::use(confirm_by.value(), confirm_by.state()), soci::use(push.detail);
  return id;
}

void update_push(soci::session& sql, const Push& push) {
  store::Nullable<int64_t> confirm_by(push.confirm_by);
  const std::string state(name_of(push.state)), stage(name_of(push.stage));
  sql << "UPDATE pushes SET state = :state, stage = :stage, confirm_by = :confirm_by, detail = :detail WHERE id = :id",
      soci::use(state), soci::use(stage), soci::use(confirm_by.value(), confirm_by.state()), soci::use(push.detail),
      soci::use(push.id);
}

void write_delivery(soci::session& sql, const Delivery& delivery) {
  const int64_t canary = delivery.canary, asked = delivery.asked;
  const auto generation = static_cast<int64_t>(delivery.generation);
  const std::string state(name_of(delivery.state));
  sql << "INSERT INTO deliveries (push, pop, canary, asked, time, state, generation, detail) VALUES (:push, :pop, "
         ":canary, :asked, :time, :state, :generation, :detail) ON CONFLICT (push, pop) DO UPDATE SET canary = "
         "excluded.canary, asked = excluded.asked, time = excluded.time, state = excluded.state, generation = "
         "excluded.generation, detail = excluded.detail",
      soci::use(delivery.push), soci::use(delivery.pop), soci::use(canary), soci::use(asked), soci::use(delivery.time),
      soci::use(state), soci::use(generation), soci::use(delivery.detail);
}

Push get_push(soci::session& sql, registry::Id id) {
  if (auto found = first(read_pushes(sql, "WHERE id = :id", id))) return std::move(*found);
  throw Fault(fmt::format("there is no push {}", id));
}

std::optional<Push> open_push(soci::session& sql) {
  return first(read_pushes(sql, "WHERE state IN ('pushing', 'unconfirmed') ORDER BY id DESC LIMIT 1", std::nullopt));
}

std::optional<Push> current_push(soci::session& sql) {
  return first(
      read_pushes(sql, "WHERE state IN ('unconfirmed', 'done', 'partial') ORDER BY id DESC LIMIT 1", std::nullopt));
}

std::optional<int64_t> last_serial_at(soci::session& sql, const std::string& pop) {
  const auto push = last_push_at(sql, pop);
  return push ? std::optional(get_push(sql, *push).serial) : std::nullopt;
}

size_t prune_pushes(soci::session& sql, int64_t before, size_t most) {
  const std::vector<registry::Id> due = prunable_pushes(sql, before, most);
  for (const registry::Id push : due) {
    sql << "DELETE FROM deliveries WHERE push = :push", soci::use(push);
    sql << "DELETE FROM pushes WHERE id = :push", soci::use(push);
  }
  return due.size();
}

std::vector<Push> list_pushes(soci::session& sql, size_t limit, std::optional<int64_t> serial) {
  return read_pushes(sql,
                     std::string(serial ? "WHERE serial = :serial " : "") + "ORDER BY id DESC" +
                         (limit > 0 ? " LIMIT " + std::to_string(limit) : ""),
                     serial);
}

std::vector<Delivery> list_deliveries(soci::session& sql, registry::Id push) {
  Delivery row;
  int64_t canary = 0, asked = 0, generation = 0;
  std::string state;
  soci::statement statement =
      (sql.prepare << "SELECT push, pop, canary, asked, time, state, generation, detail FROM deliveries WHERE push = "
                      ":push",
       soci::into(row.push), soci::into(row.pop), soci::into(canary), soci::into(asked), soci::into(row.time),
       soci::into(state), soci::into(generation), soci::into(row.detail), soci::use(push));
  statement.execute();
  std::vector<Delivery> found;
  while (statement.fetch()) {
    row.canary = canary != 0;
    row.asked = asked != 0;
    row.generation = static_cast<uint64_t>(generation);
    row.state = state_by_name<DeliveryState>(delivery_states, state);
    found.push_back(row);
  }
  std::ranges::sort(found, {}, &Delivery::pop);
  return found;
}

} // namespace anytick::delivery
