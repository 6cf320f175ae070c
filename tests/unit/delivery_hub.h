#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/delivery/operations.h"
#include "control_files.h"
#include "databases.h"
#include "delivery_fake_pop.h"

namespace anytick::test {

/// When tests begin, seconds since 1970.
inline constexpr int64_t test_time = 1'800'000'000;

/// A set of tables of a number: an image with that serial, and a policy that names it.
std::vector<std::byte> image_of(int64_t serial);
std::string query_policy_of(int64_t serial);
/// 32 bytes.
std::string digest_of(const std::vector<std::byte>& image);

/// A push of that set, by "test".
delivery::PushRequest request_of(int64_t serial, std::optional<int64_t> base, registry::Id registry_state, int64_t now);

/// A hub's side: a desk on a connection of its own, whose clock stands still but for what it sleeps.
class HubDesk {
 public:
  HubDesk(std::unique_ptr<store::Database> database, int64_t now);

  store::Database& database() { return *database_; }
  delivery::Desk& desk() { return desk_; }
  int64_t now() const { return now_; }
  void pass(int64_t seconds) { now_ += seconds; }

  std::optional<delivery::Push> current();
  std::optional<delivery::Push> open();
  std::vector<delivery::Delivery> deliveries(registry::Id push);
  /// Against what is current now.
  delivery::PushRequest request(int64_t serial);

 private:
  std::unique_ptr<store::Database> database_;
  std::atomic<int64_t> now_;
  hub::Config config_;
  delivery::Desk desk_;
};

/// "fra applied, nyc away: not reachable"
std::string text_of(const std::vector<delivery::Delivery>& deliveries, bool with_details = false);

/// A database with POPs in its registry, "a" (a canary) to the last.
class PopsOfDatabase {
 protected:
  PopsOfDatabase(store::Engine engine, size_t pops);

  FakePop& pop(size_t i) { return *pops_[i]; }
  std::string address_of(size_t i) const;
  /// The serial whose set a POP runs; 0: none. The test fails where it is mixed.
  int64_t serial_at(size_t i) const;
  /// "1 1 2"
  std::string serials() const;

  EmptyDatabase empty_;
  control::test::TemporaryDirectory directory_;
  std::vector<std::unique_ptr<FakePop>> pops_;
  HubDesk hub_{empty_.open(), test_time};
};

/// INSTANTIATE_TEST_SUITE_P(Engines, X, both_engines, engine_name).
class WithPops : public testing::TestWithParam<store::Engine>, protected PopsOfDatabase {
 protected:
  WithPops() : PopsOfDatabase(GetParam(), 3) {}

  delivery::Outcome push(int64_t serial, const delivery::Manner& manner = {}) {
    auto request = hub_.request(serial);
    request.manner = manner;
    return delivery::push(hub_.desk(), request);
  }
  /// What it throws; "no fault": nothing.
  static std::string fault_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const delivery::Fault& fault) {
      return fault.what();
    }
    return "no fault";
  }
};

} // namespace anytick::test
