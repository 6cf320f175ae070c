#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"

/// The tree of zones, within a transaction. All throw Fault.
namespace anytick::registry {

/// "@", continents and countries of ISO 3166-1 as the NTP Pool has them: `uk` is the label of gb.
std::vector<TreeZone> default_tree();
/// Adds what is not there of it, and returns how many zones that were.
size_t add_default_tree(soci::session& sql, const Actor& actor);

/// Its parent is there, or it is "@". A name is a label that is no vendor's and no static label of a root, not one of 0
/// to 3, and not `gb`, which is an alias of `uk`.
void add_tree_zone(soci::session& sql, const Actor& actor, const TreeZone& zone);

struct TreeZoneChanges {
  std::optional<std::string> parent{};
  std::optional<std::string> description{};
};
/// Refused: a parent that is below it.
void change_tree_zone(soci::session& sql, const Actor& actor, const std::string& name, const TreeZoneChanges& changes);
/// Refused: one with servers or zones below it.
void remove_tree_zone(soci::session& sql, const Actor& actor, const std::string& name);

/// By name.
std::vector<TreeZone> list_tree(soci::session& sql);

/// A zone's name as people may write it: lower case, `uk` for `gb`.
std::string tree_name(std::string_view text);

/// These zones and all above them, or all below them.
std::set<std::string> with_those_above(const std::vector<TreeZone>& tree, const std::vector<std::string>& zones);
std::set<std::string> with_those_below(const std::vector<TreeZone>& tree, const std::string& zone);

} // namespace anytick::registry
