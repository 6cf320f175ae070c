#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "dataplane/core/policy.h"
#include "tests/packets/cases.h"
#include "tests/packets/policies.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

/// What policy makes of the answers of the tables' zone: each action, as frames, over the kernel's UDP and over TCP.
namespace anytick::test {
namespace {

using core::Counter;

constexpr uint64_t seed = 1;

struct Asker {
  explicit Asker(const std::string& text) : policy(make_policy(text)), worker(seed) {
    worker.ticks = core::ticks_per_second;
    view.policy = policy.get();
  }

  /// The reply, rendered; "" if there is none.
  std::string message(const Message& query, const std::string& from, bool udp) {
    Bytes bytes = query.bytes();
    const size_t length = bytes.size();
    bytes.resize(4096);
    bytes.resize(core::answer(view, worker, {*geo::parse_address(from), udp}, bytes.data(), length, 4096));
    return bytes.empty() ? "" : render(bytes);
  }
  std::string frame(const Message& query, const std::string& from) {
    const bool ipv6 = from.find(':') != std::string::npos;
    const Bytes sent =
        Packet{.payload = query.bytes(), .from = from, .to = ipv6 ? "2001:db8:53::53" : "203.0.113.53"}.bytes();
    Bytes memory = sent;
    memory.resize(2048);
    core::Frame frame{.data = memory.data(), .length = static_cast<uint32_t>(sent.size()), .room = 2048};
    core::handle(view, ingress_of_cases(), worker, std::span(&frame, 1));
    if (frame.verdict != core::Verdict::reply) return "";
    return render_reply(sent, {memory.begin(), memory.begin() + frame.length});
  }

  std::unique_ptr<core::Policy> policy;
  core::View view = World::of_cases().view();
  core::WorkerState worker;
};

struct ActionCase {
  const char* name;
  std::string policy;
  Message query;
  std::string udp; ///< reply
  std::string tcp;
  std::vector<Counter> counters = {}; ///< that a query over UDP moves, beside those of its answer
  std::string from = "192.0.2.1";
};

void PrintTo(const ActionCase& row, std::ostream* out) {
  *out << row.name;
}

class Actions : public testing::TestWithParam<ActionCase> {};

TEST_P(Actions, AsAFrame) {
  const ActionCase& row = GetParam();
  Asker asker(row.policy);
  EXPECT_EQ(asker.frame(row.query, row.from), row.udp);
  for (const Counter counter : row.counters) EXPECT_EQ(asker.worker.counters.get(counter), 1u);
  EXPECT_EQ(asker.worker.counters.get(Counter::dns_answered), row.udp.empty() ? 0u : 1u);
}

TEST_P(Actions, OverUdpByTheKernel) {
  const ActionCase& row = GetParam();
  Asker asker(row.policy);
  EXPECT_EQ(asker.message(row.query, row.from, true), row.udp);
  for (const Counter counter : row.counters) EXPECT_EQ(asker.worker.counters.get(counter), 1u);
}

TEST_P(Actions, OverTcp) {
  const ActionCase& row = GetParam();
  Asker asker(row.policy);
  EXPECT_EQ(asker.message(row.query, row.from, false), row.tcp);
}

std::string rule(const std::string& keys) {
  return "[[rule]]\nname = \"r\"\n" + keys + "\n";
}

const std::string hit = "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | -";
const std::string elsewhere = "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.10 | - | -";
const std::string no = " | no.test.example. A | ";
const std::string soa = "test.example. 3000 SOA ns1.test.example. hostmaster.test.example. 7 5400 5400 1209600 3600";
const std::string miss = "NXDOMAIN qr aa rd" + no + "- | " + soa + " | -";
const std::string refused = "REFUSED qr rd | 0.test.example. A | - | - | -";
const std::string truncated = "NOERROR qr tc rd | 0.test.example. A | - | - | -";
const Message asks_no{.name = "no.test.example"};

INSTANTIATE_TEST_SUITE_P(
    Policy, Actions,
    testing::Values(
        ActionCase{"no_rules", "", {}, hit, hit},
        ActionCase{"drop", rule("on = \"all\"\naction = \"drop\""), {}, "", "", {Counter::drop_policy}},
        ActionCase{
            "refuse", rule("on = \"all\"\naction = \"refuse\""), {}, refused, refused, {Counter::policy_refused}},
        ActionCase{
            "truncate", rule("on = \"all\"\naction = \"truncate\""), {}, truncated, hit, {Counter::policy_truncated}},
        ActionCase{"refuse_with_edns",
                   rule("on = \"all\"\naction = \"refuse\""),
                   {.edns = true},
                   "REFUSED qr rd | 0.test.example. A | - | - | OPT 1232",
                   "REFUSED qr rd | 0.test.example. A | - | - | OPT 1232",
                   {Counter::policy_refused}},
        ActionCase{"truncate_with_edns",
                   rule("on = \"all\"\naction = \"truncate\""),
                   {.edns = true, .edns_flags = 0x8000},
                   "NOERROR qr tc rd | 0.test.example. A | - | - | OPT 1232 do",
                   "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | OPT 1232 do",
                   {Counter::policy_truncated}},
        ActionCase{"tag", rule("on = \"all\"\naction = \"tag x\""), {}, hit, hit},
        ActionCase{"limit", rule("on = \"all\"\naction = \"limit 1/s\""), {}, hit, hit},
        ActionCase{"allow_before_drop",
                   rule("on = \"all\"\nqtypes = [\"A\"]\naction = \"allow\"") +
                       "[[rule]]\nname = \"s\"\non = \"all\"\naction = \"drop\"\n",
                   {},
                   hit,
                   hit},
        ActionCase{"only_misses_by_default", rule("action = \"drop\""), {}, hit, hit},
        ActionCase{"a_miss", rule("action = \"drop\""), asks_no, "", "", {Counter::drop_policy}},
        ActionCase{"other_zones_are_misses",
                   rule("action = \"drop\""),
                   {.name = "www.example.org"},
                   "",
                   "",
                   {Counter::drop_policy}},
        ActionCase{"nodata_is_no_miss",
                   rule("action = \"drop\""),
                   {.type = 99},
                   "NOERROR qr aa rd | 0.test.example. SPF | - | " + soa + " | -",
                   "NOERROR qr aa rd | 0.test.example. SPF | - | " + soa + " | -"},
        ActionCase{"a_wildcard_is_no_miss",
                   rule("action = \"drop\""),
                   {.name = "a.wild.test.example"},
                   "NOERROR qr aa rd | a.wild.test.example. A | a.wild.test.example. 300 A 203.0.113.51 | - | -",
                   "NOERROR qr aa rd | a.wild.test.example. A | a.wild.test.example. 300 A 203.0.113.51 | - | -"},
        ActionCase{"pattern",
                   rule("pattern = '^no\\.test\\.example$'\naction = \"refuse\""),
                   {.name = "NO.Test.example"},
                   "REFUSED qr rd | NO.Test.example. A | - | - | -",
                   "REFUSED qr rd | NO.Test.example. A | - | - | -",
                   {Counter::policy_refused}},
        ActionCase{"other_pattern", rule("pattern = '^yes'\naction = \"refuse\""), asks_no, miss, miss},
        ActionCase{"client",
                   rule("on = \"all\"\nclients = [\"192.0.2.0/24\"]\naction = \"drop\""),
                   {},
                   "",
                   "",
                   {Counter::drop_policy}},
        ActionCase{
            "other_client", rule("on = \"all\"\nclients = [\"198.51.100.0/24\"]\naction = \"drop\""), {}, hit, hit},
        ActionCase{"country",
                   rule("on = \"all\"\ncountries = [\"us\"]\naction = \"drop\""),
                   {},
                   "",
                   "",
                   {Counter::drop_policy}},
        ActionCase{"country_by_ipv6",
                   rule("on = \"all\"\ncountries = [\"us\"]\naction = \"drop\""),
                   {},
                   "",
                   "",
                   {Counter::drop_policy},
                   "2001:db8:1::7"},
        ActionCase{"country_of_the_client_subnet",
                   rule("on = \"all\"\ncountries = [\"fr\"]\naction = \"drop\""),
                   {.edns = true, .options = {subnet("198.51.100.0/24")}},
                   "",
                   "",
                   {Counter::drop_policy}},
        ActionCase{"clients_are_not_client_subnets",
                   rule("on = \"all\"\nclients = [\"198.51.100.0/24\"]\naction = \"drop\""),
                   {.options = {}},
                   hit,
                   hit},
        ActionCase{"errors_are_not_judged",
                   rule("on = \"all\"\naction = \"drop\""),
                   {.flags = 0x2000},
                   "NOTIMP opcode=4 qr | - | - | - | -",
                   "NOTIMP opcode=4 qr | - | - | - | -"}),
    [](const auto& row) { return std::string(row.param.name); });

struct BeyondCase {
  const char* name;
  const char* beyond;
  std::string udp;
  std::string tcp;
};

void PrintTo(const BeyondCase& row, std::ostream* out) {
  *out << row.name;
}

class Beyond : public testing::TestWithParam<BeyondCase> {};

TEST_P(Beyond, ThreeASecondThenThis) {
  const BeyondCase& row = GetParam();
  for (const std::string action : {"limit 3/s", "limit 3/s per source"}) {
    std::vector<core::Limiter::Line> lines(64);
    core::Limiter limiter({}, lines, {1, 2});
    for (const bool udp : {true, false}) {
      Asker asker(rule("on = \"all\"\naction = \"" + action + "\"\nbeyond = \"" + row.beyond + "\""));
      asker.worker.limiter = &limiter;
      asker.worker.ticks += udp ? 0 : 60 * core::ticks_per_second;
      const std::string& beyond = udp ? row.udp : row.tcp;
      for (int i = 0; i < 3; ++i) EXPECT_EQ(asker.message({}, "192.0.2.1", udp), hit);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(asker.message({}, "192.0.2.1", udp), beyond);
      const bool answered = action.find("source") != std::string::npos || beyond == hit;
      EXPECT_EQ(asker.message({}, "192.0.3.1", udp), answered ? elsewhere : beyond);
      asker.worker.ticks += core::ticks_per_second * 2 / 5; // one more, and no two
      EXPECT_EQ(asker.message({}, "192.0.2.1", udp), hit);
      EXPECT_EQ(asker.message({}, "192.0.2.1", udp), beyond);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policy, Beyond,
                         testing::Values(BeyondCase{"drop", "drop", "", ""},
                                         BeyondCase{"refuse", "refuse", refused, refused},
                                         BeyondCase{"truncate", "truncate", truncated, hit}),
                         [](const auto& row) { return std::string(row.param.name); });

// Buckets of sources are the limiter's, so that another policy with a rule of the same name finds them as they were.
TEST(Policy, SourcesKeepTheirBucketsAcrossASwap) {
  std::vector<core::Limiter::Line> lines(64);
  core::Limiter limiter({}, lines, {1, 2});
  const std::string text = rule("on = \"all\"\naction = \"limit 3/s per source\"");
  for (const int left : {3, 0, 0}) {
    Asker asker("[[rule]]\nname = \"other\"\nqtypes = [\"TXT\"]\naction = \"drop\"\n" + text);
    asker.worker.limiter = &limiter;
    for (int i = 0; i < left; ++i) EXPECT_EQ(asker.message({}, "192.0.2.1", true), hit);
    EXPECT_EQ(asker.message({}, "192.0.2.1", true), "");
  }
}

// Without a zone everybody gets SERVFAIL, whatever policy says.
TEST(Policy, NothingToProtect) {
  Asker asker(rule("on = \"all\"\naction = \"drop\""));
  const core::Policy* policy = asker.view.policy;
  asker.view = {};
  asker.view.policy = policy;
  EXPECT_EQ(asker.message({}, "192.0.2.1", true), "SERVFAIL qr rd | 0.test.example. A | - | - | -");
}

} // namespace
} // namespace anytick::test
