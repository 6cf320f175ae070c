#include "control/explain_command.h"

#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/dns_text.h"
#include "control/explain.h"
#include "control/explain_text.h"
#include "dataplane/core/join.h"
#include "dataplane/core/type_names.h"

namespace anytick::control {
namespace {

struct ExplainOptions {
  std::string image;
  std::string map; ///< "": nobody is anywhere
  std::string name;
  std::string type;
  std::string client;
  size_t top = 10;
  bool json = false;
};

[[noreturn]] void misused(const std::string& text) {
  throw CommandFailure(exit_usage, "zone explain: " + text);
}

std::optional<unsigned> number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return {};
  return value;
}

std::string name_option(const std::string& text) {
  auto name = parse_name(text, root_name);
  if (!name) misused("'" + text + "' is no name: " + name.refusal().reason);
  return *std::move(name);
}

uint16_t type_option(const std::string& text) {
  const auto type = core::parse_qtype(text);
  if (!type) misused("'" + text + "' is no type known here; write it as TYPE64");
  return *type;
}

/// "192.0.2.7": the source address. "192.0.2.7/24": that sends 192.0.2.0/24 as client subnet too.
void read_client(const std::string& text, Question& question) {
  const size_t slash = text.find('/');
  const auto address = geo::parse_address(text.substr(0, slash));
  if (!address) misused("'" + text + "' is no IP address, and no prefix of one");
  question.client = *address;
  if (slash == text.npos) return;
  const auto length = number(std::string_view(text).substr(slash + 1), address->width());
  if (!length) misused("'" + text + "' has no prefix length of its address");
  question.subnet_length = static_cast<uint8_t>(*length);
}

template <class T> T taken(Result<T> result, const std::string& file) {
  if (!result) throw CommandFailure(exit_refused, file + ": " + result.refusal().text());
  return std::move(*result);
}

void run_explain(const ExplainOptions& options) {
  Question question{
      .name = name_option(options.name), .type = type_option(options.type), .client = {}, .subnet_length = {}};
  read_client(options.client, question);
  const std::vector<std::byte> image_bytes = read_file(options.image);
  const auto image = taken(core::ZoneImage::validate(image_bytes), options.image);
  std::vector<std::byte> map_bytes;
  std::optional<geo::Map> map;
  if (!options.map.empty()) {
    map_bytes = read_file(options.map);
    map = taken(geo::Map::validate(map_bytes), options.map);
  }
  const geo::Map* joined = map ? &*map : nullptr;
  const auto join = taken(core::Join::build(image, joined), options.image);
  const Explanation explanation = explain({&image, joined, join.get()}, question);
  const std::string text = options.json ? explanation_json(explanation) : explanation_text(explanation, options.top);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw CommandFailure(exit_refused, "standard output: cannot write");
}

} // namespace

void add_explain_command(CLI::App& app) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* explained = app.get_subcommand("zone")->add_subcommand(
      "explain", "Say why a client gets the answer that it gets, and with which probabilities");
  explained->add_option("IMAGE", options->image, "zone image")->required();
  explained->add_option("NAME", options->name, "name asked for")->required();
  explained->add_option("TYPE", options->type, "type asked for, e.g. A or TYPE64")->required();
  explained->add_option("--geo", options->map, "geo map; default: nobody is anywhere");
  explained->add_option("--client", options->client, "ADDR of the asker, or ADDR/BITS that it sends as client subnet")
      ->required();
  explained->add_option("--top", options->top, "records to print of an RRset, the likeliest first; 0: all")
      ->capture_default_str();
  explained->add_flag("--json", options->json, "all of it, as one JSON object");
  explained->callback([options] { run_explain(*options); });
}

} // namespace anytick::control
