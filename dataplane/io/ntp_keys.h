#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/ntp_auth.h"
#include "geo/refusal.h"

namespace anytick::io {

/// Keys, or every reason why there are none: `what` is the file, `where` the line.
struct ParsedNtpKeys {
  std::vector<core::NtpKeyConfig> keys; ///< distinct ids; empty if there are faults
  std::vector<Refusal> faults;
};

/// A key file as chronyd has it (chrony.conf(5), keyfile), a key a line: "ID [TYPE] [ASCII:|HEX:]KEY", the type MD5
/// (the default), SHA1, AES128 or AES256. Lines that are empty or begin with one of !;#% say nothing. Other types have
/// digests that the MAC of NTPv4 is too short for.
ParsedNtpKeys parse_ntp_keys(std::string_view text, const std::string& file);

} // namespace anytick::io
