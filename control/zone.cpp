#include "control/zone.h"

#include <algorithm>

#include "dataplane/core/dns.h"

namespace anytick::control {

namespace dns = core::dns;

bool is_drawn(const RecordSet& set) {
  switch (set.type) {
  case dns::A:
  case dns::AAAA:
    return true;
  case dns::NS:
  case dns::SOA:
    return false;
  default:
    break;
  }
  if (set.type == dns::CNAME && set.records.size() > 1) return true;
  return std::any_of(set.records.begin(), set.records.end(), [](const ZoneRecord& r) { return r.weight.has_value(); });
}

uint32_t answer_records(const RecordSet& set, uint32_t max_hosts) {
  const auto count = static_cast<uint32_t>(set.records.size());
  if (set.type == dns::CNAME) return 1;
  return is_drawn(set) ? std::min(max_hosts, count) : count;
}

} // namespace anytick::control
