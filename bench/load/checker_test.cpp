#include "bench/load/checker.h"

#include <gtest/gtest.h>

#include "tests/packets/ntp_wire.h"
#include "tests/packets/wire.h"

namespace anytick::bench {
namespace {

using test::Bytes;

void append_record(Bytes& bytes, unsigned owner, unsigned type, const Bytes& rdata) {
  test::append16(bytes, owner);
  test::append16(bytes, type);
  test::append16(bytes, 1);
  test::append32(bytes, 300);
  test::append16(bytes, static_cast<unsigned>(rdata.size()));
  test::append(bytes, rdata);
}

AddressSet set_of(const std::vector<Bytes>& addresses) {
  return AddressSet(std::vector<WireAddress>(addresses.begin(), addresses.end()));
}

const Bytes first_address{1, 2, 3, 4}, second_address{1, 2, 3, 5}, foreign_address{1, 2, 3, 6};

// Of a name with two addresses, that are both in an answer.
struct AnswerCase {
  const char* name;
  const char* fault; // nullptr: none
  unsigned flags = 0x8500;
  std::vector<unsigned> counts = {1, 2, 0, 0};
  const char* asks = "a.example";
  std::vector<Bytes> addresses = {first_address, second_address};
  unsigned type = 1;
  unsigned owner = 0xc00c;
  size_t cut = 0;
};

class Answers : public testing::TestWithParam<AnswerCase> {};

TEST_P(Answers, AreJudged) {
  const AnswerCase& row = GetParam();
  const AddressSet allowed = set_of({first_address, second_address});
  const Bytes query = test::Message{.name = "a.example"}.bytes();
  test::Message message{.name = row.asks, .flags = row.flags, .counts = row.counts};
  for (const Bytes& address : row.addresses) append_record(message.after, row.owner, row.type, address);
  Bytes answer = message.bytes();
  answer.resize(answer.size() - row.cut);
  EXPECT_STREQ(judge_answer({query, 1}, {&allowed, 2, 2, {}}, answer).fault, row.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Load, Answers,
    testing::Values(
        AnswerCase{"good", nullptr}, AnswerCase{"query", "no response", 0x0100},
        AnswerCase{"opcode", "another opcode", 0x9500}, AnswerCase{"truncated", "truncated", 0x8700},
        AnswerCase{"nxdomain", "an error's RCODE", 0x8503},
        AnswerCase{"not_authoritative", "not authoritative", 0x8100},
        AnswerCase{"no_rd", "RD is not the query's", 0x8400}, AnswerCase{"ra", "RA, Z, AD or CD is set", 0x8580},
        AnswerCase{"z", "RA, Z, AD or CD is set", 0x8540}, AnswerCase{"ad", "RA, Z, AD or CD is set", 0x8520},
        AnswerCase{"cd", "RA, Z, AD or CD is set", 0x8510},
        AnswerCase{.name = "no_question", .fault = "not one question", .counts = {0, 2, 0, 0}},
        AnswerCase{.name = "another_name", .fault = "another question", .asks = "b.example"},
        AnswerCase{.name = "another_case", .fault = "another question", .asks = "A.example"},
        AnswerCase{.name = "opt", .fault = "an OPT too many, or none", .counts = {1, 2, 0, 1}},
        AnswerCase{.name = "authority", .fault = "authority records", .counts = {1, 2, 1, 0}},
        AnswerCase{.name = "none", .fault = "number of addresses", .counts = {1, 0, 0, 0}},
        AnswerCase{
            .name = "too_few", .fault = "number of addresses", .counts = {1, 1, 0, 0}, .addresses = {first_address}},
        AnswerCase{.name = "too_many", .fault = "number of addresses", .counts = {1, 3, 0, 0}},
        AnswerCase{.name = "one_more_than_counted",
                   .fault = "bytes behind the end",
                   .addresses = {first_address, second_address, foreign_address}},
        AnswerCase{.name = "cut", .fault = "cut off", .cut = 1},
        AnswerCase{.name = "cut_in_header", .fault = "cut off", .cut = 50},
        AnswerCase{.name = "foreign",
                   .fault = "an address that is not the name's",
                   .addresses = {first_address, foreign_address}},
        AnswerCase{
            .name = "zero", .fault = "an address that is not the name's", .addresses = {first_address, Bytes(4)}},
        AnswerCase{.name = "twice", .fault = "an address twice", .addresses = {first_address, first_address}},
        AnswerCase{.name = "owner", .fault = "a record that is not of the question", .owner = 0xc00e},
        AnswerCase{.name = "no_a", .fault = "a record that is not of the question", .type = 28},
        AnswerCase{.name = "long",
                   .fault = "a record that is not of the question",
                   .addresses = {first_address, {1, 2, 3, 5, 0}}}),
    [](const auto& row) { return row.param.name; });

TEST(Answers, OfIpv6Addresses) {
  Bytes address = test::from_hex("20010db8000000000000000000000001");
  const AddressSet allowed = set_of({address});
  const Bytes query = test::Message{.name = "a.example", .type = 28}.bytes();
  const auto fault = [&](const Bytes& rdata) {
    test::Message message{.name = "a.example", .type = 28, .flags = 0x8500, .counts = {1, 1, 0, 0}};
    append_record(message.after, 0xc00c, 28, rdata);
    return judge_answer({query, 28}, {&allowed, 1, 1, {}}, message.bytes()).fault;
  };
  EXPECT_STREQ(fault(address), nullptr);
  for (size_t i = 0; i < address.size(); ++i) {
    ++address[i];
    EXPECT_STREQ(fault(address), "an address that is not the name's") << i;
    --address[i];
  }
  EXPECT_STREQ(fault(Bytes(20)), "a record that is not of the question");
}

TEST(Answers, OfNothingHaveTheSoa) {
  const Bytes query = test::Message{.name = "a.example"}.bytes();
  const auto fault = [&](unsigned authorities, unsigned type) {
    test::Message message{.name = "a.example", .flags = 0x8500, .counts = {1, 0, authorities, 0}};
    append_record(message.after, 0xc00e, type, Bytes(22));
    return judge_answer({query, 1}, {nullptr, 0, 0, {}}, message.bytes()).fault;
  };
  EXPECT_STREQ(fault(1, 6), nullptr);
  EXPECT_STREQ(fault(1, 2), "no SOA");
  EXPECT_STREQ(fault(0, 6), "no SOA");
}

constexpr uint8_t scope = 16;
const Bytes client_cookie{1, 2, 3, 4, 5, 6, 7, 8};

test::Option cookie_option(Bytes client, size_t server_bytes) {
  client.resize(client.size() + server_bytes, 9);
  return {10, client};
}

// The query has a client subnet and a cookie, and the answer's OPT these options.
struct OptCase {
  const char* name;
  const char* fault;
  std::vector<test::Option> options = {test::subnet("192.0.2.0/24", scope), cookie_option(client_cookie, 16)};
  unsigned version = 0;
  Bytes instead = {}; // of the OPT
};

class Opts : public testing::TestWithParam<OptCase> {};

test::Message message_with(std::vector<test::Option> options) {
  return {.name = "a.example", .edns = true, .options = std::move(options)};
}

TEST_P(Opts, AreJudged) {
  const OptCase& row = GetParam();
  const AddressSet allowed = set_of({first_address});
  const test::Option subnet = test::subnet("192.0.2.0/24");
  const Bytes query = message_with({subnet, {10, client_cookie}}).bytes();
  test::Message message = message_with(row.options);
  message.flags = 0x8500;
  message.counts = {1, 1, 0, 1};
  message.edns_version = row.version;
  append_record(message.before_opt, 0xc00c, 1, first_address);
  if (!row.instead.empty()) {
    message.edns = false;
    message.after = row.instead;
  }
  const Bytes answer = message.bytes();
  const Asked asked{query, 1, subnet.data, client_cookie};
  EXPECT_STREQ(judge_answer(asked, {&allowed, 1, 1, scope}, answer).fault, row.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Load, Opts,
    testing::Values(
        OptCase{"good", nullptr},
        OptCase{
            "other_options", nullptr, {{3, {1}}, cookie_option(client_cookie, 8), test::subnet("192.0.2.0/24", scope)}},
        OptCase{"no_subnet", "no client subnet", {cookie_option(client_cookie, 16)}},
        OptCase{"another_subnet",
                "another client subnet",
                {test::subnet("192.0.3.0/24", scope), cookie_option(client_cookie, 16)}},
        OptCase{"another_length",
                "another client subnet",
                {test::subnet("192.0.2.0/23", scope), cookie_option(client_cookie, 16)}},
        OptCase{"another_scope",
                "another scope",
                {test::subnet("192.0.2.0/24", scope + 1), cookie_option(client_cookie, 16)}},
        OptCase{"no_cookie", "no cookie", {test::subnet("192.0.2.0/24", scope)}},
        OptCase{"client_cookie_alone", "no server cookie", {test::subnet("192.0.2.0/24", scope), {10, client_cookie}}},
        OptCase{"cookie_too_long",
                "no server cookie",
                {test::subnet("192.0.2.0/24", scope), cookie_option(client_cookie, 33)}},
        OptCase{"anothers_cookie",
                "another's cookie",
                {test::subnet("192.0.2.0/24", scope), cookie_option({1, 2, 3, 4, 5, 6, 7, 9}, 16)}},
        OptCase{.name = "extended_rcode", .fault = "an error's RCODE", .version = 0x100},
        OptCase{.name = "version", .fault = "another version of EDNS", .version = 1},
        OptCase{.name = "no_opt",
                .fault = "a record in the place of the OPT",
                .instead = test::from_hex("00 0010 0001 00000000 0000")},
        OptCase{.name = "opt_of_a_name",
                .fault = "a record in the place of the OPT",
                .instead = test::from_hex("c00c 0029 04d0 00000000 0000")},
        OptCase{.name = "cut", .fault = "cut off", .instead = test::from_hex("00 0029 04d0 00000000 0001")},
        OptCase{.name = "option_cut",
                .fault = "an option is cut off",
                .instead = test::from_hex("00 0029 04d0 00000000 0005 000a 0002 00")}),
    [](const auto& row) { return row.param.name; });

TEST(Opts, WhatWasNotSentIsWrong) {
  const AddressSet allowed = set_of({first_address});
  const Bytes query = message_with({}).bytes();
  const auto fault = [&](std::vector<test::Option> options) {
    test::Message message = message_with(std::move(options));
    message.flags = 0x8500;
    message.counts = {1, 1, 0, 1};
    append_record(message.before_opt, 0xc00c, 1, first_address);
    return judge_answer({query, 1}, {&allowed, 1, 1, {}}, message.bytes()).fault;
  };
  EXPECT_STREQ(fault({}), nullptr);
  EXPECT_STREQ(fault({test::subnet("192.0.2.0/24")}), "a client subnet that was not sent");
  EXPECT_STREQ(fault({cookie_option(client_cookie, 16)}), "a cookie that was not sent");
}

TEST(Responses, AreOfTheQuestion) {
  const Bytes query = test::Message{.name = "a.example", .type = 16}.bytes();
  EXPECT_STREQ(fault_of_response(query, test::Message{.name = "a.example", .type = 16, .flags = 0x8403}.bytes()),
               nullptr);
  EXPECT_STREQ(fault_of_response(query, test::Message{.name = "a.example", .type = 1, .flags = 0x8403}.bytes()),
               "another question");
  EXPECT_STREQ(fault_of_response(query, query), "no response");
  EXPECT_STREQ(fault_of_response(query, Bytes(2)), "cut off");
}

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
                    TimeCase{"leap_second", nullptr, time_with([](auto& it) { it.leap = 1; })},
                    TimeCase{"alarm", "a clock that is not set", time_with([](auto& it) { it.leap = 3; })},
                    TimeCase{"kiss", "a stratum without time", time_with([](auto& it) { it.stratum = 0; })},
                    TimeCase{"stratum_16", "a stratum without time", time_with([](auto& it) { it.stratum = 16; })},
                    TimeCase{"origin", "origin is not the request's stamp", time_with([](auto& it) { ++it.origin; })},
                    TimeCase{"no_time", "no transmit time", time_with([](auto& it) { it.transmit = 0; })},
                    TimeCase{"order", "sent before it was received", time_with([](auto& it) { it.receive = 102; })}),
    [](const auto& row) { return row.param.name; });

} // namespace
} // namespace anytick::bench
