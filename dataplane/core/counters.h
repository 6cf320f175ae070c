#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace anytick::core {

/// Every counter: X(identifier, "exported name"). A frame, a query over TCP or a datagram that came by the kernel ends
/// as exactly one of answered, punted or a drop reason; rcode_*, dns_*, ntp_* and tx_refused say more of answered ones,
/// cookie_* and policy_* of what limits may still drop. limit_CLASS counts replies over their rate: dropped
/// (drop_limit), sent short (limit_slipped), or sent all the same by mode "log" or as one of the ntp_leak. What became
/// of a punt is known to who has the kernel path: he counts it as punted or as one of the drop_*kernel* reasons. Frames
/// of the kernel are sent (kernel_tx) or not (kernel_tx_refused). Of accepted TCP connections, those that are not
/// closed are open.
#define ANYTICK_COUNTERS(X)                                                                                            \
  X(rx_frames, "rx_frames")                                                                                            \
  X(tcp_queries, "tcp_queries")                                                                                        \
  X(kernel_udp_queries, "kernel_udp_queries")                                                                          \
  X(dns_answered, "dns_answered")                                                                                      \
  X(ntp_answered, "ntp_answered")                                                                                      \
  X(punted, "punted")                                                                                                  \
  X(drop_no_kernel_path, "drop_no_kernel_path")                                                                        \
  X(drop_kernel_limit, "drop_kernel_limit")                                                                            \
  X(drop_kernel_full, "drop_kernel_full")                                                                              \
  X(drop_runt, "drop_runt")                                                                                            \
  X(drop_not_our_mac, "drop_not_our_mac")                                                                              \
  X(drop_ip_header, "drop_ip_header")                                                                                  \
  X(drop_ip_checksum, "drop_ip_checksum")                                                                              \
  X(drop_bad_source, "drop_bad_source")                                                                                \
  X(drop_udp_header, "drop_udp_header")                                                                                \
  X(drop_udp_checksum, "drop_udp_checksum")                                                                            \
  X(drop_port, "drop_port")                                                                                            \
  X(drop_cross_service, "drop_cross_service")                                                                          \
  X(drop_dns_short, "drop_dns_short")                                                                                  \
  X(drop_dns_response, "drop_dns_response")                                                                            \
  X(drop_ntp_length, "drop_ntp_length")                                                                                \
  X(drop_ntp_version, "drop_ntp_version")                                                                              \
  X(drop_ntp_mode, "drop_ntp_mode")                                                                                    \
  X(drop_ntp_extension, "drop_ntp_extension")                                                                          \
  X(drop_ntp_mac, "drop_ntp_mac")                                                                                      \
  X(drop_limit, "drop_limit")                                                                                          \
  X(drop_policy, "drop_policy")                                                                                        \
  X(tx_refused, "tx_refused")                                                                                          \
  X(kernel_tx, "kernel_tx")                                                                                            \
  X(kernel_tx_refused, "kernel_tx_refused")                                                                            \
  X(rcode_noerror, "rcode_noerror")                                                                                    \
  X(rcode_formerr, "rcode_formerr")                                                                                    \
  X(rcode_servfail, "rcode_servfail")                                                                                  \
  X(rcode_nxdomain, "rcode_nxdomain")                                                                                  \
  X(rcode_notimp, "rcode_notimp")                                                                                      \
  X(rcode_refused, "rcode_refused")                                                                                    \
  X(rcode_badvers, "rcode_badvers")                                                                                    \
  X(rcode_badcookie, "rcode_badcookie")                                                                                \
  X(dns_nodata, "dns_nodata")                                                                                          \
  X(dns_truncated, "dns_truncated")                                                                                    \
  X(dns_referral, "dns_referral")                                                                                      \
  X(dns_chaos, "dns_chaos")                                                                                            \
  X(dns_edns, "dns_edns")                                                                                              \
  X(dns_ecs, "dns_ecs")                                                                                                \
  X(cookie_client_only, "cookie_client_only")                                                                          \
  X(cookie_good, "cookie_good")                                                                                        \
  X(cookie_bad, "cookie_bad")                                                                                          \
  X(ntp_unsynchronised, "ntp_unsynchronised")                                                                          \
  X(ntp_interleaved, "ntp_interleaved")                                                                                \
  X(ntp_authenticated, "ntp_authenticated")                                                                            \
  X(ntp_kiss, "ntp_kiss")                                                                                              \
  X(limit_answer, "limit_answer")                                                                                      \
  X(limit_nodata, "limit_nodata")                                                                                      \
  X(limit_nxdomain, "limit_nxdomain")                                                                                  \
  X(limit_referral, "limit_referral")                                                                                  \
  X(limit_error, "limit_error")                                                                                        \
  X(limit_ntp, "limit_ntp")                                                                                            \
  X(limit_slipped, "limit_slipped")                                                                                    \
  X(policy_refused, "policy_refused")                                                                                  \
  X(policy_truncated, "policy_truncated")                                                                              \
  X(tcp_accepted, "tcp_accepted")                                                                                      \
  X(tcp_refused, "tcp_refused")                                                                                        \
  X(tcp_evicted, "tcp_evicted")                                                                                        \
  X(tcp_timed_out, "tcp_timed_out")                                                                                    \
  X(tcp_malformed, "tcp_malformed")                                                                                    \
  X(tcp_closed, "tcp_closed")

enum class Counter : uint8_t {
#define ANYTICK_COUNTER_ENUM(id, name) id,
  ANYTICK_COUNTERS(ANYTICK_COUNTER_ENUM)
#undef ANYTICK_COUNTER_ENUM
      count_,
};
inline constexpr size_t counter_count = static_cast<size_t>(Counter::count_);

inline constexpr std::array<std::string_view, counter_count> counter_names{
#define ANYTICK_COUNTER_NAME(id, name) name,
    ANYTICK_COUNTERS(ANYTICK_COUNTER_NAME)
#undef ANYTICK_COUNTER_NAME
};

/// One worker's counters. One thread writes, any thread reads; totals are exact once the writer is idle.
class alignas(64) Counters {
 public:
  void add(Counter which, uint64_t n = 1) {
    auto& cell = cells_[static_cast<size_t>(which)];
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t get(Counter which) const { return cells_[static_cast<size_t>(which)].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, counter_count> cells_{};
};

} // namespace anytick::core
