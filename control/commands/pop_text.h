#pragma once

#include <cstdint>
#include <string>

#include "dataplane/pop.pb.h"

/// What a POP says, for people and for programs.
namespace anytick::control {

/// Outcome of a push: applied or not and why, what runs now, and what waits for confirmation. Without a newline at its
/// end.
std::string load_text(const pop::v1::LoadReply& reply, uint64_t now);

/// Outcome of a confirmation, or of going back: what runs now. Without a newline at its end.
std::string confirm_text(const pop::v1::ConfirmReply& reply, uint64_t now);
std::string revert_text(const pop::v1::RevertReply& reply, uint64_t now);

/// Fingerprints and states, a line each.
std::string secrets_text(const google::protobuf::RepeatedPtrField<pop::v1::CookieSecretInfo>& cookies);

/// Name, version, tables with their age, zones, rules of the policy, counters that are not zero, in all and per worker.
std::string status_text(const pop::v1::StatusReply& reply, uint64_t now);

/// All of it, zero counters too.
std::string status_json(const pop::v1::StatusReply& reply);

} // namespace anytick::control
