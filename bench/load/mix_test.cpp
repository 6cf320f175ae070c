#include "bench/load/mix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "tests/packets/ntp_wire.h"
#include "tests/packets/world.h"

namespace anytick::bench {
namespace {

using test::Bytes;
using test::World;
using Kind = MixFrame::Kind;

MixOptions options_of_tests() {
  MixOptions options;
  options.server = "203.0.113.53";
  options.server6 = "2001:db8:53::53";
  options.server_mac = "020000000001";
  options.client_mac = "020000000002";
  return options;
}

std::vector<Choice> some_choices(std::vector<double> weights) {
  const auto allowed = std::make_shared<AddressSet>(std::span<const WireAddress>());
  std::vector<Choice> choices;
  for (const double weight : weights)
    choices.push_back({{std::to_string(choices.size()) + ".test.example", 1, 0, allowed, 1, 1}, weight});
  return choices;
}

Sources sources_of(const char* prefix, unsigned bits = 16) {
  return {*geo::parse_prefix(prefix), bits};
}

Mix mix_of(const MixOptions& options, std::span<const Choice> choices, const Locator* locator = nullptr) {
  return {options, choices, sources_of("10.1.0.0/16"), sources_of("2001:db8:1::/48"), locator};
}

Bytes written(Mix& mix, uint32_t number) {
  Bytes frame(frame_max);
  frame.resize(mix.write(number, frame.data()).length);
  return frame;
}

// Seven standard deviations of the largest count of a mix.
constexpr double all = mix_frames, near = 7 * 64;

TEST(Mix, SharesAndWeights) {
  const std::vector<Choice> choices = some_choices({6, 3, 2});
  MixOptions options = options_of_tests();
  options.ntp = options.garbage = options.ipv6 = 0.25;
  options.cookies = 0.5;
  std::map<Kind, double> kinds;
  std::map<const Answerable*, double> asked;
  double ipv6 = 0, cookies = 0;
  for (const MixFrame& frame : draw_mix(options, choices)) {
    ++kinds[frame.kind];
    ++asked[frame.asked];
    ipv6 += frame.ipv6;
    cookies += !frame.with_server_cookie.empty();
  }
  EXPECT_NEAR(kinds[Kind::time], all / 4, near);
  EXPECT_NEAR(kinds[Kind::garbage], all / 4, near);
  EXPECT_NEAR(ipv6, all / 4, near);
  EXPECT_NEAR(cookies, all / 4, near);
  for (const Choice& choice : choices) EXPECT_NEAR(asked[&choice.asked], all / 2 * choice.weight / 11, near);
}

TEST(Mix, ZipfAndTypes) {
  const core::ZoneImage& image = World::of_cases().image();
  const std::vector<Choice> choices = zipf_choices(image, 1, 0.25);
  std::map<uint16_t, double> weights;
  for (const Choice& choice : choices) weights[choice.asked.type] += choice.weight;
  EXPECT_NEAR(weights[core::dns::A], 0.75, 1e-9);
  EXPECT_NEAR(weights[core::dns::AAAA], 0.25, 1e-9);
  EXPECT_NEAR(choices[0].weight / choices[2].weight, 3, 1e-9);
  for (const Choice& choice : zipf_choices(image, 0, 0)) EXPECT_EQ(choice.asked.type, core::dns::A);
}

TEST(Mix, WritesWhatTheBuilderWould) {
  const std::vector<Choice> choices = some_choices({1});
  constexpr uint32_t number = 0x12345678;
  for (const bool ipv6 : {false, true}) {
    MixOptions options = options_of_tests();
    options.ipv6 = ipv6;
    Mix mix = mix_of(options, choices);
    const Sources sources = sources_of(ipv6 ? "2001:db8:1::/48" : "10.1.0.0/16");
    test::Packet packet{.payload = test::Message{.name = "0.test.example", .id = number & 0xffff}.bytes(),
                        .from = geo::to_text(sources.address(sources.client_of(number))),
                        .to = ipv6 ? options.server6 : options.server,
                        .from_port = 1024 + (number >> 16)};
    EXPECT_EQ(test::to_hex(written(mix, number)), test::to_hex(packet.bytes()));
  }
}

TEST(Mix, NtpHasTheNumberInItsStamp) {
  MixOptions options = options_of_tests();
  options.ntp = 1;
  Mix mix = mix_of(options, {});
  const Bytes frame = written(mix, 0x12345678);
  const auto datagram = read_datagram(frame);
  EXPECT_EQ(core::load_big32(&datagram->payload[44]), 0x12345678u);
  test::Packet packet{.payload = Bytes(datagram->payload.begin(), datagram->payload.end()),
                      .from = geo::to_text(address_of(datagram->from())),
                      .from_port = 1024 + 0x1234,
                      .to_port = 123};
  EXPECT_EQ(test::to_hex(frame), test::to_hex(packet.bytes()));
}

/// The packet path that a POP has, asked by a mix.
class Pop {
 public:
  Pop() {
    worker.now = static_cast<uint32_t>(test::wall_of_cases().realtime / 1'000'000'000);
    test::set_up_ntp(worker);
    view.cookie_keys = &test::cookie_keys_of_cases();
  }
  /// The reply; empty where there is none.
  Bytes ask(Mix& mix, uint32_t number) {
    Bytes frame(2048);
    const auto length = static_cast<uint32_t>(mix.write(number, frame.data()).length);
    core::Frame it{.data = frame.data(), .length = length, .room = 2048};
    test::handle_whole(view, test::ingress_of_cases(), worker, std::span(&it, 1));
    frame.resize(it.verdict == core::Verdict::reply ? it.length : 0);
    return frame;
  }

  core::View view = World::of_cases().view();
  core::WorkerState worker{1};
};

MixOptions everything() {
  MixOptions options = options_of_tests();
  options.ipv6 = options.edns = options.subnet = options.cookies = 0.5;
  options.ntp = options.garbage = 0.1;
  return options;
}

Locator locator_of_cases() {
  const World& world = World::of_cases();
  return std::move(*Locator::build(world.image(), world.map()));
}

TEST(Mix, APopHasNothingWrong) {
  const Locator locator = locator_of_cases();
  const std::vector<Choice> choices = zipf_choices(World::of_cases().image(), 0, 0.4);
  MixOptions options = everything();
  std::printf("seed %lu\n", options.seed);
  // All places, and clients of none.
  Mix mix(options, choices, sources_of("192.0.0.0/6", 20), sources_of("2001:db8::/46", 20), &locator);
  Pop pop;
  uint32_t replies = 0;
  for (uint32_t number = 0; number < 4 * mix_frames; ++number) {
    const Bytes reply = pop.ask(mix, number);
    const MixFrame& frame = mix.frame_of(number);
    if (frame.kind == Kind::garbage) {
      EXPECT_TRUE(reply.empty());
      continue;
    }
    const auto datagram = read_datagram(reply);
    ASSERT_TRUE(datagram) << number;
    ASSERT_STREQ(fault_of_sums(*datagram), nullptr) << number;
    ASSERT_EQ(mix.number_of(*datagram), number);
    ASSERT_STREQ(mix.fault_of(number, *datagram), nullptr) << number << " " << mix.name_of(number);
    ++replies;
  }
  EXPECT_NEAR(replies, 4 * all * 0.9, 4 * near);
}

/// What is wrong with the replies to clients of the prefix that ask for the name; "" stands for nothing.
std::set<std::string> faults_of(Pop& pop, const Locator* locator, const char* prefix, const char* name) {
  std::vector<Choice> choices = zipf_choices(World::of_cases().image(), 0, 0);
  std::erase_if(choices, [&](const Choice& choice) { return choice.asked.name != name; });
  Mix mix(options_of_tests(), choices, sources_of(prefix, 8), sources_of("2001:db8:1::/48"), locator);
  std::set<std::string> faults;
  for (uint32_t number = 0; number < 100; ++number) {
    const Bytes reply = pop.ask(mix, number);
    const char* fault = mix.fault_of(number, *read_datagram(reply));
    faults.insert(fault != nullptr ? fault : "");
  }
  return faults;
}

TEST(Mix, WithTheMapAnswersAreOfTheClientsPlace) {
  using Faults = std::set<std::string>;
  const Faults none{""}, foreign{"an address that is not the name's"};
  const Locator locator = locator_of_cases();
  Pop pop;
  EXPECT_EQ(faults_of(pop, &locator, "192.0.2.0/24", "0.test.example"), none);
  // A POP that takes everybody to be nowhere.
  const auto mapless = core::Join::build(World::of_cases().image(), nullptr);
  pop.view.map = nullptr;
  pop.view.join = mapless->get();
  EXPECT_EQ(faults_of(pop, &locator, "192.0.2.0/24", "0.test.example"), foreign);
  EXPECT_EQ(faults_of(pop, &locator, "8.8.8.0/24", "0.test.example"), none);
  EXPECT_EQ(faults_of(pop, nullptr, "192.0.2.0/24", "0.test.example"), none);
}

TEST(Mix, WithTheMapScopesAreThePops) {
  const Locator locator = locator_of_cases();
  const std::vector<Choice> choices = zipf_choices(World::of_cases().image(), 0, 0);
  MixOptions options = options_of_tests();
  options.subnet = 1;
  for (const Locator* known : {&locator, static_cast<const Locator*>(nullptr)}) {
    Mix mix = mix_of(options, choices, known);
    Pop pop;
    Bytes reply = pop.ask(mix, 0);
    reply[reply.size() - 4] ^= 1; // the scope stands before three octets of the address
    const char* right = known != nullptr ? "another scope" : nullptr;
    EXPECT_STREQ(mix.fault_of(0, *read_datagram(reply)), right);
  }
}

TEST(Mix, AServersCookieIsSentBackToIt) {
  const std::vector<Choice> choices = zipf_choices(World::of_cases().image(), 0, 0);
  MixOptions options = options_of_tests();
  options.cookies = 1;
  Mix mix(options, choices, sources_of("10.1.0.0/16", 4), sources_of("2001:db8:1::/48"), nullptr);
  Pop pop;
  std::set<geo::Address> clients;
  for (uint32_t number = 0; number < 100; ++number) {
    const Bytes query = written(mix, number);
    const auto sent = read_datagram(query);
    core::DnsQuery parsed{};
    core::parse_query(sent->payload.data(), sent->payload.size(), parsed);
    const geo::Address client = address_of(sent->from());
    const bool is_new = clients.insert(client).second;
    core::ServerCookie unused;
    ASSERT_TRUE(parsed.cookie.present);
    EXPECT_EQ(core::check_cookie(test::cookie_keys_of_cases(), parsed.cookie, pop.worker.now, client, unused),
              is_new ? core::CookieState::client_only : core::CookieState::good);
    EXPECT_STREQ(fault_of_sums(*sent), nullptr);
    const Bytes reply = pop.ask(mix, number);
    EXPECT_STREQ(mix.fault_of(number, *read_datagram(reply)), nullptr);
  }
  EXPECT_EQ(clients.size(), 16u);
}

TEST(Mix, WhoIgnoresCookiesIsWrong) {
  const std::vector<Choice> choices = zipf_choices(World::of_cases().image(), 0, 0);
  MixOptions options = options_of_tests();
  options.cookies = 1;
  Mix mix = mix_of(options, choices);
  Pop pop;
  pop.view.cookie_keys = nullptr;
  const Bytes reply = pop.ask(mix, 0);
  EXPECT_STREQ(mix.fault_of(0, *read_datagram(reply)), "no cookie");
}

TEST(Mix, KnowsWhatItDidNotAsk) {
  const std::vector<Choice> choices = some_choices({1});
  Mix mix = mix_of(options_of_tests(), choices);
  const Bytes query = written(mix, 77);
  const Datagram asked = *read_datagram(query);
  const test::Packet right{.payload = Bytes(asked.payload.begin(), asked.payload.end()),
                           .from = "203.0.113.53",
                           .to = geo::to_text(address_of(asked.from())),
                           .from_port = 53,
                           .to_port = asked.from_port()};
  const auto number_with = [&](auto change) {
    test::Packet packet = right;
    change(packet);
    const Bytes frame = packet.bytes();
    return mix.number_of(*read_datagram(frame));
  };
  EXPECT_EQ(number_with([](auto&) {}), 77u);
  EXPECT_FALSE(number_with([](auto& it) { it.from = "203.0.113.54"; }));
  EXPECT_FALSE(number_with([](auto& it) { it.to = "10.2.0.1"; }));
  EXPECT_FALSE(number_with([](auto& it) { it.from_port = 123; }));
  EXPECT_FALSE(number_with([](auto& it) { it.from_port = 5353; }));
  EXPECT_FALSE(number_with([](auto& it) { it.to_port = 1023; }));
  EXPECT_FALSE(number_with([](auto& it) { it.payload.resize(1); }));
  EXPECT_FALSE(number_with([](auto& it) { ++it.payload[0]; }));
}

TEST(Mix, AnEchoIsNotJudged) {
  const std::vector<Choice> choices = some_choices({1});
  MixOptions options = options_of_tests();
  options.ntp = 0.5;
  options.echo = true;
  Mix mix = mix_of(options, choices);
  for (uint32_t number = 0; number < 100; ++number) {
    const Bytes query = written(mix, number);
    const Datagram asked = *read_datagram(query);
    const Bytes echo = test::Packet{.payload = Bytes(asked.payload.begin(), asked.payload.end()),
                                    .from = "203.0.113.53",
                                    .to = geo::to_text(address_of(asked.from())),
                                    .from_port = asked.to_port(),
                                    .to_port = asked.from_port()}
                           .bytes();
    EXPECT_EQ(mix.number_of(*read_datagram(echo)), number);
    EXPECT_STREQ(mix.fault_of(number, *read_datagram(echo)), nullptr);
  }
}

TEST(Sources, AreOfThePrefixAndDistinct) {
  for (const auto& [prefix, bits, count] :
       {std::tuple("10.1.0.0/16", 4u, 16u), std::tuple("10.1.2.3/32", 4u, 1u), std::tuple("10.1.2.0/30", 9u, 4u),
        std::tuple("2001:db8::/48", 8u, 256u), std::tuple("2001:db8::1/128", 8u, 1u)}) {
    const geo::Prefix parsed = *geo::parse_prefix(prefix);
    const Sources sources(parsed, bits);
    std::set<geo::Address> seen;
    for (uint32_t number = 0; number < 16 * count; ++number) {
      const geo::Address address = sources.address(sources.client_of(number));
      EXPECT_TRUE(parsed.contains(address)) << geo::to_text(address);
      seen.insert(address);
    }
    EXPECT_EQ(seen.size(), count) << prefix;
  }
}

TEST(Sources, AreListed) {
  const std::vector<geo::Address> listed{geo::Address::ipv4(7), geo::Address::ipv4(9)};
  const Sources sources(listed);
  std::set<geo::Address> seen;
  for (uint32_t number = 0; number < 16; ++number) seen.insert(sources.address(sources.client_of(number)));
  EXPECT_EQ(seen, std::set<geo::Address>(listed.begin(), listed.end()));
}

TEST(AnswerSets, FewerThanAnyClientGetsAreTooFew) {
  const World world({{"test.example", R"({
    "targeting": "country @", "max_hosts": 3, "data": {
      "0": { "a": [["203.0.113.1", 1], ["203.0.113.2", 1], ["203.0.113.3", 1], ["203.0.113.4", 1]] },
      "0.us": { "a": [["203.0.113.1", 1], ["203.0.113.2", 1]] },
      "1": { "alias": "0" }
    }})"}},
                    "");
  const std::vector<Answerable> names = answerable_names(world.image(), core::dns::A);
  for (const char* name : {"0.test.example", "1.test.example"}) {
    const auto place = std::ranges::find(names, name, &Answerable::name);
    ASSERT_NE(place, names.end()) << name;
    EXPECT_EQ(std::pair(place->least, place->most), std::pair(2u, 3u)) << name;
  }
}

TEST(AnswerSets, OfTheCases) {
  const std::vector<Answerable> names = answerable_names(World::of_cases().image(), core::dns::A);
  const auto place = std::ranges::find(names, "0.test.example", &Answerable::name);
  ASSERT_NE(place, names.end());
  EXPECT_EQ(place->most, 1u);
  for (const auto& [address, allowed] :
       {std::pair("203.0.113.10", true), std::pair("203.0.113.11", true), std::pair("203.0.113.12", true),
        std::pair("203.0.113.20", false), std::pair("0.0.0.0", false)})
    EXPECT_EQ(place->allowed->has(std::span(geo::parse_address(address)->bytes).first(4)), allowed) << address;
  EXPECT_EQ(place->least, 1u);
  for (const Answerable& each : names) EXPECT_FALSE(each.name.starts_with("*")) << each.name;
  // Glue is no answer, and whoever is not in France has no address there.
  EXPECT_EQ(std::ranges::find(names, "ns1.child.test.example", &Answerable::name), names.end());
  EXPECT_EQ(std::ranges::find(names, "only.test.example", &Answerable::name)->least, 0u);
}

} // namespace
} // namespace anytick::bench
