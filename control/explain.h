#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/dns.h"
#include "dataplane/core/view.h"
#include "dataplane/core/zone_image.h"
#include "geo/map.h"

/// Why a client gets the answer that it gets, told from the code that answers.
namespace anytick::control {

struct Question {
  std::string name; ///< wire format, lower case
  uint16_t type;
  geo::Address client;                  ///< source address
  std::optional<uint8_t> subnet_length; ///< bits of `client` that are sent as client subnet; none: without the option
};

/// A reply over a stream, so that nothing is left out of it.
struct ReplySeen {
  core::dns::Rcode rcode;
  size_t bytes;
  size_t answers;
  bool truncated_over_udp;
  std::optional<uint8_t> scope; ///< of the client subnet, if the reply has one
};

/// Where the client is taken to be.
struct Whereabouts {
  geo::Address located;
  bool by_subnet;
  geo::Location location;                             ///< unknown without a map
  std::array<geo::Prefix, geo::level_count> prefixes; ///< by geo::Level: the widest that is the same around `located`
};

enum class TrialResult {
  answers,
  no_label,    ///< the name has nothing for this target
  no_type,     ///< it has, but not of the type asked for
  alias_empty, ///< its alias yields nothing to this client
  not_tried,   ///< another target has answered
};

/// One target of the client, tried at a name.
struct Trial {
  std::string target;
  TrialResult result;
  std::vector<uint16_t> types;     ///< no_type: those there are
  std::string alias;               ///< what the label leads to, "" if it has records of its own
  std::vector<Trial> alias_trials; ///< there; empty if it was tried before
};

/// A record that may be in the answer.
struct Candidate {
  std::string data;
  uint32_t weight; ///< 0 where records are not drawn
  double first;    ///< probability of being the first record
  double included; ///< probability of being in the answer
};

struct SetSeen {
  uint32_t index; ///< among the image's RRsets
  uint16_t type;
  uint32_t ttl; ///< seconds
  core::AnswerKind kind;
  uint32_t max_records;
  std::vector<Candidate> candidates; ///< the likeliest first
};

/// One name of a chain of CNAMEs.
struct Step {
  std::string name;
  std::string wildcard;      ///< what the name is synthesised from (RFC 4592 3.3), "" if it exists
  std::vector<Trial> trials; ///< none where the name is not looked into
  std::optional<SetSeen> set;
  uint8_t scope = 0;                 ///< bits for which this step is the same; 0: for everybody
  std::vector<std::string> scope_by; ///< what is no wider than that: levels of the map, or "address"
};

enum class Ending {
  answered,
  any,          ///< QTYPE ANY, which no zone is asked (RFC 8482)
  nodata,       ///< the name has nothing of this type for this client
  empty_name,   ///< the name exists for those below it only (RFC 4592 2.2.2), or NODATA
  nxdomain,     ///< there is no such name
  referral,     ///< the name lies in a zone that is delegated
  leaves_zone,  ///< a CNAME leads out of the zone: the resolver goes on
  chain_limit,  ///< too many CNAMEs: the resolver goes on
  no_zone,      ///< no zone of the image has the name
  not_looked_up ///< refused for its type alone
};

struct ZoneSeen {
  std::string origin;
  uint32_t serial;
  std::string targeting;
};

struct Explanation {
  Question question;
  ReplySeen reply;
  std::optional<Whereabouts> client; ///< none: not_looked_up
  std::optional<ZoneSeen> zone;      ///< none: no_zone, not_looked_up
  std::vector<Step> steps;
  Ending ending;
  std::string delegation;       ///< referral: the name of the zone cut
  std::string closest_encloser; ///< nxdomain: the longest name above it that exists (RFC 4592 3.3.1)
  uint8_t scope = 0;            ///< longest of the steps'
};

/// Asks core::answer() and says why the reply is what it is. Where a CNAME is drawn, the one of this reply is followed.
/// Precondition: the view has an image and its join; subnet_length is at most the width of the address. Throws
/// std::logic_error where the explanation and the reply differ: then one of them has a fault of ours.
Explanation explain(const core::View& view, const Question& question);

} // namespace anytick::control
