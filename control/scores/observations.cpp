#include "control/scores/observations.h"

#include <algorithm>
#include <array>

#include "control/scores/fitting.h"
#include "control/scores/record_sax.h"
#include "control/scores/step.h"

namespace anytick::scores {
namespace {

enum Member : size_t { ts, server, monitor, response, stratum, offset, kiss, error, leap, rtt, name, status };
constexpr std::array<std::string_view, 12> members{"ts",   "server", "monitor", "response", "stratum", "offset",
                                                   "kiss", "error",  "leap",    "rtt",      "name",    "status"};

/// One line, which is one record.
class Line : public RecordSax {
 public:
  explicit Line(Record& record) : record_(record) {}

  bool has_record() const { return has_record_; }
  const std::string& twice() const { return twice_; } ///< a name that stands twice; "" none

 private:
  Record* begin(size_t depth, std::string_view) override {
    has_record_ |= depth == 1;
    return depth == 1 ? &record_ : nullptr;
  }
  void end(Record&) override {}
  void begin_array(size_t, std::string_view) override {}
  void repeated(Record&, std::string_view member) override { twice_ = member; }

  Record& record_;
  bool has_record_ = false;
  std::string twice_;
};

std::string_view text_of(Fitting& fit, std::string_view member, const Scalar& cell) {
  const auto text = cell.text();
  if (!text && !cell.absent()) fit.misfit(member, {}, "is no text");
  return text.value_or("");
}

class ObservationReader {
 public:
  ObservationReader(const std::string& path, const ReadOptions& options, RowSink& sink, RowFaults& faults)
      : server_(options.server ? options.server : server_of_name(path)),
        not_after_(std::min(when_max, options.not_after)), sink_(sink), faults_(faults) {}

  void read_line(std::string_view line, uint64_t number);
  const ReadCounts& counts() const { return counts_; }

 private:
  Observation seen(Fitting& fit) const;
  geo::Address server_of(Fitting& fit) const;
  Monitor monitor_of(uint32_t id, Fitting& fit) const;
  void read_record(uint64_t number);

  std::optional<geo::Address> server_;
  int64_t not_after_;
  RowSink& sink_;
  RowFaults& faults_;
  Record record_{members};
  ReadCounts counts_;
};

Observation ObservationReader::seen(Fitting& fit) const {
  Observation seen;
  if (const auto told = record_[response].boolean())
    seen.responded = *told;
  else if (!record_[response].absent())
    fit.misfit("response", {}, "is neither true nor false");
  if (const auto told = fit.whole("stratum", record_[stratum], 0, 255)) seen.stratum = static_cast<unsigned>(*told);
  seen.offset = fit.number("offset", record_[offset], -offset_max, offset_max);
  seen.kiss = text_of(fit, "kiss", record_[kiss]);
  seen.error = text_of(fit, "error", record_[error]);
  return seen;
}

geo::Address ObservationReader::server_of(Fitting& fit) const {
  if (record_[server].absent()) return fit.needed("server", server_);
  const auto address = geo::parse_address(record_[server].shown());
  if (!address) fit.misfit("server", record_[server].shown(), "is no address");
  return address.value_or(geo::Address{});
}

Monitor ObservationReader::monitor_of(uint32_t id, Fitting& fit) const {
  Monitor told{.id = id, .name = text_of(fit, "name", record_[name])};
  told.status = status_named(record_[status].shown());
  if (!told.status && !record_[status].absent())
    fit.misfit("status", record_[status].shown(), "is not active, testing, candidate or inactive");
  return told;
}

void ObservationReader::read_record(uint64_t number) {
  Fitting fit;
  Row row;
  row.when = fit.needed("ts", fit.whole("ts", record_[ts], 0, not_after_));
  row.monitor = static_cast<uint32_t>(fit.needed("monitor", fit.whole("monitor", record_[monitor], 0, UINT32_MAX)));
  row.server = server_of(fit);
  const Observation observation = seen(fit);
  row.step = step_of(observation);
  row.offset = observation.offset;
  row.error = observation.error;
  row.leap = static_cast<uint8_t>(fit.whole("leap", record_[leap], 0, 3).value_or(0));
  row.rtt = fit.number("rtt", record_[rtt], 0, rtt_max);
  const Monitor told = monitor_of(row.monitor, fit);
  if (!fit.fits()) return faults_.add(number, fit.name(), fit.value(), fit.reason());
  ++counts_.rows;
  if (!told.name.empty() || told.status) sink_.take(row.server, told);
  sink_.take(row);
}

void ObservationReader::read_line(std::string_view line, uint64_t number) {
  Line parsed(record_);
  if (!nlohmann::json::sax_parse(line.begin(), line.end(), &parsed)) return faults_.add(number, parsed.failure());
  if (!parsed.has_record()) return faults_.add(number, "is no JSON object");
  if (!parsed.twice().empty()) return faults_.add(number, parsed.twice(), {}, "stands twice");
  read_record(number);
}

} // namespace

Result<ReadCounts> read_observations(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                     RowFaults& faults) {
  ObservationReader reader(path, options, sink, faults);
  std::string_view line;
  while (true) {
    switch (file.next_line(line)) {
    case TextFile::Line::text:
      if (!line.empty()) reader.read_line(line, file.lines());
      break;
    case TextFile::Line::too_long:
      faults.add(file.lines(), "is too long");
      break;
    case TextFile::Line::end:
      return reader.counts();
    }
  }
}

} // namespace anytick::scores
