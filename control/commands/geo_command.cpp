#include "control/commands/geo_command.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/command.h"
#include "control/signing.h"
#include "control/text.h"
#include "geo/map.h"
#include "geo/map_builder.h"
#include "geo/mmdb.h"
#include "geo/overrides.h"

namespace anytick::control {
namespace {

constexpr std::array<const char*, geo::level_count> level_names{"asn", "region", "country", "continent"};

struct GeoOptions {
  std::vector<std::string> databases;
  std::vector<std::string> overrides;
  std::vector<std::string> addresses;
  std::string map;
  std::string sign_key; ///< "": the map is not signed
  std::optional<uint64_t> created;
  bool json = false;
};

/// All layers, lowest first; what is wrong with any of the files is appended to `faults`.
std::vector<geo::Layer> read_layers(const GeoOptions& options, std::vector<Refusal>& faults) {
  std::vector<geo::Layer> layers;
  for (const std::string& path : options.databases) {
    Result<geo::Layer> layer = geo::read_mmdb(path);
    if (layer) {
      layers.push_back(*std::move(layer));
    } else {
      faults.push_back(layer.refusal());
    }
  }
  for (const std::string& path : options.overrides) {
    const std::vector<std::byte> bytes = read_file(path);
    layers.push_back(geo::parse_overrides(path, as_text(bytes), faults));
  }
  return layers;
}

void run_compile(const GeoOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t created = created_option(options.created);
  if (options.databases.empty() && options.overrides.empty())
    throw CommandFailure(exit_usage, "geo compile: neither --mmdb nor --override is given");
  const auto key = sign_key_option(options.sign_key);
  std::vector<Refusal> faults;
  const std::vector<geo::Layer> layers = read_layers(options, faults);
  for (const Refusal& fault : faults) fmt::print(stderr, "{}\n", fault.text());
  if (!faults.empty())
    throw CommandFailure(exit_refused,
                         fmt::format("{} fault{}, nothing is written", faults.size(), faults.size() == 1 ? "" : "s"));

  const Result<std::vector<std::byte>> bytes = geo::build_map(layers, created);
  if (!bytes) throw CommandFailure(exit_refused, bytes.refusal().text());
  const geo::Map map = taken(geo::Map::validate(*bytes), "compiled map");
  write_signed(options.map, *bytes, {core::SignedTable::geo_map, map.digest()}, key);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  for (const geo::Layer& layer : layers) fmt::print("{}: {} prefixes\n", layer.name, layer.entries.size());
  fmt::print("{}: {} places, {} locations, {} bytes, digest {}, in {:.2f} s\n", options.map, map.places().size(),
             map.locations().size(), bytes->size(), hex_text(map.digest()), took.count());
}

/// What the map knows about one address.
struct Found {
  geo::Address address;
  geo::Location location;
  std::array<geo::Prefix, geo::level_count> prefixes; ///< by geo::Level
};

Found look_up(const geo::Map& map, const geo::Address& address) {
  const geo::Place& place = map.places()[map.find(address)];
  Found found{.address = address, .location = map.locations()[place.location], .prefixes = {}};
  for (size_t i = 0; i < geo::level_count; ++i) found.prefixes[i] = geo::prefix_of(address, place.length[i]);
  return found;
}

using Row = std::vector<std::string>;

Row row_of(const Found& found) {
  const geo::Location& location = found.location;
  Row row{geo::to_text(found.address), location.country_text(), location.region_text(),
          location.asn == 0 ? "" : std::to_string(location.asn), std::string{geo::continent_name(location.continent)}};
  for (const geo::Prefix& prefix : found.prefixes) row.push_back(geo::to_text(prefix));
  for (std::string& cell : row)
    if (cell.empty()) cell = "-";
  return row;
}

void print_aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) fmt::print("{:<{}}  ", row[i], widths[i]);
    fmt::print("{}\n", row.back());
  }
}

nlohmann::ordered_json json_of(const Found& found) {
  const geo::Location& location = found.location;
  const auto text_or_null = [](std::string text) {
    return text.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json(std::move(text));
  };
  nlohmann::ordered_json json;
  json["address"] = geo::to_text(found.address);
  json["country"] = text_or_null(location.country_text());
  json["region"] = text_or_null(location.region_text());
  json["asn"] = location.asn == 0 ? nlohmann::ordered_json{} : nlohmann::ordered_json(location.asn);
  json["continent"] = text_or_null(std::string{geo::continent_name(location.continent)});
  for (size_t i = 0; i < geo::level_count; ++i) json["prefix"][level_names[i]] = geo::to_text(found.prefixes[i]);
  return json;
}

void run_lookup(const GeoOptions& options) {
  std::vector<geo::Address> addresses;
  for (const std::string& text : options.addresses) {
    const std::optional<geo::Address> address = geo::parse_address(text);
    if (!address) throw CommandFailure(exit_usage, "geo lookup: '" + text + "' is no IP address");
    addresses.push_back(*address);
  }
  const std::vector<std::byte> bytes = read_file(options.map);
  const geo::Map map = taken(geo::Map::validate(bytes), options.map);
  if (options.json) {
    auto all = nlohmann::ordered_json::array();
    for (const geo::Address& address : addresses) all.push_back(json_of(look_up(map, address)));
    fmt::print("{}\n", all.dump(2));
    return;
  }
  std::vector<Row> rows{{"ADDRESS", "COUNTRY", "REGION", "ASN", "CONTINENT", "SAME-ASN", "SAME-REGION", "SAME-COUNTRY",
                         "SAME-CONTINENT"}};
  for (const geo::Address& address : addresses) rows.push_back(row_of(look_up(map, address)));
  print_aligned(rows);
}

} // namespace

void add_geo_command(CLI::App& app) {
  const auto options = std::make_shared<GeoOptions>();
  CLI::App* geo = app.add_subcommand("geo", "Geo maps: where an address is");
  geo->require_subcommand(1);

  CLI::App* compile = geo->add_subcommand("compile", "Compile databases and overrides into one map");
  compile->add_option("--mmdb", options->databases, "MaxMind DB file; later ones override what they state");
  compile->add_option("--override", options->overrides, "text of 'PREFIX key=value...' lines; above all databases");
  compile->add_option("--sign", options->sign_key, "private key (PEM): the signature is written to OUTPUT.sig");
  compile->add_option("--created", options->created, "seconds since 1970; default: SOURCE_DATE_EPOCH, else 0");
  compile->add_option("-o,--output", options->map, "map to write; replaced in one step")->required();
  compile->callback([options] { run_compile(*options); });

  CLI::App* lookup = geo->add_subcommand("lookup", "Print where addresses are, and the widest prefix that is the same");
  lookup->add_option("--map", options->map, "geo map")->required();
  lookup->add_option("ADDRESS", options->addresses, "IPv4 or IPv6 addresses")->required();
  lookup->add_flag("--json", options->json, "as one JSON array");
  lookup->callback([options] { run_lookup(*options); });
}

} // namespace anytick::control
