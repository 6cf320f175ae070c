#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/mix.h"
#include "geo/prefix.h"
#include "geo/refusal.h"

/// What people list in files: a line each, blank ones and what follows # left out.
namespace anytick::bench {

/// "0.pool.example AAAA 2.5": a name that is among `known`, its type, and how often it is asked for beside the others.
/// What is wrong is added to `faults`, with its line.
std::vector<Choice> parse_choices(const std::string& file, std::string_view text, std::span<const Answerable> known,
                                  std::vector<Refusal>& faults);

/// Addresses of both families.
std::vector<geo::Address> parse_clients(const std::string& file, std::string_view text, std::vector<Refusal>& faults);

} // namespace anytick::bench
