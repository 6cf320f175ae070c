// What the fuzzers start from and what they ever found, checked by every build: the rows of the packet tables, mutants
// of them, and the files of the corpus.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "dataplane/core/random.h"
#include "tests/fuzz/frame_target.h"
#include "tests/fuzz/plan_target.h"
#include "tests/fuzz/policy_target.h"
#include "tests/fuzz/scores_target.h"
#include "tests/fuzz/transfer_target.h"
#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

constexpr size_t payload_at = 14 + 20 + 8;

Bytes payload_of(const Bytes& frame) {
  return {frame.begin() + static_cast<std::ptrdiff_t>(std::min(payload_at, frame.size())), frame.end()};
}

TEST(Replay, Tables) {
  for (const PacketCase& row : all_cases()) {
    SCOPED_TRACE(row.description);
    const Bytes payload = payload_of(row.frame);
    check_frame(row.frame.data(), row.frame.size());
    check_message(payload.data(), payload.size());
  }
}

void mutate(Bytes& bytes, core::Random& random) {
  for (uint64_t changes = random.next() % 4 + 1; changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random.next() % bytes.size();
    switch (random.next() % 4) {
    case 0:
      bytes[at] ^= static_cast<uint8_t>(1u << random.next() % 8);
      break;
    case 1:
      bytes[at] = static_cast<uint8_t>(random.next());
      break;
    case 2:
      bytes.resize(at);
      break;
    default:
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random.next()));
      break;
    }
  }
}

TEST(Replay, MutantsOfTables) {
  const uint64_t seed = 99;
  SCOPED_TRACE("seed " + std::to_string(seed));
  core::Random random(seed);
  const auto rows = all_cases();
  for (int i = 0; i < 60000; ++i) {
    Bytes frame = rows[random.next() % rows.size()].frame;
    Bytes message = payload_of(frame);
    mutate(message, random);
    check_message(message.data(), message.size());
    const Bytes sealed = Packet{.payload = message}.bytes();
    check_frame(sealed.data(), sealed.size());
    mutate(frame, random);
    check_frame(frame.data(), frame.size());
  }
}

using Check = void (*)(const uint8_t*, size_t);

void replay_seeds(const std::vector<Bytes>& seeds, Check check, int mutants) {
  const uint64_t seed = 100;
  SCOPED_TRACE("seed " + std::to_string(seed));
  core::Random random(seed);
  for (const Bytes& each : seeds) check(each.data(), each.size());
  for (int i = 0; i < mutants; ++i) {
    Bytes mutant = seeds[random.next() % seeds.size()];
    mutate(mutant, random);
    check(mutant.data(), mutant.size());
  }
}

TEST(Replay, PolicySeeds) {
  replay_seeds(policy_seeds(), check_policy, 2000);
}
TEST(Replay, PolicyNameSeeds) {
  replay_seeds(policy_name_seeds(), check_policy_name, 5000);
}
TEST(Replay, ScoresSeeds) {
  replay_seeds(scores_seeds(), check_scores, 20000);
}
TEST(Replay, PlanSeeds) {
  replay_seeds(plan_seeds(), check_plan, 5000);
}
TEST(Replay, TransferSeeds) {
  replay_seeds(transfer_seeds(), check_transfer, 10000);
}

void replay(const char* folder, Check check) {
  const std::filesystem::path path = std::filesystem::path(ANYTICK_CORPUS) / folder;
  ASSERT_TRUE(std::filesystem::is_directory(path)) << path;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    check(bytes.data(), bytes.size());
  }
}

TEST(Replay, FrameCorpus) {
  replay("frame", check_frame);
}
TEST(Replay, QueryCorpus) {
  replay("query", check_message);
}
TEST(Replay, PolicyCorpus) {
  replay("policy", check_policy);
}
TEST(Replay, PolicyNameCorpus) {
  replay("policy_name", check_policy_name);
}
TEST(Replay, ScoresCorpus) {
  replay("scores", check_scores);
}
TEST(Replay, PlanCorpus) {
  replay("plan", check_plan);
}
TEST(Replay, TransferCorpus) {
  replay("transfer", check_transfer);
}

} // namespace
} // namespace anytick::test
