#include "control/registry/vendors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/registry/accounts.h"
#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/labels.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "control/registry/roots.h"
#include "control/registry/tree.h"
#include "control/targeting.h"

namespace anytick::registry {
namespace {

struct Transition {
  VendorState from;
  VendorStep step;
  VendorState to;
};

constexpr std::array transitions{
    Transition{VendorState::draft, VendorStep::submit, VendorState::pending},
    Transition{VendorState::rejected, VendorStep::submit, VendorState::pending},
    Transition{VendorState::pending, VendorStep::approve, VendorState::approved},
    Transition{VendorState::pending, VendorStep::reject, VendorState::rejected},
    Transition{VendorState::approved, VendorStep::suspend, VendorState::suspended},
    Transition{VendorState::suspended, VendorStep::resume, VendorState::approved},
};

constexpr std::array<std::string_view, 5> step_names{"submit", "approve", "reject", "suspend", "resume"};

/// Of any level: what a zone targets may change.
constexpr uint32_t all_targets = ~uint32_t{0};

std::string checked_name(soci::session& sql, const std::string& text, const DnsRoot& root) {
  constexpr size_t least = 4;
  const std::string name = control::lower_case(text);
  const std::string what = "vendor zone '" + text + "'";
  if (name.size() < least || !is_label(name))
    throw Fault(fmt::format("{}: a name is a label of {} letters, digits and hyphens at least", what, least));
  if (control::is_target(name, all_targets)) throw Fault(what + ": the name says where clients are");
  const std::vector<TreeZone> tree = list_tree(sql);
  if (std::ranges::find(tree, name, &TreeZone::name) != tree.end())
    throw Fault(what + ": there is a zone of servers of this name");
  if (own_labels(root).contains(name))
    throw Fault(fmt::format("{}: root {} has a label of this name in its static data", what, root.origin));
  if (find_vendor(sql, name)) throw Fault(what + ": there is one of this name");
  return name;
}

void check_values(const VendorZone& vendor) {
  constexpr size_t vendor_note_max = 4000;
  constexpr uint32_t throttle_max = 100'000'000;
  const std::string what = "vendor zone '" + vendor.name + "'";
  check_text(what + ": note", vendor.note, vendor_note_max, true);
  if (vendor.throttle && (*vendor.throttle == 0 || *vendor.throttle > throttle_max))
    throw Fault(
        fmt::format("{}: it is throttled to 1 to {} queries a second; to 0 it is suspended", what, throttle_max));
}

std::vector<VendorZone> read(soci::session& sql, const std::optional<std::string>& name) {
  VendorZone row;
  std::string state, client, sink;
  store::Nullable<int64_t> throttle;
  Query select(sql);
  select.into(row.id, row.name, row.account, row.root, state, client, sink, throttle, row.note);
  if (name) select.where("name = :name", *name);
  select.run("SELECT id, name, account, root, state, client, sink, throttle, note FROM vendors", "");
  std::vector<VendorZone> vendors;
  while (select.fetch()) {
    const auto known_state = vendor_state_by_name(state);
    const auto known_client = vendor_client_by_name(client);
    const auto known_sink = vendor_sink_by_name(sink);
    if (!known_state || !known_client || !known_sink)
      throw Fault(fmt::format("the database has a vendor zone '{}', '{}', '{}'", state, client, sink));
    row.state = *known_state;
    row.client = *known_client;
    row.sink = *known_sink;
    row.throttle = throttle.get();
    vendors.push_back(row);
  }
  std::ranges::sort(vendors, {}, &VendorZone::name);
  return vendors;
}

void write(soci::session& sql, const Actor& actor, const std::string& action, const VendorZone& before,
           const VendorZone& after) {
  const std::string account = get_account(sql, after.account).name;
  const auto was = json_of(before, account), is = json_of(after, account);
  if (was == is) return;
  const std::string state(name_of(after.state)), client(name_of(after.client)), sink(name_of(after.sink));
  store::Nullable<int64_t> throttle(after.throttle);
  sql << "UPDATE vendors SET state = :state, client = :client, sink = :sink, throttle = :throttle, note = :note WHERE "
         "id = :id",
      soci::use(state), soci::use(client), soci::use(sink), soci::use(throttle.value(), throttle.state()),
      soci::use(after.note), soci::use(after.id);
  record(sql, actor, "vendor", after.name, action, was, is);
}

} // namespace

std::string_view name_of(VendorStep step) {
  return step_names.at(static_cast<size_t>(step));
}

std::optional<VendorState> after_step(VendorState state, VendorStep step) {
  for (const Transition& each : transitions)
    if (each.from == state && each.step == step) return each.to;
  return std::nullopt;
}

VendorZone add_vendor(soci::session& sql, const Actor& actor, const VendorZone& fresh) {
  const DnsRoot root = get_root(sql, fresh.root);
  const std::string account = get_account(sql, fresh.account).name;
  VendorZone vendor = fresh;
  vendor.name = checked_name(sql, fresh.name, root);
  vendor.root = root.origin;
  vendor.state = VendorState::draft;
  check_values(vendor);
  vendor.id = store::next_id(sql, "vendor");
  const std::string state(name_of(vendor.state)), client(name_of(vendor.client)), sink(name_of(vendor.sink));
  store::Nullable<int64_t> throttle(vendor.throttle);
  sql << "INSERT INTO vendors (id, name, account, root, state, client, sink, throttle, note, created) VALUES (:id, "
         ":name, :account, :root, :state, :client, :sink, :throttle, :note, :created)",
      soci::use(vendor.id), soci::use(vendor.name), soci::use(vendor.account), soci::use(vendor.root), soci::use(state),
      soci::use(client), soci::use(sink), soci::use(throttle.value(), throttle.state()), soci::use(vendor.note),
      soci::use(actor.now);
  record(sql, actor, "vendor", vendor.name, "add", nullptr, json_of(vendor, account));
  return vendor;
}

VendorZone change_vendor(soci::session& sql, const Actor& actor, const std::string& name,
                         const VendorChanges& changes) {
  const VendorZone before = get_vendor(sql, name);
  VendorZone after = before;
  after.client = changes.client.value_or(before.client);
  after.sink = changes.sink.value_or(before.sink);
  after.throttle = changes.throttle.value_or(before.throttle);
  after.note = changes.note.value_or(before.note);
  check_values(after);
  write(sql, actor, "set", before, after);
  return after;
}

VendorZone step_vendor(soci::session& sql, const Actor& actor, const std::string& name, VendorStep step) {
  const VendorZone before = get_vendor(sql, name);
  const auto state = after_step(before.state, step);
  const std::string what = "vendor zone '" + before.name + "'";
  if (!state)
    throw Fault(
        fmt::format("{}: it is {}, and cannot be what {} makes of it", what, name_of(before.state), name_of(step)));
  const bool hurts = step == VendorStep::reject || step == VendorStep::suspend;
  if (hurts && actor.reason.empty()) throw Fault(fmt::format("{}: {} needs a reason", what, name_of(step)));
  VendorZone after = before;
  after.state = *state;
  write(sql, actor, std::string(name_of(step)), before, after);
  return after;
}

void remove_vendor(soci::session& sql, const Actor& actor, const std::string& name) {
  const VendorZone vendor = get_vendor(sql, name);
  if (vendor.state == VendorState::pending || vendor.state == VendorState::approved)
    throw Fault(
        fmt::format("vendor zone '{}': it is {}; reject or suspend it first", vendor.name, name_of(vendor.state)));
  sql << "DELETE FROM vendors WHERE id = :id", soci::use(vendor.id);
  const std::string account = get_account(sql, vendor.account).name;
  record(sql, actor, "vendor", vendor.name, "remove", json_of(vendor, account), nullptr);
}

std::optional<VendorZone> find_vendor(soci::session& sql, const std::string& name) {
  std::vector<VendorZone> found = read(sql, control::lower_case(name));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

VendorZone get_vendor(soci::session& sql, const std::string& name) {
  if (auto vendor = find_vendor(sql, name)) return std::move(*vendor);
  throw Fault("there is no vendor zone '" + name + "'");
}

std::vector<VendorZone> list_vendors(soci::session& sql) {
  return read(sql, std::nullopt);
}

} // namespace anytick::registry
