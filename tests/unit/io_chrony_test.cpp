#include "dataplane/io/chrony.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/io_fake_chronyd.h"
#include "tests/unit/io_tracking_reply.h"

namespace anytick::io {
namespace {

using namespace std::chrono_literals;
using test::FakeChronyd;
using test::real_reply;
using test::real_sequence;
using test::tracking_reply;
using test::TrackingReply;

TEST(TrackingRequest, IsChronycs) {
  TrackingRequest expected{6, 1, 0, 0, 0, 33, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4};
  EXPECT_EQ(tracking_request(0xa1b2c3d4), expected);
}

TEST(ParseTracking, ReadsWhatARealChronydSaid) {
  const Result<ClockReport> report = parse_tracking(real_reply, real_sequence);
  ASSERT_TRUE(report) << report.refusal().text();
  EXPECT_TRUE(report->synchronised);
  EXPECT_EQ(report->leap, 0);
  EXPECT_EQ(report->stratum, 4);
  EXPECT_EQ(report->refid, 0x0200007fu) << "127.0.0.2 on the wire";
  // What chronyc printed of it.
  EXPECT_EQ(report->reference_time, 1'795'394'409'042'096'693);
  EXPECT_NEAR(report->correction, 0.500060, 1e-6) << "the system was slow of NTP time";
  EXPECT_NEAR(report->root_delay, 0.010103869, 1e-9);
  EXPECT_NEAR(report->root_dispersion, 0.005081080, 1e-9);
  EXPECT_FALSE(report->knows_steps);
}

struct FieldCase {
  const char* name;
  size_t at;
  std::vector<uint8_t> bytes; ///< there, instead of the real ones
  bool taken = false;
};

void PrintTo(const FieldCase& c, std::ostream* out) {
  *out << c.name;
}

class TrackingField : public testing::TestWithParam<FieldCase> {};

TEST_P(TrackingField, IsHeldToWhatItMayBe) {
  TrackingReply reply = real_reply;
  std::ranges::copy(GetParam().bytes, reply.begin() + static_cast<ptrdiff_t>(GetParam().at));
  const Result<ClockReport> report = parse_tracking(reply, real_sequence);
  EXPECT_EQ(static_cast<bool>(report), GetParam().taken);
  if (!report) {
    EXPECT_FALSE(report.refusal().reason.empty());
  }
}

// Floats: 0x02ffffff is nearly 1, 0x03000000 nearly -2, 0x7effffff the largest, 0x80000001 the smallest, 0x7f000000 the
// most negative.
INSTANTIATE_TEST_SUITE_P(
    , TrackingField,
    testing::Values(
        FieldCase{"version_5", 0, {5}}, FieldCase{"version_7", 0, {7}}, FieldCase{"a_request", 1, {1}},
        FieldCase{"no_packet_type", 1, {0}}, FieldCase{"command_of_sources", 4, {0, 14}},
        FieldCase{"reply_of_sources", 6, {0, 2}}, FieldCase{"reply_null", 6, {0, 1}}, FieldCase{"failed", 8, {0, 1}},
        FieldCase{"unauthorised", 8, {0, 2}}, FieldCase{"next_sequence", 16, {1, 2, 3, 5}},
        FieldCase{"stratum_0", 52, {0, 0}}, FieldCase{"stratum_1", 52, {0, 1}, true},
        FieldCase{"stratum_15", 52, {0, 15}, true}, FieldCase{"stratum_16", 52, {0, 16}},
        FieldCase{"stratum_257", 52, {1, 1}}, FieldCase{"leap_inserted", 54, {0, 1}, true},
        FieldCase{"leap_deleted", 54, {0, 2}, true}, FieldCase{"leap_4", 54, {0, 4}}, FieldCase{"leap_256", 54, {1, 0}},
        FieldCase{"reference_time_0", 56, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        FieldCase{"reference_time_in_era_1", 56, {0, 0, 0, 1, 0, 0, 0, 1}, true},
        FieldCase{"reference_time_of_32_bits", 56, {0x7f, 0xff, 0xff, 0xff}, true},
        FieldCase{"reference_time_far_away", 56, {0, 0, 0, 2}},
        FieldCase{"reference_time_negative", 56, {0xff, 0xff, 0xff, 0xff}},
        FieldCase{"nanoseconds_999999999", 64, {0x3b, 0x9a, 0xc9, 0xff}, true},
        FieldCase{"nanoseconds_1000000000", 64, {0x3b, 0x9a, 0xca, 0x00}},
        FieldCase{"correction_0", 68, {0, 0, 0, 0}, true}, FieldCase{"correction_negative", 68, {0x03, 0, 0, 0}, true},
        FieldCase{"correction_largest", 68, {0x7e, 0xff, 0xff, 0xff}},
        FieldCase{"correction_most_negative", 68, {0x7f, 0, 0, 0}},
        FieldCase{"correction_smallest", 68, {0x80, 0, 0, 1}, true}, FieldCase{"root_delay_0", 92, {0, 0, 0, 0}, true},
        FieldCase{"root_delay_negative", 92, {0x03, 0, 0, 0}},
        FieldCase{"root_delay_largest", 92, {0x7e, 0xff, 0xff, 0xff}},
        FieldCase{"root_dispersion_negative", 96, {0x03, 0, 0, 0}},
        FieldCase{"root_dispersion_largest", 96, {0x7e, 0xff, 0xff, 0xff}}),
    [](const auto& each) { return each.param.name; });

TEST(ParseTracking, NothingElseCountsOfOneThatIsNotSynchronised) {
  TrackingReply reply = real_reply;
  std::fill(reply.begin() + 28, reply.end(), uint8_t{0});
  reply[55] = 3;
  const Result<ClockReport> report = parse_tracking(reply, real_sequence);
  ASSERT_TRUE(report) << report.refusal().text();
  EXPECT_FALSE(report->synchronised);
}

TEST(ParseTracking, TakesNoOtherLength) {
  std::vector<uint8_t> reply(real_reply.begin(), real_reply.end());
  for (size_t length = 0; length < reply.size(); ++length)
    EXPECT_FALSE(
        parse_tracking(std::vector(reply.begin(), reply.begin() + static_cast<ptrdiff_t>(length)), real_sequence))
        << length;
  reply.push_back(0);
  EXPECT_FALSE(parse_tracking(reply, real_sequence));
}

TEST(ParseTracking, SaysWhyNot) {
  TrackingReply reply = real_reply;
  reply[9] = 2;
  EXPECT_EQ(parse_tracking(reply, real_sequence).refusal().text(), "chronyd's reply: says error 2");
  reply = real_reply;
  reply[53] = 0;
  EXPECT_EQ(parse_tracking(reply, real_sequence).refusal().text(), "chronyd's reply: has a false stratum 0");
}

TEST(ParseTracking, ReadsBackWhatIsWritten) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> mantissa(-1, 1), magnitude(-30, 3);
  for (int i = 0; i < 10'000; ++i) {
    ClockReport written{.synchronised = true, .leap = 2, .stratum = 9, .refid = static_cast<uint32_t>(random())};
    written.reference_time = static_cast<int64_t>(random() % 8'000'000'000'000'000'000) + 1;
    written.correction = mantissa(random) * std::exp(magnitude(random));
    written.root_dispersion = std::abs(mantissa(random)) * std::exp(magnitude(random));
    const Result<ClockReport> read = parse_tracking(tracking_reply(written, 7), 7);
    ASSERT_TRUE(read) << read.refusal().text();
    EXPECT_EQ(read->refid, written.refid);
    EXPECT_EQ(read->reference_time, written.reference_time);
    EXPECT_NEAR(read->correction, written.correction, std::abs(written.correction) * 0x1p-23);
    EXPECT_NEAR(read->root_dispersion, written.root_dispersion, written.root_dispersion * 0x1p-23);
  }
}

TEST(ParseTracking, WhatItTakesOfMutantsIsAClock) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  int taken = 0, refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::vector<uint8_t> reply(real_reply.begin(), real_reply.end());
    for (uint64_t changes = random() % 4; changes > 0; --changes)
      reply[random() % reply.size()] = static_cast<uint8_t>(random());
    if (random() % 16 == 0) reply.resize(random() % 200);
    if (random() % 16 == 0) std::generate(reply.begin(), reply.end(), [&] { return static_cast<uint8_t>(random()); });
    const Result<ClockReport> report = parse_tracking(reply, real_sequence);
    ++(report ? taken : refused);
    if (!report || !report->synchronised) continue;
    EXPECT_EQ(reply.size(), real_reply.size());
    EXPECT_LE(report->leap, 2);
    EXPECT_TRUE(report->stratum >= 1 && report->stratum <= 15);
    EXPECT_GT(report->reference_time, 0);
    EXPECT_LE(std::abs(report->correction), 1e6);
    EXPECT_TRUE(report->root_delay >= 0 && report->root_delay <= 65536);
    EXPECT_TRUE(report->root_dispersion >= 0 && report->root_dispersion <= 65536);
  }
  EXPECT_GT(taken, 1'000);
  EXPECT_GT(refused, 1'000);
}

struct AddressCase {
  const char* text;
  const char* path = nullptr; ///< null: not one
  const char* host = "";
  uint16_t port = 0;
};

void PrintTo(const AddressCase& c, std::ostream* out) {
  *out << c.text;
}

class ParseChronyAddress : public testing::TestWithParam<AddressCase> {};

TEST_P(ParseChronyAddress, TakesPathsAndLoopback) {
  const auto address = parse_chrony_address(GetParam().text);
  ASSERT_EQ(address.has_value(), GetParam().path != nullptr);
  if (!address) return;
  EXPECT_EQ(address->path, GetParam().path);
  EXPECT_EQ(address->udp.port, GetParam().port);
  EXPECT_EQ(address->path.empty() ? geo::to_text(address->udp.address) : "", GetParam().host);
}

INSTANTIATE_TEST_SUITE_P(
    , ParseChronyAddress,
    testing::Values(AddressCase{"/run/chrony/chronyd.sock", "/run/chrony/chronyd.sock"},
                    AddressCase{"127.0.0.1:323", "", "127.0.0.1", 323}, AddressCase{"127.9.9.9:1", "", "127.9.9.9", 1},
                    AddressCase{"[::1]:65535", "", "::1", 65535}, AddressCase{""}, AddressCase{"chronyd.sock"},
                    AddressCase{"127.0.0.1"}, AddressCase{"127.0.0.1:"}, AddressCase{"127.0.0.1:0"},
                    AddressCase{"127.0.0.1:65536"}, AddressCase{"127.0.0.1:323x"}, AddressCase{"127.0.0.1:-1"},
                    AddressCase{"[127.0.0.1]:323"}, AddressCase{"::1:323"}, AddressCase{"[::1]"},
                    AddressCase{"[::2]:323"}, AddressCase{"192.0.2.1:323"}, AddressCase{"localhost:323"},
                    AddressCase{"/long/01234567890123456789012345678901234567890123456789012345678901234567890123456789"
                                "01234567890123456789"}));

class Asked : public testing::TestWithParam<FakeChronyd::At> {
 protected:
  FakeChronyd chronyd_{GetParam()};
  ChronyClient client_{chronyd_.address()};
};

TEST_P(Asked, AnswersEachQuestion) {
  for (uint8_t stratum = 1; stratum <= 15; ++stratum) {
    chronyd_.says({.synchronised = true, .stratum = stratum, .reference_time = 1});
    const Result<ClockReport> report = client_.ask(10s);
    ASSERT_TRUE(report) << report.refusal().text();
    EXPECT_EQ(report->stratum, stratum);
  }
  EXPECT_EQ(chronyd_.questions(), 15u);
}

TEST_P(Asked, ALateReplyIsNotTakenForTheNext) {
  chronyd_.says({.synchronised = true, .stratum = 3, .reference_time = 1});
  ASSERT_TRUE(client_.ask(10s));
  chronyd_.echoes_the_last_first();
  chronyd_.says({.synchronised = true, .stratum = 4, .reference_time = 1});
  for (int i = 0; i < 3; ++i) {
    const Result<ClockReport> report = client_.ask(10s);
    ASSERT_TRUE(report) << report.refusal().text();
    EXPECT_EQ(report->stratum, 4);
  }
}

TEST_P(Asked, GivesUpAndAsksAgain) {
  chronyd_.is_silent(true);
  const Result<ClockReport> none = client_.ask(50ms);
  ASSERT_FALSE(none);
  EXPECT_NE(none.refusal().text().find("does not answer"), std::string::npos) << none.refusal().text();
  chronyd_.is_silent(false);
  chronyd_.says({.synchronised = true, .stratum = 5, .reference_time = 1});
  const Result<ClockReport> report = client_.ask(10s);
  ASSERT_TRUE(report) << report.refusal().text();
  EXPECT_EQ(report->stratum, 5);
}

TEST_P(Asked, OneThatIsGoneAndCameBack) {
  chronyd_.says({.synchronised = true, .stratum = 6, .reference_time = 1});
  ASSERT_TRUE(client_.ask(10s));
  chronyd_.goes();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(client_.ask(50ms));
  chronyd_.comes();
  // The first question after it may learn only that the old socket is gone.
  EXPECT_TRUE(client_.ask(10s) || client_.ask(10s));
}

TEST_P(Asked, NonsenseIsRefused) {
  chronyd_.says_bytes({6, 2, 0});
  EXPECT_FALSE(client_.ask(10s));
  chronyd_.says_bytes(std::vector<uint8_t>(500, 6));
  EXPECT_FALSE(client_.ask(50ms));
  chronyd_.says({.synchronised = true, .stratum = 7, .reference_time = 1});
  EXPECT_TRUE(client_.ask(10s));
}

INSTANTIATE_TEST_SUITE_P(, Asked,
                         testing::Values(FakeChronyd::At::unix_socket, FakeChronyd::At::ipv4, FakeChronyd::At::ipv6),
                         [](const auto& each) { return FakeChronyd::name(each.param); });

TEST(ChronyClient, LeavesNoSocketBehind) {
  FakeChronyd chronyd(FakeChronyd::At::unix_socket);
  chronyd.says({.synchronised = true, .stratum = 1, .reference_time = 1});
  {
    ChronyClient client(chronyd.address());
    ASSERT_TRUE(client.ask(10s));
    EXPECT_EQ(chronyd.client_mode(), 0666u) << "chronyd is another user";
    EXPECT_EQ(chronyd.files(), 2u);
  }
  EXPECT_EQ(chronyd.files(), 1u) << "chronyd's own";
}

FileDescriptor bound_at(const std::string& path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = to_sockaddr(path);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

TEST(LetAllWrite, OnlyASocketOfOurs) {
  const ScratchDirectory directory;
  const auto at = [&](const char* name) { return (directory.path() / name).string(); };
  const FileDescriptor socket = bound_at(at("socket"));
  ASSERT_EQ(::chmod(at("socket").c_str(), 0600), 0);
  std::filesystem::create_symlink("socket", at("link"));
  EXPECT_FALSE(let_all_write(at("link")));
  EXPECT_EQ(mode_of(at("socket")), 0600u) << "the link was followed";
  std::ofstream(at("file")) << "secret";
  ASSERT_EQ(::chmod(at("file").c_str(), 0600), 0);
  EXPECT_FALSE(let_all_write(at("file")));
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(mode_of(at("file")), 0600u);
  EXPECT_FALSE(let_all_write(at("nothing")));
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(let_all_write(at("socket")));
  EXPECT_EQ(mode_of(at("socket")), 0666u);
  ASSERT_EQ(::chmod(at("socket").c_str(), 0600), 0);
  ASSERT_EQ(::link(at("socket").c_str(), at("second").c_str()), 0);
  EXPECT_FALSE(let_all_write(at("second"))) << "it may be that of another process, by a second name";
  EXPECT_EQ(mode_of(at("socket")), 0600u);
}

TEST(LetAllWrite, NotAnotherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const ScratchDirectory directory;
  const std::string path = directory.path() / "socket";
  const FileDescriptor socket = bound_at(path);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(::lchown(path.c_str(), 1234, 1234), 0);
  EXPECT_FALSE(let_all_write(path));
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST(ChronyClient, RemovesWhatAKilledOneLeftBehind) {
  FakeChronyd chronyd(FakeChronyd::At::unix_socket);
  chronyd.says({.synchronised = true, .stratum = 1, .reference_time = 1});
  const std::string path = chronyd.address().path;
  bound_at(path + ".anytickd.1"); // closed, not unlinked
  const FileDescriptor lives = bound_at(path + ".anytickd.2");
  bound_at(path + ".chronyc.3");
  std::ofstream(path + ".anytickd.4") << "no socket";
  ASSERT_EQ(chronyd.files(), 5u);
  {
    ChronyClient client(chronyd.address());
    ASSERT_TRUE(client.ask(10s));
  }
  EXPECT_EQ(chronyd.files(), 4u);
  EXPECT_FALSE(std::filesystem::exists(path + ".anytickd.1"));
}

TEST(ChronyClient, SaysWhomItCannotReach) {
  ChronyClient gone({"/nowhere/chronyd.sock", {}});
  const Result<ClockReport> report = gone.ask(10s);
  ASSERT_FALSE(report);
  EXPECT_NE(report.refusal().text().find("/nowhere/chronyd.sock"), std::string::npos) << report.refusal().text();
}

} // namespace
} // namespace anytick::io
