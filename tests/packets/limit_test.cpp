#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "tests/packets/cases.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

/// What limits make of the answers of the tables' zone.
namespace anytick::test {
namespace {

using core::AnswerClass;
using core::Counter;

constexpr uint64_t seed = 1;
constexpr std::array<uint64_t, 2> secret{1, 2};
constexpr core::Ticks start = core::ticks_per_second;

const Bytes client_cookie = from_hex("24 64 c4 ab cf 10 c9 57");
const geo::Address client = geo::Address::ipv4(0xc0000201); // 192.0.2.1

Option cookie(uint32_t time, size_t key) {
  Bytes data = client_cookie;
  const auto server = core::make_server_cookie(cookie_keys_of_cases().keys[key],
                                               std::span<const uint8_t, 8>(client_cookie.data(), 8), time, client);
  append(data, {server.begin(), server.end()});
  return {10, data};
}
const std::string fresh_cookie = " COOKIE " + to_hex(cookie(0, 0).data);

/// A header and an OPT (RFC 7873 5.4).
Bytes without_question(const Option& option) {
  Bytes bytes = Message{.edns = true, .options = {option}, .counts = {0, 0, 0, 1}}.bytes();
  const size_t question = Message{}.bytes().size() - 12;
  bytes.erase(bytes.begin() + 12, bytes.begin() + static_cast<ptrdiff_t>(12 + question));
  return bytes;
}

/// One reply of each class a second.
core::LimitRules one_a_second(uint32_t slip) {
  core::LimitRules rules;
  rules.per_second.fill(1);
  rules.burst_seconds = 1;
  rules.slip = slip;
  rules.reply_ratio = 0;
  return rules;
}

struct Asker {
  explicit Asker(const core::LimitRules& rules) : lines(64), limiter(rules, lines, secret), worker(seed) {
    worker.limiter = &limiter;
    worker.ticks = start;
  }

  /// The reply, rendered; "" if there is none.
  std::string ask(const Bytes& query, bool udp = true) {
    Bytes message = query;
    message.resize(4096);
    length = core::answer(World::of_cases().view(), worker, {client, udp}, message.data(), query.size(), 4096);
    message.resize(length);
    return length == 0 ? "" : render(message);
  }

  std::vector<core::Limiter::Line> lines;
  core::Limiter limiter;
  core::WorkerState worker;
  size_t length = 0;
};

struct SlipCase {
  const char* name;
  Bytes query;
  std::string slipped; ///< what is left of a reply that is over the rate
  Counter over;
};

void PrintTo(const SlipCase& row, std::ostream* out) {
  *out << row.name;
}

class Slips : public testing::TestWithParam<SlipCase> {};

TEST_P(Slips, SecondReplyIsOver) {
  const SlipCase& row = GetParam();
  const Bytes query = row.query;
  Asker dropping(one_a_second(0));
  EXPECT_NE(dropping.ask(query), "");
  EXPECT_EQ(dropping.ask(query), "");
  EXPECT_EQ(dropping.worker.counters.get(row.over), 1u);
  EXPECT_EQ(dropping.worker.counters.get(Counter::drop_limit), 1u);
  EXPECT_EQ(dropping.worker.counters.get(Counter::dns_answered), 1u);

  Asker slipping(one_a_second(1));
  EXPECT_NE(slipping.ask(query), row.over == Counter::limit_error ? "" : row.slipped);
  EXPECT_EQ(slipping.ask(query), row.slipped);
  EXPECT_LE(slipping.length, query.size() + 16); // of a server cookie
  EXPECT_EQ(slipping.worker.counters.get(row.over), 1u);
  EXPECT_EQ(slipping.worker.counters.get(Counter::limit_slipped), 1u);
  EXPECT_EQ(slipping.worker.counters.get(Counter::drop_limit), 0u);
  EXPECT_EQ(slipping.worker.counters.get(Counter::dns_answered), 2u);
}

// The same over a stream, or logged only, is never limited.
TEST_P(Slips, NotOverAStream) {
  const Bytes query = GetParam().query;
  Asker asker(one_a_second(0));
  const std::string first = asker.ask(query, false);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(asker.ask(query, false), first);
  EXPECT_EQ(asker.worker.counters.get(GetParam().over), 0u);
}

TEST_P(Slips, LogOnlySendsAll) {
  const Bytes query = GetParam().query;
  core::LimitRules rules = one_a_second(0);
  rules.mode = core::LimitMode::log;
  Asker asker(rules);
  const std::string first = asker.ask(query);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(asker.ask(query), first);
  EXPECT_EQ(asker.worker.counters.get(GetParam().over), 10u);
}

INSTANTIATE_TEST_SUITE_P(
    Limit, Slips,
    testing::Values(
        SlipCase{"answer", Message{}.bytes(), "NOERROR qr aa tc rd | 0.test.example. A | - | - | -",
                 Counter::limit_answer},
        SlipCase{"edns", Message{.edns = true, .edns_flags = 0x8000}.bytes(),
                 "NOERROR qr aa tc rd | 0.test.example. A | - | - | OPT 1232 do", Counter::limit_answer},
        SlipCase{"nodata", Message{.type = 99}.bytes(), "NOERROR qr aa tc rd | 0.test.example. SPF | - | - | -",
                 Counter::limit_nodata},
        SlipCase{"referral", Message{.name = "www.child.test.example"}.bytes(),
                 "NOERROR qr tc rd | www.child.test.example. A | - | - | -", Counter::limit_referral},
        SlipCase{"nxdomain", Message{.name = "no.test.example"}.bytes(),
                 "NXDOMAIN qr aa tc rd | no.test.example. A | - | - | -", Counter::limit_nxdomain},
        SlipCase{"other_zone", Message{.name = "www.example.org"}.bytes(),
                 "REFUSED qr rd | www.example.org. A | - | - | -", Counter::limit_error},
        SlipCase{"opcode", Message{.flags = 0x2000}.bytes(), "NOTIMP opcode=4 qr | - | - | - | -",
                 Counter::limit_error},
        SlipCase{"version", Message{.edns = true, .edns_version = 1}.bytes(),
                 "BADVERS qr rd | 0.test.example. A | - | - | OPT 1232", Counter::limit_error},
        SlipCase{"client_cookie", Message{.edns = true, .options = {{10, client_cookie}}}.bytes(),
                 "BADCOOKIE qr rd | 0.test.example. A | - | - | OPT 1232" + fresh_cookie, Counter::limit_answer},
        SlipCase{
            "cookie_of_an_answer_that_did_not_fit",
            Message{
                .name = "big.test.example", .type = 16, .edns = true, .udp_size = 512, .options = {{10, client_cookie}}}
                .bytes(),
            "BADCOOKIE qr rd | big.test.example. TXT | - | - | OPT 1232" + fresh_cookie, Counter::limit_answer},
        SlipCase{"bad_cookie", Message{.edns = true, .options = {cookie(5000, 0)}}.bytes(),
                 "BADCOOKIE qr rd | 0.test.example. A | - | - | OPT 1232" + fresh_cookie, Counter::limit_answer},
        SlipCase{"cookie_of_a_name_that_is_not",
                 Message{.name = "no.test.example", .edns = true, .options = {{10, client_cookie}}}.bytes(),
                 "BADCOOKIE qr rd | no.test.example. A | - | - | OPT 1232" + fresh_cookie, Counter::limit_nxdomain},
        SlipCase{"cookie_alone", without_question({10, client_cookie}),
                 "BADCOOKIE qr rd | - | - | - | OPT 1232" + fresh_cookie, Counter::limit_answer}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Limit, AGoodCookieEndsAll) {
  for (const size_t key : {0u, 1u}) {
    const Bytes query = Message{.edns = true, .options = {cookie(0, key)}}.bytes();
    Asker asker(one_a_second(0));
    const std::string first = asker.ask(query);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(asker.ask(query), first);
  }
}

// What BADCOOKIE brings is good from then on.
TEST(Limit, ComesBackWithTheCookieOfBadcookie) {
  Asker asker(one_a_second(1));
  const Bytes without = Message{.edns = true, .options = {{10, client_cookie}}}.bytes();
  asker.ask(without);
  EXPECT_EQ(asker.ask(without).substr(0, 9), "BADCOOKIE");
  EXPECT_EQ(asker.ask(Message{.edns = true, .options = {cookie(0, 0)}}.bytes()).substr(0, 7), "NOERROR");
}

// One burst with many of one source: frames over the rate are dropped, each is counted once.
TEST(Limit, FramesOfABurst) {
  const Bytes query = Packet{}.bytes();
  std::vector<Bytes> memory(core::burst_max, query);
  std::vector<core::Frame> frames;
  for (Bytes& bytes : memory) {
    bytes.resize(1600);
    frames.push_back({.data = bytes.data(), .length = static_cast<uint32_t>(query.size()), .room = 1600});
  }
  core::LimitRules rules = one_a_second(0);
  rules.per_second.fill(10);
  Asker asker(rules);
  core::handle(World::of_cases().view(), ingress_of_cases(), asker.worker, frames);
  const auto replies = std::ranges::count(frames, core::Verdict::reply, &core::Frame::verdict);
  const auto drops = std::ranges::count(frames, core::Verdict::drop, &core::Frame::verdict);
  EXPECT_EQ(replies, 10);
  EXPECT_EQ(drops, 54);
  EXPECT_EQ(asker.worker.counters.get(Counter::drop_limit), 54u);
  EXPECT_EQ(asker.worker.counters.get(Counter::dns_answered), 10u);
  EXPECT_EQ(asker.worker.counters.get(Counter::limit_answer), 54u);
}

/// All DNS rows of the tables, asked by somebody who may not be who he says.
TEST(Amplification, NoReplyIsMoreThanTheRatio) {
  for (const uint32_t ratio : {2u, 3u, 10u}) {
    double largest = 0;
    size_t truncated = 0;
    for (const PacketCase& row : all_cases()) {
      const auto asked = asked_by(row);
      if (!asked || asked->query.size() < 12) continue;
      core::LimitRules rules;
      rules.reply_ratio = ratio;
      Asker asker(rules);
      asker.ask(asked->query);
      if (asker.worker.counters.get(Counter::cookie_good) > 0) continue;
      EXPECT_LE(asker.length, ratio * asked->query.size()) << row.rule << ": " << row.description;
      largest = std::max(largest, static_cast<double>(asker.length) / static_cast<double>(asked->query.size()));
      Asker unbounded(one_a_second(0));
      unbounded.ask(asked->query);
      truncated +=
          asker.worker.counters.get(Counter::dns_truncated) > unbounded.worker.counters.get(Counter::dns_truncated);
    }
    EXPECT_GT(truncated, 0u) << "no row would be more than " << ratio << " times its query";
    RecordProperty("largest_of_" + std::to_string(ratio), std::to_string(largest));
  }
}

TEST(Amplification, ProvenSourcesGetAll) {
  const Message query{.name = "f1232.test.example", .type = 16, .edns = true};
  core::LimitRules rules;
  rules.reply_ratio = 2;
  Asker asker(rules);
  EXPECT_NE(asker.ask(query.bytes()).find(" tc "), std::string::npos);
  EXPECT_EQ(asker.ask(query.bytes(), false).find(" tc "), std::string::npos);
  Message proven = query;
  proven.name = "e512.test.example"; // with room for the cookie
  proven.options = {cookie(0, 0)};
  EXPECT_EQ(asker.ask(proven.bytes()).find(" tc "), std::string::npos);
}

/// The query of the tables whose answer is the largest for its bytes. Other replies have lower rates.
Bytes worst_query(const core::LimitRules& rules) {
  Bytes worst;
  double largest = 0;
  for (const PacketCase& row : all_cases()) {
    const auto asked = asked_by(row);
    if (!asked || asked->query.size() < 12) continue;
    Asker asker(rules);
    asker.ask(asked->query);
    const double ratio = static_cast<double>(asker.length) / static_cast<double>(asked->query.size());
    const auto& counters = asker.worker.counters;
    const bool answer = counters.get(Counter::rcode_noerror) > 0 && counters.get(Counter::dns_nodata) == 0 &&
                        counters.get(Counter::dns_referral) == 0;
    if (!answer || ratio <= largest || counters.get(Counter::cookie_good) > 0) continue;
    largest = ratio;
    worst = asked->query;
  }
  return worst;
}

// The rate and the ratio together, as README states them: a flood gets back fewer bytes than it sends, whoever its
// source claims to be.
TEST(Amplification, AFloodGetsLessThanItSends) {
  const core::LimitRules rules;
  const Bytes query = worst_query(rules);
  Asker asker(rules);
  constexpr unsigned per_second = 50'000;
  const auto burst = static_cast<unsigned>(rules.burst_seconds) * per_second;
  uint64_t bytes = 0, whole = 0;
  for (unsigned i = 0; i < 2 * burst; ++i) {
    asker.worker.ticks = start + i * (core::ticks_per_second / per_second);
    asker.ask(query);
    if (i < burst) continue;
    bytes += asker.length;
    whole += asker.length > query.size() + 16;
  }
  EXPECT_LE(static_cast<double>(whole), rules.per_second[0] * rules.burst_seconds * 1.01);
  EXPECT_GE(static_cast<double>(whole), rules.per_second[0] * rules.burst_seconds * 0.99);
  EXPECT_LT(bytes, uint64_t{burst} * query.size());
}

} // namespace
} // namespace anytick::test
