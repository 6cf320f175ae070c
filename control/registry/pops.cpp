#include "control/registry/pops.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "geo/prefix.h"
#include "geo/text.h"

namespace anytick::registry {
namespace {

constexpr std::string_view unix_prefix = "unix:";

/// The host of HOST:PORT or [IPV6]:PORT; nothing where it is none.
std::optional<std::string> host_of(const std::string& target) {
  const size_t colon = target.rfind(':');
  if (colon == target.npos) return std::nullopt;
  const auto port = geo::number_of<uint16_t>(std::string_view(target).substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  std::string host = target.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = geo::parse_address(host);
  if (address) return brackets == (address->family == geo::Family::ipv6) ? std::optional(host) : std::nullopt;
  if (brackets || host.find(':') != host.npos) return std::nullopt;
  return checked_host("POP's target", host);
}

Pop checked(const Pop& pop) {
  constexpr size_t target_max = 300;
  Pop kept = pop;
  kept.name = control::lower_case(pop.name);
  const std::string what = "POP '" + kept.name + "'";
  if (!is_label(kept.name)) throw Fault(what + ": a name is a label of a-z, 0-9 and hyphens");
  check_text(what + ": target", kept.target, target_max);
  if (kept.target.starts_with(unix_prefix)) {
    if (kept.target.compare(unix_prefix.size(), 1, "/") != 0)
      throw Fault(what + ": behind \"unix:\" stands an absolute path");
    if (!kept.tls_name.empty()) throw Fault(what + ": a Unix socket has no certificate to have a name");
    return kept;
  }
  const auto host = host_of(kept.target);
  if (!host) throw Fault(fmt::format("{}: target '{}' is neither unix:/PATH nor HOST:PORT", what, kept.target));
  const std::string name = kept.tls_name.empty() ? *host : kept.tls_name;
  kept.tls_name = geo::parse_address(name) ? name : checked_host(what + ": name in its certificate", name);
  return kept;
}

std::vector<Pop> read_pops(soci::session& sql, const std::optional<std::string>& name) {
  Pop row;
  int64_t canary = 0, enabled = 0;
  Query select(sql);
  select.into(row.name, row.target, row.tls_name, canary, enabled);
  if (name) select.where("name = :name", *name);
  select.run("SELECT name, target, tls_name, canary, enabled FROM pops", "");
  std::vector<Pop> pops;
  while (select.fetch()) {
    row.canary = canary != 0;
    row.enabled = enabled != 0;
    pops.push_back(row);
  }
  std::ranges::sort(pops, {}, &Pop::name);
  return pops;
}

} // namespace

Pop add_pop(soci::session& sql, const Actor& actor, const Pop& fresh) {
  const Pop pop = checked(fresh);
  if (find_pop(sql, pop.name)) throw Fault("POP '" + pop.name + "': there is one of this name");
  const int64_t canary = pop.canary, enabled = pop.enabled;
  sql << "INSERT INTO pops (name, target, tls_name, canary, enabled) VALUES (:name, :target, :tls_name, :canary, "
         ":enabled)",
      soci::use(pop.name), soci::use(pop.target), soci::use(pop.tls_name), soci::use(canary), soci::use(enabled);
  record(sql, actor, "pop", pop.name, "add", nullptr, json_of(pop));
  return pop;
}

Pop change_pop(soci::session& sql, const Actor& actor, const std::string& name, const PopChanges& changes) {
  const Pop before = get_pop(sql, name);
  Pop after = before;
  after.target = changes.target.value_or(before.target);
  // The name of a socket that was TCP's goes with it.
  const bool to_unix = after.target.starts_with(unix_prefix);
  after.tls_name = changes.tls_name.value_or(to_unix ? "" : before.tls_name);
  after.canary = changes.canary.value_or(before.canary);
  after.enabled = changes.enabled.value_or(before.enabled);
  after = checked(after);
  const int64_t canary = after.canary, enabled = after.enabled;
  sql << "UPDATE pops SET target = :target, tls_name = :tls_name, canary = :canary, enabled = :enabled WHERE name = "
         ":name",
      soci::use(after.target), soci::use(after.tls_name), soci::use(canary), soci::use(enabled), soci::use(after.name);
  record(sql, actor, "pop", after.name, "set", json_of(before), json_of(after));
  return after;
}

void remove_pop(soci::session& sql, const Actor& actor, const std::string& name) {
  const Pop pop = get_pop(sql, name);
  sql << "DELETE FROM pops WHERE name = :name", soci::use(pop.name);
  record(sql, actor, "pop", pop.name, "remove", json_of(pop), nullptr);
}

std::optional<Pop> find_pop(soci::session& sql, const std::string& name) {
  std::vector<Pop> found = read_pops(sql, control::lower_case(name));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Pop get_pop(soci::session& sql, const std::string& name) {
  if (auto pop = find_pop(sql, name)) return std::move(*pop);
  throw Fault("there is no POP '" + name + "'");
}

std::vector<Pop> list_pops(soci::session& sql) {
  return read_pops(sql, std::nullopt);
}

} // namespace anytick::registry
