#include "control/registry/transfer_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/json_source.h"
#include "control/registry/names.h"
#include "control/registry/roots.h"
#include "control/registry/tree.h"
#include "control/time_text.h"

namespace anytick::registry::transfer {
namespace {

using nlohmann::json;

constexpr uint32_t whole_max = UINT32_MAX;

bool has_control(std::string_view text, bool lines) {
  return std::ranges::any_of(text, [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7f || (byte < 0x20 && !(lines && (c == '\n' || c == '\t')));
  });
}

/// Takes the members of one row by name, and tells each that does not fit.
class Members {
 public:
  Members(const RawRow& raw, TransferFaults& faults) : raw_(raw), faults_(faults) {}

  bool good() const { return good_; }

  std::optional<std::string> text(std::string_view name, bool lines = false) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return misfit<std::string>(name, *value, "is no text");
    return checked(name, value->get_ref<const std::string&>(), lines);
  }

  std::string key(std::string_view name) {
    const auto value = text(name);
    if (value && !value->empty()) return *value;
    if (value || find(name) == nullptr) tell(name, "is missing");
    return "";
  }

  std::optional<uint32_t> whole(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (is_whole(*value)) return value->get<uint32_t>();
    return misfit<uint32_t>(name, *value, "is no whole number from 0 to 4294967295");
  }

  std::optional<std::optional<uint32_t>> whole_or_none(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_null()) return std::optional<uint32_t>();
    const auto number = whole(name);
    if (!number) return std::nullopt;
    return number;
  }

  std::optional<bool> flag(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>();
    return misfit<bool>(name, *value, "is neither true nor false");
  }

  std::optional<std::optional<int64_t>> time_or_none(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_null()) return std::optional<int64_t>();
    std::optional<int64_t> seconds;
    if (value->is_string()) seconds = control::time_of(value->get_ref<const std::string&>());
    if (value->is_number_unsigned() && value->get<uint64_t>() <= uint64_t{INT64_MAX}) seconds = value->get<int64_t>();
    if (seconds) return seconds;
    misfit<int64_t>(name, *value, "is no time: 2026-06-17, 2026-06-17T09:30:00Z or seconds since 1970");
    return std::nullopt;
  }

  std::optional<std::vector<std::string>> words(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_array() || !std::ranges::all_of(*value, [](const json& each) { return each.is_string(); }))
      return misfit<std::vector<std::string>>(name, *value, "is no list of texts");
    std::vector<std::string> words;
    for (const json& each : *value) {
      const auto word = checked(name, each.get_ref<const std::string&>(), false);
      if (!word) return std::nullopt;
      words.push_back(*word);
    }
    return words;
  }

  std::optional<std::map<std::string, uint32_t>> numbers(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object() || !std::ranges::all_of(*value, is_whole))
      return misfit<std::map<std::string, uint32_t>>(name, *value, "is no list of names with whole numbers, each once");
    std::map<std::string, uint32_t> numbers;
    for (const auto& [key, number] : value->items()) {
      if (!checked(name, key, false)) return std::nullopt;
      numbers[key] = number.get<uint32_t>();
    }
    return numbers;
  }

  std::optional<std::vector<Login>> logins(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object())
      return misfit<std::vector<Login>>(name, *value, "is no list of e-mail addresses with roles, each once");
    std::vector<Login> logins;
    for (const auto& [key, each] : value->items()) {
      const auto role = each.is_string() ? role_by_name(each.get_ref<const std::string&>()) : std::nullopt;
      if (!role) return misfit<std::vector<Login>>(name, each, "is no role: owner, editor or viewer");
      const auto email = checked(name, control::lower_case(key), false);
      if (!email) return std::nullopt;
      if (std::ranges::find(logins, *email, &Login::email) != logins.end())
        return misfit<std::vector<Login>>(name, json(key), "stands twice");
      logins.push_back({*email, *role});
    }
    return logins;
  }

  template <class Enum>
  std::optional<Enum> choice(std::string_view name, std::optional<Enum> (*by_name)(std::string_view),
                             std::string_view choices) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    const auto known = value->is_string() ? by_name(value->get_ref<const std::string&>()) : std::nullopt;
    return known ? known : misfit<Enum>(name, *value, fmt::format("is none of {}", choices));
  }

  std::optional<std::string> object(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    return value->is_object() ? std::optional(value->dump()) : misfit<std::string>(name, *value, "is no JSON object");
  }

  std::optional<geo::Address> address(std::string_view name) {
    const std::string value = key(name);
    if (!good_) return std::nullopt;
    const auto parsed = geo::parse_address(value);
    return parsed ? parsed : misfit<geo::Address>(name, json(value), "is no IP address");
  }

 private:
  const json* find(std::string_view name) const {
    const auto found = raw_.members.find(name);
    return found == raw_.members.end() ? nullptr : &*found;
  }

  static bool is_whole(const json& value) { return value.is_number_unsigned() && value.get<uint64_t>() <= whole_max; }

  std::optional<std::string> checked(std::string_view name, const std::string& value, bool lines) {
    if (!has_control(value, lines)) return value;
    return misfit<std::string>(name, json(value), "has control characters");
  }

  Place place_of(std::string_view name) const {
    Place place = raw_.place;
    if (const auto line = raw_.lines.find(std::string(name)); line != raw_.lines.end()) place.line = line->second;
    if (!place.path.empty()) place.path += "/" + std::string(name);
    return place;
  }

  template <class Value>
  std::optional<Value> misfit(std::string_view name, const json& value, const std::string& reason) {
    good_ = false;
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()))
      faults_.add(place_of(name), std::string(name) + " is empty, and " + reason);
    else if (value.is_string())
      faults_.add(place_of(name), name, value.get_ref<const std::string&>(), reason);
    else
      faults_.add(place_of(name), fmt::format("{} {} {}", name, control::shown(value), reason));
    return std::nullopt;
  }

  void tell(std::string_view name, std::string_view reason) {
    good_ = false;
    faults_.add(place_of(name), fmt::format("{} {}", name, reason));
  }

  const RawRow& raw_;
  TransferFaults& faults_;
  bool good_ = true;
};

AccountRow account_row(Members& from) {
  return {.name = from.key("name"), .logins = from.logins("logins")};
}

TreeRow tree_row(Members& from) {
  TreeRow row{
      .name = tree_name(from.key("name")), .parent = from.text("parent"), .description = from.text("description")};
  if (row.parent) row.parent = tree_name(*row.parent);
  return row;
}

RootRow root_row(Members& from) {
  return {.origin = origin_of(from.key("origin")),
          .contact = from.text("contact"),
          .name_servers = from.words("name_servers"),
          .ttl = from.whole("ttl"),
          .max_hosts = from.whole("max_hosts"),
          .static_data = from.object("static_data")};
}

VendorRow vendor_row(Members& from) {
  VendorRow row{.name = control::lower_case(from.key("name")),
                .account = from.text("account"),
                .root = from.text("root"),
                .state = from.choice("state", vendor_state_by_name, "draft, pending, approved, rejected, suspended"),
                .client = from.choice("client", vendor_client_by_name, "sntp, ntp, legacy"),
                .sink = from.choice("sink", vendor_sink_by_name, "nodata, sink"),
                .throttle = from.whole_or_none("throttle"),
                .note = from.text("note", true)};
  if (row.root) row.root = origin_of(*row.root);
  return row;
}

/// A server leaves by `deletion`, or by not being in a file that replaces them.
std::optional<ServerState> present_state_by_name(std::string_view name) {
  const auto state = server_state_by_name(name);
  return state == ServerState::removed ? std::nullopt : state;
}

ServerRow server_row(Members& from) {
  return {.address = from.address("address").value_or(geo::Address()),
          .account = from.text("account"),
          .state = from.choice("state", present_state_by_name, "unverified, active"),
          .netspeed = from.whole("netspeed"),
          .zones = from.words("zones"),
          .zone_netspeed = from.numbers("zone_netspeed"),
          .deletion = from.time_or_none("deletion"),
          .note = from.text("note", true)};
}

PopRow pop_row(Members& from) {
  return {.name = control::lower_case(from.key("name")),
          .target = from.text("target"),
          .tls_name = from.text("tls_name"),
          .canary = from.flag("canary"),
          .enabled = from.flag("enabled")};
}

Row row_of(Kind kind, Members& from) {
  switch (kind) {
  case Kind::accounts:
    return account_row(from);
  case Kind::tree:
    return tree_row(from);
  case Kind::roots:
    return root_row(from);
  case Kind::vendors:
    return vendor_row(from);
  case Kind::servers:
    return server_row(from);
  case Kind::pops:
    break;
  }
  return pop_row(from);
}

struct KeyOf {
  std::string operator()(const AccountRow& row) const { return row.name; }
  std::string operator()(const TreeRow& row) const { return row.name; }
  std::string operator()(const RootRow& row) const { return row.origin; }
  std::string operator()(const VendorRow& row) const { return row.name; }
  std::string operator()(const ServerRow& row) const { return geo::to_text(row.address); }
  std::string operator()(const PopRow& row) const { return row.name; }
};

} // namespace

std::string key_of(const Row& row) {
  return std::visit(KeyOf(), row);
}

std::optional<Row> decode(const RawRow& raw, TransferFaults& faults) {
  Members members(raw, faults);
  Row row = row_of(raw.kind, members);
  if (!members.good()) return std::nullopt;
  return row;
}

std::optional<std::string> decode_key(const RawRow& raw) {
  RawRow bare{.kind = raw.kind};
  const std::string name(fields_of(raw.kind).front().name);
  if (const auto key = raw.members.find(name); key != raw.members.end()) bare.members[name] = *key;
  TransferFaults untold("", 0);
  const auto row = decode(bare, untold);
  return row ? std::optional(key_of(*row)) : std::nullopt;
}

} // namespace anytick::registry::transfer
