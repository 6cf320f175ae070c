#include "control/scores/pool_json.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>
#include <vector>

#include "control/scores/fitting.h"
#include "control/scores/record_sax.h"

namespace anytick::scores {
namespace {

enum RowMember : size_t { ts, offset, step, score, monitor_id, rtt };
constexpr std::array<std::string_view, 6> row_members{"ts", "offset", "step", "score", "monitor_id", "rtt"};
enum MonitorMember : size_t { id, name, type, status };
constexpr std::array<std::string_view, 4> monitor_members{"id", "name", "type", "status"};
constexpr std::array<std::string_view, 1> server_members{"ip"};

void add_misfit(RowFaults& faults, uint64_t line, const Fitting& fit) {
  faults.add(line, fit.name(), fit.value(), fit.reason());
}

/// Where the record of a pass begins, and what is twice in it.
class Pass : public RecordSax {
 public:
  Pass(TextFile& file, RowFaults& faults) : file_(file), faults_(faults) {}

 protected:
  Record* begun(Record& record) {
    line_ = file_.lines() + 1;
    whole_ = true;
    return &record;
  }
  void repeated(Record&, std::string_view name) override {
    if (whole_) faults_.add(line_, name, {}, "stands twice");
    whole_ = false;
  }
  uint64_t line() const { return line_; }
  bool whole() const { return whole_; }
  RowFaults& faults() { return faults_; }

 private:
  TextFile& file_;
  RowFaults& faults_;
  uint64_t line_ = 0;
  bool whole_ = true;
};

/// Whose history it is, and who made it.
class AboutPass : public Pass {
 public:
  using Pass::Pass;

  struct Told {
    uint32_t id;
    std::string name;
    std::optional<MonitorStatus> status;
  };

  std::optional<geo::Address> server;
  std::vector<Told> monitors;
  std::unordered_set<uint32_t> scorers;
  bool has_history = false;

 private:
  Record* begin(size_t depth, std::string_view top) override {
    if (depth == 2 && top == "server") return begun(server_);
    if (depth == 3 && top == "monitors") return begun(monitor_);
    return nullptr;
  }
  void begin_array(size_t depth, std::string_view top) override { has_history |= depth == 2 && top == "history"; }
  void end(Record& record) override {
    if (!whole()) return;
    if (&record == &server_)
      server = geo::parse_address(record[0].shown());
    else
      end_monitor(record);
  }
  void end_monitor(const Record& record) {
    Fitting fit;
    const auto number = static_cast<uint32_t>(fit.needed("id", fit.whole("id", record[id], 0, UINT32_MAX)));
    if (!fit.fits()) return add_misfit(faults(), line(), fit);
    if (record[type].shown() == "score" || is_scorer(record[name].shown())) {
      scorers.insert(number);
      return;
    }
    Told told{number, std::string(record[name].shown()), {}};
    // The pool has more kinds of monitors that do not count: paused, pending, deleted.
    if (!record[status].absent()) told.status = status_named(record[status].shown()).value_or(MonitorStatus::inactive);
    monitors.push_back(std::move(told));
  }

  Record server_{server_members};
  Record monitor_{monitor_members};
};

class HistoryPass : public Pass {
 public:
  HistoryPass(TextFile& file, RowFaults& faults, const ReadOptions& options, const geo::Address& server,
              const std::unordered_set<uint32_t>& scorers, RowSink& sink)
      : Pass(file, faults), not_after_(std::min(when_max, options.not_after)), server_(server), scorers_(scorers),
        sink_(sink) {}

  const ReadCounts& counts() const { return counts_; }

 private:
  Record* begin(size_t depth, std::string_view top) override {
    return depth == 3 && top == "history" ? begun(row_) : nullptr;
  }
  void begin_array(size_t, std::string_view) override {}
  void end(Record& record) override {
    if (!whole()) return;
    Fitting fit;
    Row row;
    row.server = server_;
    row.when = fit.needed("ts", fit.whole("ts", record[ts], 0, not_after_));
    row.step.step = fit.needed("step", fit.number("step", record[step], -step_max, step_max));
    row.score = fit.needed("score", fit.number("score", record[score], score_min, score_max));
    row.monitor =
        static_cast<uint32_t>(fit.needed("monitor_id", fit.whole("monitor_id", record[monitor_id], 0, UINT32_MAX)));
    row.offset = fit.number("offset", record[offset], -offset_max, offset_max);
    row.rtt = fit.number("rtt", record[rtt], 0, rtt_max);
    if (!fit.fits()) return add_misfit(faults(), line(), fit);
    if (scorers_.contains(row.monitor)) {
      ++counts_.skipped;
      return;
    }
    ++counts_.rows;
    sink_.take(row);
  }

  int64_t not_after_;
  geo::Address server_;
  const std::unordered_set<uint32_t>& scorers_;
  RowSink& sink_;
  Record row_{row_members};
  ReadCounts counts_;
};

std::optional<Refusal> walk(TextFile& file, const std::string& path, Pass& pass) {
  if (nlohmann::json::sax_parse(ByteIterator<TextFile>(file), ByteIterator<TextFile>(), &pass)) return {};
  return Refusal{path, "", pass.failure()};
}

} // namespace

Result<ReadCounts> read_pool_json(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                  RowFaults& faults) {
  AboutPass about(file, faults);
  // Of one that ends early it is not known which rows are monitors' and which the pool's own overall scores.
  if (auto broken = walk(file, path, about)) return *std::move(broken);
  if (!about.has_history) return Refusal{path, "", "has no history"};
  const auto server = about.server ? about.server : options.server ? options.server : server_of_name(path);
  if (!server) return Refusal{path, "server", "whose history is it? It states no address"};

  for (const AboutPass::Told& each : about.monitors)
    sink.take(*server, {.id = each.id, .name = each.name, .status = each.status});
  file.rewind();
  HistoryPass history(file, faults, options, *server, about.scorers, sink);
  if (auto broken = walk(file, path, history)) return *std::move(broken);
  return history.counts();
}

} // namespace anytick::scores
