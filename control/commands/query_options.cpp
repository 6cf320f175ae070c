#include "control/commands/query_options.h"

#include <fmt/format.h>

#include "control/command.h"
#include "dataplane/core/type_names.h"
#include "geo/text.h"

namespace anytick::control {
namespace {

[[noreturn]] void misused(const char* command, const std::string& text, const char* reason) {
  throw CommandFailure(exit_usage, fmt::format("{}: '{}' {}", command, text, reason));
}

std::optional<uint8_t> number(std::string_view text, unsigned max) {
  const auto value = geo::number_of<unsigned>(text);
  if (!value || *value > max) return {};
  return static_cast<uint8_t>(*value);
}

} // namespace

ClientOption client_option(const char* command, const std::string& text) {
  const size_t slash = text.find('/');
  const auto address = geo::parse_address(text.substr(0, slash));
  if (!address) misused(command, text, "is no IP address, and no prefix of one");
  if (slash == text.npos) return {*address, {}};
  const auto length = number(std::string_view(text).substr(slash + 1), address->width());
  if (!length) misused(command, text, "has no prefix length of its address");
  return {*address, length};
}

geo::Address address_option(const char* command, const std::string& text) {
  const auto address = geo::parse_address(text);
  if (!address) misused(command, text, "is no IP address");
  return *address;
}

uint16_t type_option(const char* command, const std::string& text) {
  const auto type = core::parse_qtype(text);
  if (!type) misused(command, text, "is no type known here; write it as TYPE64");
  return *type;
}

} // namespace anytick::control
