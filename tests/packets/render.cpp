#include "tests/packets/render.h"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tests/packets/ntp_wire.h"

namespace anytick::test {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

unsigned get16(const Bytes& bytes, size_t at) {
  return unsigned{bytes.at(at)} << 8 | bytes.at(at + 1);
}
uint32_t get32(const Bytes& bytes, size_t at) {
  return uint32_t{get16(bytes, at)} << 16 | get16(bytes, at + 2);
}
Bytes part(const Bytes& bytes, size_t from, size_t count) {
  require(from + count <= bytes.size(), "cut off at " + std::to_string(bytes.size()));
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(from + count)};
}

std::string address_text(Bytes bytes) {
  char text[INET6_ADDRSTRLEN];
  const bool v6 = bytes.size() > 4;
  bytes.resize(v6 ? 16 : 4);
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

class Renderer {
 public:
  explicit Renderer(const Bytes& message) : message_(message) {}

  std::string run() {
    require(message_.size() >= 12, "no header");
    at_ = 12;
    std::string questions;
    for (unsigned i = 0; i < get16(message_, 4); ++i) {
      questions += name();
      questions += ' ' + type_name(take16());
      if (const unsigned klass = take16(); klass != 1) questions += " CLASS" + std::to_string(klass);
    }
    const std::string answer = section(get16(message_, 6));
    const std::string authority = section(get16(message_, 8));
    const std::string additional = section(get16(message_, 10));
    require(at_ == message_.size(), "bytes behind the last record");
    return status() + " | " + (questions.empty() ? "-" : questions) + " | " + answer + " | " + authority + " | " +
           additional;
  }

 private:
  static std::string type_name(unsigned type) {
    static const std::map<unsigned, std::string> names{
        {1, "A"},    {2, "NS"},    {5, "CNAME"}, {6, "SOA"},  {12, "PTR"},  {13, "HINFO"}, {15, "MX"},
        {16, "TXT"}, {28, "AAAA"}, {33, "SRV"},  {99, "SPF"}, {255, "ANY"}, {257, "CAA"},
    };
    const auto found = names.find(type);
    return found != names.end() ? found->second : "TYPE" + std::to_string(type);
  }

  std::string status() const {
    static const std::map<unsigned, std::string> names{{0, "NOERROR"},  {1, "FORMERR"},   {2, "SERVFAIL"},
                                                       {3, "NXDOMAIN"}, {4, "NOTIMP"},    {5, "REFUSED"},
                                                       {16, "BADVERS"}, {23, "BADCOOKIE"}};
    const unsigned flags = get16(message_, 2);
    std::string text = names.at((flags & 0xf) | extended_rcode_ << 4);
    if (const unsigned opcode = flags >> 11 & 0xf; opcode != 0) text += " opcode=" + std::to_string(opcode);
    constexpr std::pair<unsigned, const char*> bits[] = {{0x8000, " qr"}, {0x0400, " aa"}, {0x0200, " tc"},
                                                         {0x0100, " rd"}, {0x0080, " ra"}, {0x0040, " z"},
                                                         {0x0020, " ad"}, {0x0010, " cd"}};
    for (const auto& [bit, label] : bits)
      if ((flags & bit) != 0) text += label;
    return text;
  }

  unsigned take16() {
    at_ += 2;
    return get16(message_, at_ - 2);
  }

  std::string name() {
    std::string text;
    size_t at = at_;
    bool jumped = false;
    for (int steps = 0;; ++steps) {
      require(steps < 130, "compression loop");
      const unsigned size = message_.at(at);
      if (size >= 0xc0) {
        if (!jumped) at_ = at + 2;
        const size_t target = get16(message_, at) & 0x3fff;
        require(target < at, "compression pointer does not point back");
        at = target;
        jumped = true;
        continue;
      }
      if (size == 0) break;
      for (const uint8_t c : part(message_, at + 1, size)) text.push_back(static_cast<char>(c));
      text.push_back('.');
      at += size + 1;
    }
    if (!jumped) at_ = at + 1;
    return text.empty() ? "." : text;
  }

  std::string character_strings(size_t end) {
    std::string text;
    while (at_ < end) {
      const size_t size = message_.at(at_);
      const Bytes bytes = part(message_, at_ + 1, size);
      text += (text.empty() ? "\"" : " \"") + std::string(bytes.begin(), bytes.end()) + "\"";
      at_ += size + 1;
    }
    return text;
  }

  std::string rdata(unsigned type, size_t end) {
    const auto number = [&] { return std::to_string(take16()) + ' '; };
    switch (type) {
    case 1:
    case 28: {
      const Bytes address = part(message_, at_, type == 1 ? 4 : 16);
      at_ += address.size();
      return address_text(address);
    }
    case 2:
    case 5:
    case 12:
      return name();
    case 6: {
      std::string text = name() + ' ';
      text += name();
      for (int i = 0; i < 5; ++i, at_ += 4) text += ' ' + std::to_string(get32(message_, at_));
      return text;
    }
    case 15: {
      const std::string preference = number();
      return preference + name();
    }
    case 33: {
      std::string text = number();
      text += number();
      text += number();
      return text + name();
    }
    case 13:
    case 16:
    case 99:
      return character_strings(end);
    default: {
      const Bytes bytes = part(message_, at_, end - at_);
      at_ = end;
      return "\\# " + to_hex(bytes);
    }
    }
  }

  std::string opt() {
    std::string text = "OPT " + std::to_string(take16());
    extended_rcode_ = message_.at(at_);
    require(message_.at(at_ + 1) == 0, "EDNS version is not 0");
    if (const unsigned flags = get16(message_, at_ + 2); flags != 0) text += flags == 0x8000 ? " do" : " flags?";
    at_ += 4;
    const size_t size = take16();
    const size_t end = at_ + size;
    while (at_ < end) {
      const unsigned code = take16();
      const size_t length = take16();
      const Bytes data = part(message_, at_, length);
      if (code == 8) {
        Bytes address(data.begin() + 4, data.end());
        address.resize(get16(data, 0) == 2 ? 16 : 4);
        text += " ECS " + address_text(address) + "/" + std::to_string(data.at(2)) + "/" + std::to_string(data.at(3));
        if (get16(data, 0) == 0) text += " family 0";
      } else if (code == 10) {
        text += " COOKIE " + to_hex(data);
      } else if (code == 3) {
        text += " NSID " + std::string(data.begin(), data.end());
      } else {
        text += " option" + std::to_string(code) + "=" + to_hex(data);
      }
      at_ += length;
    }
    require(at_ == end, "EDNS option ends outside the OPT");
    return text;
  }

  std::string record() {
    const std::string owner = name();
    const unsigned type = take16();
    if (type == 41) {
      require(owner == ".", "OPT with an owner");
      return opt();
    }
    const unsigned klass = take16();
    require(klass == 1 || klass == 3, "class is neither IN nor CH");
    const uint32_t ttl = get32(message_, at_);
    at_ += 4;
    const size_t size = take16();
    const size_t end = at_ + size;
    std::string text =
        owner + ' ' + std::to_string(ttl) + (klass == 3 ? " CH " : " ") + type_name(type) + ' ' + rdata(type, end);
    require(at_ == end, "RDATA is not as long as it says");
    return text;
  }

  std::string section(unsigned count) {
    std::vector<std::string> records;
    for (unsigned i = 0; i < count; ++i) records.push_back(record());
    std::sort(records.begin(), records.end());
    std::string text;
    for (const std::string& each : records) text += (text.empty() ? "" : ", ") + each;
    return text.empty() ? "-" : text;
  }

  const Bytes& message_;
  size_t at_ = 0;
  unsigned extended_rcode_ = 0;
};

size_t l2_length(const Bytes& frame) {
  size_t at = 12;
  while (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88a8) at += 4;
  return at + 2;
}

size_t check_ipv4(const Bytes& request, const Bytes& reply, size_t ip) {
  require(part(reply, ip, 2) == Bytes({0x45, 0}), "IPv4: version, header length or DSCP");
  require(get16(reply, ip + 2) == reply.size() - ip, "IPv4: total length");
  require(get32(reply, ip + 4) == 0x00004000, "IPv4: id is not 0 or DF not set");
  require(reply.at(ip + 8) == 64 && reply.at(ip + 9) == 17, "IPv4: TTL or protocol");
  require(internet_sum(part(reply, ip, 20)) == 0xffff, "IPv4: header checksum");
  require(part(reply, ip + 12, 4) == part(request, ip + 16, 4), "IPv4: source address");
  require(part(reply, ip + 16, 4) == part(request, ip + 12, 4), "IPv4: destination address");
  return ip + 20;
}

size_t check_ipv6(const Bytes& request, const Bytes& reply, size_t ip) {
  require(get32(reply, ip) == 0x60000000, "IPv6: version, traffic class or flow label");
  require(get16(reply, ip + 4) == reply.size() - ip - 40, "IPv6: payload length");
  require(reply.at(ip + 6) == 17 && reply.at(ip + 7) == 64, "IPv6: next header or hop limit");
  require(part(reply, ip + 8, 16) == part(request, ip + 24, 16), "IPv6: source address");
  require(part(reply, ip + 24, 16) == part(request, ip + 8, 16), "IPv6: destination address");
  return ip + 40;
}

} // namespace

std::string render(const Bytes& message) {
  try {
    return Renderer(message).run();
  } catch (const std::out_of_range&) {
    throw std::runtime_error("cut off: " + to_hex(message));
  }
}

Bytes payload_of_reply(const Bytes& request, const Bytes& reply) {
  require(part(reply, 0, 6) == part(request, 6, 6), "Ethernet: destination");
  require(part(reply, 6, 6) == part(request, 0, 6), "Ethernet: source");
  const size_t ip = l2_length(request);
  require(part(reply, 12, ip - 12) == part(request, 12, ip - 12), "Ethernet: tags or type");
  const bool v6 = get16(request, ip - 2) == 0x86dd;
  const size_t udp = v6 ? check_ipv6(request, reply, ip) : check_ipv4(request, reply, ip);
  require(get16(reply, udp) == get16(request, udp + 2) && get16(reply, udp + 2) == get16(request, udp), "UDP: ports");
  require(get16(reply, udp + 4) == reply.size() - udp, "UDP: length");
  require(get16(reply, udp + 6) != 0, "UDP: no checksum");
  Bytes summed = v6 ? part(reply, ip + 8, 32) : part(reply, ip + 12, 8);
  append16(summed, 17);
  append16(summed, get16(reply, udp + 4));
  append(summed, part(reply, udp, reply.size() - udp));
  require(internet_sum(summed) == 0xffff, "UDP: checksum");
  return part(reply, udp + 8, reply.size() - udp - 8);
}

std::string render_reply(const Bytes& request, const Bytes& reply) {
  const Bytes payload = payload_of_reply(request, reply);
  const size_t at = reply.size() - payload.size();
  if (get16(reply, at - 8) != 123) return render(payload);
  const size_t length = get16(request, at - 4) - 8;
  return render_ntp(part(request, at, length), payload);
}

} // namespace anytick::test
