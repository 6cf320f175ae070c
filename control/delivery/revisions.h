#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <soci/soci.h>

/// What was pushed, by serial: the plan and the image that it made, to the byte. Within a transaction. All throw Fault.
namespace anytick::delivery {

struct Revision {
  int64_t serial = 0;
  std::optional<int64_t> base; ///< serial that its plan was compared with
  int64_t created = 0;         ///< when it was planned, seconds since 1970
  std::string who;             ///< pushed it first
  std::string reason;
  std::string checksum;     ///< of the plan
  std::string digest;       ///< of the image, hexadecimal
  std::string query_policy; ///< "": none, or it was pruned
  bool is_whole = true;     ///< else plan, query policy and image were pruned
};

/// Refused: a serial that is there or is not greater than all that are.
void store_revision(soci::session& sql, const Revision& revision, const std::string& plan,
                    std::span<const std::byte> image);

std::optional<Revision> find_revision(soci::session& sql, int64_t serial);
Revision get_revision(soci::session& sql, int64_t serial);
/// The newest of them.
std::optional<Revision> find_revision_by_digest(soci::session& sql, const std::string& digest);
/// The newest first; 0: all.
std::vector<Revision> list_revisions(soci::session& sql, size_t limit);

/// Fault where it was pruned.
std::string read_plan(soci::session& sql, int64_t serial);
/// Fault where it was pruned, or is not what its digest says.
std::vector<std::byte> read_image(soci::session& sql, int64_t serial);

/// Greater than all that are stored and than `running`, the greatest that a POP runs; else the time, so that it does
/// not go back where zones had their files' times as serials.
int64_t next_serial(soci::session& sql, int64_t running, int64_t now);

/// Drops plans, query policies and images but of the newest `keep` and of `running`. Of the others, who, when and why
/// stays, and by their digest they are still known. Returns how many were dropped.
size_t prune_revisions(soci::session& sql, size_t keep, const std::set<int64_t>& running);

} // namespace anytick::delivery
