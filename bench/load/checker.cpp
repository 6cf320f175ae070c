#include "bench/load/checker.h"

#include <cstring>

#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"

namespace anytick::bench {
namespace {

using core::dns::header_bytes;

constexpr size_t record_bytes = 16; // pointer, type, class, TTL, length, address
constexpr size_t question_tail = 4;
constexpr unsigned pointer_to_question = 0xc000 | header_bytes;

constexpr size_t ntp_bytes = 48;
constexpr unsigned server_mode = 4, stratum_unsynchronised = 16;

unsigned get16(std::span<const uint8_t> bytes, size_t at) {
  return unsigned{bytes[at]} << 8 | bytes[at + 1];
}
uint64_t get64(std::span<const uint8_t> bytes, size_t at) {
  return __builtin_bswap64(core::load<uint64_t>(bytes.data() + at));
}

/// Header and question together: the question is the query's, byte for byte.
size_t end_of_question(std::span<const uint8_t> query) {
  size_t at = header_bytes;
  while (query[at] != 0) at += query[at] + size_t{1};
  return at + 1 + question_tail;
}

const char* fault_of_header(std::span<const uint8_t> query, std::span<const uint8_t> answer) {
  const unsigned flags = get16(answer, 2);
  if ((flags & core::dns::QR) == 0) return "no response";
  if ((flags & core::dns::opcode_mask) != 0) return "another opcode";
  if ((flags & core::dns::TC) != 0) return "truncated";
  if ((flags & 0xf) != 0) return "an error's RCODE";
  if ((flags & core::dns::AA) == 0) return "not authoritative";
  if ((flags & core::dns::RD) != (get16(query, 2) & core::dns::RD)) return "RD is not the query's";
  if (get16(answer, 4) != 1) return "not one question";
  if (get16(answer, 8) != 0) return "authority records";
  if (get16(answer, 10) != get16(query, 10)) return "an OPT too many, or none";
  return nullptr;
}

} // namespace

const char* fault_of_answer(std::span<const uint8_t> query, const Answerable& asked, std::span<const uint8_t> answer) {
  const size_t question_end = end_of_question(query);
  if (answer.size() < question_end) return "cut off";
  if (const char* fault = fault_of_header(query, answer)) return fault;
  if (std::memcmp(query.data() + header_bytes, answer.data() + header_bytes, question_end - header_bytes) != 0)
    return "another question";
  const size_t count = get16(answer, 6);
  if (count == 0 || count > asked.most) return "number of addresses";
  if (answer.size() < question_end + count * record_bytes) return "cut off";
  for (size_t i = 0; i < count; ++i) {
    const auto record = answer.subspan(question_end + i * record_bytes, record_bytes);
    if (get16(record, 0) != pointer_to_question || get16(record, 2) != core::dns::A ||
        get16(record, 4) != core::dns::IN || get16(record, 10) != 4)
      return "a record that is no A of the name";
    const auto address = core::load<uint32_t>(record.data() + 12);
    if (!asked.allowed->has(address)) return "an address that is not the name's";
    for (size_t other = 0; other < i; ++other)
      if (core::load<uint32_t>(answer.data() + question_end + other * record_bytes + 12) == address)
        return "an address twice";
  }
  return nullptr;
}

const char* fault_of_time(std::span<const uint8_t> request, std::span<const uint8_t> reply) {
  if (reply.size() < ntp_bytes) return "cut off";
  if ((reply[0] & 7) != server_mode) return "not of a server";
  if ((reply[0] & 0x38) != (request[0] & 0x38)) return "another version";
  if (reply[1] == 0 || reply[1] >= stratum_unsynchronised) return "a stratum without time";
  if (get64(reply, 24) != get64(request, 40)) return "origin is not the request's stamp";
  if (get64(reply, 40) == 0) return "no transmit time";
  if (static_cast<int64_t>(get64(reply, 40) - get64(reply, 32)) < 0) return "sent before it was received";
  return nullptr;
}

} // namespace anytick::bench
