#include "bench/load/inputs.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bench/load/capture.h"
#include "bench/load/listed.h"
#include "bench/load/replay.h"
#include "control/command.h"
#include "dataplane/core/dns.h"

namespace anytick::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

void fail_for(const std::vector<Refusal>& faults) {
  if (faults.empty()) return;
  std::string text;
  for (const Refusal& fault : faults) text.append(text.empty() ? "" : "\n").append(fault.text());
  fail(text);
}

std::string read_text(const std::string& path) {
  return std::string(control::as_text(control::read_file(path)));
}

/// A prefix, or the first address of one with 2^bits.
geo::Prefix parse_sources(const std::string& text, unsigned bits) {
  const auto network = geo::parse_network(text);
  if (!network) fail("--sources: '" + text + "' is neither a prefix nor an address");
  if (text.find('/') != text.npos) return *network;
  const geo::Prefix prefix = geo::prefix_of(network->address, network->address.width() - bits);
  if (prefix.address != network->address) fail("--sources: '" + text + "' is not the first of so many addresses");
  return prefix;
}

} // namespace

Inputs::Inputs(const Options& options) : mix_(options.mix) {
  mix_.server_mac = parse_mac(options.mix.server_mac);
  if (!options.replay.empty()) {
    capture_ = control::taken(read_capture(options.replay), "--pcap");
    return;
  }
  if (mix_.ntp + mix_.garbage > 1) fail("--ntp and --garbage: more than all");
  read_tables(options);
  read_choices(options);
  set_servers(options);
  read_clients(options);
}

void Inputs::read_tables(const Options& options) {
  if (options.image.empty()) {
    if (!options.map.empty()) fail("--map: only with --image");
    return;
  }
  image_bytes_ = control::read_file(options.image);
  image_ = control::taken(core::ZoneImage::validate(image_bytes_), options.image);
  if (options.map.empty()) return;
  map_bytes_ = control::read_file(options.map);
  map_ = control::taken(geo::Map::validate(map_bytes_), options.map);
  locator_ = control::taken(Locator::build(*image_, *map_), options.image);
}

void Inputs::read_choices(const Options& options) {
  if (mix_.ntp + mix_.garbage == 1) return;
  if (!image_) fail("--image: needed, as queries are among the frames");
  if (options.names.empty()) {
    choices_ = zipf_choices(*image_, options.zipf, options.aaaa);
  } else {
    if (options.aaaa != 0 || options.zipf != 0) fail("--names: states types and weights, so not with --aaaa or --zipf");
    std::vector<Answerable> known = answerable_names(*image_, core::dns::A);
    std::vector<Answerable> more = answerable_names(*image_, core::dns::AAAA);
    known.insert(known.end(), more.begin(), more.end());
    std::vector<Refusal> faults;
    choices_ = parse_choices(options.names, read_text(options.names), known, faults);
    fail_for(faults);
  }
  const auto asks_for = [&](uint16_t type) {
    return std::ranges::any_of(choices_, [&](const Choice& choice) { return choice.asked.type == type; });
  };
  if (options.aaaa > 0 && !asks_for(core::dns::AAAA)) fail("--aaaa: no name has AAAA records");
  if (choices_.empty()) fail("--image: no name has A records");
}

void Inputs::set_servers(const Options& options) {
  for (const std::string& text : options.servers) {
    const auto address = geo::parse_address(text);
    if (!address) fail("--server: '" + text + "' is no address");
    (address->family == geo::Family::ipv6 ? mix_.server6 : mix_.server) = text;
  }
  if (mix_.ipv6 < 1 && mix_.server.empty()) fail("--server: none of IPv4");
  if (mix_.ipv6 > 0 && mix_.server6.empty()) fail("--server: none of IPv6");
  if (mix_.server.empty()) mix_.server = "0.0.0.0";
  if (mix_.server6.empty()) mix_.server6 = "::";
}

void Inputs::read_clients(const Options& options) {
  sources_.emplace(parse_sources("10.0.0.0/8", 0), options.source_bits);
  sources6_.emplace(parse_sources("fd00::/40", 0), options.source_bits);
  for (const std::string& text : options.sources) {
    const geo::Prefix prefix = parse_sources(text, options.source_bits);
    (prefix.address.family == geo::Family::ipv6 ? sources6_ : sources_).emplace(prefix, options.source_bits);
  }
  if (options.clients.empty()) return;
  if (!options.sources.empty()) fail("--clients: not with --sources");
  std::vector<Refusal> faults;
  const std::vector<geo::Address> all = parse_clients(options.clients, read_text(options.clients), faults);
  fail_for(faults);
  for (const bool ipv6 : {false, true}) {
    std::vector<geo::Address> clients;
    for (const geo::Address& each : all)
      if ((each.family == geo::Family::ipv6) == ipv6) clients.push_back(each);
    const double share = ipv6 ? mix_.ipv6 : 1 - mix_.ipv6;
    if (clients.empty() && share > 0) fail(options.clients + (ipv6 ? ": none of IPv6" : ": none of IPv4"));
    if (!clients.empty()) (ipv6 ? sources6_ : sources_).emplace(std::move(clients));
  }
}

std::unique_ptr<Traffic> Inputs::traffic(const std::string& client_mac) const {
  if (!capture_.empty()) return std::make_unique<Replay>(capture_, mix_.server_mac, client_mac);
  MixOptions mix = mix_;
  mix.client_mac = client_mac;
  return std::make_unique<Mix>(mix, choices_, *sources_, *sources6_, locator_ ? &*locator_ : nullptr);
}

} // namespace anytick::bench
