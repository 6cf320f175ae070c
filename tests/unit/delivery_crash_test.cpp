#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "delivery_hub.h"

/// Hubs that die, and databases that are lost, at each step of a push.
namespace anytick::test {
namespace {

using delivery::Delivery;
using delivery::DeliveryState;
using delivery::Manner;
using delivery::Outcome;
using delivery::PushState;

constexpr int killed_code = 42;

struct Way {
  const char* name;
  Manner manner;
  bool is_confirmed = false; ///< the push, and then its confirmation
  bool is_rollback = false;
};
const Way ways[] = {
    {"plain", {}},
    {"canaries", {.canaries_first = true, .soak = 1}},
    {"confirmed", {.confirm_within = 300}, true},
    {"rollback", {}, false, true},
};

/// What dies midway: to `serial`, which for a rollback was pushed before.
Outcome go(HubDesk& hub, const Way& way, int64_t serial) {
  if (way.is_rollback) return delivery::rollback(hub.desk(), serial, {"test", "why", hub.now()}, way.manner);
  auto request = hub.request(serial);
  request.manner = way.manner;
  Outcome outcome = delivery::push(hub.desk(), request);
  return way.is_confirmed ? delivery::confirm(hub.desk(), {"test", "", hub.now()}) : outcome;
}

/// In a process of its own: ends at the step of that number, counted from 1.
int run_child(const std::string& connection, size_t way, int64_t serial, int64_t now, unsigned step) {
  auto database = store::Database::open(connection);
  if (!database) return 1;
  HubDesk hub(std::move(*database), now);
  std::atomic<unsigned> steps = 0;
  hub.desk().step = [&](const std::string&) {
    if (++steps == step) ::_exit(killed_code);
  };
  return go(hub, ways[way], serial).push.state == PushState::done ? 0 : 1;
}

class Deaths : public testing::TestWithParam<std::tuple<store::Engine, size_t>>, protected PopsOfDatabase {
 protected:
  /// POPs run serial 2, and there was 1.
  Deaths() : PopsOfDatabase(std::get<0>(GetParam()), 3) {
    push_next();
    push_next();
  }

  const Way& way() const { return ways[std::get<1>(GetParam())]; }
  int64_t target() const { return way().is_rollback ? serial_ - 1 : serial_ + 1; }
  void push_next() {
    const Outcome outcome = delivery::push(hub_.desk(), hub_.request(++serial_));
    ASSERT_EQ(outcome.push.state, PushState::done) << text_of(outcome.deliveries, true);
  }

  /// The exit code of a child that dies there.
  int run_to(unsigned step) const {
    std::vector<std::string> words{"/proc/self/exe",         "roll-out",
                                   empty_.connection(),      std::to_string(std::get<1>(GetParam())),
                                   std::to_string(target()), std::to_string(hub_.now()),
                                   std::to_string(step)};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    if (::posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return -1;
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  registry::Id newest_push() {
    registry::Id id = 0;
    hub_.database().read([&](soci::session& sql) { id = delivery::list_pushes(sql, 1).front().id; });
    return id;
  }

  /// Each POP runs a whole set, the old one or the new one, and the hub says which. `before`: the newest push then.
  void check_found(registry::Id before) {
    hub_.pass(delivery::Lease::lease_seconds + 1);
    delivery::recover(hub_.desk());
    const registry::Id id = newest_push();
    const std::vector<Delivery> said = id == before ? std::vector<Delivery>{} : hub_.deliveries(id);
    for (size_t i = 0; i < pops_.size(); ++i) {
      const bool is_new = serial_at(i) == target();
      EXPECT_TRUE(is_new || serial_at(i) == serial_) << "POP " << i << " runs " << serial_at(i);
      EXPECT_EQ(!said.empty() && said[i].runs(), is_new) << text_of(said, true);
      const bool is_unconfirmed = !said.empty() && said[i].state == DeliveryState::unconfirmed;
      EXPECT_EQ(is_unconfirmed, pop(i).is_unconfirmed()) << text_of(said, true);
    }
    const auto open = hub_.open();
    EXPECT_TRUE(!open || open->state == PushState::unconfirmed);
  }

  /// The next push has nothing in its way.
  void complete() {
    if (hub_.open()) delivery::revert(hub_.desk(), {"test", "", hub_.now()});
    serial_ = std::max(serial_, target());
    push_next();
    EXPECT_EQ(serials(), fmt::format("{0} {0} {0}", serial_));
  }

  /// What dies, dies at the step of that number; false: it has fewer.
  void at_each_step(const std::function<bool(unsigned)>& dies) {
    unsigned step = 1;
    for (; step < 500; ++step) {
      SCOPED_TRACE(fmt::format("step {}", step));
      const registry::Id before = newest_push();
      if (!dies(step)) break;
      check_found(before);
      complete();
      if (HasFailure()) return;
    }
    std::printf("# %u steps\n", step - 1);
    EXPECT_GT(step, 10u);
    EXPECT_EQ(serials(), fmt::format("{0} {0} {0}", target()));
  }

  int64_t serial_ = 0; ///< that all POPs run
};

std::string name_of_case(const testing::TestParamInfo<Deaths::ParamType>& info) {
  const auto [engine, way] = info.param;
  return fmt::format("{}_{}", engine == store::Engine::sqlite ? "sqlite" : "postgresql", ways[way].name);
}
INSTANTIATE_TEST_SUITE_P(, Deaths, testing::Combine(both_engines, testing::Range<size_t>(0, std::size(ways))),
                         name_of_case);

TEST_P(Deaths, OfTheHub) {
  at_each_step([this](unsigned step) {
    const int code = run_to(step);
    EXPECT_TRUE(code == killed_code || code == 0) << code;
    return code != 0;
  });
}

/// Denies statements from one on: the database is gone.
struct Denial {
  unsigned left;
  static int on_statement(void* self, int action, const char*, const char*, const char*, const char*) {
    const bool counts = action == SQLITE_TRANSACTION || action == SQLITE_SELECT || action == SQLITE_INSERT ||
                        action == SQLITE_UPDATE || action == SQLITE_DELETE;
    unsigned& left = static_cast<Denial*>(self)->left;
    if (counts && left > 0) --left;
    return left == 0 ? SQLITE_DENY : SQLITE_OK;
  }
};

TEST_P(Deaths, OfTheDatabase) {
  const bool is_sqlite = std::get<0>(GetParam()) == store::Engine::sqlite;
  at_each_step([&](unsigned step) {
    Denial denial{step + 1}; // the COMMIT of what sets it up
    int backend = 0;
    HubDesk hub(empty_.open(), hub_.now());
    hub.database().read([&](soci::session& sql) {
      if (is_sqlite)
        sqlite_api::sqlite3_set_authorizer(static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_,
                                           Denial::on_statement, &denial);
      else
        sql << "SELECT pg_backend_pid()", soci::into(backend);
    });
    unsigned steps = 0;
    std::mutex mutex;
    if (!is_sqlite)
      hub.desk().step = [&](const std::string&) {
        const std::lock_guard lock(mutex);
        int done = 0;
        if (++steps == step)
          hub_.database().read([&](soci::session& sql) {
            sql << "SELECT CASE WHEN pg_terminate_backend(:pid, 5000) THEN 1 ELSE 0 END", soci::use(backend),
                soci::into(done);
          });
      };
    try {
      go(hub, way(), target());
      return false;
    } catch (const soci::soci_error&) {
      return true;
    } catch (const delivery::LeaseTaken&) {
      return true; // the lease of the step before could not be given back
    }
  });
}

} // namespace
} // namespace anytick::test

int main(int argc, char** argv) {
  using namespace anytick::test;
  if (argc == 7 && std::string(argv[1]) == "roll-out")
    return run_child(argv[2], std::stoul(argv[3]), std::stoll(argv[4]), std::stoll(argv[5]),
                     static_cast<unsigned>(std::stoul(argv[6])));
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
