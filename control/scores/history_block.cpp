#include "control/scores/history_block.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "control/scores/decimal.h"
#include "control/scores/row_faults.h"

namespace anytick::scores {
namespace {

constexpr size_t error_max = 120;

/// So that what is stored is what is read, and short.
double rounded(double value, double parts) {
  return std::round(value * parts) / parts;
}

bool is_same_check(const HistoryRow& a, const HistoryRow& b) {
  return a.when == b.when && a.monitor == b.monitor;
}

void append_optional(std::string& text, const std::optional<double>& value) {
  if (value)
    append_decimal(text, *value);
  else
    text += '-';
}

bool take_optional(std::string_view& text, std::optional<double>& value) {
  if (text.starts_with("- ")) {
    text.remove_prefix(1);
    return true;
  }
  return take_decimal(text, value.emplace());
}

bool take_key(std::string_view& line, HistoryRow& row) {
  return take_decimal(line, row.when) && take_character(line, ' ') && take_decimal(line, row.monitor);
}

bool read_line(std::string_view line, HistoryRow& row) {
  if (!take_key(line, row) || !take_character(line, ' ') || !take_decimal(line, row.step) ||
      !take_character(line, ' ') || !take_decimal(line, row.score) || !take_character(line, ' ') ||
      !take_optional(line, row.offset) || !take_character(line, ' ') || !take_optional(line, row.rtt) ||
      !take_character(line, ' ') || !take_decimal(line, row.leap))
    return false;
  if (line.empty()) return true;
  if (!take_character(line, ' ')) return false;
  row.error = line;
  return true;
}

[[noreturn]] void fail(int64_t hour) {
  throw std::runtime_error("history: what is stored of hour " + std::to_string(hour) + " cannot be read");
}

} // namespace

HistoryRow history_row(const Row& row, double score) {
  HistoryRow kept{.when = row.when,
                  .monitor = row.monitor,
                  .step = rounded(row.step.step, 1e6),
                  .score = rounded(score, 1e6),
                  .leap = row.leap,
                  .error = row.error.empty() ? std::string() : printable(row.error, error_max)};
  if (row.offset) kept.offset = rounded(*row.offset, 1e9);
  if (row.rtt) kept.rtt = rounded(*row.rtt, 1e3);
  return kept;
}

Row row_of(const geo::Address& server, const HistoryRow& kept) {
  return {.server = server,
          .monitor = kept.monitor,
          .when = kept.when,
          .step = {kept.step},
          .score = kept.score,
          .offset = kept.offset,
          .rtt = kept.rtt,
          .leap = kept.leap,
          .error = kept.error};
}

std::vector<HistoryRow> HistoryBlock::rows() const {
  std::vector<HistoryRow> rows;
  std::string_view text = lines_;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    HistoryRow row;
    if (end == text.npos || !read_line(text.substr(0, end), row)) fail(hour_);
    row.when += hour_ * hour_seconds;
    rows.push_back(std::move(row));
    text.remove_prefix(end + 1);
  }
  return rows;
}

void HistoryBlock::append(const HistoryRow& row) {
  append_decimal(lines_, row.when - hour_ * hour_seconds);
  lines_ += ' ';
  append_decimal(lines_, row.monitor);
  lines_ += ' ';
  append_decimal(lines_, row.step);
  lines_ += ' ';
  append_decimal(lines_, row.score);
  lines_ += ' ';
  append_optional(lines_, row.offset);
  lines_ += ' ';
  append_optional(lines_, row.rtt);
  lines_ += ' ';
  append_decimal(lines_, row.leap);
  if (!row.error.empty()) (lines_ += ' ') += row.error;
  lines_ += '\n';
}

bool HistoryBlock::replace(const std::vector<HistoryRow>& rows) {
  std::string before = std::exchange(lines_, {});
  for (const HistoryRow& row : rows) append(row);
  return lines_ != before;
}

bool HistoryBlock::merge(std::span<const HistoryRow> rows) {
  if (rows.empty()) return false;
  const bool in_order = std::adjacent_find(rows.begin(), rows.end(), is_same_check) == rows.end();
  if (in_order) {
    HistoryRow last{.when = -1};
    if (!lines_.empty()) {
      // Mostly rows come by time, and then what is there need not be read.
      const size_t end = lines_.size() > 1 ? lines_.rfind('\n', lines_.size() - 2) : lines_.npos;
      std::string_view line = std::string_view(lines_).substr(end == lines_.npos ? 0 : end + 1);
      if (!take_key(line, last)) fail(hour_);
    }
    last.when += hour_ * hour_seconds;
    if (is_before(last, rows.front())) {
      for (const HistoryRow& row : rows) append(row);
      return true;
    }
  }
  const std::vector<HistoryRow> there = this->rows();
  std::vector<HistoryRow> all;
  std::merge(there.begin(), there.end(), rows.begin(), rows.end(), std::back_inserter(all), is_before);
  all.erase(std::unique(all.begin(), all.end(), is_same_check), all.end());
  return all.size() != there.size() && replace(all);
}

bool HistoryBlock::rescore(std::span<const HistoryRow> rescored) {
  if (rescored.empty()) return false;
  std::vector<HistoryRow> all = rows();
  for (const HistoryRow& each : rescored) {
    const auto place = std::lower_bound(all.begin(), all.end(), each, is_before);
    if (place != all.end() && is_same_check(*place, each)) place->score = each.score;
  }
  return replace(all);
}

bool HistoryBlock::thin() {
  const std::vector<HistoryRow> all = rows();
  std::vector<uint32_t> seen;
  std::vector<HistoryRow> last;
  for (auto row = all.rbegin(); row != all.rend(); ++row) {
    const auto place = std::lower_bound(seen.begin(), seen.end(), row->monitor);
    if (place != seen.end() && *place == row->monitor) continue;
    seen.insert(place, row->monitor);
    last.push_back(*row);
  }
  std::reverse(last.begin(), last.end());
  return last.size() != all.size() && replace(last);
}

} // namespace anytick::scores
