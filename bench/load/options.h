#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "bench/load/load.h"
#include "bench/load/mix.h"
#include "bench/load/port.h"

namespace anytick::bench {

struct Options {
  PortOptions port;
  LoadOptions load;
  MixOptions mix;
  std::string image, map;
  std::string names, clients; ///< files that list them
  std::vector<std::string> servers, sources;
  unsigned source_bits = 20;
  double zipf = 0, aaaa = 0;
  std::string replay, write; ///< captures
  uint32_t count = 10000;    ///< frames to be written
};

void add_options(CLI::App& app, Options& options);

} // namespace anytick::bench
