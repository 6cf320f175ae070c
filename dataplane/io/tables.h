#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <rte_rcu_qsbr.h>

#include "dataplane/core/cookie.h"
#include "dataplane/core/identity.h"
#include "dataplane/core/join.h"
#include "dataplane/core/view.h"
#include "dataplane/core/zone_image.h"
#include "dataplane/io/loaded_policy.h"
#include "dataplane/io/numa.h"
#include "dataplane/io/policy_compiler.h"
#include "dataplane/io/replica.h"
#include "dataplane/io/table_kind.h"
#include "dataplane/io/table_memory.h"
#include "dataplane/io/table_store.h"
#include "geo/map.h"

namespace anytick::io {

/// A validated table and the bytes that it is a view of.
template <class Table> struct LoadedTable {
  TableMemory memory;
  Table table;
  TableInfo info;
  Signatures signatures; ///< the one that counted, where keys are trusted
};
using LoadedZone = LoadedTable<core::ZoneImage>;
using LoadedGeo = LoadedTable<geo::Map>;

/// What workers answer from between two swaps: immutable. Tables that a load leaves alone are shared with the next one.
struct Generation {
  uint64_t number = 0; ///< 0: nothing was loaded yet
  std::shared_ptr<const LoadedZone> zone;
  std::shared_ptr<const LoadedGeo> geo;
  std::shared_ptr<LoadedPolicy> policy; ///< its counts go on when another one follows, or it comes back
  std::shared_ptr<const core::Join> join;
  core::CookieKeys cookie_keys;
  core::View view;
  std::vector<Replica> replicas; ///< of the nodes that the readers are on; none, where that does not matter

  std::vector<TableInfo> tables() const;
};

/// A table that was handed in, not trusted yet.
struct NewTable {
  TableMemory memory;
  Signatures signatures; ///< one of them has to be by a trusted key, if there are trusted keys
};

struct NewTables {
  std::optional<NewTable> zone;
  std::optional<NewTable> geo;
  std::optional<NewTable> policy;

  std::optional<NewTable>& of(TableKind kind);
  std::vector<TableKind> kinds() const;
};

struct Applied {
  std::shared_ptr<const Generation> generation;
  std::chrono::microseconds elapsed; ///< from the call to the last reader's swap
  std::string not_stored;            ///< why its tables are not; empty if they are, or wait for their confirmation
};

/// A load that waits for its confirmation.
struct Unconfirmed {
  uint64_t generation = 0;                    ///< that it published
  std::shared_ptr<const Generation> previous; ///< what comes back
  std::vector<TableKind> kinds;               ///< not stored yet
  std::chrono::steady_clock::time_point until;
};

/// What runs, and whether it may stay.
struct Running {
  std::shared_ptr<const Generation> generation;
  std::shared_ptr<const Unconfirmed> unconfirmed; ///< null: it stays
  std::chrono::seconds left{0};                   ///< of its time, rounded up
};

struct Confirmed {
  std::shared_ptr<const Generation> generation;
  std::string not_stored; ///< why its tables are not; empty if they are
};

struct SecretsApplied {
  std::shared_ptr<const Generation> generation;
  std::string not_stored; ///< why they are not; empty if they are
};

/// Steady time. A test's may stand still until it is told to go on.
using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;

/// The current generation: readers follow one pointer, a publisher swaps it and frees the old one once every reader has
/// passed a quiescent point (rte_rcu_qsbr). Readers never wait.
class Tables {
 public:
  /// With keys in `trusted`, only tables that one of them signed are taken, from the store too.
  /// Until secrets are loaded, cookies are made by one of its own. `identity` is that of the POP. The last reader is
  /// the thread of the sockets and no worker, unless it is the only one: what policy limits is shared out among the
  /// workers. Readers whose node is known answer from a copy of the tables there.
  /// A thread of its own, which inherits the caller's cores, takes back what is not confirmed in time.
  Tables(unsigned readers, TableStore store, std::vector<core::PublicKey> trusted = {}, core::Identity identity = {},
         PolicyCompiler compiler = PolicyCompiler(), const ThreadNodes& nodes = {},
         SteadyNow now = std::chrono::steady_clock::now);
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  /// Validates, checks the signatures of, compiles, joins and publishes all of `tables` or none, then stores them.
  /// Returns when every reader runs the new generation. A refusal leaves everything as it was. Any thread but a reader;
  /// one publishes at a time, others wait. For a policy that is compiled only others with a policy wait.
  ///
  /// With `confirm_within`, they are published but not stored, and unless confirm() comes within that time, what ran
  /// before comes back, as a new generation. Refused while an earlier load waits for its confirmation. One that is
  /// abandoned before it is published is refused, too.
  Result<Applied> load(NewTables tables, std::chrono::seconds confirm_within = {}, const Abandoned& abandoned = {});
  /// The load that published `generation` stays, and is stored. Once more is no error. Refused where a table of one of
  /// `digests` does not run: numbers begin anew with each daemon. As load() otherwise.
  Result<Confirmed> confirm(uint64_t generation, const std::vector<TableDigest>& digests = {});
  /// What ran before the unconfirmed load that published `generation` comes back at once; secrets that were loaded
  /// since stay. As load() otherwise.
  Result<std::shared_ptr<const Generation>> revert(uint64_t generation);
  /// Publishes other secrets beside the running tables and stores them. As load() otherwise.
  SecretsApplied load_secrets(const core::CookieKeys& keys);
  /// Loads what the store has. A table that is damaged or without a good signature is logged and left out, since a
  /// daemon without it can still be pushed to.
  void load_stored(uint64_t limit);

  /// The running generation, for threads that are no readers.
  std::shared_ptr<const Generation> running() const;
  Running state() const;
  const std::vector<core::PublicKey>& trusted() const { return trusted_; }

 private:
  friend class TableReader;
  struct QsbrDeleter {
    void operator()(rte_rcu_qsbr* qsbr) const;
  };

  Result<std::shared_ptr<LoadedPolicy>> compile(NewTable incoming, const Abandoned& abandoned);
  Result<std::shared_ptr<const Generation>> build(NewTables tables, std::shared_ptr<LoadedPolicy> policy) const;
  Result<std::shared_ptr<const Generation>> build_stored(TableKind kind, NewTable table);
  std::shared_ptr<Generation> next_generation() const;
  std::shared_ptr<Generation> renumbered(const Generation& tables) const;
  std::optional<size_t> replica_of(unsigned reader) const;
  void load_stored_secrets();
  void publish(std::shared_ptr<const Generation> next, std::shared_ptr<const Unconfirmed> unconfirmed);
  void wait_for_readers();
  std::optional<Refusal> waits_for_confirmation() const;
  std::optional<Refusal> confirmable(uint64_t generation, const std::vector<TableDigest>& digests) const;
  bool is_due() const;
  std::shared_ptr<const Generation> bring_back();
  void watch(const std::stop_token& stop);
  Result<std::optional<NewTable>> stored(TableKind kind, uint64_t limit) const;
  std::string save(const Generation& generation, const std::vector<TableKind>& kinds) const;

  TableStore store_;
  std::vector<core::PublicKey> trusted_;
  core::Identity identity_;
  const unsigned readers_;
  const ThreadNodes nodes_;
  PolicyCompiler compiler_;
  std::unique_ptr<rte_rcu_qsbr, QsbrDeleter> qsbr_;
  std::mutex compiling_; ///< one policy at a time, as each may take PolicyCompileBounds::memory
  std::mutex publishing_;
  mutable std::mutex holding_; ///< guards the next two only, so that it is never held for long
  std::shared_ptr<const Generation> running_;
  std::shared_ptr<const Unconfirmed> unconfirmed_; ///< null: what runs stays
  const SteadyNow now_;
  std::optional<uint64_t> confirmed_;    ///< the last one that was; guarded by publishing_, as the next
  std::optional<uint64_t> taken_back_;   ///< the last one that was not
  std::condition_variable_any to_watch_; ///< with publishing_
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<const Generation*> current_; ///< read in every loop, beside no lock
  std::jthread watcher_;                                                ///< last: it uses the others
};

/// One thread's access to the current generation, from construction to destruction on that thread.
/// Each reader of a Tables has an id of its own, below its number of readers.
class TableReader {
 public:
  TableReader(Tables& tables, unsigned id);
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;
  ~TableReader();

  /// Valid until the next quiescent() or offline().
  const core::View& view() const {
    const Generation& generation = *current_.load(std::memory_order_acquire);
    return replica_ ? generation.replicas[*replica_].view() : generation.view;
  }
  void quiescent() { rte_rcu_qsbr_quiescent(qsbr_, id_); }
  /// Around a wait: publishers do not wait for a reader that is offline.
  void offline() { rte_rcu_qsbr_thread_offline(qsbr_, id_); }
  void online() { rte_rcu_qsbr_thread_online(qsbr_, id_); }

 private:
  const std::atomic<const Generation*>& current_;
  rte_rcu_qsbr* qsbr_;
  unsigned id_;
  std::optional<size_t> replica_;
};

} // namespace anytick::io
