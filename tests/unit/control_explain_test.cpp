#include "control/explain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "control/dns_text.h"
#include "control_explained.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

namespace anytick::control::test {
namespace {

using anytick::test::Bytes;
using anytick::test::Message;
using anytick::test::World;

namespace dns = core::dns;

const World& world() {
  static const World one({{"geo.example", explained_zone}}, explained_overrides);
  return one;
}

Question ask(const std::string& name, uint16_t type, const std::string& client) {
  const size_t slash = client.find('/');
  Question question{*parse_name(name, root_name), type, *geo::parse_address(client.substr(0, slash)), {}};
  if (slash != client.npos) question.subnet_length = static_cast<uint8_t>(std::stoul(client.substr(slash + 1)));
  return question;
}

std::string trials_text(const std::vector<Trial>& trials) {
  std::vector<std::string> all;
  for (const Trial& trial : trials) {
    std::string text = trial.target;
    if (!trial.alias.empty()) text += " as " + trial.alias;
    switch (trial.result) {
    case TrialResult::answers:
      text += " +";
      break;
    case TrialResult::no_label:
      text += " -";
      break;
    case TrialResult::no_type:
      text += " has";
      for (const uint16_t type : trial.types) text += ' ' + type_text(type);
      break;
    case TrialResult::alias_empty:
      text += " empty";
      break;
    case TrialResult::not_tried:
      continue;
    }
    if (!trial.alias_trials.empty()) text += " (" + trials_text(trial.alias_trials) + ")";
    all.push_back(text);
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

std::string step_text(const Step& step) {
  const std::string by = step.wildcard.empty() ? "" : " by " + step.wildcard;
  std::string text = fmt::format("{}{}: {}", step.name, by, trials_text(step.trials));
  if (step.set) {
    std::set<std::string> data;
    for (const Candidate& each : step.set->candidates) data.insert(each.data);
    text += fmt::format(" => {} {}", type_text(step.set->type), fmt::join(data, " "));
  }
  if (step.scope > 0) text += fmt::format(" /{} {}", step.scope, fmt::join(step.scope_by, " "));
  return text;
}

struct Case {
  const char* name;
  const char* asked;
  uint16_t type;
  const char* client;
  Ending ending;
  std::vector<std::string> steps;
};

class Explained : public testing::TestWithParam<Case> {};

TEST_P(Explained, StepByStep) {
  const Case& each = GetParam();
  const Explanation explanation = explain(world().view(), ask(each.asked, each.type, each.client));
  std::vector<std::string> steps;
  for (const Step& step : explanation.steps) steps.push_back(step_text(step));
  EXPECT_EQ(steps, each.steps);
  EXPECT_EQ(explanation.ending, each.ending);
}

INSTANTIATE_TEST_SUITE_P(
    Explain, Explained,
    testing::Values(
        Case{"Address",
             "0.geo.example",
             dns::A,
             "198.51.100.7/32",
             Ending::answered,
             {"0.geo.example.: 198.51.100.7/32 + => a 192.0.2.24 /32 address"}},
        Case{"AddressesAround",
             "0.geo.example",
             dns::A,
             "198.51.100.9",
             Ending::answered,
             {"0.geo.example.: 198.51.100.0/24 + => a 192.0.2.25 /29 address"}},
        Case{"RegionHasOtherTypes",
             "0.geo.example",
             dns::A,
             "198.51.101.1/24",
             Ending::answered,
             {"0.geo.example.: as64501 -, us-ca has aaaa, us-west -, us + => a 192.0.2.20 192.0.2.21 /24 address"}},
        Case{"Asn",
             "0.geo.example",
             dns::A,
             "198.51.104.1/32",
             Ending::answered,
             {"0.geo.example.: as64500 + => a 192.0.2.23 /24 asn"}},
        Case{"RegionGroup",
             "0.geo.example",
             dns::A,
             "198.51.105.1/32",
             Ending::answered,
             {"0.geo.example.: us-ny -, us-east + => a 192.0.2.22 /24 asn"}},
        Case{"AliasToOneOfItsTargets",
             "0.geo.example",
             dns::A,
             "198.51.106.1/32",
             Ending::answered,
             {"0.geo.example.: ca -, north-america as na.geo.example. + (ca +) => a 192.0.2.31 /24 region country "
              "continent"}},
        Case{"LocationOfTheClient",
             "_country.geo.example",
             dns::TXT,
             "198.51.106.1/32",
             Ending::answered,
             {"_country.geo.example.: ca -, north-america -, @ + => txt \"subnet=198.51.106.0/24\" "
              "\"continent=north-america\" \"country=ca\" /24 region country continent"}},
        Case{"Wildcard",
             "x.y.wild.geo.example",
             dns::A,
             "8.8.8.8/32",
             Ending::answered,
             {"x.y.wild.geo.example. by *.wild.geo.example.: @ + => a 192.0.2.10 192.0.2.11 192.0.2.12 /1 asn region "
              "country continent address"}},
        Case{"Referral", "a.child.geo.example", dns::A, "8.8.8.8/32", Ending::referral, {"a.child.geo.example.: "}},
        Case{"ReferralBehindACname",
             "to-child.geo.example",
             dns::A,
             "8.8.8.8/32",
             Ending::referral,
             {"to-child.geo.example.: @ + => cname www.child.geo.example.", "www.child.geo.example.: "}},
        Case{"NothingButAnAlias",
             "1.geo.example",
             dns::A,
             "8.8.8.8/32",
             Ending::answered,
             {"1.geo.example.: @ + => a 192.0.2.10 192.0.2.11 192.0.2.12 /1 asn region country continent address"}}),
    [](const auto& i) { return i.param.name; });

/// The answers that an explanation allows, as render() has them.
std::set<std::string> allowed_answers(const Explanation& explanation) {
  std::set<std::string> allowed;
  for (const Step& step : explanation.steps) {
    if (!step.set) continue;
    std::string type = type_text(step.set->type);
    std::transform(type.begin(), type.end(), type.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    for (const Candidate& each : step.set->candidates)
      allowed.insert(fmt::format("{} {} {} {}", step.name, step.set->ttl, type, each.data));
  }
  return allowed;
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t at = text.find(separator); at != text.npos; at = text.find(separator, start)) {
    parts.push_back(text.substr(start, at - start));
    start = at + separator.size();
  }
  parts.push_back(text.substr(start));
  return parts;
}

/// What the client gets, by a message that is not built by the code under test.
std::vector<std::string> answered(const World& from, const std::string& name, uint16_t type, const std::string& subnet,
                                  uint64_t seed) {
  Bytes message = Message{.name = name, .type = type, .edns = true, .options = {anytick::test::subnet(subnet)}}.bytes();
  const size_t length = message.size();
  message.resize(65535);
  core::WorkerState worker(seed);
  const core::Client client{geo::Address::ipv4(0x01010101), false};
  message.resize(core::answer(from.view(), worker, client, message.data(), length, message.size()));
  return split(anytick::test::render(message), " | ");
}

// Over many replies every record that was explained comes, and no other; RCODE and scope are those explained.
TEST(Explain, IsWhatIsAnswered) {
  const uint64_t seed = 815;
  SCOPED_TRACE("seed " + std::to_string(seed));
  core::Random random(seed);
  const std::vector<std::string> names{"",      "us.",      "0.",      "1.",     "2.",       "fr.",      "na.",
                                       "www.",  "gone.",    "loop.",   "text.",  "deep.",    "a.deep.",  "x.0.",
                                       "only.", "nothing.", "a.wild.", "child.", "a.child.", "to-child."};
  size_t positive = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::string name = names[random.next() % names.size()] + "geo.example";
    const uint16_t type = std::array<uint16_t, 4>{dns::A, dns::AAAA, dns::A, dns::CNAME}[random.next() % 4];
    const uint32_t net = std::array<uint32_t, 4>{0xc6336400, 0xc6336800, 0xcb007100, 0x08080800}[random.next() % 4];
    const geo::Address address = geo::Address::ipv4(net + static_cast<uint32_t>(random.next() % 1024));
    const std::string client = geo::to_text(address) + (round % 2 == 0 ? "/32" : "/24");
    SCOPED_TRACE(fmt::format("{} {} {}", name, type_text(type), client));

    const Explanation explanation = explain(world().view(), ask(name, type, client));
    const std::set<std::string> allowed = allowed_answers(explanation);
    std::set<std::string> seen;
    for (uint64_t reply = 0; reply < 40; ++reply) {
      const auto sections = answered(world(), name, type, client, reply);
      ASSERT_EQ(sections.size(), 5u);
      ASSERT_TRUE(sections[0].starts_with(explanation.ending == Ending::nxdomain ? "NXDOMAIN" : "NOERROR"));
      ASSERT_TRUE(sections[4].ends_with("/" + std::to_string(explanation.scope))) << sections[4];
      if (sections[2] == "-") continue;
      for (const std::string& each : split(sections[2], ", ")) seen.insert(each);
    }
    ASSERT_EQ(seen, allowed);
    positive += seen.empty() ? 0 : 1;
  }
  EXPECT_GT(positive, 500u);
}

TEST(Explain, FollowsTheCnameOfItsReply) {
  const Explanation explanation = explain(world().view(), ask("either.geo.example", dns::A, "198.51.106.9/32"));
  ASSERT_EQ(explanation.steps.size(), 2u);
  const auto& candidates = explanation.steps[0].set->candidates;
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].data, "na.geo.example.");
  EXPECT_DOUBLE_EQ(candidates[0].first, 0.75);
  EXPECT_NEAR(candidates[0].included, 0.75, 1e-9);
  EXPECT_EQ(explanation.reply.answers, 1 + explanation.steps[1].set->max_records);
}

TEST(Explain, SaysHowProbableEachRecordIs) {
  const Explanation explanation = explain(world().view(), ask("0.geo.example", dns::A, "8.8.8.8"));
  const auto& candidates = explanation.steps[0].set->candidates;
  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[0].data, "192.0.2.12");
  EXPECT_DOUBLE_EQ(candidates[0].first, 0.6);
  EXPECT_NEAR(candidates[2].included, 0.1 + 0.3 * 1 / 7 + 0.6 * 1 / 4, 1e-9);
  EXPECT_FALSE(explanation.reply.scope) << "no client subnet was sent";
}

struct NegativeCase {
  const char* name;
  const char* asked;
  uint16_t type;
  Ending ending;
  dns::Rcode rcode;
  const char* closest_encloser;
};

class Negative : public testing::TestWithParam<NegativeCase> {};

TEST_P(Negative, IsExplainedToo) {
  const NegativeCase& each = GetParam();
  const Explanation explanation = explain(world().view(), ask(each.asked, each.type, "198.51.106.9/24"));
  EXPECT_EQ(explanation.ending, each.ending);
  EXPECT_EQ(explanation.reply.rcode, each.rcode);
  EXPECT_EQ(explanation.closest_encloser, each.closest_encloser);
}

INSTANTIATE_TEST_SUITE_P(
    Explain, Negative,
    testing::Values(
        NegativeCase{"NoSuchName", "x.y.a.deep.geo.example", dns::A, Ending::nxdomain, dns::Rcode::nxdomain,
                     "a.deep.geo.example."},
        NegativeCase{"NoSuchNameBelowTheApex", "x.geo.example", dns::A, Ending::nxdomain, dns::Rcode::nxdomain,
                     "geo.example."},
        NegativeCase{"ChainToNothing", "gone.geo.example", dns::A, Ending::nxdomain, dns::Rcode::nxdomain,
                     "geo.example."},
        NegativeCase{"NoSuchType", "text.geo.example", dns::A, Ending::nodata, dns::Rcode::noerror, ""},
        NegativeCase{"NotForThisClient", "only.geo.example", dns::A, Ending::nodata, dns::Rcode::noerror, ""},
        NegativeCase{"EmptyNonTerminal", "deep.geo.example", dns::A, Ending::empty_name, dns::Rcode::noerror, ""},
        NegativeCase{"Any", "0.geo.example", dns::ANY, Ending::any, dns::Rcode::noerror, ""},
        NegativeCase{"Loop", "loop.geo.example", dns::A, Ending::chain_limit, dns::Rcode::noerror, ""},
        NegativeCase{"OutOfTheZone", "www.geo.example", dns::A, Ending::leaves_zone, dns::Rcode::noerror, ""},
        NegativeCase{"OtherZone", "geo.test", dns::A, Ending::no_zone, dns::Rcode::refused, ""},
        NegativeCase{"Transfer", "geo.example", dns::AXFR, Ending::not_looked_up, dns::Rcode::refused, ""},
        NegativeCase{"NoQuestionType", "geo.example", dns::OPT, Ending::not_looked_up, dns::Rcode::formerr, ""}),
    [](const auto& i) { return i.param.name; });

TEST(Explain, LocatesByTheSourceWhereASubnetIsPrivate) {
  const Explanation explanation = explain(world().view(), ask("0.geo.example", dns::A, "10.1.2.3/24"));
  EXPECT_FALSE(explanation.client->by_subnet);
  EXPECT_EQ(geo::to_text(explanation.client->located), "10.1.2.3");
  EXPECT_EQ(explanation.reply.scope, 0);
}

TEST(Explain, NeedsNoMap) {
  const auto join = core::Join::build(world().image(), nullptr);
  ASSERT_TRUE(join);
  const core::View view{&world().image(), nullptr, join->get()};
  const Explanation explanation = explain(view, ask("0.geo.example", dns::A, "198.51.106.1/32"));
  EXPECT_EQ(step_text(explanation.steps[0]), "0.geo.example.: @ + => a 192.0.2.10 192.0.2.11 192.0.2.12 /21 address");
}

} // namespace
} // namespace anytick::control::test
