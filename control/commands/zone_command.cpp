#include "control/commands/zone_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/assemble.h"
#include "control/command.h"
#include "control/compile.h"
#include "control/dns_text.h"
#include "control/dump.h"
#include "control/geodns_json.h"
#include "control/signing.h"
#include "control/text.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control {
namespace {

struct ZoneOptions {
  std::vector<std::string> files;
  std::string image;
  std::string sign_key; ///< "": the image is not signed
  std::optional<uint64_t> serial;
  std::optional<uint64_t> created;
  bool strict = false;
  bool json = false;
};

struct ZonesRead {
  std::vector<Zone> zones;
  size_t faults = 0;
  size_t warnings = 0;
};

std::string counted(size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// Reads all files and prints to stderr what is wrong with any of them.
ZonesRead read_zones(const std::vector<std::string>& files) {
  ZonesRead read;
  for (const std::string& file : files) {
    Findings findings(file);
    auto zone = read_geodns_file(file, findings);
    for (const Finding& finding : findings.all()) fmt::print(stderr, "{}\n", finding.text());
    read.faults += findings.faults();
    read.warnings += findings.warnings();
    if (zone) read.zones.push_back(*std::move(zone));
  }
  return read;
}

uint64_t largest_serial(const std::vector<Zone>& zones) {
  uint64_t serial = 0;
  for (const Zone& zone : zones) serial = std::max<uint64_t>(serial, zone.serial);
  return serial;
}

std::vector<std::byte> compile_or_fail(const std::vector<Zone>& zones, uint64_t serial, uint64_t created) {
  auto bytes = compile(zones, serial, created);
  if (!bytes) throw CommandFailure(exit_refused, bytes.refusal().text());
  return *std::move(bytes);
}

void print_summary(const core::ZoneImage& image, const std::string& file, double seconds) {
  const core::ZoneHeader& header = image.header();
  for (const core::ImageZone& zone : image.zones())
    fmt::print("zone {} serial {}: {}\n", name_text(image.text_of(image.nodes()[zone.first_node].name)), zone.serial,
               counted(zone.node_count, "name"));
  fmt::print("{}: serial {}, {}, {}, {}, {} bytes, digest {}, in {:.0f} ms\n", file, header.serial,
             counted(image.selectors().size(), "selector"), counted(image.rrsets().size(), "RRset"),
             counted(image.records().size(), "record"), header.total_bytes, hex_text(header.digest), seconds * 1e3);
}

void run_compile(const ZoneOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t created = created_option(options.created);
  const auto key = sign_key_option(options.sign_key);
  const ZonesRead read = read_zones(options.files);
  if (read.faults > 0) throw CommandFailure(exit_refused, counted(read.faults, "fault") + ", nothing is written");
  const auto bytes = compile_or_fail(read.zones, options.serial.value_or(largest_serial(read.zones)), created);
  const core::ZoneImage image = taken(core::ZoneImage::validate(bytes), "compiled image");
  write_signed(options.image, bytes, {core::SignedTable::zone_image, image.header().digest}, key);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print_summary(image, options.image, took.count());
}

void run_check(const ZoneOptions& options) {
  const ZonesRead read = read_zones(options.files);
  const size_t faults = read.faults + (options.strict ? read.warnings : 0);
  if (faults > 0)
    throw CommandFailure(exit_refused,
                         fmt::format("{}, {}", counted(read.faults, "fault"), counted(read.warnings, "warning")));
  // Zones that are good each may still not go together.
  const auto bytes = compile_or_fail(read.zones, 0, 0);
  taken(core::ZoneImage::validate(bytes), "compiled image");
  fmt::print("{}: no faults, {}\n", counted(read.zones.size(), "zone"), counted(read.warnings, "warning"));
}

void run_dump(const ZoneOptions& options) {
  const std::vector<std::byte> bytes = read_file(options.image);
  const core::ZoneImage image = taken(core::ZoneImage::validate(bytes), options.image);
  const std::string text = options.json ? dump_json(image) : dump_text(image);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw CommandFailure(exit_refused, "standard output: cannot write");
}

void run_assemble(const ZoneOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto key = sign_key_option(options.sign_key);
  const std::string& dump = options.files.front();
  const std::vector<std::byte> json = read_file(dump);
  Findings findings(dump);
  const auto assembled = assemble(as_text(json), findings);
  for (const Finding& finding : findings.all()) fmt::print(stderr, "{}\n", finding.text());
  if (!assembled) throw CommandFailure(exit_refused, counted(findings.faults(), "fault") + ", nothing is written");
  const core::ZoneImage image = taken(core::ZoneImage::validate(assembled->bytes), dump);
  write_signed(options.image, assembled->bytes, {core::SignedTable::zone_image, image.header().digest}, key);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print_summary(image, options.image, took.count());
  fmt::print("{} image that was dumped\n", assembled->is_dumped ? "the" : "not the");
}

} // namespace

void add_zone_command(CLI::App& app) {
  const auto options = std::make_shared<ZoneOptions>();
  CLI::App* zone = app.add_subcommand("zone", "Zone files and zone images");
  zone->require_subcommand(1);

  CLI::App* compiled = zone->add_subcommand("compile", "Compile GeoDNS zone files into one image");
  compiled->add_option("FILE", options->files, "zone files, each named ORIGIN.json")->required();
  compiled->add_option("-o,--output", options->image, "image to write; replaced in one step")->required();
  compiled->add_option("--serial", options->serial, "serial of the image; default: the largest of its zones");
  compiled->add_option("--sign", options->sign_key, "private key (PEM): the signature is written to OUTPUT.sig");
  compiled->add_option("--created", options->created, "seconds since 1970; default: SOURCE_DATE_EPOCH, else 0");
  compiled->callback([options] { run_compile(*options); });

  CLI::App* check = zone->add_subcommand("check", "Report all that is wrong with zone files");
  check->add_option("FILE", options->files, "zone files, each named ORIGIN.json")->required();
  check->add_flag("--strict", options->strict, "warnings count as faults");
  check->callback([options] { run_check(*options); });

  CLI::App* dump = zone->add_subcommand("dump", "Print what an image holds");
  dump->add_option("IMAGE", options->image, "zone image")->required();
  dump->add_flag("--json", options->json, "as one JSON object");
  dump->callback([options] { run_dump(*options); });

  CLI::App* assembled = zone->add_subcommand("assemble", "Make an image of what zone dump --json printed");
  assembled->add_option("DUMP", options->files, "dump of an image")->required()->expected(1);
  assembled->add_option("-o,--output", options->image, "image to write; replaced in one step")->required();
  assembled->add_option("--sign", options->sign_key, "private key (PEM): the signature is written to OUTPUT.sig");
  assembled->callback([options] { run_assemble(*options); });
}

} // namespace anytick::control
