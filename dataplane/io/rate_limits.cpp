#include "dataplane/io/rate_limits.h"

#include <algorithm>
#include <random>

#include <spdlog/spdlog.h>

namespace anytick::io {
namespace {

using core::Limiter;

std::array<uint64_t, 2> random_secret() {
  std::random_device device;
  const auto word = [&] { return uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

/// Zero, and there: a worker's first packets do not wait for pages.
Result<TableMemory> zeroed(size_t bytes, int node) {
  Result<TableMemory> memory = TableMemory::reserve(bytes, node);
  if (memory) std::ranges::fill(memory->writable(), std::byte{0});
  return memory;
}

std::string_view class_name(core::AnswerClass which) {
  switch (which) {
  case core::AnswerClass::answer:
    return "answers";
  case core::AnswerClass::nodata:
    return "nodata";
  case core::AnswerClass::nxdomain:
    return "nxdomain";
  case core::AnswerClass::referral:
    return "referrals";
  case core::AnswerClass::error:
    return "errors";
  case core::AnswerClass::ntp:
    return "ntp";
  }
  return "";
}

} // namespace

core::Ticks ticks_at(int64_t monotonic) {
  constexpr uint64_t nanoseconds = 1'000'000'000;
  const auto since = static_cast<uint64_t>(monotonic);
  return since / nanoseconds * core::ticks_per_second + since % nanoseconds * core::ticks_per_second / nanoseconds;
}

Result<std::unique_ptr<Limits>> Limits::make(const LimitConfig& config, unsigned workers, bool spread,
                                             const ThreadNodes& nodes) {
  core::LimitRules rules = config.rules;
  if (spread && workers > 1) {
    for (double& rate : rules.per_second) rate /= workers;
    spdlog::warn("a port cannot keep a source on one worker: each of {} has {} of the limits", workers,
                 fmt::format("1/{}", workers));
  }
  std::unique_ptr<Limits> limits(new Limits);
  const std::array<uint64_t, 2> secret = random_secret();
  for (unsigned i = 0; i <= workers; ++i) {
    Result<TableMemory> memory =
        zeroed(config.memory_bytes / (workers + 1) / sizeof(Limiter::Line) * sizeof(Limiter::Line), nodes.of(i));
    if (!memory) return Refusal{"limit.memory_mb", "", memory.refusal().text()};
    const std::span<std::byte> bytes = memory->writable();
    const std::span lines(reinterpret_cast<Limiter::Line*>(bytes.data()), bytes.size() / sizeof(Limiter::Line));
    limits->threads_.push_back(std::make_unique<Thread>(std::move(*memory), rules, lines, secret));
  }
  return limits;
}

void Limits::log_reports() {
  for (const auto& thread : threads_) {
    if (const auto report = thread->limiter.report())
      spdlog::info("limit: {} asks for more than its rate of {}{}", geo::to_text(report->source),
                   class_name(report->which),
                   thread->limiter.rules().mode == core::LimitMode::log ? ", and gets it: limit.mode is \"log\"" : "");
  }
}

} // namespace anytick::io
