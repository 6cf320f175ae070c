#include "control/delivery/fleet.h"

#include <algorithm>

#include "control/delivery/in_parallel.h"
#include "control/registry/pops.h"
#include "control/text.h"

namespace anytick::delivery {
namespace {

using Clock = std::chrono::steady_clock;

struct Reading {
  uint64_t answers = 0;
  uint64_t started = 0;
  Clock::time_point when;
};

uint64_t answers_of(const pop::v1::StatusReply& status) {
  uint64_t answers = 0;
  for (const pop::v1::Counter& counter : status.counters())
    if (counter.name() == "dns_answered" || counter.name() == "ntp_answered") answers += counter.value();
  return answers;
}

const pop::v1::TableInfo* zone_of(const google::protobuf::RepeatedPtrField<pop::v1::TableInfo>& tables) {
  const auto zone = std::ranges::find(tables, pop::v1::TABLE_KIND_ZONE, &pop::v1::TableInfo::kind);
  return zone == tables.end() ? nullptr : &*zone;
}

std::vector<Reading> ask(std::vector<PopReport>& pops, std::vector<PopLink>& links, size_t threads) {
  std::vector<Reading> readings(pops.size());
  in_parallel(
      pops.size(), threads,
      [&](size_t i) {
        pops[i].status = links[i].status();
        if (pops[i].status)
          readings[i] = {answers_of(*pops[i].status.reply), pops[i].status.reply->started(), Clock::now()};
      },
      [](size_t) {}, [] {});
  return readings;
}

/// None where the POP was away, or was started anew between them.
std::optional<double> rate_of(const Reading& before, const Reading& after) {
  const std::chrono::duration<double> apart = after.when - before.when;
  if (before.started == 0 || before.started != after.started || after.answers < before.answers || apart.count() <= 0)
    return std::nullopt;
  return static_cast<double>(after.answers - before.answers) / apart.count();
}

std::optional<int64_t> serial_of(soci::session& sql, const pop::v1::TableInfo* zone) {
  if (zone == nullptr) return std::nullopt;
  const auto revision = find_revision_by_digest(sql, control::hex_text(zone->digest()));
  if (!revision) return std::nullopt;
  return revision->serial;
}

std::optional<std::string> digest_of(soci::session& sql, const std::optional<Push>& push) {
  if (!push) return std::nullopt;
  return get_revision(sql, push->serial).digest;
}

} // namespace

const pop::v1::TableInfo* PopReport::zone() const {
  return status ? zone_of(status.reply->tables()) : nullptr;
}

FleetReport ask_fleet(const Desk& desk, std::optional<std::chrono::milliseconds> interval) {
  FleetReport report;
  std::vector<PopLink> links;
  desk.database.read([&](soci::session& sql) {
    report.pops.clear();
    for (const registry::Pop& pop : registry::list_pops(sql))
      if (pop.enabled) report.pops.push_back({pop, {}});
  });
  for (const PopReport& each : report.pops) links.emplace_back(each.pop, desk.config.tls, desk.patience);
  const std::vector<Reading> before = ask(report.pops, links, desk.threads);
  if (interval) {
    desk.sleep(*interval);
    const std::vector<Reading> after = ask(report.pops, links, desk.threads);
    for (size_t i = 0; i < after.size(); ++i) report.pops[i].answers_a_second = rate_of(before[i], after[i]);
  }
  // Read last: a push that POPs run by now is known by then.
  desk.database.read([&](soci::session& sql) {
    report.current = current_push(sql);
    report.open = open_push(sql);
    report.hold = read_hold(sql);
    report.current_digest = digest_of(sql, report.current);
    report.open_digest = digest_of(sql, report.open);
    for (PopReport& each : report.pops) each.serial = serial_of(sql, each.zone());
  });
  return report;
}

int64_t greatest_running(const FleetReport& report) {
  int64_t greatest = 0;
  constexpr uint64_t believed_max = INT64_MAX / 2;
  for (const PopReport& each : report.pops)
    if (const auto* zone = each.zone(); zone != nullptr && zone->serial() <= believed_max)
      greatest = std::max(greatest, static_cast<int64_t>(zone->serial()));
  return greatest;
}

std::set<int64_t> running_serials(const FleetReport& report) {
  std::set<int64_t> serials;
  for (const auto* push : {&report.current, &report.open}) {
    if (!*push) continue;
    serials.insert((*push)->serial);
    if ((*push)->previous) serials.insert(*(*push)->previous);
  }
  for (const PopReport& each : report.pops) {
    if (each.serial) serials.insert(*each.serial);
    if (!each.status) continue;
    if (const auto* zone = zone_of(each.status.reply->unconfirmed().previous()))
      serials.insert(static_cast<int64_t>(zone->serial()));
  }
  return serials;
}

} // namespace anytick::delivery
