#include "control/commands/pop_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/text.h"

namespace anytick::control {
namespace {

namespace v1 = pop::v1;
using nlohmann::ordered_json;

std::string kind_text(v1::TableKind kind) {
  switch (kind) {
  case v1::TABLE_KIND_ZONE:
    return "zone";
  case v1::TABLE_KIND_GEO:
    return "geo";
  case v1::TABLE_KIND_POLICY:
    return "policy";
  default:
    return fmt::format("table-{}", static_cast<int>(kind));
  }
}

std::string age_text(uint64_t then, uint64_t now) {
  return duration_text(now > then ? now - then : 0);
}

std::string table_text(const v1::TableInfo& table, uint64_t now) {
  std::string text = "  " + kind_text(table.kind());
  if (table.kind() == v1::TABLE_KIND_ZONE) text += fmt::format(" serial {}", table.serial());
  if (table.created() != 0) text += " created " + date_text(table.created());
  text += fmt::format(" loaded {} ago, format {}, {} bytes, digest {}", age_text(table.loaded(), now), table.format(),
                      table.size(), hex_text(table.digest()));
  if (!table.key_id().empty()) text += ", signed by key " + hex_text(table.key_id());
  return text + '\n';
}

template <class Tables> std::string tables_text(const Tables& tables, uint64_t now) {
  if (tables.empty()) return "tables: none\n";
  std::string text = "tables:\n";
  for (const v1::TableInfo& table : tables) text += table_text(table, now);
  return text;
}

/// "zone serial 7", or "geo digest 0102030405060708".
std::string short_table_text(const v1::TableInfo& table) {
  if (table.kind() == v1::TABLE_KIND_ZONE) return fmt::format("zone serial {}", table.serial());
  return fmt::format("{} digest {}", kind_text(table.kind()), hex_text(table.digest()).substr(0, 16));
}

/// What comes back, as far as it is not what runs: "zone serial 7, no policy".
template <class Tables> std::string coming_back_text(const v1::Unconfirmed& unconfirmed, const Tables& running) {
  const auto of_kind = [](const auto& tables, v1::TableKind kind) {
    return std::find_if(tables.begin(), tables.end(), [&](const v1::TableInfo& table) { return table.kind() == kind; });
  };
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto& previous = unconfirmed.previous();
  for (const v1::TableInfo& table : previous) {
    const auto now = of_kind(running, table.kind());
    if (now == running.end() || now->digest() != table.digest()) add(short_table_text(table));
  }
  for (const v1::TableInfo& table : running)
    if (of_kind(previous, table.kind()) == previous.end()) add("no " + kind_text(table.kind()));
  return text.empty() ? "the same tables" : text;
}

template <class Reply> std::string unconfirmed_text(const Reply& reply) {
  if (!reply.has_unconfirmed()) return "";
  return fmt::format("unconfirmed, reverts in {} to {}\n", duration_text(reply.unconfirmed().seconds_left()),
                     coming_back_text(reply.unconfirmed(), reply.tables()));
}

/// "refused: ..." or what was done, and what runs.
template <class Reply> std::string outcome_text(const Reply& reply, bool done, const std::string& what, uint64_t now) {
  std::string text = done ? what : "refused: " + reply.reason();
  text += fmt::format("\ngeneration {}\n", reply.generation());
  if constexpr (requires { reply.unconfirmed(); }) text += unconfirmed_text(reply);
  text += tables_text(reply.tables(), now);
  text.pop_back();
  return text;
}

std::string_view state_text(v1::SecretState state) {
  return state == v1::SECRET_STATE_ACTIVE ? "active" : "accept-only";
}

template <class Counters> std::string counters_text(const std::string& title, const Counters& counters) {
  std::string text;
  for (const v1::Counter& counter : counters)
    if (counter.value() != 0) text += fmt::format("  {:<32} {:>20}\n", counter.name(), counter.value());
  return title + (text.empty() ? ": all zero\n" : ":\n" + text);
}

std::string policy_text(const google::protobuf::RepeatedPtrField<v1::PolicyRule>& rules) {
  std::string text;
  for (const v1::PolicyRule& rule : rules)
    text += fmt::format("  {:<32} {:>20} matched, {:>20} decided: {}\n", rule.name(), rule.matched(), rule.decided(),
                        rule.action());
  return text.empty() ? "" : "policy:\n" + text;
}

/// An IPv4 address, or at stratum 1 a name.
std::string refid_text(const v1::Clock& clock) {
  const std::string& refid = clock.refid();
  if (refid.size() != 4) return "-";
  const auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(refid[i])); };
  if (clock.stratum() != 1) return fmt::format("{}.{}.{}.{}", byte(0), byte(1), byte(2), byte(3));
  const std::string name = refid.substr(0, refid.find('\0'));
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return printable ? name : hex_text(refid);
}

std::string clock_text(const v1::Clock& clock) {
  if (!clock.synchronised()) return fmt::format("clock: not synchronised: {}\n", clock.reason());
  return fmt::format(
      "clock: by {}, stratum {}, {}, root delay {:.6f} s, dispersion {:.6f} s, correction {:+.9f} s, {:.1f} s "
      "ago\n",
      clock.source(), clock.stratum(), refid_text(clock), clock.root_delay(), clock.root_dispersion(),
      clock.correction(), clock.age());
}

ordered_json clock_json(const v1::Clock& clock) {
  return {{"source", clock.source()},
          {"synchronised", clock.synchronised()},
          {"reason", clock.reason()},
          {"leap", clock.leap()},
          {"stratum", clock.stratum()},
          {"refid", refid_text(clock)},
          {"root_delay", clock.root_delay()},
          {"root_dispersion", clock.root_dispersion()},
          {"correction", clock.correction()},
          {"slope", clock.slope()},
          {"age", clock.age()},
          {"precision", clock.precision()}};
}

template <class Counters> ordered_json counters_json(const Counters& counters) {
  ordered_json json = ordered_json::object();
  for (const v1::Counter& counter : counters) json[counter.name()] = counter.value();
  return json;
}

ordered_json table_json(const v1::TableInfo& table) {
  return {{"kind", kind_text(table.kind())},
          {"format", table.format()},
          {"size", table.size()},
          {"digest", hex_text(table.digest())},
          {"serial", table.serial()},
          {"created", table.created()},
          {"loaded", table.loaded()},
          {"signed_by", table.key_id().empty() ? ordered_json() : ordered_json(hex_text(table.key_id()))}};
}

ordered_json unconfirmed_json(const v1::Unconfirmed& unconfirmed) {
  ordered_json previous = ordered_json::array();
  for (const v1::TableInfo& table : unconfirmed.previous()) previous.push_back(table_json(table));
  return {
      {"generation", unconfirmed.generation()}, {"seconds_left", unconfirmed.seconds_left()}, {"previous", previous}};
}

} // namespace

std::string secrets_text(const google::protobuf::RepeatedPtrField<v1::CookieSecretInfo>& cookies) {
  std::string text;
  for (const v1::CookieSecretInfo& each : cookies)
    text += fmt::format("  cookie secret {} {}\n", hex_text(each.fingerprint()), state_text(each.state()));
  return text;
}

std::string load_text(const v1::LoadReply& reply, uint64_t now) {
  const double milliseconds = static_cast<double>(reply.load_microseconds()) / 1e3;
  return outcome_text(reply, reply.applied(), fmt::format("applied in {:.1f} ms", milliseconds), now);
}

std::string confirm_text(const v1::ConfirmReply& reply, uint64_t now) {
  const bool stored = reply.not_stored().empty();
  return outcome_text(reply, reply.confirmed(),
                      stored ? "confirmed" : "confirmed, but not stored: " + reply.not_stored(), now);
}

std::string revert_text(const v1::RevertReply& reply, uint64_t now) {
  return outcome_text(reply, reply.reverted(), "reverted", now);
}

std::string status_text(const v1::StatusReply& reply, uint64_t now) {
  std::string text = fmt::format("POP {}\nanytickd {}, protocol {}, up {}, generation {}\n", reply.name(),
                                 reply.version(), reply.protocol(), age_text(reply.started(), now), reply.generation());
  text += unconfirmed_text(reply);
  text += tables_text(reply.tables(), now);
  if (!reply.trusted_key_ids().empty()) text += "trusted keys:\n";
  for (const std::string& id : reply.trusted_key_ids()) text += fmt::format("  {}\n", hex_text(id));
  if (!reply.cookie_secrets().empty()) text += "secrets:\n" + secrets_text(reply.cookie_secrets());
  text += reply.zones().empty() ? "zones: none\n" : "zones:\n";
  for (const v1::Zone& zone : reply.zones())
    text += fmt::format("  {} serial {}, {} names\n", zone.origin(), zone.serial(), zone.names());
  for (const v1::Port& port : reply.ports())
    text += fmt::format("port {}: {} received, {} sent, {} missed\n", port.device(), port.received(), port.sent(),
                        port.missed() + port.rx_no_mbuf());
  if (reply.has_clock()) text += clock_text(reply.clock());
  text += policy_text(reply.policy());
  text += counters_text("counters", reply.counters());
  for (const v1::Worker& worker : reply.workers())
    text += counters_text(worker.name().empty() ? fmt::format("worker on core {}", worker.core()) : worker.name(),
                          worker.counters());
  return text;
}

std::string status_json(const v1::StatusReply& reply) {
  ordered_json json{
      {"name", reply.name()},          {"version", reply.version()},       {"protocol", reply.protocol()},
      {"started", reply.started()},    {"generation", reply.generation()}, {"tables", ordered_json::array()},
      {"zones", ordered_json::array()}};
  for (const v1::TableInfo& table : reply.tables()) json["tables"].push_back(table_json(table));
  json["unconfirmed"] = reply.has_unconfirmed() ? unconfirmed_json(reply.unconfirmed()) : ordered_json();
  json["features"] = ordered_json::array();
  for (const std::string& feature : reply.features()) json["features"].push_back(feature);
  json["trusted_keys"] = ordered_json::array();
  for (const std::string& id : reply.trusted_key_ids()) json["trusted_keys"].push_back(hex_text(id));
  for (const v1::Zone& zone : reply.zones())
    json["zones"].push_back({{"origin", zone.origin()}, {"serial", zone.serial()}, {"names", zone.names()}});
  json["cookie_secrets"] = ordered_json::array();
  for (const v1::CookieSecretInfo& each : reply.cookie_secrets())
    json["cookie_secrets"].push_back(
        {{"fingerprint", hex_text(each.fingerprint())}, {"state", state_text(each.state())}});
  json["policy"] = ordered_json::array();
  for (const v1::PolicyRule& rule : reply.policy())
    json["policy"].push_back(
        {{"name", rule.name()}, {"action", rule.action()}, {"matched", rule.matched()}, {"decided", rule.decided()}});
  json["clock"] = reply.has_clock() ? clock_json(reply.clock()) : ordered_json();
  json["counters"] = counters_json(reply.counters());
  json["ports"] = ordered_json::array();
  for (const v1::Port& port : reply.ports())
    json["ports"].push_back({{"device", port.device()},
                             {"received", port.received()},
                             {"sent", port.sent()},
                             {"missed", port.missed()},
                             {"rx_errors", port.rx_errors()},
                             {"tx_errors", port.tx_errors()},
                             {"rx_no_mbuf", port.rx_no_mbuf()}});
  json["workers"] = ordered_json::array();
  for (const v1::Worker& worker : reply.workers())
    json["workers"].push_back({{"core", worker.name().empty() ? ordered_json(worker.core()) : ordered_json()},
                               {"name", worker.name()},
                               {"counters", counters_json(worker.counters())}});
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

} // namespace anytick::control
