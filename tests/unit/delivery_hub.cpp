#include "delivery_hub.h"

#include <fmt/format.h>

#include "control/registry/audit.h"
#include "control/registry/pops.h"
#include "control/text.h"
#include "control_zones.h"

namespace anytick::test {

using delivery::Delivery;
using delivery::Push;

std::vector<std::byte> image_of(int64_t serial) {
  const control::Zone zones[] = {control::test::good_zone(
      fmt::format(R"({{"serial": {}, "data": {{"": {{"ns": "a.b", "txt": "{}"}}}}}})", serial, serial))};
  return control::test::good_image(zones, static_cast<uint64_t>(serial));
}

std::string query_policy_of(int64_t serial) {
  return fmt::format("# {}\n", serial);
}

std::string digest_of(const std::vector<std::byte>& image) {
  const auto header = core::ZoneImage::validate(image)->header();
  return {header.digest.begin(), header.digest.end()};
}

delivery::PushRequest request_of(int64_t serial, std::optional<int64_t> base, registry::Id registry_state,
                                 int64_t now) {
  delivery::PushRequest request;
  request.image = image_of(serial);
  request.plan = fmt::format(R"({{"serial": {}}})", serial);
  request.revision.serial = serial;
  request.revision.base = base;
  request.revision.created = now;
  request.revision.checksum = "c";
  request.revision.digest = control::hex_text(digest_of(request.image));
  request.revision.query_policy = query_policy_of(serial);
  request.registry_state = registry_state;
  request.actor = {"test", "", now};
  return request;
}

HubDesk::HubDesk(std::unique_ptr<store::Database> database, int64_t now)
    : database_(std::move(database)), now_(now), desk_{*database_, config_, "test", [this] { return now_.load(); }} {
  desk_.patience = {std::chrono::seconds(10), std::chrono::seconds(20)};
  desk_.sleep = [this](std::chrono::milliseconds) { ++now_; };
}

std::optional<Push> HubDesk::current() {
  std::optional<Push> push;
  database_->read([&](soci::session& sql) { push = delivery::current_push(sql); });
  return push;
}

std::optional<Push> HubDesk::open() {
  std::optional<Push> push;
  database_->read([&](soci::session& sql) { push = delivery::open_push(sql); });
  return push;
}

std::vector<Delivery> HubDesk::deliveries(registry::Id push) {
  std::vector<Delivery> all;
  database_->read([&](soci::session& sql) { all = delivery::list_deliveries(sql, push); });
  return all;
}

delivery::PushRequest HubDesk::request(int64_t serial) {
  std::optional<int64_t> base;
  if (const auto push = current()) base = push->serial;
  registry::Id state = 0;
  database_->read([&](soci::session& sql) { state = registry::last_audit(sql); });
  return request_of(serial, base, state, now_);
}

std::string text_of(const std::vector<Delivery>& deliveries, bool with_details) {
  std::string text;
  for (const Delivery& each : deliveries) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", each.pop, name_of(each.state));
    if (with_details && !each.detail.empty()) text += ": " + each.detail;
  }
  return text;
}

PopsOfDatabase::PopsOfDatabase(store::Engine engine, size_t pops) : empty_(engine) {
  for (size_t i = 0; i < pops; ++i) pops_.push_back(std::make_unique<FakePop>(address_of(i)));
  hub_.database().transact([&](soci::session& sql) {
    for (size_t i = 0; i < pops; ++i)
      registry::add_pop(sql, {"test", "", test_time},
                        {.name = std::string(1, static_cast<char>('a' + i)),
                         .target = address_of(i),
                         .tls_name = "",
                         .canary = i == 0});
  });
}

std::string PopsOfDatabase::address_of(size_t i) const {
  return "unix:" + directory_.file(fmt::format("{}.sock", i));
}

int64_t PopsOfDatabase::serial_at(size_t i) const {
  EXPECT_FALSE(pops_[i]->is_mixed()) << "POP " << i;
  const std::string policy = pops_[i]->table(v1::TABLE_KIND_POLICY);
  return policy.empty() ? 0 : std::stoll(policy.substr(2));
}

std::string PopsOfDatabase::serials() const {
  std::string text;
  for (size_t i = 0; i < pops_.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : " ", serial_at(i));
  return text;
}

} // namespace anytick::test
