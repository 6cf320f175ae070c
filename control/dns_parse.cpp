#include "control/dns_parse.h"

#include <limits>
#include <utility>

#include "control/dns_text.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/rdata.h"
#include "dataplane/core/type_names.h"
#include "geo/prefix.h"
#include "geo/text.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

Refusal because(std::string reason) {
  return {"", "", std::move(reason)};
}

/// A byte of a text: as it stands, or after a backslash.
struct Character {
  char byte;
  bool escaped;
};

/// Reads the parts of RDATA one after the other. After the first that is wrong nothing is right any more.
class RdataReader {
 public:
  explicit RdataReader(std::string_view text) : rest_(text) {}

  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }
  std::string take() { return std::move(wire_); }

  template <class T> void number() {
    const auto value = geo::number_of<T>(word());
    if (value) append_big(wire_, *value);
    good_ &= value.has_value();
  }
  void name() {
    const auto wire = parse_escaped_name(word());
    if (wire) wire_ += *wire;
    good_ &= static_cast<bool>(wire);
  }
  void address(geo::Family family) {
    const auto address = geo::parse_address(word());
    good_ &= address && address->family == family;
    if (good_) wire_.append(reinterpret_cast<const char*>(address->bytes.data()), address->width() / 8);
  }
  /// One byte of length, then an unquoted word.
  void tag() {
    const std::string_view text = word();
    std::string bytes;
    for (size_t at = 0; at < text.size() && good_;)
      if (const auto each = character(text, at)) bytes += each->byte;
    counted(bytes);
  }
  /// One byte of length, then a string in quotes.
  void character_string() { counted(quoted()); }
  /// A string in quotes that goes to the end of the RDATA.
  void tail() { wire_ += quoted(); }
  /// RFC 3597 5: the length, then hexadecimal bytes.
  void unknown() {
    good_ &= word() == "\\#";
    const auto size = geo::number_of<uint16_t>(word());
    const std::string_view digits = word();
    good_ &= size && digits.size() == 2 * size_t{*size};
    for (size_t at = 0; at < digits.size() && good_; at += 2) {
      const auto byte = geo::number_of<uint8_t>(digits.substr(at, 2), 16);
      if (byte) wire_ += static_cast<char>(*byte);
      good_ &= byte.has_value();
    }
  }

  /// The character at `at`, which moves behind it: `\.` or `\046`.
  static std::optional<Character> next_character(std::string_view text, size_t& at) {
    if (text[at] != '\\') return Character{text[at++], false};
    ++at;
    if (at == text.size()) return {};
    if (text[at] < '0' || text[at] > '9') return Character{text[at++], true};
    if (text.size() - at < 3) return {};
    const auto byte = geo::number_of<uint8_t>(text.substr(at, 3));
    at += 3;
    if (!byte) return {};
    return Character{static_cast<char>(*byte), true};
  }

 private:
  std::optional<Character> character(std::string_view text, size_t& at) {
    const auto found = next_character(text, at);
    good_ &= found.has_value();
    return found;
  }

  /// Up to the next space that is not escaped, which is passed over.
  std::string_view word() {
    size_t end = 0;
    while (end < rest_.size() && rest_[end] != ' ') end += rest_[end] == '\\' ? 2 : 1;
    end = std::min(end, rest_.size());
    const std::string_view found = rest_.substr(0, end);
    pass(end);
    return found;
  }

  std::string quoted() {
    std::string bytes;
    size_t at = 1;
    good_ &= rest_.starts_with('"');
    while (good_ && at < rest_.size() && rest_[at] != '"')
      if (const auto each = character(rest_, at)) bytes += each->byte;
    good_ &= at < rest_.size() && (at + 1 == rest_.size() || rest_[at + 1] == ' ');
    pass(at + 1);
    return bytes;
  }

  /// To behind the space at `end`, which something must follow; or to the end.
  void pass(size_t end) {
    good_ &= end + 1 != rest_.size();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
  }

  void counted(const std::string& bytes) {
    good_ &= bytes.size() <= 255;
    wire_ += static_cast<char>(bytes.size());
    wire_ += bytes;
  }

  std::string_view rest_;
  std::string wire_;
  bool good_ = true;
};

void read_rdata(uint16_t type, RdataReader& reader) {
  switch (type) {
  case dns::A:
    return reader.address(geo::Family::ipv4);
  case dns::AAAA:
    return reader.address(geo::Family::ipv6);
  case dns::NS:
  case dns::CNAME:
  case dns::PTR:
    return reader.name();
  case dns::SOA:
    reader.name();
    reader.name();
    for (int i = 0; i < 5; ++i) reader.number<uint32_t>();
    return;
  case dns::MX:
    reader.number<uint16_t>();
    return reader.name();
  case dns::SRV:
    for (int i = 0; i < 3; ++i) reader.number<uint16_t>();
    return reader.name();
  case dns::TXT:
  case dns::SPF:
    do reader.character_string();
    while (reader.good() && !reader.at_end());
    return;
  case dns::CAA:
    reader.number<uint8_t>();
    reader.tag();
    return reader.tail();
  default:
    return reader.unknown();
  }
}

} // namespace

Result<std::string> parse_escaped_name(std::string_view text) {
  if (text == ".") return std::string(root_name);
  std::string wire, label;
  for (size_t at = 0; at < text.size();) {
    const auto each = RdataReader::next_character(text, at);
    if (!each) return because("not a name: a wrong escape");
    if (each->byte != '.' || each->escaped) {
      label += each->byte;
      continue;
    }
    if (label.empty()) return because("not a name: an empty label");
    if (label.size() > dns::label_max) return because("not a name: a label of more than 63 bytes");
    wire += static_cast<char>(label.size());
    wire += std::exchange(label, {});
  }
  if (wire.empty() || !label.empty()) return because("not a name: no trailing dot");
  wire += root_name;
  if (wire.size() > dns::name_max) return because("not a name: more than 255 bytes");
  return wire;
}

std::optional<uint16_t> parse_type(std::string_view text) {
  const auto type = core::parse_qtype(text);
  return type && text == type_text(*type) ? type : std::nullopt;
}

Result<std::string> parse_rdata(uint16_t type, std::string_view text) {
  RdataReader reader(text);
  read_rdata(type, reader);
  std::string wire = reader.take();
  if (!reader.good() || !reader.at_end() || wire.size() > std::numeric_limits<uint16_t>::max() ||
      !core::rdata_is_well_formed(type, {reinterpret_cast<const uint8_t*>(wire.data()), wire.size()}))
    return because("not the data of a record of type " + type_text(type));
  return wire;
}

std::optional<core::AnswerKind> parse_kind(std::string_view text) {
  using enum core::AnswerKind;
  for (const core::AnswerKind kind : {all, draw, signed_subsets, location})
    if (text == kind_text(kind)) return kind;
  return {};
}

} // namespace anytick::control
