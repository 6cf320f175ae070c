#include "tests/fuzz/frame_target.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include "dataplane/core/interleave.h"
#include "dataplane/core/path.h"
#include "dataplane/core/policy.h"
#include "tests/packets/policies.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

namespace anytick::test {
namespace {

using core::Counter;

void require(bool condition, const char* property) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

uint64_t endings(const core::Counters& counters) {
  uint64_t sum = counters.get(Counter::dns_answered) + counters.get(Counter::ntp_answered);
  for (auto i = static_cast<size_t>(Counter::drop_runt); i <= static_cast<size_t>(Counter::drop_policy); ++i)
    sum += counters.get(static_cast<Counter>(i));
  return sum;
}

/// What holds for every reply to every query.
void check_reply(const Bytes& query, const Bytes& reply) {
  require(query.size() >= 12 && reply.size() >= 12, "a reply has a header, and so had its query");
  require((query[2] & 0x80) == 0, "an answer was answered");
  require((reply[2] & 0x80) != 0, "QR is set");
  require(query[0] == reply[0] && query[1] == reply[1], "the id is the query's");
  try {
    render(reply);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "reply: %s\n%s\n", e.what(), to_hex(reply).c_str());
    std::abort();
  }
  const bool question = (reply[4] | reply[5]) != 0;
  if (!question) return;
  size_t end = 12;
  while (reply[end] != 0) end += reply[end] + 1u;
  require(std::memcmp(&query[12], &reply[12], end + 5 - 12) == 0, "the question is the query's, byte for byte");
}

bool is_ntp_reply(const Bytes& frame, size_t payload_at) {
  return frame[payload_at - 8] == 0 && frame[payload_at - 7] == 123;
}

/// What holds for every reply frame to every frame; its payload.
Bytes check_reply_frame(const Bytes& frame, const Bytes& reply) {
  try {
    const Bytes payload = payload_of_reply(frame, reply);
    const size_t at = reply.size() - payload.size();
    const Bytes query(frame.begin() + static_cast<std::ptrdiff_t>(at), frame.end());
    if (is_ntp_reply(reply, at)) {
      require((query[0] & 7) < 4, "an answer was answered");
      render_reply(frame, reply);
    } else {
      check_reply(query, payload);
    }
    return payload;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "frame: %s\n%s\n", e.what(), to_hex(reply).c_str());
    std::abort();
  }
}

/// What the rows of the tables ask for in interleaved mode may be there.
void set_up_time(core::WorkerState& worker, core::InterleaveTable& table) {
  set_up_ntp(worker);
  table.save(1, worker.stamps + 1);
  worker.interleave = &table;
}

/// The payload of the reply in so much room; nothing where there is none.
Bytes check_in_room(const Bytes& frame, size_t room) {
  const auto buffer = std::make_unique<uint8_t[]>(room);
  std::copy(frame.begin(), frame.end(), buffer.get());
  core::Frame each{
      .data = buffer.get(), .length = static_cast<uint32_t>(frame.size()), .room = static_cast<uint32_t>(room)};
  core::WorkerState worker(1);
  std::array<core::InterleaveTable::Entry, 2> entries{};
  core::InterleaveTable table(entries);
  set_up_time(worker, table);
  handle_whole(World::of_cases().view(), ingress_of_cases(), worker, std::span(&each, 1));
  const uint64_t punted = each.verdict == core::Verdict::punt ? 1 : 0;
  require(endings(worker.counters) + punted == 1, "a frame is counted as exactly one of its ends, or is a punt");
  if (punted != 0) require(Bytes(each.data, each.data + each.length) == frame, "a punt is left as it came");
  if (each.verdict != core::Verdict::reply) return {};
  require(each.length <= room, "the reply fits into its room");
  const Bytes payload = check_reply_frame(frame, Bytes(each.data, each.data + each.length));
  require(payload.size() <= 1232, "a UDP reply is at most 1,232 bytes");
  return payload;
}

/// Untagged queries may take a lane that tagged ones do not.
void check_tagged(const Bytes& frame, const Bytes& payload) {
  constexpr std::array<uint8_t, 4> tag{0x81, 0, 0, 100};
  if (frame.size() < 14 || frame[12] != 8 || frame[13] != 0) return;
  Bytes tagged = frame;
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  require(check_in_room(tagged, tagged.size() + 1500) == payload, "a tag does not change what is answered");
}

void check_answer(const Bytes& query, size_t room, bool udp) {
  const auto buffer = std::make_unique<uint8_t[]>(room);
  std::copy(query.begin(), query.end(), buffer.get());
  core::WorkerState worker(1);
  const core::Client client{geo::Address::ipv4(0xc0000201), udp};
  const size_t length = core::answer(World::of_cases().view(), worker, client, buffer.get(), query.size(), room);
  require(length <= room, "the reply fits into its room");
  require(endings(worker.counters) == 1, "a message is counted as exactly one of its ends");
  if (length > 0) check_reply(query, {buffer.get(), buffer.get() + length});
}

/// A rule of each action, for names of the tables.
const core::Policy& policy_of_frames() {
  static const std::unique_ptr<core::Policy> policy = make_policy(R"(
[[rule]]
name = "tagged"
on = "all"
action = "tag seen"
[[rule]]
name = "dropped"
pattern = '^no'
action = "drop"
[[rule]]
name = "refused"
pattern = 'wild'
on = "all"
action = "refuse"
[[rule]]
name = "truncated"
pattern = '^[ef][0-9]+[.]'
on = "all"
action = "truncate"
[[rule]]
name = "limited"
countries = ["us"]
on = "all"
action = "limit 1/s per source"
beyond = "refuse"
)");
  return *policy;
}

/// Twice by the same source, which may have one reply of a kind, and none that is more than twice its query.
void check_restricted(const Bytes& frame) {
  constexpr size_t room = 2048;
  core::LimitRules rules;
  rules.per_second.fill(1);
  rules.burst_seconds = 1;
  rules.slip = 2;
  rules.reply_ratio = 2;
  std::array<core::Limiter::Line, 2> lines{};
  core::Limiter limiter(rules, lines, {1, 2});
  core::WorkerState worker(frame.size());
  set_up_ntp(worker);
  worker.limiter = &limiter;
  worker.ticks = core::ticks_per_second;
  core::View view = World::of_cases().view();
  view.policy = &policy_of_frames();
  std::array<std::array<uint8_t, room>, 2> memory{};
  std::array<core::Frame, 2> frames;
  for (size_t i = 0; i < frames.size(); ++i) {
    std::copy(frame.begin(), frame.end(), memory[i].begin());
    frames[i] = {.data = memory[i].data(), .length = static_cast<uint32_t>(frame.size()), .room = room};
  }
  handle_whole(view, ingress_of_cases(), worker, frames);
  uint64_t punted = 0;
  for (const core::Frame& each : frames) {
    punted += each.verdict == core::Verdict::punt ? 1 : 0;
    if (each.verdict != core::Verdict::reply) continue;
    const Bytes payload = check_reply_frame(frame, Bytes(each.data, each.data + each.length));
    const size_t query_bytes = frame.size() - (each.length - payload.size());
    require(worker.counters.get(Counter::cookie_good) > 0 || payload.size() <= 2 * query_bytes,
            "a reply to who knows whom is at most twice its query");
  }
  require(endings(worker.counters) + punted == 2, "each is counted as exactly one of its ends, or is a punt");
}

} // namespace

void check_frame(const uint8_t* data, size_t size) {
  if (size > 1518) return;
  const Bytes frame(data, data + size);
  check_in_room(frame, size);
  check_tagged(frame, check_in_room(frame, size + 1500));
  check_restricted(frame);
}

void check_message(const uint8_t* data, size_t size) {
  if (size > 65535) return;
  const Bytes query(data, data + size);
  check_answer(query, size, true);
  check_answer(query, size + 2000, true);
  check_answer(query, size + 2000, false);
}

} // namespace anytick::test
