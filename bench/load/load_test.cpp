#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>

#include "bench/load/checker.h"
#include "bench/load/histogram.h"
#include "bench/load/mix.h"
#include "dataplane/core/bytes.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/world.h"

namespace anytick::bench {
namespace {

using test::Bytes;

TEST(Histogram, SaysWhatSortingWould) {
  constexpr uint64_t seed = 7;
  std::printf("seed %lu\n", seed);
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values{0, 1, 63, 64, 127, 128, UINT64_MAX};
  for (int i = 0; i < 10000; ++i) values.push_back(random() >> random() % 64);
  Histogram histogram;
  for (const uint64_t value : values) histogram.add(value);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(histogram.total(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    const uint64_t right = values[rank - 1], said = histogram.quantile(share);
    EXPECT_GE(said, right) << share;
    EXPECT_LE(said - right, right / 64) << share;
  }
}

TEST(Histogram, OfNothing) {
  EXPECT_EQ(Histogram().quantile(0.5), 0u);
}

MixOptions options_of_tests() {
  MixOptions options;
  options.server = "203.0.113.53";
  options.server_mac = "020000000001";
  options.client_mac = "020000000002";
  return options;
}

std::vector<Answerable> some_names(size_t count) {
  const auto allowed = std::make_shared<AddressSet>(std::vector<uint32_t>{0x01020304});
  std::vector<Answerable> names;
  for (size_t i = 0; i < count; ++i) names.push_back({std::to_string(i) + ".test.example", allowed, 1});
  return names;
}

TEST(Mix, SharesAndZipf) {
  const std::vector<Answerable> names = some_names(3);
  MixOptions options = options_of_tests();
  options.zipf = 1;
  options.ntp = 0.25;
  options.garbage = 0.25;
  std::map<MixFrame::Kind, double> kinds;
  std::map<const Answerable*, double> asked;
  for (const MixFrame& frame : draw_mix(options, names)) {
    ++kinds[frame.kind];
    ++asked[frame.asked];
  }
  // Seven standard deviations of the largest of these counts.
  constexpr double all = mix_frames, near = 7 * 64;
  EXPECT_NEAR(kinds[MixFrame::Kind::time], all / 4, near);
  EXPECT_NEAR(kinds[MixFrame::Kind::garbage], all / 4, near);
  for (size_t i = 0; i < names.size(); ++i)
    EXPECT_NEAR(asked[&names[i]], all / 2 * 6 / 11 / static_cast<double>(i + 1), near) << i;
}

TEST(Mix, WritesWhatTheBuilderWould) {
  const std::vector<Answerable> names = some_names(1);
  const MixFrame frame = draw_mix(options_of_tests(), names).front();
  const uint32_t number = 0x12345678;
  Bytes written(frame.bytes.size());
  write_frame(frame, number, core::big32(0x0a010203), written.data());
  const Bytes query = test::Message{.name = names[0].name, .id = number & 0xffff}.bytes();
  test::Packet packet{.payload = query, .from = "10.1.2.3", .from_port = 1024 + (number >> 16)};
  EXPECT_EQ(test::to_hex(written), test::to_hex(packet.bytes()));
  EXPECT_EQ(number_of(core::load_big16(&written[34]), core::load_big16(&written[42])), number);
}

TEST(Mix, NtpHasTheNumberInItsStamp) {
  MixOptions options = options_of_tests();
  options.ntp = 1;
  const MixFrame frame = draw_mix(options, {}).front();
  Bytes written(frame.bytes.size());
  write_frame(frame, 0x12345678, core::big32(0x0a010203), written.data());
  Bytes payload(written.begin() + frame_payload_at, written.end());
  EXPECT_EQ(core::load_big32(&payload[44]), 0x12345678u);
  test::Packet packet{.payload = payload, .from = "10.1.2.3", .from_port = 1024 + 0x1234, .to_port = 123};
  EXPECT_EQ(test::to_hex(written), test::to_hex(packet.bytes()));
}

TEST(AnswerSets, OfTheCases) {
  const std::vector<Answerable> names = answerable_names(test::World::of_cases().image());
  const auto place =
      std::find_if(names.begin(), names.end(), [](const auto& each) { return each.name == "0.test.example"; });
  ASSERT_NE(place, names.end());
  EXPECT_GT(place->most, 0u);
  EXPECT_TRUE(place->allowed->has(core::big32(0xcb00710a))); // 203.0.113.10
  EXPECT_FALSE(place->allowed->has(core::big32(0x08080808)));
  EXPECT_FALSE(place->allowed->has(0));
  for (const Answerable& each : names) EXPECT_FALSE(each.name.starts_with("*")) << each.name;
}

// Of a name with the addresses 1.2.3.4 and 1.2.3.5, of which an answer has two at most.
struct AnswerCase {
  const char* name;
  const char* fault; // nullptr: none
  unsigned flags = 0x8500;
  std::vector<unsigned> counts = {1, 2, 0, 0};
  const char* asks = "a.example";
  std::vector<uint32_t> addresses = {0x01020304, 0x01020305};
  unsigned type = 1;
  size_t cut = 0;
};

class Answers : public testing::TestWithParam<AnswerCase> {};

TEST_P(Answers, AreJudged) {
  const AnswerCase& row = GetParam();
  const Answerable asked{
      "a.example", std::make_shared<AddressSet>(std::vector{core::big32(0x01020304), core::big32(0x01020305)}), 2};
  const Bytes query = test::Message{.name = "a.example"}.bytes();
  test::Message message{.name = row.asks, .flags = row.flags, .counts = row.counts};
  for (const uint32_t address : row.addresses) {
    test::append16(message.after, 0xc00c);
    test::append16(message.after, row.type);
    test::append16(message.after, 1);
    test::append32(message.after, 300);
    test::append16(message.after, 4);
    test::append32(message.after, address);
  }
  Bytes answer = message.bytes();
  answer.resize(answer.size() - row.cut);
  EXPECT_STREQ(fault_of_answer(query, asked, answer), row.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Load, Answers,
    testing::Values(AnswerCase{"good", nullptr}, AnswerCase{"query", "no response", 0x0100},
                    AnswerCase{"truncated", "truncated", 0x8700}, AnswerCase{"nxdomain", "an error's RCODE", 0x8503},
                    AnswerCase{"not_authoritative", "not authoritative", 0x8100},
                    AnswerCase{"no_rd", "RD is not the query's", 0x8400},
                    AnswerCase{.name = "another_name", .fault = "another question", .asks = "b.example"},
                    AnswerCase{.name = "another_case", .fault = "another question", .asks = "A.example"},
                    AnswerCase{.name = "opt", .fault = "an OPT too many, or none", .counts = {1, 2, 0, 1}},
                    AnswerCase{.name = "authority", .fault = "authority records", .counts = {1, 2, 1, 0}},
                    AnswerCase{.name = "none", .fault = "number of addresses", .counts = {1, 0, 0, 0}},
                    AnswerCase{.name = "too_many", .fault = "number of addresses", .counts = {1, 3, 0, 0}},
                    AnswerCase{.name = "cut", .fault = "cut off", .cut = 1},
                    AnswerCase{.name = "cut_in_header", .fault = "cut off", .cut = 50},
                    AnswerCase{.name = "foreign",
                               .fault = "an address that is not the name's",
                               .addresses = {0x01020304, 0x01020306}},
                    AnswerCase{.name = "twice", .fault = "an address twice", .addresses = {0x01020304, 0x01020304}},
                    AnswerCase{.name = "no_a", .fault = "a record that is no A of the name", .type = 28}),
    [](const auto& row) { return row.param.name; });

struct TimeCase {
  const char* name;
  const char* fault;
  test::NtpMessage reply = {};
  size_t cut = 0;
};

class Times : public testing::TestWithParam<TimeCase> {};

test::NtpMessage good_time() {
  return {.mode = 4, .stratum = 1, .origin = 0x1122334455667788, .receive = 100, .transmit = 101};
}
test::NtpMessage time_with(auto change) {
  test::NtpMessage message = good_time();
  change(message);
  return message;
}

TEST_P(Times, AreJudged) {
  Bytes reply = GetParam().reply.bytes();
  reply.resize(reply.size() - GetParam().cut);
  EXPECT_STREQ(fault_of_time(test::NtpMessage{}.bytes(), reply), GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    Load, Times,
    testing::Values(TimeCase{"good", nullptr, good_time()}, TimeCase{"cut", "cut off", good_time(), 1},
                    TimeCase{"client", "not of a server", time_with([](auto& it) { it.mode = 3; })},
                    TimeCase{"version", "another version", time_with([](auto& it) { it.version = 3; })},
                    TimeCase{"kiss", "a stratum without time", time_with([](auto& it) { it.stratum = 0; })},
                    TimeCase{"stratum_16", "a stratum without time", time_with([](auto& it) { it.stratum = 16; })},
                    TimeCase{"origin", "origin is not the request's stamp", time_with([](auto& it) { ++it.origin; })},
                    TimeCase{"no_time", "no transmit time", time_with([](auto& it) { it.transmit = 0; })},
                    TimeCase{"order", "sent before it was received", time_with([](auto& it) { it.receive = 102; })}),
    [](const auto& row) { return row.param.name; });

} // namespace
} // namespace anytick::bench
