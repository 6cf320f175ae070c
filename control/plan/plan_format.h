#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace anytick::plan {

/// Another one where what stands in the file, or what it means, changes.
inline constexpr std::string_view plan_format = "anytick plan 2";
/// Of plans without data, as they were made before.
inline constexpr std::string_view plan_format_1 = "anytick plan 1";

/// In the order in which they are written: what a reviewer looks for first.
inline constexpr std::array<std::string_view, 21> plan_keys{
    "format",        "checksum",     "serial",  "base",       "created",      "registry_state", "policy_digest",
    "demand_digest", "image_digest", "answers", "objections", "data_changes", "zone_changes",   "server_changes",
    "before",        "after",        "scores",  "data",       "servers",      "zones",          "query_policy",
};

/// Those that are written with or without data.
inline std::vector<std::string_view> plan_keys_of(bool has_data) {
  std::vector<std::string_view> keys(plan_keys.begin(), plan_keys.end());
  if (!has_data) std::erase_if(keys, [](std::string_view key) { return key == "data" || key == "data_changes"; });
  return keys;
}

} // namespace anytick::plan
