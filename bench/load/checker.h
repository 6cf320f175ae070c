#pragma once

#include <cstdint>
#include <span>

#include "bench/load/expected.h"

namespace anytick::bench {

/// A query for A or AAAA records, and what its OPT has.
struct Asked {
  std::span<const uint8_t> query; ///< the message; its id is not looked at
  uint16_t type;
  std::span<const uint8_t> subnet = {}; ///< data of its client subnet option; empty: it has none
  std::span<const uint8_t> cookie = {}; ///< of the client; empty: it has none
};

struct Verdict {
  const char* fault = nullptr;                 ///< what is wrong; null: nothing
  std::span<const uint8_t> server_cookie = {}; ///< that the client is to come back with
};

/// Judges a DNS message as the answer. A good one is authoritative, in one message, for the very question, and has
/// as many distinct addresses as are expected of those that are, or a SOA record where none are. The options that the
/// query has are in it; others are not looked at.
Verdict judge_answer(const Asked& asked, const Expected& expected, std::span<const uint8_t> answer);

/// What is wrong with a message as a response to the query, whatever it says: null where the question is the same.
const char* fault_of_response(std::span<const uint8_t> query, std::span<const uint8_t> answer);

/// What is wrong with a reply to an NTP request (RFC 5905 7.3), or nullptr: it is of a server that knows the time, with
/// the request's stamp.
const char* fault_of_time(std::span<const uint8_t> request, std::span<const uint8_t> reply);

} // namespace anytick::bench
