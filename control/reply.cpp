#include "control/reply.h"

#include <stdexcept>

#include "control/dns_text.h"
#include "dataplane/core/bytes.h"
#include "dataplane/core/path.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

constexpr size_t room = 65535;

/// Reads on from where it is. A reply of ours that is cut off is a fault of ours.
class Reader {
 public:
  Reader(std::span<const uint8_t> bytes, size_t at) : bytes_(bytes), at_(at) {}

  std::span<const uint8_t> take(size_t count) {
    if (count > bytes_.size() - at_) throw std::logic_error("a reply that is cut off");
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  uint8_t take8() { return take(1)[0]; }
  uint16_t take16() { return core::load_big16(take(2).data()); }
  uint32_t take32() { return core::load_big32(take(4).data()); }
  void skip_name() {
    while (const unsigned size = take8()) {
      if (size >= 0xc0) return void(take8());
      take(size);
    }
  }
  bool done() const { return at_ == bytes_.size(); }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_;
};

std::optional<uint8_t> scope_of(std::span<const uint8_t> options) {
  Reader reader(options, 0);
  while (!reader.done()) {
    const uint16_t code = reader.take16();
    const auto data = reader.take(reader.take16());
    if (code == dns::option_ecs) return data[3];
  }
  return {};
}

} // namespace

std::vector<uint8_t> query_message(const Question& question) {
  std::string options;
  if (question.subnet_length) {
    const unsigned length = *question.subnet_length;
    const geo::Address address = geo::prefix_of(question.client, length).address;
    const size_t address_bytes = (length + 7) / 8;
    append_big(options, dns::option_ecs);
    append_big(options, static_cast<uint16_t>(4 + address_bytes));
    append_big<uint16_t>(options, address.family == geo::Family::ipv4 ? 1 : 2);
    append_big(options, static_cast<uint8_t>(length));
    append_big<uint8_t>(options, 0);
    options.append(reinterpret_cast<const char*>(address.bytes.data()), address_bytes);
  }
  std::string message;
  for (const uint16_t word : std::initializer_list<uint16_t>{0, 0, 1, 0, 0, 1})
    append_big(message, word); // a question and an OPT
  message += question.name;
  append_big(message, question.type);
  append_big<uint16_t>(message, dns::IN);
  message += root_name;
  append_big<uint16_t>(message, dns::OPT);
  append_big(message, dns::udp_edns_max);
  append_big<uint32_t>(message, 0);
  append_big(message, static_cast<uint16_t>(options.size()));
  message += options;
  return {message.begin(), message.end()};
}

std::vector<uint8_t> answer_to(const core::View& view, const geo::Address& client, bool udp,
                               std::span<const uint8_t> query) {
  core::WorkerState worker(1);
  std::vector<uint8_t> message(query.begin(), query.end());
  message.resize(room);
  message.resize(core::answer(view, worker, {client, udp}, message.data(), query.size(), message.size()));
  return message;
}

Reply read_reply(std::span<const uint8_t> message) {
  Reader reader(message, 2);
  const unsigned flags = reader.take16();
  unsigned rcode = flags & 0xf;
  const unsigned questions = reader.take16(), answers = reader.take16(), authorities = reader.take16();
  const unsigned records = answers + authorities + reader.take16();
  Reply reply{.rcode = {},
              .truncated = (flags & dns::TC) != 0,
              .authorities = authorities,
              .refers = false,
              .answers = {},
              .scope = {}};
  for (unsigned i = 0; i < questions; ++i) {
    reader.skip_name();
    reader.take(4);
  }
  for (unsigned i = 0; i < records; ++i) {
    reader.skip_name();
    const uint16_t type = reader.take16();
    reader.take16();
    const uint32_t ttl = reader.take32();
    const auto rdata = reader.take(reader.take16());
    if (i < answers) reply.answers.push_back({type, ttl, {reinterpret_cast<const char*>(rdata.data()), rdata.size()}});
    if (i >= answers && i < answers + authorities && type == dns::NS) reply.refers = true;
    if (type != dns::OPT) continue;
    rcode |= ttl >> 24 << 4;
    reply.scope = scope_of(rdata);
  }
  reply.rcode = static_cast<dns::Rcode>(rcode);
  return reply;
}

} // namespace anytick::control
