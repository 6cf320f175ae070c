#include "control/plan/plan_text.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "control/plan/guard.h"
#include "control/plan/plan_words.h"
#include "control/plan/text_table.h"
#include "control/text.h"

namespace anytick::plan {
namespace {

using selection::Verdict;
using Align = TextTable::Align;

constexpr size_t text_columns = 100;
constexpr size_t name_length = 24;

const char* family_text(geo::Family family) {
  return family == geo::Family::ipv4 ? "IPv4" : "IPv6";
}
size_t index_of(geo::Family family) {
  return family == geo::Family::ipv4 ? 0 : 1;
}

template <class Map, class Key> double share_in(const Map& shares, const Key& key) {
  const auto found = shares.find(key);
  return found == shares.end() ? 0 : found->second;
}

std::string score_text(const std::optional<double>& score) {
  return score ? fmt::format("{:.1f}", *score) : "none";
}

std::string delta_text(double before, double after) {
  return fmt::format("{:+.3f}", 100 * (after - before));
}

struct ServerTotals {
  size_t leave = 0, enter = 0, reweighted = 0, in_before = 0, in_after = 0;
};

ServerTotals totals_of(const Plan& plan) {
  ServerTotals totals;
  for (const selection::Judged& each : plan.selection.servers) totals.in_after += each.verdict == Verdict::in ? 1 : 0;
  for (const ServerChange& each : plan.servers) {
    totals.leave += each.before == Verdict::in && each.after != Verdict::in ? 1 : 0;
    totals.enter += each.before != Verdict::in && each.after == Verdict::in ? 1 : 0;
    totals.reweighted += each.before == Verdict::in && each.after == Verdict::in ? 1 : 0;
  }
  totals.in_before = totals.in_after + totals.leave - totals.enter;
  return totals;
}

std::string reason_of(const ServerChange& change) {
  if (change.is_gone) return "removed";
  if (change.after == Verdict::in) return change.is_new ? "new" : fmt::format("was {}", verdict_word(change.before));
  return std::string(verdict_word(change.after));
}

class PlanText {
 public:
  PlanText(const Plan& plan, const TextOptions& options) : plan_(plan), options_(options) {}

  std::string run() {
    add_head();
    add_servers("leave", [](const ServerChange& c) { return c.before == Verdict::in && c.after != Verdict::in; });
    add_servers("come in", [](const ServerChange& c) { return c.before != Verdict::in && c.after == Verdict::in; });
    add_servers("change weight",
                [](const ServerChange& c) { return c.before == Verdict::in && c.after == Verdict::in; });
    add_zones();
    add_accounts();
    add_objections();
    return std::move(text_);
  }

 private:
  struct Delta {
    double before = 0, after = 0;
    double size() const { return std::abs(after - before); }
  };

  void add_head() {
    const ServerTotals totals = totals_of(plan_);
    text_ += fmt::format("plan {} {}, of {}\n", plan_.serial,
                         plan_.base ? fmt::format("to follow {}", *plan_.base) : "before which nothing was pushed",
                         control::date_text(static_cast<uint64_t>(plan_.created)));
    text_ += fmt::format("  image {}\n", plan_.image_digest);
    text_ +=
        fmt::format("  {} of {} servers are in, {} were; {} leave, {} come in, {} change weight; {} zones change\n",
                    totals.in_after, plan_.selection.servers.size(), totals.in_before, totals.leave, totals.enter,
                    totals.reweighted, plan_.zones.size());
    for (const DataChange& each : plan_.data_changes) text_ += wrapped(each.text, "  ", text_columns);
    if (plan_.changes_nothing()) text_ += "  nothing changes\n";
  }

  std::string account_text(registry::Id id) const {
    const auto name = options_.accounts.find(id);
    return name == options_.accounts.end() ? fmt::format("account {}", id) : shown_name(name->second, name_length);
  }

  Delta share_of(const ServerChange& change) const {
    const size_t family = index_of(change.address.family);
    return {share_in(plan_.before[family].servers, change.address),
            share_in(plan_.after[family].servers, change.address)};
  }

  /// The most important ones, and how many there are at all.
  template <class T, class Importance>
  std::vector<T> foremost(const std::string& title, std::vector<T> all, Importance importance) {
    std::ranges::stable_sort(all, [&](const T& a, const T& b) { return importance(a) > importance(b); });
    const bool cut = options_.top > 0 && all.size() > options_.top;
    text_ += fmt::format("\n{} ({}{})\n", title, all.size(),
                         cut ? fmt::format("; the {} that matter most, --all for all of them", options_.top) : "");
    if (cut) all.erase(all.begin() + static_cast<std::ptrdiff_t>(options_.top), all.end());
    return all;
  }

  template <class Is> void add_servers(const std::string& what, Is is) {
    std::vector<const ServerChange*> all;
    for (const ServerChange& each : plan_.servers)
      if (is(each)) all.push_back(&each);
    if (all.empty()) return;
    TextTable table({{"server"},
                     {"account"},
                     {"why"},
                     {"score", Align::right},
                     {"zone"},
                     {"weight", Align::right},
                     {"share", Align::right},
                     {"", Align::right}});
    for (const ServerChange* each :
         foremost("servers that " + what, std::move(all), [&](const ServerChange* c) { return share_of(*c).size(); })) {
      const Delta share = share_of(*each);
      const bool stays = each->before == each->after;
      table.add({geo::to_text(each->address), account_text(each->account), stays ? "" : reason_of(*each),
                 score_text(each->score), each->zone, fmt::format("{} -> {}", each->weight_before, each->weight_after),
                 fmt::format("{} -> {}", percent_text(share.before), percent_text(share.after)),
                 delta_text(share.before, share.after)});
    }
    text_ += table.text();
  }

  Delta share_of(const ZoneChange& change) const {
    const size_t family = index_of(change.family);
    return {share_in(plan_.before[family].zones, change.zone), share_in(plan_.after[family].zones, change.zone)};
  }

  void add_zones() {
    if (plan_.zones.empty()) return;
    std::vector<const ZoneChange*> all;
    for (const ZoneChange& each : plan_.zones) all.push_back(&each);
    // Of zones that no more or fewer clients are served by, those that lose or win most.
    const auto importance = [&](const ZoneChange* change) {
      const auto [less, more] = std::minmax(change->capacity_before, change->capacity_after);
      const double part = more == 0 ? 0 : 1 - static_cast<double>(less) / static_cast<double>(more);
      return std::pair(share_of(*change).size(), part * static_cast<double>(more));
    };
    TextTable table({{"zone"},
                     {""},
                     {"servers", Align::right},
                     {"out/in/moved"},
                     {"capacity", Align::right},
                     {"share of queries", Align::right},
                     {"", Align::right}});
    for (const ZoneChange* each : foremost("zones that change", std::move(all), importance)) {
      const Delta share = share_of(*each);
      table.add({each->zone, family_text(each->family),
                 fmt::format("{} -> {}", each->servers_before, each->servers_after),
                 fmt::format("-{} +{} ~{}", each->removed, each->added, each->moved),
                 fmt::format("{} -> {}", capacity_text(each->capacity_before), capacity_text(each->capacity_after)),
                 fmt::format("{} -> {}", percent_text(share.before), percent_text(share.after)),
                 delta_text(share.before, share.after)});
    }
    text_ += table.text();
  }

  struct AccountShare {
    registry::Id id;
    geo::Family family;
    Delta share;
  };

  void add_accounts() {
    std::vector<AccountShare> all;
    for (const geo::Family family : {geo::Family::ipv4, geo::Family::ipv6}) {
      const auto& before = plan_.before[index_of(family)].accounts;
      const auto& after = plan_.after[index_of(family)].accounts;
      std::set<registry::Id> ids;
      for (const auto& [id, share] : before) ids.insert(id);
      for (const auto& [id, share] : after) ids.insert(id);
      for (const registry::Id id : ids) {
        const Delta share{share_in(before, id), share_in(after, id)};
        constexpr double shown_least = 5e-6; // what three digits of a percentage show
        if (share.size() >= shown_least) all.push_back({id, family, share});
      }
    }
    if (all.empty()) return;
    TextTable table({{"account"}, {""}, {"share", Align::right}, {"", Align::right}});
    for (const AccountShare& each :
         foremost("accounts whose share changes", std::move(all), [](const AccountShare& a) { return a.share.size(); }))
      table.add({account_text(each.id), family_text(each.family),
                 fmt::format("{} -> {}", percent_text(each.share.before), percent_text(each.share.after)),
                 delta_text(each.share.before, each.share.after)});
    text_ += table.text();
  }

  void add_objections() {
    if (plan_.objections.empty()) {
      text_ += "\nthe guard has no objection\n";
      return;
    }
    text_ += fmt::format("\nthe guard objects ({}{})\n", plan_.objections.size(),
                         options_.top > 0 && plan_.objections.size() > options_.top
                             ? fmt::format("; the gravest {}, --all for all of them", options_.top)
                             : "");
    for (size_t i = 0; i < plan_.objections.size() && (options_.top == 0 || i < options_.top); ++i)
      text_ += wrapped(plan_.objections[i].text, "  ", text_columns);
  }

  const Plan& plan_;
  const TextOptions& options_;
  std::string text_;
};

} // namespace

std::string plan_text(const Plan& plan, const TextOptions& options) {
  return PlanText(plan, options).run();
}

std::string plan_summary(const Plan& plan) {
  const ServerTotals totals = totals_of(plan);
  std::string text =
      fmt::format("plan {} on {}: {} of {} servers in, {} leave, {} come in, {} change weight, {} zones change, ",
                  plan.serial, plan.base ? std::to_string(*plan.base) : "nothing", totals.in_after,
                  plan.selection.servers.size(), totals.leave, totals.enter, totals.reweighted, plan.zones.size());
  if (const size_t others = plan.data_changes.size(); others > 0)
    text += fmt::format("{} other change{}, ", others, others == 1 ? "" : "s");
  if (plan.objections.empty()) return text + "no objections";
  std::set<std::string_view> rules;
  for (const Objection& each : plan.objections) rules.insert(rule_name(each.rule));
  return text + fmt::format("{} objection{}: {}", plan.objections.size(), plan.objections.size() == 1 ? "" : "s",
                            fmt::join(rules, ", "));
}

} // namespace anytick::plan
