#include "control/commands/explain_command.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/query_options.h"
#include "control/dns_text.h"
#include "control/explain.h"
#include "control/explain_text.h"
#include "dataplane/core/join.h"

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

constexpr const char* command = "zone explain";

std::string name_option(const std::string& text) {
  auto name = parse_name(text, root_name);
  if (!name)
    throw CommandFailure(exit_usage, fmt::format("{}: '{}' is no name: {}", command, text, name.refusal().reason));
  return *std::move(name);
}

void run_explain(const ExplainOptions& options) {
  const ClientOption client = client_option(command, options.client);
  const Question question{name_option(options.name), type_option(command, options.type), client.address,
                          client.subnet_length};
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
