#include "control/delivery/lease.h"

#include <random>

#include <fmt/format.h>

namespace anytick::delivery {
namespace {

constexpr const char* lease_name = "lease";

std::string fresh_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

} // namespace

std::unique_ptr<Lease> Lease::take(store::Database& database, const std::string& owner, WallClock clock) {
  std::unique_ptr<Lease> lease(new Lease(database, owner, std::move(clock)));
  try {
    database.transact([&](soci::session& sql) {
      const int64_t now = lease->clock_();
      if (const auto other = read_setting(sql, lease_name); other && other->at("expires").get<int64_t>() > now)
        throw LeaseTaken(fmt::format("{} is rolling out; if it died, its lease ends in {} s",
                                     other->at("owner").get<std::string>(), other->at("expires").get<int64_t>() - now));
      lease->write(sql);
    });
  } catch (...) {
    lease->token_.clear();
    throw;
  }
  return lease;
}

Lease::Lease(store::Database& database, std::string owner, WallClock clock)
    : database_(database), owner_(std::move(owner)), token_(fresh_token()), clock_(std::move(clock)) {}

Lease::~Lease() {
  if (token_.empty()) return;
  try {
    database_.transact([&](soci::session& sql) {
      const auto held = read_setting(sql, lease_name);
      if (held && held->at("token") == token_) remove_setting(sql, lease_name);
    });
  } catch (const std::exception&) {
    // The database is away.
  }
}

void Lease::renew(soci::session& sql) const {
  const auto held = read_setting(sql, lease_name);
  // One that ran out is still ours if nobody took it.
  if (!held || held->at("token") != token_)
    throw LeaseLost(fmt::format("{} rolls out now: the lease of {} had run out",
                                held ? held->at("owner").get<std::string>() : "somebody else", owner_));
  write(sql);
}

void Lease::write(soci::session& sql) const {
  renewed_ = clock_();
  write_setting(sql, lease_name,
                {{"owner", owner_}, {"token", token_}, {"renewed", renewed_}, {"expires", renewed_ + lease_seconds}});
}

} // namespace anytick::delivery
