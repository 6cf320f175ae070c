#include "control/registry/transfer_kinds.h"

#include <algorithm>

namespace anytick::registry::transfer {
namespace {

using enum FieldType;

constexpr std::array account_fields{Field{"name"}, Field{"logins", pairs}};
constexpr std::array tree_fields{Field{"name"}, Field{"parent"}, Field{"description"}};
constexpr std::array root_fields{Field{"origin"},     Field{"contact"},          Field{"name_servers", words},
                                 Field{"ttl", whole}, Field{"max_hosts", whole}, Field{"static_data", object}};
constexpr std::array vendor_fields{
    Field{"name"}, Field{"account"},         Field{"root"}, Field{"state"}, Field{"client"},
    Field{"sink"}, Field{"throttle", whole}, Field{"note"}};
constexpr std::array server_fields{Field{"address"},
                                   Field{"account"},
                                   Field{"state"},
                                   Field{"netspeed", whole},
                                   Field{"zones", words},
                                   Field{"zone_netspeed", numbers},
                                   Field{"deletion", FieldType::time},
                                   Field{"note"}};
constexpr std::array pop_fields{Field{"name"}, Field{"target"}, Field{"tls_name"}, Field{"canary", flag},
                                Field{"enabled", flag}};

struct KindInfo {
  std::string_view name, noun;
  std::span<const Field> fields;
};

// In the enumeration's order.
constexpr std::array<KindInfo, all_kinds.size()> infos{{{"accounts", "account", account_fields},
                                                        {"tree", "zone", tree_fields},
                                                        {"roots", "root", root_fields},
                                                        {"vendors", "vendor zone", vendor_fields},
                                                        {"servers", "server", server_fields},
                                                        {"pops", "POP", pop_fields}}};

const KindInfo& info(Kind kind) {
  return infos.at(static_cast<size_t>(kind));
}

} // namespace

std::span<const Field> fields_of(Kind kind) {
  return info(kind).fields;
}

const Field* find_field(Kind kind, std::string_view name) {
  const auto fields = fields_of(kind);
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

std::string field_names(Kind kind) {
  std::string text;
  for (const Field& field : fields_of(kind)) {
    if (!text.empty()) text += ", ";
    text += field.name;
  }
  return text;
}

std::string_view name_of(Kind kind) {
  return info(kind).name;
}

std::optional<Kind> kind_by_name(std::string_view name) {
  const auto found = std::ranges::find(infos, name, &KindInfo::name);
  if (found == infos.end()) return std::nullopt;
  return static_cast<Kind>(found - infos.begin());
}

std::string_view noun_of(Kind kind) {
  return info(kind).noun;
}

} // namespace anytick::registry::transfer
