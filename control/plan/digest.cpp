#include "control/plan/digest.h"

#include <array>
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "control/text.h"
#include "geo/prefix.h"

namespace anytick::plan {
namespace {

std::string canonical_text(const selection::Policy& policy) {
  // A member that is not here does not compile.
  const auto& [leave_score, enter_score, ramp_score, ramp_floor, ramp_steps, deletion_days, split_servers,
               ipv6_everywhere, backfill_servers, backfill_capacity, backfill_donor_share, account_share, prefix_share,
               asn_share, sink] = policy;
  std::string text = fmt::format(
      "leave_score {}\nenter_score {}\nramp_score {}\nramp_floor {}\nramp_steps {}\ndeletion_days {}\nsplit_servers "
      "{}\nipv6_everywhere {}\nbackfill_servers {}\nbackfill_capacity {}\nbackfill_donor_share {}\naccount_share "
      "{}\nprefix_share {}\nasn_share {}\nsink",
      leave_score, enter_score, ramp_score, ramp_floor, ramp_steps, deletion_days, split_servers, ipv6_everywhere,
      backfill_servers, backfill_capacity, backfill_donor_share, account_share, prefix_share, asn_share);
  for (const geo::Address& address : sink) text += ' ' + geo::to_text(address);
  return text + '\n';
}

} // namespace

std::string sha256_text(std::string_view text) {
  std::array<uint8_t, 32> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return control::hex_text(digest);
}

std::string policy_digest(const selection::Policy& policy, const Demand& demand, std::string_view query_policy) {
  std::string text = canonical_text(policy);
  text += canonical_text(demand);
  text += query_policy;
  return sha256_text(text);
}

std::string demand_digest(const Demand& demand) {
  return sha256_text(canonical_text(demand));
}

} // namespace anytick::plan
