#include "control/scores/log_csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <vector>

#include "control/scores/fitting.h"
#include "geo/text.h"

namespace anytick::scores {
namespace {

enum Column : size_t {
  ts_epoch,
  offset,
  step,
  score,
  monitor_id,
  monitor_name,
  rtt,
  leap,
  error,
  server,
  column_count,
};
constexpr std::array<std::string_view, column_count> column_names{
    "ts_epoch", "offset", "step", "score", "monitor_id", "monitor_name", "rtt", "leap", "error", "server"};
constexpr Column needed_columns[] = {ts_epoch, step, score, monitor_id};
constexpr size_t cells_max = 64;

struct Cell {
  std::string_view text;

  bool absent() const { return text.empty(); }
  std::string_view shown() const { return text; }
  std::optional<int64_t> whole() const { return geo::number_of<int64_t>(text); }
  std::optional<double> number() const {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc{} || stop != end) return {};
    return value;
  }
};

/// The cells of one line (RFC 4180 2).
class Splitter {
 public:
  /// False: it is no line of cells.
  bool split(std::string_view line, std::vector<std::string_view>& cells) {
    cells.clear();
    if (line.find('"') != line.npos) return split_quoted(line, cells);
    while (true) {
      const size_t comma = line.find(',');
      cells.push_back(line.substr(0, comma));
      if (comma == line.npos) return true;
      line.remove_prefix(comma + 1);
      if (cells.size() == cells_max) return false;
    }
  }

 private:
  bool split_quoted(std::string_view line, std::vector<std::string_view>& cells) {
    plain_.clear();
    plain_.reserve(line.size()); // what is appended stays where it is
    while (cells.size() < cells_max) {
      if (!line.starts_with('"')) {
        const size_t comma = line.find(',');
        cells.push_back(line.substr(0, comma));
        if (cells.back().find('"') != line.npos) return false;
        if (comma == line.npos) return true;
        line.remove_prefix(comma + 1);
        continue;
      }
      const auto end = unquote(line, cells);
      if (!end) return false;
      if (*end == line.size()) return true;
      if (line[*end] != ',') return false;
      line.remove_prefix(*end + 1);
    }
    return false;
  }

  /// Where the quoted cell that the line begins with ends.
  std::optional<size_t> unquote(std::string_view line, std::vector<std::string_view>& cells) {
    const size_t begin = plain_.size();
    for (size_t at = 1; at < line.size(); ++at) {
      if (line[at] == '"') {
        if (at + 1 == line.size() || line[at + 1] != '"') {
          cells.push_back(std::string_view(plain_).substr(begin));
          return at + 1;
        }
        ++at;
      }
      plain_ += line[at];
    }
    return {};
  }

  std::string plain_; ///< of quoted cells
};

class LogReader {
 public:
  LogReader(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink, RowFaults& faults)
      : file_(file), path_(path), options_(options), sink_(sink), faults_(faults) {}

  Result<ReadCounts> read();

 private:
  std::optional<Refusal> read_header();
  void read_row(std::string_view line);
  geo::Address server_of(std::string_view text, Fitting& fitting);
  void tell(const Row& row, std::string_view name);
  Cell cell(Column column) const { return {places_[column] < cells_.size() ? cells_[places_[column]] : ""}; }

  TextFile& file_;
  const std::string& path_;
  const ReadOptions& options_;
  RowSink& sink_;
  RowFaults& faults_;

  Splitter splitter_;
  std::vector<std::string_view> cells_;
  size_t width_ = 0;
  std::array<size_t, column_count> places_; ///< of the columns, in a line; cells_max: not there
  std::optional<geo::Address> server_;      ///< of all rows, or the last row's
  std::string server_text_;
  std::unordered_map<uint32_t, std::string> names_; ///< that the sink knows
  ReadCounts counts_;
};

std::optional<Refusal> LogReader::read_header() {
  std::string_view line;
  if (file_.next_line(line) != TextFile::Line::text || !splitter_.split(line, cells_))
    return Refusal{path_, "line 1", "no header of a log's columns"};
  width_ = cells_.size();
  for (size_t column = 0; column < column_count; ++column) {
    const auto place = std::find(cells_.begin(), cells_.end(), column_names[column]);
    places_[column] = place == cells_.end() ? cells_max : static_cast<size_t>(place - cells_.begin());
  }
  for (const Column column : needed_columns)
    if (places_[column] == cells_max) return Refusal{path_, "line 1", "no column " + std::string(column_names[column])};
  if (places_[server] != cells_max) return {};
  server_ = options_.server ? options_.server : server_of_name(path_);
  if (!server_) return Refusal{path_, "", "whose log is it? Its name is no address, and it has no column server"};
  return {};
}

geo::Address LogReader::server_of(std::string_view text, Fitting& fitting) {
  if (places_[server] == cells_max || (server_ && text == server_text_)) return *server_;
  const auto address = geo::parse_address(text);
  if (!address) {
    fitting.misfit("server", text, "is no address");
    return {};
  }
  server_ = address;
  server_text_ = text;
  return *address;
}

void LogReader::tell(const Row& row, std::string_view name) {
  if (name.empty()) return;
  std::string& known = names_[row.monitor];
  if (known == name) return;
  known = name;
  sink_.take(row.server, {.id = row.monitor, .name = name});
}

void LogReader::read_row(std::string_view line) {
  if (!splitter_.split(line, cells_)) return faults_.add(file_.lines(), "has quotes that do not match");
  if (cells_.size() != width_) return faults_.add(file_.lines(), "has not the cells that the header names");
  const std::string_view name = cell(monitor_name).text;
  if (is_scorer(name)) {
    ++counts_.skipped;
    return;
  }
  Fitting fit;
  Row row;
  row.when = fit.needed("ts_epoch", fit.whole("ts_epoch", cell(ts_epoch), 0, std::min(when_max, options_.not_after)));
  row.step.step = fit.needed("step", fit.number("step", cell(step), -step_max, step_max));
  row.score = fit.needed("score", fit.number("score", cell(score), score_min, score_max));
  row.monitor =
      static_cast<uint32_t>(fit.needed("monitor_id", fit.whole("monitor_id", cell(monitor_id), 0, UINT32_MAX)));
  row.offset = fit.number("offset", cell(offset), -offset_max, offset_max);
  row.rtt = fit.number("rtt", cell(rtt), 0, rtt_max);
  row.leap = static_cast<uint8_t>(fit.whole("leap", cell(leap), 0, 3).value_or(0));
  row.error = cell(error).text;
  row.server = server_of(cell(server).text, fit);
  if (!fit.fits()) return faults_.add(file_.lines(), fit.name(), fit.value(), fit.reason());
  ++counts_.rows;
  tell(row, name);
  sink_.take(row);
}

Result<ReadCounts> LogReader::read() {
  if (auto refusal = read_header()) return *std::move(refusal);
  std::string_view line;
  while (true) {
    switch (file_.next_line(line)) {
    case TextFile::Line::text:
      if (!line.empty()) read_row(line);
      break;
    case TextFile::Line::too_long:
      faults_.add(file_.lines(), "is too long");
      break;
    case TextFile::Line::end:
      return counts_;
    }
  }
}

} // namespace

Result<ReadCounts> read_log_csv(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                RowFaults& faults) {
  return LogReader(file, path, options, sink, faults).read();
}

} // namespace anytick::scores
