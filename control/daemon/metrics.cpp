#include "control/daemon/metrics.h"

#include <prometheus/text_serializer.h>

namespace anytick::hub {
namespace {

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Family<prometheus::Gauge>& gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return gauges(registry, name, help).Add({});
}

} // namespace

Metrics::Metrics()
    : reachable_(gauges(*registry_, "anytick_pop_reachable", "Whether the POP answered the hub last")),
      current_(gauges(*registry_, "anytick_pop_current", "Whether the POP runs the current revision")),
      serial_(gauges(*registry_, "anytick_pop_serial", "Serial that the POP runs; 0: none that the hub knows")),
      rows(counter(*registry_, "anytick_score_rows_total", "Rows of score feeds that counted")),
      row_faults(counter(*registry_, "anytick_score_row_faults_total", "Rows of score feeds that were wrong")),
      files(counter(*registry_, "anytick_spool_files_total", "Files of the spool that were taken")),
      files_failed(counter(*registry_, "anytick_spool_files_failed_total", "Files of the spool that were set aside")),
      plans(counter(*registry_, "anytick_plans_total", "Plans made")),
      pushes(counter(*registry_, "anytick_pushes_total", "Pushes that began")),
      pushes_failed(counter(*registry_, "anytick_pushes_failed_total", "Pushes that ended without all POPs")),
      objections(counter(*registry_, "anytick_plans_guarded_total", "Plans that the guard held back")),
      held(gauge(*registry_, "anytick_held", "1 while nothing is pushed by itself")),
      guarded(gauge(*registry_, "anytick_guarded", "1 while the guard holds the newest plan back")),
      servers(gauge(*registry_, "anytick_servers", "Servers of the registry")),
      servers_in(gauge(*registry_, "anytick_servers_in", "Servers that clients are given")),
      current_serial(gauge(*registry_, "anytick_serial", "Serial of the current revision; 0: none")),
      last_loop(gauge(*registry_, "anytick_last_loop_seconds", "When the hub last went through its work, since 1970")),
      last_score(gauge(*registry_, "anytick_last_score_seconds", "When the newest check was, since 1970")) {}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

void Metrics::pop(const std::string& name, bool reachable, bool current, int64_t serial) {
  const std::lock_guard lock(pops_mutex_);
  pops_.insert(name);
  reachable_.Add({{"pop", name}}).Set(reachable ? 1 : 0);
  current_.Add({{"pop", name}}).Set(current ? 1 : 0);
  serial_.Add({{"pop", name}}).Set(static_cast<double>(serial));
}

void Metrics::keep_pops(const std::set<std::string>& names) {
  const std::lock_guard lock(pops_mutex_);
  for (const std::string& name : pops_)
    if (!names.contains(name))
      for (auto* family : {&reachable_, &current_, &serial_}) family->Remove(&family->Add({{"pop", name}}));
  std::erase_if(pops_, [&](const std::string& name) { return !names.contains(name); });
}

} // namespace anytick::hub
