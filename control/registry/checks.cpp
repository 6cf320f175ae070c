#include "control/registry/checks.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/json_source.h"
#include "control/registry/actor.h"
#include "control/registry/names.h"

namespace anytick::registry {
namespace {

struct Special {
  std::string_view prefix;
  std::string_view is;
  bool never; ///< not even in a network of one's own
};

// IANA's registries of special-purpose addresses, as far as they matter to a server that the world asks.
constexpr std::array specials{
    Special{"0.0.0.0/8", "unspecified", true},
    Special{"10.0.0.0/8", "private", false},
    Special{"100.64.0.0/10", "a carrier's own", false},
    Special{"127.0.0.0/8", "loopback", true},
    Special{"169.254.0.0/16", "link-local", true},
    Special{"172.16.0.0/12", "private", false},
    Special{"192.0.0.0/24", "reserved for protocols", false},
    Special{"192.0.2.0/24", "for documentation", false},
    Special{"192.88.99.0/24", "of 6to4", false},
    Special{"192.168.0.0/16", "private", false},
    Special{"198.18.0.0/15", "for benchmarks", false},
    Special{"198.51.100.0/24", "for documentation", false},
    Special{"203.0.113.0/24", "for documentation", false},
    Special{"224.0.0.0/4", "multicast", true},
    Special{"240.0.0.0/4", "reserved", true},
    Special{"::/128", "unspecified", true},
    Special{"::1/128", "loopback", true},
    Special{"::ffff:0.0.0.0/96", "IPv4 in another form", true},
    Special{"64:ff9b::/96", "IPv4 in another form", true},
    Special{"100::/64", "for what is discarded", true},
    Special{"2001::/32", "of Teredo", false},
    Special{"2001:db8::/32", "for documentation", false},
    Special{"2002::/16", "of 6to4", false},
    Special{"3fff::/20", "for documentation", false},
    Special{"fc00::/7", "private", false},
    Special{"fe80::/10", "link-local", true},
    Special{"fec0::/10", "site-local", false},
    Special{"ff00::/8", "multicast", true},
};

const Special* special_of(const geo::Address& address) {
  for (const Special& each : specials) {
    const auto prefix = geo::parse_prefix(each.prefix);
    if (prefix && prefix->contains(address)) return &each;
  }
  // What IANA gave to nobody yet.
  static constexpr Special unassigned{"", "not assigned", false};
  const bool assigned = address.family == geo::Family::ipv4 || address.bytes[0] >> 5 == 1; // 2000::/3
  return assigned ? nullptr : &unassigned;
}

} // namespace

void check_text(const std::string& what, std::string_view text, size_t most, bool lines) {
  if (text.size() > most) throw Fault(fmt::format("{}: {} bytes, at most {} are possible", what, text.size(), most));
  if (!control::is_utf8(text)) throw Fault(what + ": not UTF-8");
  const auto is_control = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7f || (byte < 0x20 && !(lines && (c == '\n' || c == '\t')));
  };
  if (std::ranges::any_of(text, is_control)) throw Fault(what + ": control characters");
}

std::string checked_host(const std::string& what, std::string_view text) {
  constexpr size_t most = 253;
  std::string name = control::lower_case(text);
  if (name.ends_with('.')) name.pop_back();
  bool good = !name.empty() && name.size() <= most;
  for (size_t begin = 0; good && begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    good = is_label(std::string_view(name).substr(begin, end - begin));
    begin = end + 1;
  }
  if (!good) throw Fault(fmt::format("{}: '{}' is no host's name", what, text));
  return name;
}

std::string checked_email(std::string_view text) {
  constexpr size_t most = 254; // RFC 5321 4.5.3.1.3, without the brackets
  check_text("e-mail address", text, most);
  std::string email = control::lower_case(text);
  const size_t at = email.rfind('@');
  const bool good = at != email.npos && at > 0 && at + 1 < email.size() &&
                    email.find_first_of(" <>,;\"") == email.npos && email.find('@') == at;
  if (!good) throw Fault(fmt::format("'{}' is no e-mail address", text));
  return email;
}

void check_server_address(const geo::Address& address, bool unusual) {
  const Special* special = special_of(address);
  if (special == nullptr || (unusual && !special->never)) return;
  throw Fault(fmt::format("server {}: the address is {}{}", geo::to_text(address), special->is,
                          special->never ? "" : "; in a network of one's own it may be used as an unusual one"));
}

} // namespace anytick::registry
