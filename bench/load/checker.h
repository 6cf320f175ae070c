#pragma once

#include <cstdint>
#include <span>

#include "bench/load/answer_sets.h"

namespace anytick::bench {

/// What is wrong with a DNS message as the answer to a query for A, or nullptr. The answer is authoritative, in one
/// message, for the very question, and of 1 to `most` distinct addresses that are allowed. Its id is not looked at.
const char* fault_of_answer(std::span<const uint8_t> query, const Answerable& asked, std::span<const uint8_t> answer);

/// The same of a reply to an NTP request (RFC 5905 7.3): from a server that knows the time, with the request's stamp.
const char* fault_of_time(std::span<const uint8_t> request, std::span<const uint8_t> reply);

} // namespace anytick::bench
