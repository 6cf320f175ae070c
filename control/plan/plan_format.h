#pragma once

#include <array>
#include <string_view>

namespace anytick::plan {

/// Another one where what stands in the file, or what it means, changes.
inline constexpr std::string_view plan_format = "anytick plan 1";

/// In the order in which they are written: what a reviewer looks for first.
inline constexpr std::array<std::string_view, 19> plan_keys{
    "format",        "checksum",     "serial",  "base",       "created",      "registry_state", "policy_digest",
    "demand_digest", "image_digest", "answers", "objections", "zone_changes", "server_changes", "before",
    "after",         "scores",       "servers", "zones",      "query_policy",
};

} // namespace anytick::plan
