// What a source may have of NTP, and that nothing is answered for ever.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/packets/cases.h"
#include "tests/packets/ntp_server.h"

namespace anytick::test {
namespace {

using core::Counter;

core::LimitRules rules_of(double per_second, uint32_t leak, uint32_t kod) {
  core::LimitRules rules;
  rules.per_second.fill(1000);
  rules.per_second[static_cast<size_t>(core::AnswerClass::ntp)] = per_second;
  rules.burst_seconds = 1;
  rules.ntp_leak = leak;
  rules.ntp_kod = kod;
  return rules;
}

struct LimitedServer : NtpServer {
  explicit LimitedServer(const core::LimitRules& rules) : lines(64), limiter(rules, lines, {1, 2}) {
    worker.limiter = &limiter;
    worker.ticks = 100 * core::ticks_per_second;
  }
  unsigned answered(const char* from, unsigned asked) {
    unsigned replies = 0;
    for (unsigned i = 0; i < asked; ++i) replies += ask(NtpMessage{}, from).has_value() ? 1 : 0;
    return replies;
  }

  std::vector<core::Limiter::Line> lines;
  core::Limiter limiter;
};

TEST(NtpLimit, OfAnAddress) {
  LimitedServer server(rules_of(10, 0, 0));
  EXPECT_EQ(server.answered("192.0.2.1", 100), 10u);
  EXPECT_EQ(server.count(Counter::limit_ntp), 90u);
  EXPECT_EQ(server.count(Counter::drop_limit), 90u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 0u);
  EXPECT_EQ(server.answered("192.0.2.2", 100), 10u) << "the same /24";
  server.worker.ticks += core::ticks_per_second * 55 / 100;
  EXPECT_EQ(server.answered("192.0.2.1", 100), 5u);
  EXPECT_EQ(server.ask_all({Packet{}.bytes()}).size(), 1u) << "DNS has rates of its own";
  const auto report = server.limiter.report();
  ASSERT_TRUE(report);
  EXPECT_EQ(geo::to_text(report->source), "192.0.2.1/32");
}

TEST(NtpLimit, OfAnIpv6Network) {
  const auto ask_from = [](LimitedServer& server, const char* from) {
    unsigned replies = 0;
    for (unsigned i = 0; i < 50; ++i)
      replies +=
          !server
               .ask_all({Packet{.payload = NtpMessage{}.bytes(), .from = from, .to = "2001:db8:53::53", .to_port = 123}
                             .bytes()})
               .empty();
    return replies;
  };
  LimitedServer server(rules_of(10, 0, 0));
  EXPECT_EQ(ask_from(server, "2001:db8:1::7"), 10u);
  EXPECT_EQ(ask_from(server, "2001:db8:1::8"), 0u) << "the same /64";
  EXPECT_EQ(ask_from(server, "2001:db8:1:1::7"), 10u);
}

TEST(NtpLimit, LeaksOneInFour) {
  LimitedServer server(rules_of(10, 4, 0));
  EXPECT_NEAR(server.answered("192.0.2.1", 4010), 10 + 1000, 120);
}

TEST(NtpLimit, KissesAreFewAndSaySo) {
  LimitedServer server(rules_of(10, 0, 1));
  EXPECT_EQ(server.answered("192.0.2.1", 1000), 11u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 1u);
  server.worker.ticks += 8 * core::ticks_per_second;
  server.answered("192.0.2.1", 10);
  const NtpMessage message{.transmit = 0x0123456789abcdef};
  const Bytes kiss = server.ask(message, "192.0.2.1").value();
  EXPECT_EQ(render_ntp(message.bytes(), kiss),
            "v4 mode 4 LI 3 stratum 0 poll 6 | delay 10 ms, dispersion 5 ms, 52415445 | origin 0123456789abcdef | -");
  EXPECT_FALSE(server.ask(message, "192.0.2.1"));
}

TEST(NtpLimit, AKeyIsNotLimited) {
  LimitedServer server(rules_of(1, 0, 0));
  const Bytes frame = Packet{.payload = with_mac(3, NtpMessage{}.bytes()), .to_port = 123}.bytes();
  EXPECT_EQ(server.ask_all(std::vector(50, frame)).size(), 50u);
}

TEST(NtpLimit, LogOnly) {
  core::LimitRules rules = rules_of(10, 0, 1);
  rules.mode = core::LimitMode::log;
  LimitedServer server(rules);
  EXPECT_EQ(server.answered("192.0.2.1", 100), 100u);
  EXPECT_EQ(server.count(Counter::limit_ntp), 90u);
  EXPECT_EQ(server.count(Counter::ntp_kiss), 0u);
}

// Of all rows, with all that may be behind a header: never more bytes than were asked with (render_ntp() looks), and no
// reply to a reply of ours.
TEST(NtpLoop, RepliesAreNotAnswered) {
  NtpServer server;
  size_t replies = 0;
  for (const PacketCase& row : ntp_cases()) {
    if (row.reply.empty()) continue;
    const Bytes request = row.frame;
    for (const Bytes& reply : server.ask_all({request})) {
      ++replies;
      for (const unsigned port : {123u, 40000u})
        EXPECT_TRUE(server.ask_all({Packet{.payload = reply, .from_port = port, .to_port = 123}.bytes()}).empty())
            << row.description;
    }
  }
  EXPECT_GT(replies, 20u);
}

} // namespace
} // namespace anytick::test
