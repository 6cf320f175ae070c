#include "control/delivery/settings.h"

#include "control/registry/audit.h"

namespace anytick::delivery {
namespace {

constexpr const char* hold_name = "hold";

nlohmann::ordered_json json_of(const Hold& hold) {
  return {{"serial", hold.serial}, {"who", hold.who}, {"reason", hold.reason}, {"time", hold.time}};
}

} // namespace

std::optional<nlohmann::json> read_setting(soci::session& sql, const std::string& name) {
  std::string value;
  sql << "SELECT value FROM settings WHERE name = :name", soci::use(name), soci::into(value);
  if (!sql.got_data()) return std::nullopt;
  return nlohmann::json::parse(value);
}

void write_setting(soci::session& sql, const std::string& name, const nlohmann::json& value) {
  const std::string text = value.dump();
  sql << "INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = "
         "excluded.value",
      soci::use(name), soci::use(text);
}

void remove_setting(soci::session& sql, const std::string& name) {
  sql << "DELETE FROM settings WHERE name = :name", soci::use(name);
}

std::optional<Hold> read_hold(soci::session& sql) {
  const auto value = read_setting(sql, hold_name);
  if (!value) return std::nullopt;
  return Hold{value->at("serial"), value->at("who"), value->at("reason"), value->at("time")};
}

void set_hold(soci::session& sql, const Hold& hold) {
  const auto before = read_hold(sql);
  write_setting(sql, hold_name, json_of(hold));
  registry::record(sql, {hold.who, hold.reason, hold.time}, "hold", "pushes", "set",
                   before ? json_of(*before) : nlohmann::ordered_json(), json_of(hold));
}

bool release_hold(soci::session& sql, const registry::Actor& actor) {
  const auto hold = read_hold(sql);
  if (!hold) return false;
  remove_setting(sql, hold_name);
  registry::record(sql, actor, "hold", "pushes", "release", json_of(*hold), nullptr);
  return true;
}

} // namespace anytick::delivery
