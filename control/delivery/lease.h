#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "control/delivery/fault.h"
#include "control/delivery/settings.h"
#include "control/store/database.h"

namespace anytick::delivery {

/// Somebody else took the lease, after it had not been renewed in time.
struct LeaseLost : Fault {
  using Fault::Fault;
};

/// Somebody else has the lease.
struct LeaseTaken : Fault {
  using Fault::Fault;
};

/// Who has it may roll out, nobody else: one at a time, in any process on any machine. It lasts for lease_seconds
/// unless it is renewed, so that nobody waits for the dead. One thread's.
class Lease {
 public:
  static constexpr int64_t lease_seconds = 60;

  /// `owner` is shown to others: "alice@hub1, process 4711". Throws LeaseTaken. The database must
  /// outlive the lease.
  static std::unique_ptr<Lease> take(store::Database& database, const std::string& owner, WallClock clock);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  /// Gives it back; where the database does not take that, it runs out by itself.
  ~Lease();

  /// First in every transaction of what the lease is for. Throws LeaseLost.
  void renew(soci::session& sql) const;
  /// Whether a third of its time is over.
  bool is_due() const { return clock_() >= renewed_ + lease_seconds / 3; }

 private:
  Lease(store::Database& database, std::string owner, WallClock clock);
  void write(soci::session& sql) const;

  store::Database& database_;
  std::string owner_;
  std::string token_; ///< owners of the same text are not the same
  WallClock clock_;
  mutable int64_t renewed_ = 0;
};

} // namespace anytick::delivery
