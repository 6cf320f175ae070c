#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/explain.h"

/// Asking core::answer() as a client would, message for message.
namespace anytick::control {

struct ReplyRecord {
  uint16_t type;
  uint32_t ttl; ///< seconds
  std::string rdata;
};

struct Reply {
  core::dns::Rcode rcode;
  bool truncated;
  unsigned authorities;
  bool refers; ///< name servers in the authority section
  std::vector<ReplyRecord> answers;
  std::optional<uint8_t> scope; ///< of the client subnet
};

/// A query with EDNS, and the client subnet where the question has one.
std::vector<uint8_t> query_message(const Question& question);

/// The same reply each time: what is drawn comes from a fixed seed.
std::vector<uint8_t> answer_to(const core::View& view, const geo::Address& client, bool udp,
                               std::span<const uint8_t> query);

/// Precondition: a reply of core::answer(), which compresses no RDATA.
Reply read_reply(std::span<const uint8_t> message);

} // namespace anytick::control
