#include "dataplane/io/tsc.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include <cpuid.h>
#include <rte_cycles.h>

namespace anytick::io {
namespace {

constexpr auto measured_for = std::chrono::milliseconds(50);
constexpr int attempts = 8;

/// Both at one moment: of some attempts the one that was interrupted least.
struct Moment {
  uint64_t tsc = 0;
  double seconds = 0;
};

Moment read_moment() {
  Moment best;
  uint64_t least = UINT64_MAX;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    timespec raw{};
    const uint64_t before = rte_rdtsc_precise();
    ::clock_gettime(CLOCK_MONOTONIC_RAW, &raw);
    const uint64_t took = rte_rdtsc_precise() - before;
    if (took >= least) continue;
    least = took;
    best = {before + took / 2, static_cast<double>(raw.tv_sec) + static_cast<double>(raw.tv_nsec) * 1e-9};
  }
  return best;
}

double measure_hz() {
  const Moment first = read_moment();
  std::this_thread::sleep_for(measured_for);
  const Moment last = read_moment();
  return static_cast<double>(last.tsc - first.tsc) / (last.seconds - first.seconds);
}

} // namespace

bool has_invariant_tsc() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & 1u << 8) != 0;
}

TscScale TscScale::measured() {
  static const double hz = measure_hz();
  return TscScale(hz);
}

} // namespace anytick::io
