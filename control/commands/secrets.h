#pragma once

#include <string>
#include <string_view>

#include "dataplane/pop.pb.h"
#include "geo/refusal.h"

/// Files of cookie secrets, newest first:
///
///     [[cookie]]
///     key = "00112233445566778899aabbccddeeff"
///     state = "active"                            # or "accept-only"
namespace anytick::control {

/// A refusal names line and column, or the secret.
Result<pop::v1::Secrets> parse_secrets(std::string_view text, const std::string& file);
std::string secrets_text(const pop::v1::Secrets& secrets);

/// Throws CommandFailure.
pop::v1::Secrets read_secrets_file(const std::string& path);

/// One secret, active. Throws CommandFailure without randomness.
pop::v1::Secrets generate_secrets();

/// The next of the three steps by which all POPs come to use another secret while none refuses a good cookie (RFC 9018
/// 5): a new secret that is accepted only; it becomes active; the one before it goes. Returns what the step was, for
/// people. Precondition: one or two secrets, one of them active.
std::string rotate_secrets(pop::v1::Secrets& secrets);

} // namespace anytick::control
