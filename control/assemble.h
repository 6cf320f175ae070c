#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "control/findings.h"

namespace anytick::control {

struct Assembled {
  std::vector<std::byte> bytes;
  bool is_dumped; ///< its digest is the one that the dump states
};

/// The image that a dump (dump_json) is of, byte for byte; or another one, if the dump was edited. What is wrong is
/// found by its JSON path, all of it; then, or where there is no valid image in it, nothing comes back.
std::optional<Assembled> assemble(std::string_view json, Findings& findings);

} // namespace anytick::control
