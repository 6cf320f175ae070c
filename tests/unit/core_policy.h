#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/policy.h"
#include "tests/packets/wire.h"

/// Policies and what is asked of them.
namespace anytick::core::test {

struct Asked {
  std::string name = "x"; ///< as wire.h has names
  std::string wire = {};  ///< wire format, instead of the name
  uint16_t qtype = dns::A;
  bool miss = true;
  bool udp = true;
  std::string source = "192.0.2.1";
  std::string country = {}; ///< two characters or none
};

/// Keeps what a PolicyQuery refers to.
class AskedQuery {
 public:
  explicit AskedQuery(const Asked& asked) : asked_(asked), source_(*geo::parse_address(asked.source)) {
    const anytick::test::Bytes bytes = anytick::test::wire_name(asked.name);
    const std::string wire = asked.wire.empty() ? std::string(bytes.begin(), bytes.end()) : asked.wire;
    if (!read_name({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()}, name_)) ADD_FAILURE() << asked.name;
    if (!asked.country.empty()) country_ = {asked.country[0], asked.country[1]};
  }
  AskedQuery(const AskedQuery&) = delete;
  AskedQuery& operator=(const AskedQuery&) = delete;

  PolicyQuery query() const { return {name_, asked_.qtype, asked_.miss, asked_.udp, source_, country_}; }

 private:
  Asked asked_;
  geo::Address source_;
  FoldedName name_;
  std::array<char, 2> country_{};
};

inline PolicyVerdict judge(const Policy& policy, const Asked& asked, unsigned thread = 0, Limiter* limiter = nullptr,
                           Ticks now = 0) {
  return policy.judge(AskedQuery(asked).query(), thread, limiter, now);
}

inline std::vector<PolicyRule> parsed(const std::string& text) {
  ParsedPolicy policy = parse_policy(text, "policy.toml");
  for (const Refusal& fault : policy.faults) ADD_FAILURE() << fault.text();
  return std::move(policy.rules);
}

} // namespace anytick::core::test
