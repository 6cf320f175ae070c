#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "geo/layer.h"
#include "geo/refusal.h"

namespace anytick::geo {

/// The operator's word on blocks of addresses, one per line, `#` begins a comment:
///
///     192.0.2.0/24   country=de asn=64496
///     2001:db8::/32  region=us-ca
///
/// Keys: country=CC (ISO 3166-1), region=CC-RRR (ISO 3166-2; brings its country), continent=NAME (as pool zones name
/// it; else the country's), asn=1..4294967295. An omitted key keeps what the databases say. The most specific line that
/// contains an address is the only one that counts for it, whatever the order.
/// Appends every fault of the text to `faults`; the layer is good only if there was none. `name` is for messages.
Layer parse_overrides(std::string name, std::string_view text, std::vector<Refusal>& faults);

} // namespace anytick::geo
