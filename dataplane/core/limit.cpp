#include "dataplane/core/limit.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

// A bucket: 20 bits that say whose it is, and the moment at which it is full again, modulo 2^44 ticks (12 days). A tag
// is taken for another's once in 130,000 look-ups in a full line; then two share a bucket.
constexpr unsigned time_bits = 44;
constexpr uint64_t time_mask = (uint64_t{1} << time_bits) - 1;

// No bucket is further from being full; a word that seems to be is older than its clock tells. One that has not been
// touched for 12 days to the second may be taken for young: for the few seconds that a burst lasts.
constexpr Ticks debt_max = ticks_per_second << 10;

// Of newcomers to a line whose buckets are all in use, one of so many gets the one nearest to being full.
constexpr uint32_t seen_one_of = 16;

// Kisses of death have a bucket of their own: one in 8 s, the shortest poll interval that a client may fall back to.
constexpr uint32_t kiss_bucket = answer_class_count;
constexpr Rate kiss_rate{8 * ticks_per_second, 0};

// Of wyhash: odd, with as many ones as zeros.
constexpr uint64_t mixer = 0xa0761d6478bd642f;

uint64_t mix(uint64_t left, uint64_t right) {
  const auto product = static_cast<uint128>(left) * right;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Ticks until a bucket is full again; 0 if it is, or is nobody's.
Ticks debt_of(uint64_t bucket, Ticks now, Ticks most) {
  const Ticks debt = (bucket - now) & time_mask;
  return debt <= most && bucket != 0 ? debt : 0;
}

Counter counter_of(AnswerClass which) {
  switch (which) {
  case AnswerClass::answer:
    return Counter::limit_answer;
  case AnswerClass::nodata:
    return Counter::limit_nodata;
  case AnswerClass::nxdomain:
    return Counter::limit_nxdomain;
  case AnswerClass::referral:
    return Counter::limit_referral;
  case AnswerClass::error:
    return Counter::limit_error;
  case AnswerClass::ntp:
    return Counter::limit_ntp;
  }
  __builtin_unreachable();
}

} // namespace

Rate Rate::of(double per_second, double burst) {
  if (per_second <= 0) return {};
  const auto ticks = [](double value) {
    return static_cast<Ticks>(std::clamp(std::round(value), 1.0, static_cast<double>(debt_max / 2)));
  };
  const Ticks interval = ticks(static_cast<double>(ticks_per_second) / per_second);
  return {interval, burst > 1 ? ticks(static_cast<double>(interval) * (burst - 1)) : 0};
}

Limiter::Limiter(const LimitRules& rules, std::span<Line> lines, const std::array<uint64_t, 2>& secret)
    : rules_(rules), allowed_(rules.allow), lines_(lines.first(std::bit_floor(lines.size()))), secret_(secret) {
  if (is_off()) return;
  for (size_t i = 0; i < answer_class_count; ++i)
    rates_[i] = Rate::of(rules.per_second[i], rules.per_second[i] * rules.burst_seconds);
}

LimitSource Limiter::source_of(const geo::Address& address, uint8_t ipv4_prefix, uint8_t ipv6_prefix) const {
  // Of IPv6 the complement: what would be the number of an IPv4 prefix is multicast, and never a source.
  const uint64_t prefix = address.family == geo::Family::ipv4
                              ? address.to_ipv4() >> (32 - ipv4_prefix)
                              : ~(address.high() >> (64 - ipv6_prefix) << (64 - ipv6_prefix));
  const uint64_t identity = mix(prefix ^ secret_[0], mixer ^ secret_[1]);
  return {identity & (lines_.size() - 1), identity};
}

bool Limiter::take(const LimitSource& source, uint32_t bucket, const Rate& rate, Ticks now) {
  if (rate.interval == 0) return true;
  // The tag is of bits of the identity that have no part in the line; a product tells buckets of one source apart.
  const uint64_t tag = (source.identity ^ bucket * mixer) & ~time_mask;
  auto& buckets = lines_[source.line].buckets;
  // Looked at without branches: where in the line a bucket is nobody can predict.
  unsigned found = 0;
  for (unsigned i = 0; i < ways; ++i) found |= unsigned{(buckets[i] ^ tag) <= time_mask} << i;
  if (found != 0) [[likely]] {
    uint64_t& mine = buckets[static_cast<unsigned>(std::countr_zero(found))];
    const Ticks debt = debt_of(mine, now, rate.ahead + rate.interval);
    if (debt > rate.ahead) return false;
    mine = tag | ((now + debt + rate.interval) & time_mask);
    return true;
  }
  uint64_t* nearest = nullptr;
  Ticks least = UINT64_MAX;
  for (uint64_t& each : buckets) {
    const Ticks debt = debt_of(each, now, debt_max);
    if (debt >= least) continue;
    nearest = &each;
    least = debt;
    if (least == 0) break;
  }
  // Where all are in use, most newcomers are let through unseen. Else those that are seen once, in a flood of them,
  // would push out each other so fast that who asks for too much would never be seen twice.
  if (least == 0 || ++unseen_ % seen_one_of == 0) *nearest = tag | ((now + rate.interval) & time_mask);
  return true;
}

LimitVerdict Limiter::judge_excess(const LimitSource& source, const geo::Address& address, AnswerClass which, Ticks now,
                                   Counters& counters, Random& random) {
  if (allowed_.contains(address)) return LimitVerdict::send;
  counters.add(counter_of(which));
  write_report(address, which);
  if (rules_.mode == LimitMode::log) return LimitVerdict::send;
  const LimitVerdict verdict =
      which == AnswerClass::ntp ? judge_ntp_excess(source, now, random) : judge_dns_excess(random);
  if (verdict == LimitVerdict::drop) counters.add(Counter::drop_limit);
  if (verdict == LimitVerdict::truncate) counters.add(Counter::limit_slipped);
  return verdict;
}

LimitVerdict Limiter::judge_dns_excess(Random& random) const {
  const bool slips = rules_.slip != 0 && random.next() % rules_.slip == 0;
  return slips ? LimitVerdict::truncate : LimitVerdict::drop;
}

LimitVerdict Limiter::judge_ntp_excess(const LimitSource& source, Ticks now, Random& random) {
  if (rules_.ntp_leak != 0 && random.next() % rules_.ntp_leak == 0) return LimitVerdict::send;
  if (rules_.ntp_kod != 0 && random.next() % rules_.ntp_kod == 0 && take(source, kiss_bucket, kiss_rate, now))
    return LimitVerdict::kiss;
  return LimitVerdict::drop;
}

void Limiter::write_report(const geo::Address& address, AnswerClass which) {
  if (reported_.load(std::memory_order_acquire)) return;
  const bool ntp = which == AnswerClass::ntp;
  const uint8_t length = address.family == geo::Family::ipv4 ? (ntp ? rules_.ntp_ipv4_prefix : rules_.ipv4_prefix)
                                                             : (ntp ? rules_.ntp_ipv6_prefix : rules_.ipv6_prefix);
  report_ = {geo::prefix_of(address, length), which};
  reported_.store(true, std::memory_order_release);
}

std::optional<LimitReport> Limiter::report() {
  if (!reported_.load(std::memory_order_acquire)) return std::nullopt;
  const LimitReport report = report_;
  reported_.store(false, std::memory_order_release);
  return report;
}

} // namespace anytick::core
