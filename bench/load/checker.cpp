#include "bench/load/checker.h"

#include <algorithm>
#include <cstring>

#include "bench/load/records.h"
#include "dataplane/core/bytes.h"
#include "dataplane/core/cookie.h"
#include "dataplane/core/dns.h"

namespace anytick::bench {
namespace {

using core::load_big16;
using core::dns::header_bytes;

constexpr size_t question_tail = 4;
constexpr unsigned pointer_to_question = 0xc000 | header_bytes;
constexpr size_t record_head = 12;                    // pointer, type, class, TTL and length
constexpr unsigned flags_clear = 0x00f0;              // RFC 1035 4.1.1, RFC 4035 3.1.6
constexpr size_t cookie_least = 16, cookie_most = 40; // RFC 7873 4

constexpr size_t ntp_bytes = 48;
constexpr unsigned server_mode = 4, stratum_unsynchronised = 16, leap_unknown = 3;

/// Header and question together.
size_t end_of_question(std::span<const uint8_t> query) {
  size_t at = header_bytes;
  while (query[at] != 0) at += query[at] + size_t{1};
  return at + 1 + question_tail;
}

const char* fault_of_header(std::span<const uint8_t> query, std::span<const uint8_t> answer) {
  const unsigned flags = load_big16(&answer[2]);
  if ((flags & core::dns::TC) != 0) return "truncated";
  if ((flags & 0xf) != 0) return "an error's RCODE";
  if ((flags & core::dns::AA) == 0) return "not authoritative";
  if ((flags & flags_clear) != 0) return "RA, Z, AD or CD is set";
  if ((flags & core::dns::RD) != (load_big16(&query[2]) & core::dns::RD)) return "RD is not the query's";
  if (load_big16(&answer[10]) != load_big16(&query[10])) return "an OPT too many, or none";
  return nullptr;
}

/// Of two addresses of 4 or 16 bytes.
bool is_same(const uint8_t* left, const uint8_t* right, size_t bytes) {
  return bytes == 4 ? core::load<uint32_t>(left) == core::load<uint32_t>(right)
                    : core::load<core::uint128>(left) == core::load<core::uint128>(right);
}

/// `at`: of the answer section. All of its records are of one length.
const char* fault_of_addresses(const Asked& asked, const Expected& expected, std::span<const uint8_t> answer,
                               size_t& at) {
  const size_t count = load_big16(&answer[6]);
  if (count < expected.least || count > expected.most) return "number of addresses";
  const size_t bytes = asked.type == core::dns::A ? 4 : 16, step = record_head + bytes;
  if (answer.size() < at + count * step) return "cut off";
  const uint8_t* const first = answer.data() + at;
  for (const uint8_t* record = first; record != first + count * step; record += step) {
    if (load_big16(record) != pointer_to_question || load_big16(record + 2) != asked.type ||
        load_big16(record + 4) != core::dns::IN || load_big16(record + 10) != bytes)
      return "a record that is not of the question";
    const uint8_t* const address = record + record_head;
    if (!expected.allowed->has({address, bytes})) return "an address that is not the name's";
    for (const uint8_t* other = first; other != record; other += step)
      if (is_same(other + record_head, address, bytes)) return "an address twice";
  }
  at += count * step;
  return nullptr;
}

/// Where there is nothing to answer, the SOA says so (RFC 2308 2.2).
const char* fault_of_authority(std::span<const uint8_t> answer, Records& records) {
  const size_t count = load_big16(&answer[8]);
  if (load_big16(&answer[6]) > 0) return count == 0 ? nullptr : "authority records";
  Record record;
  return count == 1 && records.next(record) && record.type == core::dns::SOA ? nullptr : "no SOA";
}

/// RFC 7871 7.2.1: family, source length and address come back.
const char* fault_of_subnet(const Asked& asked, const Expected& expected, std::span<const uint8_t> option) {
  if (asked.subnet.empty()) return "a client subnet that was not sent";
  constexpr size_t scope_at = 3;
  if (option.size() != asked.subnet.size() ||
      !std::ranges::equal(option.first(scope_at), asked.subnet.first(scope_at)) ||
      !std::ranges::equal(option.subspan(scope_at + 1), asked.subnet.subspan(scope_at + 1)))
    return "another client subnet";
  return expected.scope && option[scope_at] != *expected.scope ? "another scope" : nullptr;
}

const char* fault_of_cookie(const Asked& asked, std::span<const uint8_t> option) {
  if (asked.cookie.empty()) return "a cookie that was not sent";
  if (option.size() < cookie_least || option.size() > cookie_most) return "no server cookie";
  return std::ranges::equal(option.first(core::client_cookie_bytes), asked.cookie) ? nullptr : "another's cookie";
}

Verdict judge_options(const Asked& asked, const Expected& expected, std::span<const uint8_t> rdata) {
  bool subnet = false;
  Verdict verdict;
  while (!rdata.empty()) {
    if (rdata.size() < 4 || rdata.size() - 4 < load_big16(&rdata[2])) return {"an option is cut off"};
    const unsigned code = load_big16(&rdata[0]);
    const auto option = rdata.subspan(4, load_big16(&rdata[2]));
    if (code == core::dns::option_ecs) {
      if (const char* fault = fault_of_subnet(asked, expected, option)) return {fault};
      subnet = true;
    } else if (code == core::dns::option_cookie) {
      if (const char* fault = fault_of_cookie(asked, option)) return {fault};
      verdict.server_cookie = option.subspan(core::client_cookie_bytes);
    }
    rdata = rdata.subspan(4 + option.size());
  }
  if (!subnet && !asked.subnet.empty()) return {"no client subnet"};
  if (verdict.server_cookie.empty() && !asked.cookie.empty()) return {"no cookie"};
  return verdict;
}

Verdict judge_opt(const Asked& asked, const Expected& expected, std::span<const uint8_t> answer, Records& records) {
  if (load_big16(&answer[10]) == 0) return {};
  Record opt;
  if (!records.next(opt)) return {"cut off"};
  if (opt.type != core::dns::OPT || opt.owner.size() != 1) return {"a record in the place of the OPT"};
  if (opt.ttl >> 24 != 0) return {"an error's RCODE"};
  if ((opt.ttl >> 16 & 0xff) != 0) return {"another version of EDNS"};
  return judge_options(asked, expected, opt.rdata);
}

} // namespace

const char* fault_of_response(std::span<const uint8_t> query, std::span<const uint8_t> answer) {
  const size_t end = end_of_question(query);
  if (answer.size() < end) return "cut off";
  const unsigned flags = load_big16(&answer[2]);
  if ((flags & core::dns::QR) == 0) return "no response";
  if ((flags & core::dns::opcode_mask) != 0) return "another opcode";
  if (load_big16(&answer[4]) != 1) return "not one question";
  // Byte for byte, in the case that was asked in.
  return std::memcmp(&query[header_bytes], &answer[header_bytes], end - header_bytes) == 0 ? nullptr
                                                                                           : "another question";
}

Verdict judge_answer(const Asked& asked, const Expected& expected, std::span<const uint8_t> answer) {
  if (const char* fault = fault_of_response(asked.query, answer)) return {fault};
  if (const char* fault = fault_of_header(asked.query, answer)) return {fault};
  size_t at = end_of_question(asked.query);
  if (const char* fault = fault_of_addresses(asked, expected, answer, at)) return {fault};
  Records records(answer, at);
  if (const char* fault = fault_of_authority(answer, records)) return {fault};
  const Verdict verdict = judge_opt(asked, expected, answer, records);
  if (verdict.fault != nullptr) return verdict;
  return records.left() == 0 ? verdict : Verdict{"bytes behind the end"};
}

const char* fault_of_time(std::span<const uint8_t> request, std::span<const uint8_t> reply) {
  if (reply.size() < ntp_bytes) return "cut off";
  if ((reply[0] & 7) != server_mode) return "not of a server";
  if ((reply[0] & 0x38) != (request[0] & 0x38)) return "another version";
  if (reply[0] >> 6 == leap_unknown) return "a clock that is not set";
  if (reply[1] == 0 || reply[1] >= stratum_unsynchronised) return "a stratum without time";
  if (!std::ranges::equal(reply.subspan(24, 8), request.subspan(40, 8))) return "origin is not the request's stamp";
  const uint64_t received = core::load_big64(&reply[32]), sent = core::load_big64(&reply[40]);
  if (sent == 0) return "no transmit time";
  return static_cast<int64_t>(sent - received) < 0 ? "sent before it was received" : nullptr;
}

} // namespace anytick::bench
