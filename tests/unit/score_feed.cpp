#include "score_feed.h"

#include <cstdio>
#include <iterator>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

namespace anytick::scores::test {
namespace {

struct Drawn {
  Row row;
  Observation seen;
};

/// The same for the same check, whoever asks.
uint64_t mixed(uint64_t a, uint64_t b) {
  uint64_t value = a * 0x9e3779b97f4a7c15 + b * 0xbf58476d1ce4e5b9;
  value ^= value >> 31;
  value *= 0x94d049bb133111eb;
  return value ^ (value >> 29);
}

Drawn draw(const FeedShape& shape, FeedKind kind, uint64_t pair, int64_t when) {
  const uint64_t random = mixed(pair, static_cast<uint64_t>(when));
  Drawn drawn;
  drawn.seen.responded = random % 50 != 0;
  drawn.seen.stratum = 2;
  drawn.seen.offset = (static_cast<double>(random >> 8 & 0xfffff) - 524288.0) * 1e-7;
  if (!drawn.seen.responded) drawn.seen = {.responded = false, .error = "i/o timeout"};
  drawn.row = {.server = geo::Address::ipv4(0x0a000000 + static_cast<uint32_t>(pair % shape.servers)),
               .monitor = static_cast<uint32_t>(pair / shape.servers + 1),
               .when = when,
               .step = step_of(drawn.seen),
               .offset = drawn.seen.offset,
               .error = drawn.seen.error};
  if (drawn.seen.responded) drawn.row.rtt = static_cast<double>(random >> 32 & 0x3ffff) * 1e-3;
  if (kind == FeedKind::log) drawn.row.score = static_cast<double>(random >> 20 & 0xffffff) * 1e-6;
  return drawn;
}

void append_log(fmt::memory_buffer& text, const Drawn& drawn, const std::string& server) {
  const Row& row = drawn.row;
  fmt::format_to(std::back_inserter(text), "{},{},{},{},{},mon{}-test,", server, row.when, row.step.step, *row.score,
                 row.monitor, row.monitor);
  if (row.offset) fmt::format_to(std::back_inserter(text), "{}", *row.offset);
  fmt::format_to(std::back_inserter(text), ",");
  if (row.rtt) fmt::format_to(std::back_inserter(text), "{}", *row.rtt);
  fmt::format_to(std::back_inserter(text), ",0,{}\n", row.error);
}

void append_observation(fmt::memory_buffer& text, const Drawn& drawn, const std::string& server) {
  const Row& row = drawn.row;
  fmt::format_to(std::back_inserter(text), "{{\"ts\":{},\"server\":\"{}\",\"monitor\":{}", row.when, server,
                 row.monitor);
  if (drawn.seen.responded)
    fmt::format_to(std::back_inserter(text), ",\"stratum\":2,\"offset\":{},\"rtt\":{}}}\n", *row.offset, *row.rtt);
  else
    fmt::format_to(std::back_inserter(text), ",\"response\":false,\"error\":\"{}\"}}\n", row.error);
}

} // namespace

uint64_t write_feed(const FeedShape& shape, FeedKind kind, int64_t hour, uint64_t rows_max, const std::string& path,
                    Scoreboard* board) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  if (!file) throw std::runtime_error("cannot write " + path);
  fmt::memory_buffer text;
  if (kind == FeedKind::log)
    fmt::format_to(std::back_inserter(text),
                   "server,ts_epoch,step,score,monitor_id,monitor_name,offset,rtt,leap,error\n");
  const uint64_t pairs = uint64_t{shape.servers} * shape.monitors;
  const int64_t begin = shape.start + hour * 3600;
  uint64_t rows = 0;
  for (int64_t when = begin; when < begin + 3600 && rows < rows_max; ++when) {
    for (uint64_t pair = static_cast<uint64_t>(when % feed_turn); pair < pairs && rows < rows_max; pair += feed_turn) {
      const Drawn drawn = draw(shape, kind, pair, when);
      const std::string server = geo::to_text(drawn.row.server);
      kind == FeedKind::log ? append_log(text, drawn, server) : append_observation(text, drawn, server);
      if (board != nullptr) board->take(drawn.row);
      ++rows;
    }
    if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size())
      throw std::runtime_error("cannot write " + path);
    text.clear();
  }
  return rows;
}

} // namespace anytick::scores::test
