#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/io/tables.h"
#include "tests/packets/wire.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

constexpr std::string_view drop_misses = "[[rule]]\nname = 'misses'\naction = 'drop'\n";

std::string rule(std::string_view name, std::string_view action = "drop", std::string_view more = "") {
  return fmt::format("[[rule]]\nname = '{}'\naction = '{}'\n{}\n", name, action, more);
}

std::string pattern_rule(std::string_view name, std::string_view pattern) {
  return rule(name, "drop", fmt::format("pattern = '{}'", pattern));
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string repeated(std::string_view part, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += part;
  return text;
}

bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

class PolicyTest : public testing::Test {
 protected:
  static constexpr uint64_t max_table_bytes = 4u << 20;

  std::unique_ptr<Tables> open(unsigned readers = 1, PolicyCompiler compiler = policy_compiler(),
                               std::vector<core::PublicKey> trusted = {}) {
    return std::make_unique<Tables>(readers, *TableStore::open(directory_.path() / "state"), std::move(trusted),
                                    core::Identity{}, std::move(compiler));
  }
  std::unique_ptr<Tables> restarted() {
    auto tables = open();
    tables->load_stored(max_table_bytes);
    return tables;
  }
  std::filesystem::path stored(std::string_view file) const { return directory_.path() / "state" / file; }

  /// A program in the place of anytickd.
  std::string script(const std::string& lines) {
    const std::filesystem::path path = directory_.path() / "compiler";
    std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
    ::chmod(path.c_str(), 0700);
    return path;
  }

  ScratchDirectory directory_;
};

/// As a worker asks about a name that no zone has.
core::PolicyVerdict judge(const core::Policy& policy, unsigned thread) {
  core::FoldedName name;
  EXPECT_TRUE(core::read_name(test::wire_name("nope"), name));
  const geo::Address source = *geo::parse_address("192.0.2.7");
  return policy.judge({name, 1, true, true, source, {}}, thread, nullptr, 0);
}

TEST_F(PolicyTest, IsPublishedAndStoredToTheByte) {
  const auto tables = open(2);
  const std::string text = "# ours\n" + pattern_rule("a", "^[0-9a-f]{12,}\\.") + std::string(drop_misses);
  const auto applied = tables->load(policy_table(text));
  ASSERT_TRUE(applied) << applied.refusal().text();
  const auto running = tables->running();
  ASSERT_EQ(running->tables().size(), 1u);
  const TableInfo info = running->tables().front();
  EXPECT_EQ(info.kind, TableKind::policy);
  EXPECT_EQ(info.size, text.size());
  EXPECT_EQ(info.digest, core::policy_digest(std::as_bytes(std::span(text))));
  EXPECT_EQ(contents(stored("policy.toml")), text);
  ASSERT_EQ(running->view.policy, &running->policy->policy());
  for (const unsigned thread : {0u, 1u}) EXPECT_EQ(judge(*running->view.policy, thread), core::PolicyVerdict::drop);
  EXPECT_EQ(running->policy->totals()[0].matched, 0u);
  EXPECT_EQ(running->policy->totals()[1].decided, 2u);
  EXPECT_FALSE(has_children());
}

TEST_F(PolicyTest, OtherTablesLeaveItAlone) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(policy_table(drop_misses)));
  const auto policy = tables->running()->policy;
  judge(policy->policy(), 0);
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  EXPECT_EQ(tables->running()->policy, policy);
  EXPECT_EQ(tables->running()->view.policy, &policy->policy());
  EXPECT_EQ(policy->totals()[0].decided, 1u);
  NewTables all = policy_table(rule("other"));
  all.zone = NewTable{in_memory(zone_image(2)), {}};
  ASSERT_TRUE(tables->load(std::move(all)));
  EXPECT_EQ(tables->running()->zone->info.serial, 2u);
  EXPECT_EQ(tables->running()->policy->policy().rules()[0].name, "other");
}

TEST_F(PolicyTest, TextWithoutRulesTakesItAway) {
  const auto tables = open();
  for (const std::string_view text : {"", "# nothing\n"}) {
    ASSERT_TRUE(tables->load(policy_table(drop_misses)));
    EXPECT_NE(tables->running()->view.policy, nullptr);
    const auto applied = tables->load(policy_table(text));
    ASSERT_TRUE(applied) << applied.refusal().text();
    EXPECT_EQ(tables->running()->view.policy, nullptr);
    EXPECT_TRUE(tables->running()->policy->totals().empty());
    EXPECT_EQ(contents(stored("policy.toml")), text);
    const auto again = restarted();
    EXPECT_EQ(again->running()->view.policy, nullptr);
    ASSERT_EQ(again->running()->tables().size(), 1u);
    EXPECT_EQ(again->running()->tables()[0].size, text.size());
  }
}

struct HostileCase {
  std::string name;
  std::string (*text)();
  std::string reason; ///< begins with
};

void PrintTo(const HostileCase& each, std::ostream* out) {
  *out << each.name;
}

class HostilePolicy : public PolicyTest, public testing::WithParamInterface<HostileCase> {};

TEST_P(HostilePolicy, IsRefusedAndChangesNothing) {
  const auto tables = open();
  NewTables first = policy_table(drop_misses);
  first.zone = NewTable{in_memory(zone_image(7)), {}};
  ASSERT_TRUE(tables->load(std::move(first)));
  const auto before = tables->running();
  NewTables next = policy_table(GetParam().text());
  next.zone = NewTable{in_memory(zone_image(8)), {}};
  const auto applied = tables->load(std::move(next));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.refusal().text().rfind(GetParam().reason, 0), 0u) << applied.refusal().text();
  EXPECT_EQ(tables->running(), before);
  EXPECT_EQ(contents(stored("policy.toml")), drop_misses);
  EXPECT_FALSE(has_children());
}

INSTANTIATE_TEST_SUITE_P(
    , HostilePolicy,
    testing::Values(
        HostileCase{"NoToml", [] { return std::string("10.0.0.0/8 country=us\n"); }, "policy at line 1"},
        HostileCase{"NotUtf8", [] { return "# \xff\n" + std::string(drop_misses); }, "policy at line 1"},
        HostileCase{"ZeroBytes", [] { return std::string(1000, '\0'); }, "policy at line 1"},
        HostileCase{"Binary",
                    [] {
                      return std::string("\x7f"
                                         "ELF\x02\x01\x01");
                    },
                    "policy at line 1"},
        HostileCase{"UnknownKey", [] { return rule("a", "drop", "patern = 'x'"); }, "policy at line 4, column 1: "},
        HostileCase{"TwoOfAName", [] { return rule("a") + rule("a"); }, "policy at line "},
        HostileCase{"OneWrongRuleAmongMany", [] { return repeated("[[rule]]\nname = 'x'\n", 50); }, "policy at line 1"},
        HostileCase{"PatternThatIsNotTaken", [] { return pattern_rule("a", "a(?=b)"); }, "policy at line 1: "},
        HostileCase{"PatternOfEverything", [] { return pattern_rule("a", "a*"); }, "policy at line 1: "},
        HostileCase{"BadPattern", [] { return rule("ok") + pattern_rule("a", "(a"); }, "policy at line 5: "},
        HostileCase{"FiveThousandRules",
                    [] {
                      std::string text;
                      for (int i = 0; i < 5000; ++i) text += rule(fmt::format("r{}", i));
                      return text;
                    },
                    "policy"},
        HostileCase{"LongerThanAPolicyMayBe", [] { return '#' + std::string(core::PolicyBounds::text, 'x'); },
                    "policy"},
        HostileCase{"DeepArrays", [] { return "rule = " + std::string(500'000, '['); }, "policy"},
        HostileCase{"DeepKeys", [] { return repeated("a.", 500'000) + "a = 1\n"; }, "policy"},
        HostileCase{"DeepTables", [] { return "[" + repeated("a.", 500'000) + "a]\n"; }, "policy"},
        HostileCase{"TakesAges",
                    [] {
                      std::string text;
                      for (int i = 0; i < 4000; ++i)
                        text +=
                            pattern_rule(fmt::format("r{}", i), fmt::format("^([a-f]{{2,40}}[0-9]){{1,20}}\\.x{}", i));
                      return text;
                    },
                    "policy: the patterns take more than "}),
    [](const auto& each) { return each.param.name; });

TEST_F(PolicyTest, OtherTablesNeedNotWaitForItsCompiler) {
  const auto go = directory_.path() / "go";
  const std::string wait = fmt::format("while [ ! -e {} ]; do sleep 0.01; done; ", go.string());
  const auto tables = open(1, PolicyCompiler(script(wait + "exec $ANYTICKD \"$@\"")));
  std::jthread pushing([&] {
    const auto applied = tables->load(policy_table(drop_misses));
    EXPECT_TRUE(applied) << applied.refusal().text();
  });
  EXPECT_TRUE(tables->load(zone_table(zone_image(7))));
  EXPECT_EQ(tables->running()->policy, nullptr);
  std::ofstream(go) << "";
  pushing.join();
  EXPECT_NE(tables->running()->policy, nullptr);
  EXPECT_EQ(tables->running()->zone->info.serial, 7u) << "which came meanwhile";
}

TEST_F(PolicyTest, CountsGoOnInTheRuleOfTheSameName) {
  const auto tables = open(2);
  ASSERT_TRUE(tables->load(policy_table(rule("a", "tag t") + rule("b"))));
  const auto total = [&](size_t rule) { return tables->running()->policy->totals()[rule]; };
  const auto judged = [&](unsigned thread) { judge(*tables->running()->view.policy, thread); };
  judged(0);
  judged(1);
  ASSERT_TRUE(tables->load(policy_table(rule("b", "tag t") + rule("c"))));
  EXPECT_EQ(total(0).decided, 2u);
  EXPECT_EQ(total(1).matched, 0u);
  judged(0);
  EXPECT_EQ(total(0).matched, 3u);
  EXPECT_EQ(total(0).decided, 2u) << "a tag decides nothing";
  ASSERT_TRUE(tables->load(policy_table(rule("a", "tag t") + rule("b") + rule("c"))));
  EXPECT_EQ(total(0).matched, 0u) << "its counts went with it";
  EXPECT_EQ(total(1).matched, 3u);
  EXPECT_EQ(total(1).decided, 2u);
  EXPECT_EQ(total(2).decided, 1u);
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  EXPECT_EQ(total(1).matched, 3u);
}

TEST_F(PolicyTest, RefusedPolicyCarriesNothing) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(policy_table(drop_misses)));
  judge(*tables->running()->view.policy, 0);
  NewTables wrong = policy_table(drop_misses);
  wrong.zone = NewTable{in_memory({std::byte{1}}), {}};
  EXPECT_FALSE(tables->load(std::move(wrong)));
  ASSERT_TRUE(tables->load(policy_table(drop_misses)));
  EXPECT_EQ(tables->running()->policy->totals()[0].decided, 1u);
}

TEST_F(PolicyTest, CountsOfAThreadThatIsStillInTheOldPolicyAreNotLost) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(policy_table(drop_misses)));
  const std::weak_ptr<const LoadedPolicy> old = tables->running()->policy;
  const auto total = [&] { return tables->running()->policy->totals()[0].decided; };
  TableReader reader(*tables, 0);
  const core::Policy* policy = reader.view().policy;
  judge(*policy, 0);
  std::jthread pushing([&] { EXPECT_TRUE(tables->load(policy_table(drop_misses))); });
  EXPECT_TRUE(eventually([&] { return reader.view().policy != policy; }));
  EXPECT_EQ(total(), 1u);
  judge(*policy, 0);
  EXPECT_EQ(total(), 2u);
  reader.quiescent();
  pushing.join();
  EXPECT_EQ(total(), 2u);
  EXPECT_TRUE(old.expired());
  judge(*reader.view().policy, 0);
  EXPECT_EQ(total(), 3u);
}

/// Swaps under readers that count, while somebody reads the totals: they never fall, and in the end nothing is missing.
TEST_F(PolicyTest, NothingIsLostOrCountedTwiceBySwaps) {
  constexpr unsigned readers = 2;
  constexpr int swaps = 10;
  const auto tables = open(readers);
  ASSERT_TRUE(tables->load(policy_table(rule("a", "tag t") + rule("b"))));
  std::atomic<bool> stop{false};
  std::array<uint64_t, readers> judged{};
  std::vector<std::jthread> threads;
  for (unsigned id = 0; id < readers; ++id) {
    threads.emplace_back([&, id] {
      TableReader reader(*tables, id);
      for (; !stop.load(); reader.quiescent()) {
        judge(*reader.view().policy, id);
        ++judged[id];
      }
    });
  }
  std::atomic<unsigned> falls{0};
  std::jthread watching([&] {
    for (uint64_t last = 0; !stop.load();) {
      const auto running = tables->running();
      for (size_t i = 0; i < running->policy->totals().size(); ++i) {
        if (running->policy->policy().rules()[i].name != "b") continue;
        const uint64_t now = running->policy->totals()[i].decided;
        if (now < last) falls.fetch_add(1);
        last = now;
      }
    }
  });
  for (int i = 0; i < swaps; ++i)
    ASSERT_TRUE(tables->load(policy_table(i % 2 == 0 ? rule("b") : rule("a", "tag t") + rule("b"))));
  stop.store(true);
  threads.clear();
  watching.join();
  EXPECT_EQ(falls.load(), 0u);
  EXPECT_EQ(tables->running()->policy->totals().back().decided, judged[0] + judged[1]);
}

TEST_F(PolicyTest, StartsFromTheStoredOne) {
  NewTables both = policy_table(drop_misses);
  both.zone = NewTable{in_memory(zone_image(7)), {}};
  ASSERT_TRUE(open()->load(std::move(both)));
  const auto tables = restarted();
  ASSERT_NE(tables->running()->view.policy, nullptr);
  EXPECT_EQ(tables->running()->policy->policy().rules()[0].name, "misses");
  EXPECT_NE(tables->running()->view.join, nullptr);
}

TEST_F(PolicyTest, DamagedStoredOneIsLeftOut) {
  NewTables both = policy_table(drop_misses);
  both.zone = NewTable{in_memory(zone_image(7)), {}};
  ASSERT_TRUE(open()->load(std::move(both)));
  for (const std::string& damage : {std::string(drop_misses.substr(0, 20)), std::string(2u << 20, '#')}) {
    std::ofstream(stored("policy.toml"), std::ios::binary) << damage;
    const auto tables = restarted();
    EXPECT_EQ(tables->running()->policy, nullptr);
    EXPECT_NE(tables->running()->view.join, nullptr);
    EXPECT_TRUE(tables->load(policy_table(drop_misses)));
  }
}

TEST_F(PolicyTest, StrangersPatternsAreNotEvenLookedAt) {
  const auto hub = core::PrivateKey::generate(), stranger = core::PrivateKey::generate();
  const auto ran = directory_.path() / "ran";
  const auto compiler = PolicyCompiler(script(fmt::format("touch {}; exec $ANYTICKD \"$@\"", ran.string())));
  const auto tables = open(1, compiler, {hub->public_key()});
  const auto digest = core::policy_digest(std::as_bytes(std::span(drop_misses)));
  const auto signed_by = [&](const core::PrivateKey& key, core::SignedTable table) {
    NewTables pushed = policy_table(drop_misses);
    pushed.policy->signatures = {*core::sign_table(key, table, digest)};
    return pushed;
  };
  const auto none = tables->load(policy_table(drop_misses));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.refusal().text(), "policy: signature: missing, but this POP takes only what a trusted key signed");
  for (const auto& refused : {tables->load(signed_by(*stranger, core::SignedTable::policy)),
                              tables->load(signed_by(*hub, core::SignedTable::zone_image))}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.refusal().text(), "policy: signature: not one of this table by a trusted key");
  }
  EXPECT_FALSE(std::filesystem::exists(ran));

  ASSERT_TRUE(tables->load(signed_by(*hub, core::SignedTable::policy)));
  EXPECT_TRUE(std::filesystem::exists(ran));
  EXPECT_EQ(tables->running()->tables()[0].signed_by, hub->public_key().id());
  EXPECT_EQ(contents(stored("policy.toml.sig")).size(), 64u);
  const auto again = open(1, compiler, {hub->public_key()});
  again->load_stored(max_table_bytes);
  EXPECT_NE(again->running()->view.policy, nullptr);
  std::ofstream(stored("policy.toml"), std::ios::app) << "# not signed\n";
  const auto changed = open(1, compiler, {hub->public_key()});
  changed->load_stored(max_table_bytes);
  EXPECT_EQ(changed->running()->policy, nullptr);
}

} // namespace
} // namespace anytick::io
