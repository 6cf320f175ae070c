#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace anytick::hub {

/// What the hub tells of itself, in the text format of Prometheus. Any thread.
class Metrics {
 public:
  Metrics();

  std::string text() const;

  /// Of a POP; it appears when it is told of first.
  void pop(const std::string& name, bool reachable, bool current, int64_t serial);
  /// Forgets all others.
  void keep_pops(const std::set<std::string>& names);

 private:
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Gauge>& reachable_;
  prometheus::Family<prometheus::Gauge>& current_;
  prometheus::Family<prometheus::Gauge>& serial_;
  std::mutex pops_mutex_;
  std::set<std::string> pops_;

 public:
  prometheus::Counter& rows;         ///< of score feeds that counted
  prometheus::Counter& row_faults;   ///< and those that were wrong
  prometheus::Counter& files;        ///< of the spool that were taken
  prometheus::Counter& files_failed; ///< and that were set aside
  prometheus::Counter& plans;
  prometheus::Counter& pushes;
  prometheus::Counter& pushes_failed;
  prometheus::Counter& objections; ///< plans that the guard held back
  prometheus::Gauge& held;         ///< 1 while nothing is pushed by itself
  prometheus::Gauge& guarded;      ///< 1 while the guard holds the newest plan back
  prometheus::Gauge& servers;      ///< of the registry
  prometheus::Gauge& servers_in;   ///< that clients are given
  prometheus::Gauge& current_serial;
  prometheus::Gauge& last_loop;  ///< seconds since 1970
  prometheus::Gauge& last_score; ///< of the newest check, seconds since 1970
};

} // namespace anytick::hub
