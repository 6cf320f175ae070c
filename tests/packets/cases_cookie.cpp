#include "dataplane/core/cookie.h"
#include "tests/packets/cases.h"
#include "tests/packets/world.h"

namespace anytick::test {
namespace {

using core::Counter;

const core::CookieKey& active() {
  return cookie_keys_of_cases().keys[0];
}
const core::CookieKey& accepted() {
  return cookie_keys_of_cases().keys[1];
}
constexpr core::CookieKey unknown{7};

const Bytes client_cookie = from_hex("24 64 c4 ab cf 10 c9 57");
const geo::Address client = geo::Address::ipv4(0xc0000201); // 192.0.2.1

Bytes server_cookie(const core::CookieKey& key, uint32_t time, const geo::Address& source = client) {
  const auto cookie = core::make_server_cookie(key, std::span<const uint8_t, 8>(client_cookie.data(), 8), time, source);
  return {cookie.begin(), cookie.end()};
}

Option cookie(const Bytes& server = {}) {
  Bytes data = client_cookie;
  append(data, server);
  return {10, data};
}

const std::string answer = "NOERROR qr aa | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | OPT 1232";
std::string with(const Bytes& server) {
  return " COOKIE " + to_hex(client_cookie) + to_hex(server);
}

PacketCase row(const char* rule, const char* description, Option option, std::string opt, Counter worth) {
  return {rule,
          description,
          Packet{.payload = Message{.flags = 0, .edns = true, .options = {std::move(option)}}.bytes()}.bytes(),
          answer + std::move(opt),
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns, worth}};
}

std::vector<PacketCase> server_cookies(uint32_t now) {
  const Bytes fresh = server_cookie(active(), now);
  const auto ago = [now](uint32_t seconds) { return now - seconds; };
  Bytes other_version = fresh, damaged = fresh;
  other_version[0] = 2;
  damaged[15] ^= 1;
  Bytes reserved = fresh;
  reserved[2] = 1; // part of what is hashed: somebody else's, with our secret
  constexpr auto good = Counter::cookie_good, bad = Counter::cookie_bad;
  return {
      row("cookie.client", "gets a server cookie", cookie(), with(fresh), Counter::cookie_client_only),
      row("cookie.good", "a young one is given back", cookie(server_cookie(active(), ago(1800))),
          with(server_cookie(active(), ago(1800))), good),
      row("cookie.renew", "after 30 minutes", cookie(server_cookie(active(), ago(1801))), with(fresh), good),
      row("cookie.renew", "still good after an hour", cookie(server_cookie(active(), ago(3600))), with(fresh), good),
      row("cookie.old", "no longer", cookie(server_cookie(active(), ago(3601))), with(fresh), bad),
      row("cookie.ahead", "five minutes", cookie(server_cookie(active(), now + 300)),
          with(server_cookie(active(), now + 300)), good),
      row("cookie.ahead", "more than that", cookie(server_cookie(active(), now + 301)), with(fresh), bad),
      row("cookie.rotation", "by a secret that is accepted", cookie(server_cookie(accepted(), now)), with(fresh), good),
      row("cookie.bad", "by a secret that nobody has", cookie(server_cookie(unknown, now)), with(fresh), bad),
      row("cookie.bad", "another client's", cookie(server_cookie(active(), now, geo::Address::ipv4(0xc0000202))),
          with(fresh), bad),
      row("cookie.bad", "another version", cookie(other_version), with(fresh), bad),
      row("cookie.bad", "one bit", cookie(damaged), with(fresh), bad),
      row("cookie.bad", "reserved bytes that were not hashed", cookie(reserved), with(fresh), bad),
      row("cookie.bad", "8 bytes of another server", cookie(Bytes(8, 1)), with(fresh), bad),
      row("cookie.bad", "32 bytes of another server", cookie(Bytes(32, 1)), with(fresh), bad),
  };
}

std::vector<PacketCase> other_cases(uint32_t now) {
  const Bytes fresh = server_cookie(active(), now);
  const std::vector<Counter> formerr{Counter::dns_answered, Counter::rcode_formerr, Counter::dns_edns};
  std::vector<PacketCase> cases;
  for (const size_t size : {0, 7, 9, 15, 41})
    cases.push_back(
        {"cookie.length", "neither 8 nor 16 to 40 bytes",
         Packet{.payload = Message{.flags = 0, .edns = true, .options = {{10, Bytes(size, 1)}}}.bytes()}.bytes(),
         "FORMERR qr | 0.test.example. A | - | - | OPT 1232", formerr});
  const auto add = [&](const char* rule, const char* description, const Message& message, std::string reply,
                       std::vector<Counter> counters, const char* from = "192.0.2.1") {
    cases.push_back({rule, description, Packet{.payload = message.bytes(), .from = from}.bytes(), std::move(reply),
                     std::move(counters)});
  };
  const auto answered = [](Counter rcode, Counter worth) {
    return std::vector<Counter>{Counter::dns_answered, rcode, Counter::dns_edns, worth};
  };
  add("cookie.several", "only the first counts",
      {.flags = 0, .edns = true, .options = {cookie(fresh), cookie(Bytes(16, 9))}}, answer + with(fresh),
      answered(Counter::rcode_noerror, Counter::cookie_good));
  add("cookie.refused", "REFUSED has one too", {.name = "example.net", .flags = 0, .edns = true, .options = {cookie()}},
      "REFUSED qr | example.net. A | - | - | OPT 1232" + with(fresh),
      answered(Counter::rcode_refused, Counter::cookie_client_only));
  const auto without_question = [](const Option& option) {
    // header | OPT
    Bytes bytes = from_hex("beef 0000 0000 0000 0000 0001 00 0029 04d0 00000000");
    append16(bytes, static_cast<unsigned>(4 + option.data.size()));
    append16(bytes, option.code);
    append16(bytes, static_cast<unsigned>(option.data.size()));
    append(bytes, option.data);
    return Packet{.payload = bytes}.bytes();
  };
  cases.push_back({"cookie.no-question", "only a cookie is asked for", without_question(cookie()),
                   "NOERROR qr | - | - | - | OPT 1232" + with(fresh),
                   answered(Counter::rcode_noerror, Counter::cookie_client_only)});
  cases.push_back({"cookie.no-question", "with a bad one", without_question(cookie(Bytes(16, 1))),
                   "BADCOOKIE qr | - | - | - | OPT 1232" + with(fresh),
                   answered(Counter::rcode_badcookie, Counter::cookie_bad)});
  cases.push_back({"cookie.no-question",
                   "another option does not excuse it",
                   without_question({65001, {1}}),
                   "FORMERR qr | - | - | - | -",
                   {Counter::dns_answered, Counter::rcode_formerr, Counter::dns_edns}});
  add("nsid", "told when asked", {.flags = 0, .edns = true, .options = {{3, {}}}}, answer + " NSID pop1",
      {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns});
  add("nsid", "data in the question is ignored", {.flags = 0, .edns = true, .options = {{3, {1, 2}}}},
      answer + " NSID pop1", {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns});
  return cases;
}

/// Each option with and without each other, and DO.
std::vector<PacketCase> combinations(uint32_t now) {
  std::vector<PacketCase> cases;
  for (unsigned chosen = 0; chosen < 16; ++chosen) {
    Message message{.flags = 0, .edns = true, .edns_flags = chosen & 8 ? 0x8000u : 0};
    std::string opt = chosen & 8 ? " do" : "";
    std::vector<Counter> counters{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns};
    if (chosen & 1) message.options.push_back({3, {}});
    if (chosen & 2) {
      message.options.push_back(cookie());
      counters.push_back(Counter::cookie_client_only);
    }
    if (chosen & 4) {
      message.options.push_back(subnet("192.0.2.0/24"));
      opt += " ECS 192.0.2.0/24/24";
      counters.push_back(Counter::dns_ecs);
    }
    if (chosen & 2) opt += with(server_cookie(active(), now));
    if (chosen & 1) opt += " NSID pop1";
    cases.push_back({"edns.combined", "DO, client subnet, cookie, NSID", Packet{.payload = message.bytes()}.bytes(),
                     answer + opt, std::move(counters)});
  }
  return cases;
}

} // namespace

std::vector<PacketCase> cookie_cases(uint32_t now) {
  std::vector<PacketCase> cases = server_cookies(now);
  for (PacketCase& each : other_cases(now)) cases.push_back(std::move(each));
  for (PacketCase& each : combinations(now)) cases.push_back(std::move(each));
  return cases;
}

} // namespace anytick::test
