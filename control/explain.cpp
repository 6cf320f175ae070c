#include "control/explain.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/inclusion.h"
#include "control/reply.h"
#include "control/targeting.h"
#include "dataplane/core/dns_answer.h"
#include "dataplane/core/dns_location.h"
#include "dataplane/core/join.h"
#include "geo/region_groups.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

constexpr uint32_t no_rrset = core::AnswerRef::none_index;

[[noreturn]] void differs(const std::string& what) {
  throw std::logic_error("the explanation is not what was answered: " + what);
}

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A target that the client is tried at.
struct ClientTarget {
  std::string text;
  uint32_t index; ///< among the image's targets; core::no_target if nothing there is for it
};

/// Follows core::Evaluator through the selectors of a zone and keeps what it sees.
class Tracer {
 public:
  Tracer(const core::ZoneImage& image, const core::ImageZone& zone, const std::vector<ClientTarget>& targets)
      : image_(image), targets_(targets), owners_(image.selectors().size(), nobody) {
    for (uint32_t index = zone.first_node; index < zone.first_node + zone.node_count; ++index)
      for (const core::ImageNodeType& type : types_of(index)) own(type.selector, index);
  }

  /// The RRset that a node has for a type and this client, or no_rrset.
  uint32_t trace(uint32_t node, uint16_t type, std::vector<Trial>& trials) {
    const auto types = types_of(node);
    auto listed = std::find_if(types.begin(), types.end(), [&](const auto& each) { return each.type == type; });
    if (listed == types.end())
      listed = std::find_if(types.begin(), types.end(), [](const auto& each) { return each.type == 0; });
    traced_.clear();
    return follow(listed == types.end() ? nobody : listed->selector, node, trials);
  }

 private:
  static constexpr uint32_t nobody = UINT32_MAX;

  std::span<const core::ImageNodeType> types_of(uint32_t node) const {
    const core::ImageNode& from = image_.nodes()[node];
    return image_.node_types().subspan(from.first_type, from.type_count);
  }

  // Names that are nothing but an alias share the selector of what they lead to, which has the shortest name.
  void own(uint32_t selector, uint32_t node) {
    uint32_t& owner = owners_[selector];
    if (owner == nobody || image_.nodes()[node].name.length < image_.nodes()[owner].name.length) owner = node;
  }

  const core::ImageEntry* entry_of(uint32_t selector, const ClientTarget& target) const {
    if (selector == nobody || target.index == core::no_target) return nullptr;
    const core::ImageSelector& from = image_.selectors()[selector];
    for (const core::ImageEntry& entry : image_.entries().subspan(from.first_entry, from.entry_count))
      if (entry.target == target.index) return &entry;
    return nullptr;
  }

  uint32_t follow(uint32_t selector, uint32_t node, std::vector<Trial>& trials) {
    uint32_t found = no_rrset;
    for (const ClientTarget& target : targets_) {
      Trial& trial = trials.emplace_back();
      trial.target = target.text;
      trial.result = TrialResult::not_tried;
      if (found == no_rrset) found = attempt(entry_of(selector, target), node, target, trial);
    }
    traced_.insert(selector);
    return found;
  }

  uint32_t attempt(const core::ImageEntry* entry, uint32_t node, const ClientTarget& target, Trial& trial) {
    if (entry == nullptr) {
      if (node != nobody)
        for (const core::ImageNodeType& type : types_of(node))
          if (type.type != 0 && entry_of(type.selector, target) != nullptr) trial.types.push_back(type.type);
      trial.result = trial.types.empty() ? TrialResult::no_label : TrialResult::no_type;
      return no_rrset;
    }
    uint32_t found = entry->index;
    if (entry->is_alias != 0) {
      const uint32_t owner = owners_[entry->index];
      trial.alias = owner == nobody ? fmt::format("selector-{}", entry->index)
                                    : name_text(image_.text_of(image_.nodes()[owner].name));
      found = traced_.contains(entry->index) ? no_rrset : follow(entry->index, owner, trial.alias_trials);
    }
    trial.result = found == no_rrset ? TrialResult::alias_empty : TrialResult::answers;
    return found;
  }

  const core::ZoneImage& image_;
  const std::vector<ClientTarget>& targets_;
  std::vector<uint32_t> owners_;
  std::set<uint32_t> traced_; ///< in this trace: those that yielded nothing, and those being followed
};

class Explainer {
 public:
  Explainer(const core::View& view, const Question& question) : view_(view), image_(*view.image), join_(*view.join) {
    out_.question = question;
  }

  Explanation run() {
    ask();
    if (query_.kind != core::QueryKind::lookup) {
      out_.ending = Ending::not_looked_up;
      return std::move(out_);
    }
    find(out_.question.client);
    see_client();
    if (lookup_.node == core::NameTable::none) {
      out_.ending = Ending::no_zone;
    } else {
      enter_zone();
      out_.ending = walk();
    }
    compare();
    return std::move(out_);
  }

 private:
  void ask();
  void find(const geo::Address& source) {
    core::begin_lookup(view_, query_, source, lookup_);
    core::finish_lookup(view_, query_, lookup_);
  }
  std::string node_text(uint32_t node) const { return name_text(image_.text_of(image_.nodes()[node].name)); }
  void see_client();
  void enter_zone();
  void read_targets(const core::ImageZone& zone);
  Ending walk();
  void choose(Step& step);
  void see_scope(Step& step, core::TargetKinds kinds, const core::Overlay* overlay) const;
  SetSeen see_set(uint32_t index) const;
  void take_records(const SetSeen& set);
  bool follow_cname();
  void compare() const;

  core::View view_;
  const core::ZoneImage& image_;
  const core::Join& join_;
  Explanation out_;

  Reply reply_;
  size_t taken_ = 0; ///< answers of the reply that are explained
  core::DnsQuery query_;
  core::Lookup lookup_;

  uint32_t zone_ = 0;
  geo::Place place_{};
  std::vector<ClientTarget> targets_;
  std::optional<Tracer> tracer_;
};

void Explainer::ask() {
  const Question& question = out_.question;
  const std::vector<uint8_t> message = query_message(question);
  core::parse_query(message.data(), message.size(), query_);
  const std::vector<uint8_t> bytes = answer_to(view_, question.client, false, message);
  reply_ = read_reply(bytes);
  const bool truncated = read_reply(answer_to(view_, question.client, true, message)).truncated;
  out_.reply = {reply_.rcode, bytes.size(), reply_.answers.size(), truncated, reply_.scope};
}

void Explainer::see_client() {
  Whereabouts client{.located = lookup_.located, .by_subnet = lookup_.by_subnet, .location = {}, .prefixes = {}};
  if (view_.map != nullptr) {
    place_ = view_.map->places()[lookup_.place];
    client.location = view_.map->locations()[place_.location];
  }
  for (size_t level = 0; level < geo::level_count; ++level)
    client.prefixes[level] = geo::prefix_of(lookup_.located, place_.length[level]);
  out_.client = client;
}

void Explainer::enter_zone() {
  zone_ = join_.node(lookup_.node).zone;
  const core::ImageZone& zone = image_.zones()[zone_];
  out_.zone = {node_text(zone.first_node), zone.serial, targeting_text(zone.targeting)};
  read_targets(zone);
  tracer_.emplace(image_, zone, targets_);
}

/// The client's targets in the order of core::TargetIndex::signature(), with those that nothing in the image is for.
void Explainer::read_targets(const core::ImageZone& zone) {
  const core::TargetIndex index(image_);
  const geo::Location& location = out_.client->location;
  const auto add = [&](uint32_t flags, std::string_view text) {
    if ((zone.targeting & flags) == flags && !text.empty()) targets_.push_back({std::string(text), index.find(text)});
  };
  core::TargetList expected;
  if (const core::ReadyZone& ready = join_.zone(zone_); ready.overlay != nullptr) {
    expected = ready.overlay->entries()[ready.overlay->find(lookup_.located).entry];
    for (const uint32_t target : expected) add(0, image_.text_of(image_.targets()[target].text));
  }
  if (location.asn != 0) add(core::target_asn, fmt::format("as{}", location.asn));
  add(core::target_region, location.region_text());
  add(core::target_region_group, geo::region_group(location));
  add(core::target_country, location.country_text());
  add(core::target_continent, geo::continent_name(location.continent));
  add(0, "@");

  const core::TargetList by_location = index.signature(location, zone.targeting);
  expected.insert(expected.end(), by_location.begin(), by_location.end());
  core::TargetList named;
  for (const ClientTarget& target : targets_)
    if (target.index != core::no_target) named.push_back(target.index);
  if (named != expected) differs("targets of the client");
}

Ending Explainer::walk() {
  while (true) {
    Step& step = out_.steps.emplace_back();
    step.name = name_text(text_of(query_.name.suffix(0)));
    if (const uint32_t cut = join_.cut_above(lookup_.node, lookup_.exact, query_.qtype); cut != core::ReadyNode::none) {
      out_.delegation = node_text(join_.referral(cut).node);
      return Ending::referral;
    }
    if (!lookup_.exact) {
      const uint32_t wildcard = join_.node(lookup_.node).wildcard;
      if (wildcard == core::ReadyNode::none) {
        out_.closest_encloser = node_text(lookup_.node);
        return Ending::nxdomain;
      }
      step.wildcard = node_text(wildcard);
      lookup_.node = wildcard;
    }
    const bool has_types = image_.nodes()[lookup_.node].type_count > 0;
    if (query_.qtype == dns::ANY && has_types) return Ending::any;
    choose(step);
    out_.scope = std::max(out_.scope, step.scope);
    if (!step.set) return has_types ? Ending::nodata : Ending::empty_name;
    take_records(*step.set);
    if (step.set->type != dns::CNAME || query_.qtype == dns::CNAME) return Ending::answered;
    if (!follow_cname()) return Ending::leaves_zone;
    // What is in the zone and yet neither answered nor denied lies behind the limit.
    if (taken_ == reply_.answers.size() && reply_.authorities == 0) {
      out_.steps.push_back(
          {.name = name_text(text_of(query_.name.suffix(0))), .wildcard = {}, .trials = {}, .set = {}, .scope_by = {}});
      return Ending::chain_limit;
    }
  }
}

/// What the join has for this client, and how the image leads there.
void Explainer::choose(Step& step) {
  const core::AnswerRef answer = join_.answer_for(join_.node(lookup_.node), query_.qtype);
  uint32_t chosen = answer.index();
  if (answer.is_row()) {
    const core::ReadyGroup& group = join_.group(join_.zone(zone_), answer);
    const core::ClientClass client = core::Join::class_of(group, lookup_.place, lookup_.located);
    chosen = join_.in_row(answer, client.number);
    step.scope = client.scope;
    see_scope(step, group.kinds, group.overlay);
  }
  if (tracer_->trace(lookup_.node, query_.qtype, step.trials) != chosen) differs("RRset of " + step.name);
  if (chosen == no_rrset) return;
  step.set = see_set(chosen);
  if (step.set->kind != core::AnswerKind::location) return;
  step.scope = core::location_scope(view_.map, lookup_.place);
  see_scope(step, core::kinds_tried(~0u), nullptr);
}

void Explainer::see_scope(Step& step, core::TargetKinds kinds, const core::Overlay* overlay) const {
  static constexpr std::array<const char*, geo::level_count> names{"asn", "region", "country", "continent"};
  if (step.scope == 0) return;
  for (size_t level = 0; level < geo::level_count; ++level)
    if ((kinds & core::kind_of(static_cast<geo::Level>(level))) != 0 && place_.length[level] == step.scope)
      step.scope_by.emplace_back(names[level]);
  if (overlay != nullptr && overlay->find(lookup_.located).length == step.scope) step.scope_by.emplace_back("address");
  if (step.scope_by.empty()) differs("levels of " + step.name);
}

SetSeen Explainer::see_set(uint32_t index) const {
  const core::ImageRRset& set = image_.rrsets()[index];
  const auto kind = static_cast<core::AnswerKind>(set.kind);
  SetSeen seen{index, set.type, set.ttl, kind, set.max_records, {}};
  if (kind == core::AnswerKind::location) {
    if (taken_ == reply_.answers.size()) differs("no location");
    seen.candidates.push_back({rdata_text(set.type, reply_.answers[taken_].rdata), 0, 1, 1});
    return seen;
  }
  const auto records = image_.records().subspan(set.first_record, set.record_count);
  std::vector<double> first(records.size()), included(records.size(), 1.0);
  first[0] = 1; // unless drawn, records stand in their order
  if (kind == core::AnswerKind::draw) {
    std::vector<uint32_t> weights;
    for (const core::ImageRecord& record : records) weights.push_back(record.weight);
    first = first_probabilities(weights);
    included = inclusion_probabilities(weights, set.max_records);
  }
  for (size_t i = 0; i < records.size(); ++i)
    seen.candidates.push_back(
        {rdata_text(set.type, image_.text_of(records[i].rdata)), records[i].weight, first[i], included[i]});
  std::stable_sort(seen.candidates.begin(), seen.candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::pair(a.included, a.first) > std::pair(b.included, b.first);
  });
  return seen;
}

/// The answers of the reply that come from the set: each must be one of its records.
void Explainer::take_records(const SetSeen& seen) {
  const core::ImageRRset& set = image_.rrsets()[seen.index];
  const auto records = image_.records().subspan(set.first_record, set.record_count);
  for (uint32_t i = 0; i < set.max_records; ++i, ++taken_) {
    if (taken_ == reply_.answers.size()) differs("fewer answers");
    const ReplyRecord& answer = reply_.answers[taken_];
    const auto is_answer = [&](const core::ImageRecord& record) {
      return image_.text_of(record.rdata) == answer.rdata;
    };
    const bool of_set =
        seen.kind == core::AnswerKind::location || std::any_of(records.begin(), records.end(), is_answer);
    if (answer.type != set.type || answer.ttl != set.ttl || !of_set) differs("a record of another RRset");
  }
}

/// Looks for the target of the CNAME that was taken last. False if it is in no zone, or another one.
bool Explainer::follow_cname() {
  const std::string& target = reply_.answers[taken_ - 1].rdata;
  if (!core::read_name({reinterpret_cast<const uint8_t*>(target.data()), target.size()}, query_.name))
    differs("a CNAME to no name");
  find(out_.question.client);
  return lookup_.node != core::NameTable::none && join_.node(lookup_.node).zone == zone_;
}

void Explainer::compare() const {
  dns::Rcode rcode = dns::Rcode::noerror;
  if (out_.ending == Ending::nxdomain) rcode = dns::Rcode::nxdomain;
  if (out_.ending == Ending::no_zone) rcode = dns::Rcode::refused;
  if (reply_.rcode != rcode) differs("RCODE");
  if (reply_.refers != (out_.ending == Ending::referral)) differs("referral");
  const size_t answers = taken_ + (out_.ending == Ending::any ? 1 : 0);
  if (reply_.answers.size() != answers)
    differs(fmt::format("{} answers, {} of them explained", reply_.answers.size(), answers));
  const uint8_t scope = out_.client->by_subnet ? out_.scope : 0;
  if (reply_.scope && *reply_.scope != scope)
    differs(fmt::format("scope {}, {} of it explained", *reply_.scope, scope));
}

} // namespace

Explanation explain(const core::View& view, const Question& question) {
  return Explainer(view, question).run();
}

} // namespace anytick::control
