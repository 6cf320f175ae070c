#include "control/scores/history_writer.h"

#include <algorithm>
#include <span>
#include <utility>

namespace anytick::scores {
namespace {

/// The rows from `begin` on that are of that hour.
std::span<const HistoryRow> of_hour(const std::vector<HistoryRow>& rows, size_t& begin, int64_t hour) {
  const size_t first = begin;
  while (begin < rows.size() && hour_of(rows[begin].when) == hour) ++begin;
  return std::span(rows).subspan(first, begin - first);
}

/// Of both, without those that are there several times.
std::vector<int64_t> hours_of(const std::vector<HistoryRow>& rows, const std::vector<HistoryRow>& more) {
  std::vector<int64_t> hours;
  for (const auto* each : {&rows, &more})
    for (const HistoryRow& row : *each)
      if (hours.empty() || hours.back() != hour_of(row.when)) hours.push_back(hour_of(row.when));
  std::sort(hours.begin(), hours.end());
  hours.erase(std::unique(hours.begin(), hours.end()), hours.end());
  return hours;
}

} // namespace

HistoryWriter::HistoryWriter(soci::session& sql, std::function<void()> before_insert)
    : sql_(sql), before_insert_(std::move(before_insert)),
      blocks_(sql, "INSERT INTO history (server, hour, thin, lines)",
              "ON CONFLICT (server, hour) DO UPDATE SET lines = excluded.lines"),
      query_((sql.prepare << "SELECT hour, thin, lines FROM history WHERE server = :server AND hour >= :first AND "
                             "hour <= :last ORDER BY hour",
              soci::use(asked_server_), soci::use(first_), soci::use(last_), soci::into(hour_), soci::into(thin_),
              soci::into(lines_))) {}

void HistoryWriter::read(long long server, int64_t first_hour, int64_t last_hour) {
  asked_server_ = server;
  first_ = first_hour;
  last_ = last_hour;
  query_.execute();
  while (query_.fetch()) there_.push_back({.hour = hour_, .thin = thin_ != 0, .block = HistoryBlock(hour_, lines_)});
}

void HistoryWriter::write(long long server, std::vector<HistoryRow>& rows, const std::vector<HistoryRow>& rescored) {
  if (!std::is_sorted(rows.begin(), rows.end(), is_before)) std::stable_sort(rows.begin(), rows.end(), is_before);
  const std::vector<int64_t> hours = hours_of(rows, rescored);
  there_.clear();
  for (size_t begin = 0, end = 0; begin < hours.size(); begin = end) {
    for (end = begin + 1; end < hours.size() && hours[end] == hours[end - 1] + 1;) ++end;
    read(server, hours[begin], hours[end - 1]);
  }
  auto known = there_.begin();
  size_t row = 0, score = 0;
  for (const int64_t hour : hours) {
    const bool is_there = known != there_.end() && known->hour == hour;
    Stored stored = is_there ? std::move(*known++) : Stored{hour, false, HistoryBlock(hour)};
    const std::string before = stored.thin ? stored.block.lines() : std::string();
    bool changed = stored.block.merge(of_hour(rows, row, hour));
    changed |= stored.block.rescore(of_hour(rescored, score, hour));
    if (stored.thin && changed) {
      stored.block.thin();
      changed = stored.block.lines() != before;
    }
    if (changed) insert(server, stored);
  }
}

void HistoryWriter::insert(long long server, const Stored& stored) {
  if (blocks_.full()) flush();
  blocks_.next() = {server, stored.hour, stored.thin, stored.block.lines()};
}

void HistoryWriter::flush() {
  if (blocks_.empty()) return;
  before_insert_();
  blocks_.flush();
}

} // namespace anytick::scores
