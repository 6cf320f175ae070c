#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "geo/refusal.h"

/// What mutual TLS is set up with, as PEM. Refusals name `what`, the file. Text around PEM blocks is allowed.
namespace anytick::core {

/// At least one certificate, and none that is damaged.
std::optional<Refusal> check_certificates(std::string_view pem, const std::string& what);

/// A private key without a passphrase, that of the first of `certificates`, which are of the file `of`. Precondition:
/// check_certificates() took them.
std::optional<Refusal> check_certificate_key(std::string_view key, const std::string& what,
                                             std::string_view certificates, const std::string& of);

/// Whether the first certificate is valid at `now`. Precondition: as above.
std::optional<Refusal> check_validity(std::string_view pem, const std::string& what, std::time_t now);

/// Whether the first certificate has this dNSName, letter by letter but for their case, or has it as its common name
/// and no dNSName at all. False for what is no certificate.
bool is_certificate_of(std::string_view pem, const std::string& name);

} // namespace anytick::core
