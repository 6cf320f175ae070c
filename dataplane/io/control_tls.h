#pragma once

#include <ctime>
#include <memory>
#include <optional>

#include <grpcpp/grpcpp.h>

#include "dataplane/config.h"
#include "geo/refusal.h"

namespace anytick::io {

/// Of a server that refuses, in the handshake, every client without a valid certificate of the CA and one of the names.
/// The files are looked at again and again by a thread that inherits the caller's cores; where the new ones cannot be
/// used, or half of them are new, clients are refused until they can.
std::shared_ptr<grpc::ServerCredentials> control_credentials(const ControlTlsConfig& config);

/// Whether the POP's own certificate is one that clients will take at `now`. Nothing where there is none.
std::optional<Refusal> control_certificate_fault(const ControlTlsConfig& config, std::time_t now);

} // namespace anytick::io
