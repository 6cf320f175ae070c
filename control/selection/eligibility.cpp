#include "control/selection/eligibility.h"

#include <algorithm>
#include <cmath>

namespace anytick::selection {
namespace {

constexpr int64_t day = 86400;

/// The first reason that holds.
Verdict verdict_of(const registry::Server& server, std::optional<double> score, bool was_in, const Policy& policy,
                   int64_t now) {
  if (server.state != registry::ServerState::active) return Verdict::unverified;
  if (server.netspeed == 0) return Verdict::monitoring;
  if (server.deletion && *server.deletion <= now + policy.deletion_days * day) return Verdict::leaving;
  if (!score || std::isnan(*score)) return Verdict::no_score;
  if (*score < policy.leave_score) return Verdict::low_score;
  if (*score < policy.enter_score && !was_in) return Verdict::recovering;
  return Verdict::in;
}

} // namespace

double ramp(double score, const Policy& policy) {
  if (score >= policy.ramp_score || policy.ramp_score <= policy.leave_score) return 1;
  const double part = std::max(0.0, (score - policy.leave_score) / (policy.ramp_score - policy.leave_score));
  const double steps = std::max(policy.ramp_steps, 1u);
  return policy.ramp_floor + (1 - policy.ramp_floor) * std::floor(part * steps) / steps;
}

std::vector<Judged> judge(const std::vector<registry::Server>& servers, const Scores& scores, const Selection& previous,
                          const Policy& policy, int64_t now) {
  std::vector<Judged> all;
  all.reserve(servers.size());
  for (const registry::Server& server : servers) {
    Judged judged{.address = server.address, .account = server.account, .score = {}};
    if (const auto score = scores.find(server.address); score != scores.end()) judged.score = score->second;
    const Judged* before = previous.find(server.address);
    const bool was_in = before != nullptr && before->verdict == Verdict::in;
    judged.verdict = verdict_of(server, judged.score, was_in, policy, now);
    if (judged.verdict == Verdict::in) judged.ramp = ramp(*judged.score, policy);
    all.push_back(judged);
  }
  std::ranges::sort(all, {}, &Judged::address);
  return all;
}

} // namespace anytick::selection
