// Plays the packet tables against a POP that has the tables' zone, overrides, secrets, identity and addresses.
//
//   play_cases write DIRECTORY            what the POP needs: test.example.json, overrides.txt, cookies.toml,
//                                         identity.toml, ntp.keys
//   play_cases sources                    the addresses that the rows are asked from, one a line
//   play_cases frames INTERFACE DRIVER    the rows that the POP answers or drops by its DRIVER, as frames
//   play_cases punts INTERFACE DRIVER     the rows that it leaves to the kernel, as frames
//   play_cases udp | tcp                  the DNS rows from sockets, UDP by the POP's kernel
//
// Prints TAP, and behind it as "# counters" what the POP has to have counted by then.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include "dataplane/io/wall_clock.h"
#include "tests/packets/cases.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/raw_link.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"
#include "tests/unit/io_dns_client.h"

namespace anytick::test {
namespace {

using core::Counter;
using io::DnsClient;
using Protocol = io::DnsClient::Protocol;

constexpr uint64_t seed = 1; // where there is a draw it is of one record: any seed gives the same bytes
constexpr size_t ethernet_bytes = 14;
constexpr unsigned sentinel_port = 40001;

/// What a row came to: nothing where it is none for this player, "" where it is held.
using Fault = std::optional<std::string>;

/// The state of one run: what is expected so far.
class Play {
 public:
  Play() : expected(seed) {}
  virtual ~Play() = default;

  /// Plays one row. It may be played again when the clock went on meanwhile.
  virtual Fault row(const PacketCase& row) = 0;

  core::WorkerState expected; ///< its counters are what the POP has to have counted, its clock the rows'
};

/// The datagram of a frame goes from a service: a reply, be it one or not.
bool is_from_service(const Bytes& frame) {
  size_t at = 12;
  const auto type = [&] { return unsigned{frame.at(at)} << 8 | frame.at(at + 1); };
  while (type() == 0x8100 || type() == 0x88a8) at += 4;
  const bool v6 = type() == 0x86dd;
  if (!v6 && type() != 0x0800) return false;
  const size_t ip = at + 2;
  if (frame.at(ip + (v6 ? 6 : 9)) != IPPROTO_UDP) return false;
  const size_t udp = ip + (v6 ? 40 : 20);
  return frame.at(udp) == 0 && (frame.at(udp + 1) == 53 || frame.at(udp + 1) == 123);
}

/// Frames on a link. Each row is followed by a query that is always answered, and as frames keep their order, what came
/// before that answer is all that the row gave.
class FramePlay : public Play {
 public:
  FramePlay(const std::string& interface, const std::string& driver)
      : link_(interface), af_packet_(driver == "af_packet") {}

 protected:
  /// Nothing shorter than an Ethernet header can be sent. The kernel below AF_PACKET takes the outermost tag out, so
  /// that half a tag is dropped there, and keeps fragments until it has them all.
  bool arrives(const PacketCase& row) const {
    if (!af_packet_) return row.frame.size() >= ethernet_bytes;
    return row.frame.size() >= ethernet_bytes + 4 && row.rule != std::string_view("ipv4.fragment");
  }

  /// The frame as the packet path gets it: AF_PACKET's driver makes an 802.1Q tag of any outermost one.
  Bytes as_received(Bytes frame) const {
    if (af_packet_ && frame[12] == 0x88 && frame[13] == 0xa8) frame[12] = 0x81, frame[13] = 0x00;
    return frame;
  }

  /// All replies to the frame. Throws std::runtime_error where the POP answers nothing at all.
  std::vector<Bytes> replies_to(const Bytes& frame) {
    link_.send(frame);
    const Packet sentinel{.payload = Message{.name = "nowhere.example.net", .id = ++id_ & 0xffff}.bytes(),
                          .from_port = sentinel_port};
    link_.send(sentinel.bytes());
    for (const Counter counter : {Counter::dns_answered, Counter::rcode_refused}) expected.counters.add(counter);
    std::vector<Bytes> replies;
    while (auto received = link_.receive()) {
      if (!is_from_service(*received)) continue;
      if (is_reply_to(sentinel, *received)) return replies;
      replies.push_back(std::move(*received));
    }
    throw std::runtime_error("the POP does not answer");
  }

 private:
  bool is_reply_to(const Packet& sentinel, const Bytes& frame) const {
    constexpr size_t udp = ethernet_bytes + 20;
    return frame.size() > udp + 10 && (unsigned{frame[udp + 2]} << 8 | frame[udp + 3]) == sentinel.from_port &&
           (unsigned{frame[udp + 8]} << 8 | frame[udp + 9]) == (id_ & 0xffff);
  }

  RawLink link_;
  const bool af_packet_;
  unsigned id_ = 0;
};

class Frames : public FramePlay {
 public:
  using FramePlay::FramePlay;

  Fault row(const PacketCase& row) override {
    if (row.verdict() == core::Verdict::punt || !arrives(row)) return std::nullopt;
    const std::vector<Bytes> replies = replies_to(row.frame);
    for (const Counter counter : row.counters) expected.counters.add(counter);
    const size_t due = row.reply.empty() ? 0 : 1;
    if (replies.size() != due) return std::to_string(replies.size()) + " replies instead of " + std::to_string(due);
    if (due == 0) return "";
    const std::string text = without_wait(render_reply(as_received(row.frame), replies.front()));
    return text == row.reply ? "" : "got  " + text + "\nwant " + row.reply;
  }
};

/// The kernel may answer any of these whenever it likes: that no worker does is for the counters to say.
class Punts : public FramePlay {
 public:
  using FramePlay::FramePlay;

  Fault row(const PacketCase& row) override {
    if (row.verdict() != core::Verdict::punt || !arrives(row)) return std::nullopt;
    replies_to(row.frame);
    expected.counters.add(Counter::punted);
    return "";
  }
};

/// By way of the kernel: over TCP, or UDP with options, which no worker takes.
class Sockets : public Play {
 public:
  explicit Sockets(Protocol protocol) : protocol_(protocol) {}

  Fault row(const PacketCase& row) override {
    const auto asked = asked_by(row);
    if (!asked) return std::nullopt;
    const DnsClient client(protocol_, asked->ipv6 ? ipv6_ : ipv4_, asked->from);
    if (protocol_ == Protocol::tcp) return over_tcp(client, asked->query, row);
    const Bytes no_operations{1, 1, 1, 1}, padding{0, 0, 1, 4, 0, 0, 0, 0}; // RFC 791 3.1, RFC 8200 4.2
    asked->ipv6 ? client.set_option(IPPROTO_IPV6, IPV6_DSTOPTS, padding)
                : client.set_option(IPPROTO_IP, IP_OPTIONS, no_operations);
    return over_udp(client, *asked, row);
  }

 private:
  Fault over_tcp(const DnsClient& client, const Bytes& query, const PacketCase& row) {
    client.send(io::framed(query));
    client.shut_down();
    const Bytes reply = client.receive_message().value_or(Bytes());
    const Bytes due = answer_of_core(query, row);
    if (!client.is_closed()) return "the connection stays open";
    return difference(reply, due);
  }

  Fault over_udp(const DnsClient& client, const Asked& asked, const PacketCase& row) {
    client.send(asked.query);
    const Bytes due = answer_of_core(asked.query, row);
    Bytes reply;
    if (!due.empty()) reply = client.receive_message().value_or(Bytes());
    // A reply too many would be taken for this one's.
    const Bytes sentinel = Message{.name = "nowhere.example.net", .id = 0x1234}.bytes();
    client.send(sentinel);
    const Bytes next = client.receive_message().value_or(Bytes());
    if (next != answer_of_core(sentinel, row)) return "another reply behind it: " + to_hex(next);
    if (!due.empty() && render(due) != row.reply) return "core gives " + render(due) + "\nwant " + row.reply;
    return difference(reply, due);
  }

  static std::string difference(const Bytes& reply, const Bytes& due) {
    return reply == due ? "" : "got  " + to_hex(reply) + "\nwant " + to_hex(due);
  }

  Bytes answer_of_core(const Bytes& query, const PacketCase& row) {
    Bytes message = query;
    message.resize(65'535);
    const core::Client client{*geo::parse_address(asked_by(row)->from), protocol_ == Protocol::udp};
    message.resize(
        core::answer(World::of_cases().view(), expected, client, message.data(), query.size(), message.size()));
    expected.counters.add(protocol_ == Protocol::udp ? Counter::kernel_udp_queries : Counter::tcp_queries);
    return message;
  }

  const io::Endpoint ipv4_{*geo::parse_address("203.0.113.53"), 53};
  const io::Endpoint ipv6_{*geo::parse_address("2001:db8:53::53"), 53};
  Protocol protocol_;
};

/// As anytickd reads it. std::time() is that of the kernel's last tick, which may be of the second before.
uint32_t clock_now() {
  return static_cast<uint32_t>(io::read_wall_clock().wall.realtime / 1'000'000'000);
}

Fault played(Play& play, const PacketCase& row) {
  try {
    return play.row(row);
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

void print_details(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cout << "# " << line << '\n';
}

/// Cookies have the time in them: a row is played within the second that it was built for.
int run(Play& play) {
  int count = 0, failed = 0;
  uint32_t& now = play.expected.now = clock_now();
  std::vector<PacketCase> rows = all_cases(now);
  for (size_t i = 0; i < rows.size(); ++i) {
    Fault fault;
    do {
      if (clock_now() != now) rows = all_cases(now = clock_now());
      fault = played(play, rows[i]);
    } while (clock_now() != now);
    if (!fault) continue;
    failed += fault->empty() ? 0 : 1;
    std::cout << (fault->empty() ? "ok " : "not ok ") << ++count << " - " << rows[i].rule << ": " << rows[i].description
              << '\n';
    print_details(*fault);
  }
  nlohmann::ordered_json counters;
  for (size_t i = 0; i < core::counter_count; ++i)
    counters[std::string(core::counter_names[i])] = play.expected.counters.get(static_cast<Counter>(i));
  std::cout << "1.." << count << "\n# counters " << counters << std::endl;
  return failed > 0 ? 1 : 0;
}

const char* name_of(const core::NtpKeyConfig& key) {
  if (key.mac == core::NtpMac::cmac) return key.secret.size() == 16 ? "AES128" : "AES256";
  return key.mac == core::NtpMac::sha1 ? "SHA1" : "MD5";
}

int write_files(const std::filesystem::path& directory) {
  std::ofstream(directory / "test.example.json") << zone_json_of_cases();
  std::ofstream(directory / "overrides.txt") << overrides_of_cases();
  std::ofstream cookies(directory / "cookies.toml");
  const core::CookieKeys& keys = cookie_keys_of_cases();
  for (uint32_t i = 0; i < keys.count; ++i)
    cookies << "[[cookie]]\nkey = \"" << to_hex({keys.keys[i].begin(), keys.keys[i].end()}) << "\"\nstate = \""
            << (i == 0 ? "active" : "accept-only") << "\"\n";
  std::ofstream ntp_keys(directory / "ntp.keys");
  for (const core::NtpKeyConfig& key : ntp_keys_of_cases())
    ntp_keys << key.id << ' ' << name_of(key) << " HEX:" << to_hex(key.secret) << '\n';
  const core::Identity& identity = identity_of_cases();
  std::ofstream(directory / "identity.toml")
      << "[identity]\nnsid = \"" << identity.nsid << "\"\nhostname = \"" << identity.hostname.value_or("")
      << "\"\nversion = \"" << identity.version.value_or("") << "\"\n";
  return 0;
}

int print_sources() {
  std::set<std::string> sources;
  for (const PacketCase& row : all_cases())
    if (const auto asked = asked_by(row)) sources.insert(asked->from);
  for (const std::string& source : sources) std::cout << source << '\n';
  return 0;
}

int start(const std::vector<std::string>& words) {
  const std::string what = words.empty() ? "" : words[0];
  if (words.size() == 2 && what == "write") return write_files(words[1]);
  if (words.size() == 3 && what == "frames") return run(*std::make_unique<Frames>(words[1], words[2]));
  if (words.size() == 3 && what == "punts") return run(*std::make_unique<Punts>(words[1], words[2]));
  if (words.size() == 1 && what == "sources") return print_sources();
  if (words.size() == 1 && what == "udp") return run(*std::make_unique<Sockets>(Protocol::udp));
  if (words.size() == 1 && what == "tcp") return run(*std::make_unique<Sockets>(Protocol::tcp));
  std::cerr << "usage: play_cases write DIRECTORY | sources | frames|punts INTERFACE DRIVER | udp | tcp\n";
  return 2;
}

} // namespace
} // namespace anytick::test

int main(int argc, char** argv) {
  try {
    return anytick::test::start({argv + 1, argv + argc});
  } catch (const std::exception& failure) {
    std::cerr << "play_cases: " << failure.what() << '\n';
    return 1;
  }
}
