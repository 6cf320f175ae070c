#include "control/geodns_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "dataplane/core/dns.h"
#include "geo/prefix.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;
using nlohmann::json;

/// One record of a file with its common parts taken apart.
struct Element {
  std::string_view text;
  const json* object; ///< null where the record is no object
  const JsonPath& where;
  std::string_view origin;
  Findings& findings;

  std::optional<std::string> refuse(std::string reason) const {
    findings.fault(where.text(), std::move(reason));
    return {};
  }
  /// An integer field of the object, `fallback` where there is none.
  std::optional<uint64_t> integer(const char* key, uint64_t max, uint64_t fallback) const {
    if (object == nullptr || !object->contains(key)) return fallback;
    return read_integer((*object)[key], JsonPath(where, key), 0, max, findings);
  }
};

std::optional<std::string> address(const Element& element, geo::Family family) {
  const auto address = geo::parse_address(element.text);
  if (!address || address->family != family)
    return element.refuse(fmt::format("\"{}\" is not an IPv{} address", element.text, static_cast<int>(family)));
  return std::string(reinterpret_cast<const char*>(address->bytes.data()), address->width() / 8);
}

std::optional<std::string> encode_a(const Element& element) {
  return address(element, geo::Family::ipv4);
}
std::optional<std::string> encode_aaaa(const Element& element) {
  return address(element, geo::Family::ipv6);
}

std::optional<std::string> name_below(const Element& element, std::string_view origin) {
  auto name = parse_name(element.text, origin);
  if (!name) return element.refuse(fmt::format("\"{}\" is not a name: {}", element.text, name.refusal().reason));
  return *std::move(name);
}

std::optional<std::string> encode_relative_name(const Element& element) {
  return name_below(element, element.origin);
}

/// GeoDNS takes the names of ns, mx and ptr as absolute with or without the trailing dot. A single label is surely
/// not meant so.
std::optional<std::string> encode_host_name(const Element& element) {
  return name_below(element, element.text.find('.') == element.text.npos ? element.origin : root_name);
}

std::optional<std::string> encode_mx(const Element& element) {
  const auto preference = element.integer("preference", UINT16_MAX, 0);
  const auto name = encode_host_name(element);
  if (!preference || !name) return {};
  std::string rdata;
  append_big(rdata, static_cast<uint16_t>(*preference));
  return rdata + *name;
}

std::optional<std::string> encode_srv(const Element& element) {
  std::string rdata;
  for (const char* key : {"priority", "srv_weight", "port"}) {
    const auto value = element.integer(key, UINT16_MAX, 0);
    if (!value) return {};
    append_big(rdata, static_cast<uint16_t>(*value));
  }
  const auto name = encode_relative_name(element);
  if (!name) return {};
  return rdata + *name;
}

std::optional<std::string> encode_strings(const Element& element) {
  constexpr size_t string_max = 255;
  std::string rdata;
  std::string_view rest = element.text;
  do {
    const std::string_view part = rest.substr(0, string_max);
    rdata += static_cast<char>(part.size());
    rdata += part;
    rest.remove_prefix(part.size());
  } while (!rest.empty());
  if (rdata.size() > UINT16_MAX) return element.refuse("longer than a record can be");
  return rdata;
}

std::optional<std::string> encode_caa(const Element& element) {
  const auto flags = element.integer("flags", UINT8_MAX, 0);
  if (!flags) return {};
  const auto tag = element.object->find("tag");
  if (tag == element.object->end() || !tag->is_string()) return element.refuse("needs a \"tag\"");
  const std::string name = lower_case(tag->get_ref<const std::string&>());
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  if (name.empty() || name.size() > UINT8_MAX || !plain)
    return element.refuse("the tag is not 1 to 255 letters and digits");
  std::string rdata{static_cast<char>(*flags), static_cast<char>(name.size())};
  rdata += name;
  rdata += element.text;
  if (rdata.size() > UINT16_MAX) return element.refuse("longer than a record can be");
  return rdata;
}

/// How a type may be written. The first of `keys` that an object has is the record's text.
struct Form {
  uint16_t type;
  std::string_view name;
  std::vector<const char*> keys;
  std::vector<const char*> more_keys;
  bool strings; ///< may be a bare string
  bool pairs;   ///< may be [text, weight]
  std::optional<std::string> (*encode)(const Element&);
};

const std::array<Form, 9>& forms() {
  static const std::array<Form, 9> all{{
      {dns::A, "a", {"ip", "a"}, {}, true, true, encode_a},
      {dns::AAAA, "aaaa", {"ip", "aaaa"}, {}, true, true, encode_aaaa},
      {dns::CNAME, "cname", {"cname"}, {}, true, true, encode_relative_name},
      {dns::MX, "mx", {"mx"}, {"preference"}, true, false, encode_mx},
      {dns::TXT, "txt", {"txt"}, {}, true, true, encode_strings},
      {dns::SPF, "spf", {"spf"}, {}, true, true, encode_strings},
      {dns::SRV, "srv", {"target"}, {"port", "priority", "srv_weight"}, false, false, encode_srv},
      {dns::PTR, "ptr", {"ptr"}, {}, true, true, encode_host_name},
      {dns::CAA, "caa", {"value"}, {"flags", "tag"}, false, false, encode_caa},
  }};
  return all;
}

/// Reads the records of one set.
class SetReader {
 public:
  SetReader(const Form& form, std::string_view origin, Findings& findings)
      : form_(form), origin_(origin), findings_(findings) {}

  void read(const json& value, const JsonPath& where) {
    ++read_;
    if (value.is_string() && form_.strings) return add(value, nullptr, nullptr, where);
    if (is_pair(value)) return add(value[0], value.size() > 1 ? &value[1] : nullptr, nullptr, where);
    if (!value.is_object())
      return findings_.fault(where.text(), shown(value) + " is not a record of type " + std::string(form_.name));
    warn_of_keys(value, where);
    const auto weight = value.find("weight");
    for (const char* key : form_.keys) {
      const auto text = value.find(key);
      if (text == value.end()) continue;
      if (!text->is_string()) return findings_.fault(where.text() + "/" + key, shown(*text) + " is not a string");
      return add(*text, weight == value.end() ? nullptr : &*weight, &value, where);
    }
    findings_.fault(where.text(), fmt::format("needs \"{}\"", form_.keys[0]));
  }

  bool is_pair(const json& value) const {
    return form_.pairs && value.is_array() && !value.empty() && value.size() <= 2 && value[0].is_string();
  }

  std::vector<ZoneRecord> take(const JsonPath& where) {
    if (read_ > 0 && dropped_ == read_) findings_.fault(where.text(), "all weights are 0");
    return std::move(records_);
  }

 private:
  void warn_of_keys(const json& object, const JsonPath& where) const {
    const auto has = [](const std::vector<const char*>& keys, const std::string& key) {
      return std::find(keys.begin(), keys.end(), key) != keys.end();
    };
    for (const auto& [key, value] : object.items()) {
      if (key == "weight" || has(form_.keys, key) || has(form_.more_keys, key)) continue;
      findings_.warn(where.text() + "/" + key,
                     key == "health" ? "ignored: health checks are not made" : "ignored: unknown key");
    }
  }

  void add(const json& text, const json* weight, const json* object, const JsonPath& where) {
    const Element element{text.get_ref<const std::string&>(), object, where, origin_, findings_};
    ZoneRecord record;
    if (weight != nullptr && !weight->is_null()) {
      const JsonPath at = object != nullptr ? JsonPath(where, "weight") : JsonPath(where, size_t{1});
      const auto stated = read_integer(*weight, at, 0, UINT32_MAX, findings_);
      if (!stated) return;
      record.weight = static_cast<uint32_t>(*stated);
    }
    auto rdata = form_.encode(element);
    if (!rdata) return;
    if (!seen_.insert(*rdata).second) {
      findings_.fault(where.text(), rdata_text(form_.type, *rdata) + " stands twice");
      return;
    }
    if (record.weight == 0u) {
      ++dropped_;
      findings_.warn(where.text(), "left out: weight 0 is never drawn");
      return;
    }
    record.rdata = *std::move(rdata);
    records_.push_back(std::move(record));
  }

  const Form& form_;
  std::string_view origin_;
  Findings& findings_;
  std::vector<ZoneRecord> records_;
  std::unordered_set<std::string> seen_;
  size_t read_ = 0;
  size_t dropped_ = 0;
};

std::vector<std::string> read_glue(const json& value, const JsonPath& where, Findings& findings) {
  std::vector<std::string> glue;
  const auto add = [&](const json& each, const JsonPath& at) {
    const auto parsed = each.is_string() ? geo::parse_address(each.get_ref<const std::string&>()) : std::nullopt;
    if (!parsed) return findings.fault(at.text(), shown(each) + " is not an address");
    glue.emplace_back(reinterpret_cast<const char*>(parsed->bytes.data()), parsed->width() / 8);
  };
  if (value.is_null() || value == "") return glue;
  if (!value.is_array())
    add(value, where);
  else
    for (size_t i = 0; i < value.size(); ++i) add(value[i], JsonPath(where, i));
  return glue;
}

} // namespace

std::optional<uint16_t> record_type(std::string_view key) {
  if (key == "ns") return dns::NS;
  for (const Form& form : forms())
    if (form.name == key) return form.type;
  return {};
}

std::optional<uint64_t> read_integer(const json& value, const JsonPath& where, uint64_t min, uint64_t max,
                                     Findings& findings) {
  std::string digits;
  if (value.is_number_integer()) digits = value.dump();
  if (value.is_string()) digits = value.get<std::string>();
  const bool negative = digits.starts_with('-');
  uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data() + (negative ? 1 : 0), end, number);
  if (digits.empty() || at != end || error == std::errc::invalid_argument) {
    findings.fault(where.text(), shown(value) + " is not an integer");
    return {};
  }
  if (negative || error == std::errc::result_out_of_range || number < min || number > max) {
    findings.fault(where.text(), fmt::format("{} is not in {}..{}", digits, min, max));
    return {};
  }
  return number;
}

std::vector<ZoneRecord> read_records(uint16_t type, const json& value, const JsonPath& where, std::string_view origin,
                                     Findings& findings) {
  const auto form = std::find_if(forms().begin(), forms().end(), [&](const Form& f) { return f.type == type; });
  SetReader reader(*form, origin, findings);
  // ["192.0.2.1", 10] beside a key is one record; elements of a list are strings, lists or objects, never numbers.
  const bool single = !value.is_array() || (reader.is_pair(value) && value.size() == 2 && value[1].is_number());
  if (value.is_null()) return {};
  if (single)
    reader.read(value, where);
  else
    for (size_t i = 0; i < value.size(); ++i) reader.read(value[i], JsonPath(where, i));
  return reader.take(where);
}

std::vector<NameServer> read_name_servers(const json& value, const JsonPath& where, std::string_view origin,
                                          Findings& findings) {
  std::vector<NameServer> servers;
  std::unordered_set<std::string> seen;
  const auto add = [&](std::string_view text, const JsonPath& at, const json& glue) {
    const auto name = encode_host_name({text, nullptr, at, origin, findings});
    if (!name) return;
    if (!seen.insert(*name).second) return findings.fault(at.text(), name_text(*name) + " stands twice");
    servers.push_back({*name, read_glue(glue, at, findings), at.text()});
  };
  const auto add_value = [&](const json& each, const JsonPath& at) {
    if (!each.is_string()) return findings.fault(at.text(), shown(each) + " is not the name of a server");
    add(each.get_ref<const std::string&>(), at, nullptr);
  };
  if (value.is_object()) {
    for (const auto& [name, glue] : value.items()) add(name, JsonPath(where, name), glue);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) add_value(value[i], JsonPath(where, i));
  } else if (!value.is_null()) {
    add_value(value, where);
  }
  return servers;
}

} // namespace anytick::control
