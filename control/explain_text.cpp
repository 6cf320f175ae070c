#include "control/explain_text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/dns_text.h"
#include "geo/region_groups.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;
using nlohmann::ordered_json;

constexpr std::array<const char*, geo::level_count> level_names{"asn", "region", "country", "continent"};

std::string_view rcode_text(dns::Rcode rcode) {
  switch (rcode) {
  case dns::Rcode::noerror:
    return "NOERROR";
  case dns::Rcode::formerr:
    return "FORMERR";
  case dns::Rcode::servfail:
    return "SERVFAIL";
  case dns::Rcode::nxdomain:
    return "NXDOMAIN";
  case dns::Rcode::notimp:
    return "NOTIMP";
  case dns::Rcode::refused:
    return "REFUSED";
  case dns::Rcode::badvers:
    return "BADVERS";
  case dns::Rcode::badcookie:
    return "BADCOOKIE";
  }
  __builtin_unreachable();
}

struct EndingText {
  Ending ending;
  const char* word;
  const char* sentence; ///< "" where the steps say it all
};
constexpr EndingText endings[]{
    {Ending::answered, "answered", ""},
    {Ending::any, "any", "ANY is answered with an HINFO that says nothing (RFC 8482)"},
    {Ending::nodata, "nodata", "NODATA: the name exists, but has nothing of this type for this client"},
    {Ending::empty_name, "empty-name", "NODATA: the name exists for the names below it only"},
    {Ending::nxdomain, "nxdomain", "there is no such name"},
    {Ending::referral, "referral",
     "the name lies in a zone that is delegated: the resolver goes on at its name servers"},
    {Ending::leaves_zone, "leaves-zone", "the CNAME leads out of the zone: the resolver goes on from there"},
    {Ending::chain_limit, "chain-limit", "the chain of CNAMEs is too long: the resolver goes on from here"},
    {Ending::no_zone, "no-zone", "no zone of the image has this name"},
    {Ending::not_looked_up, "not-looked-up", "no zone is asked for a question of this type"},
};

const EndingText& text_of(Ending ending) {
  return *std::find_if(std::begin(endings), std::end(endings), [&](const auto& e) { return e.ending == ending; });
}

const char* word_of(TrialResult result) {
  switch (result) {
  case TrialResult::answers:
    return "answers";
  case TrialResult::no_label:
    return "no label";
  case TrialResult::no_type:
    return "no records of this type";
  case TrialResult::alias_empty:
    return "alias yields nothing";
  case TrialResult::not_tried:
    return "not tried";
  }
  __builtin_unreachable();
}

std::vector<std::string> texts_of(const std::vector<uint16_t>& types) {
  std::vector<std::string> texts;
  for (const uint16_t type : types) texts.push_back(type_text(type));
  return texts;
}

/// Where somebody is, by level; "" where that is not known.
std::vector<std::pair<std::string, std::string>> parts_of(const geo::Location& location) {
  return {{"country", location.country_text()},
          {"region", location.region_text()},
          {"region group", std::string(geo::region_group(location))},
          {"continent", std::string(geo::continent_name(location.continent))},
          {"asn", location.asn == 0 ? "" : std::to_string(location.asn)}};
}

std::string subnet_text(const Question& question) {
  return geo::to_text(geo::prefix_of(question.client, *question.subnet_length));
}

class TextExplanation {
 public:
  TextExplanation(const Explanation& from, size_t top) : from_(from), top_(top) {}

  std::string run() {
    const Question& question = from_.question;
    line("{} {} from {}{}", name_text(question.name), type_text(question.type), geo::to_text(question.client),
         question.subnet_length ? " with client subnet " + subnet_text(question) : "");
    add_reply();
    if (from_.client) add_client(*from_.client);
    if (from_.zone)
      line("zone {} serial {} targeting \"{}\"", from_.zone->origin, from_.zone->serial, from_.zone->targeting);
    for (const Step& step : from_.steps) add_step(step);
    if (const char* sentence = text_of(from_.ending).sentence; *sentence != '\0') line("{}", sentence);
    if (from_.ending == Ending::nxdomain) line("closest encloser {}", from_.closest_encloser);
    if (from_.ending == Ending::referral) line("delegation {}", from_.delegation);
    return std::move(text_);
  }

 private:
  template <class... Args> void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  void add_reply() {
    const ReplySeen& reply = from_.reply;
    line("{}, {} answer{}, {} bytes{}, {}", rcode_text(reply.rcode), reply.answers, reply.answers == 1 ? "" : "s",
         reply.bytes, reply.truncated_over_udp ? ", truncated over UDP" : "",
         reply.scope ? fmt::format("scope {}", *reply.scope) : "no client subnet");
  }

  void add_client(const Whereabouts& client) {
    std::string where;
    for (const auto& [part, text] : parts_of(client.location))
      if (!text.empty()) where += fmt::format("{}{} {}", where.empty() ? "" : ", ", part, text);
    line("{} by {}: {}", geo::to_text(client.located), client.by_subnet ? "client subnet" : "source address",
         where.empty() ? "nobody knows where" : where);
    std::string prefixes;
    for (size_t level = 0; level < geo::level_count; ++level)
      prefixes +=
          fmt::format("{} {} {}", level == 0 ? "" : ",", level_names[level], geo::to_text(client.prefixes[level]));
    line("  the same within:{}", prefixes);
  }

  void add_step(const Step& step) {
    line("");
    line("{}{}", step.name, step.wildcard.empty() ? "" : " by " + step.wildcard);
    add_trials(step.trials, 2);
    if (step.set) add_set(*step.set);
    if (step.trials.empty()) return;
    if (step.scope == 0)
      line("  the same for everybody");
    else
      line("  the same within {} ({})", geo::to_text(geo::prefix_of(from_.client->located, step.scope)),
           fmt::join(step.scope_by, ", "));
    if (step.set) add_candidates(*step.set);
  }

  void add_trials(const std::vector<Trial>& trials, size_t indent) {
    size_t width = 0;
    for (const Trial& trial : trials) width = std::max(width, trial.target.size());
    for (const Trial& trial : trials) {
      std::string text = word_of(trial.result);
      if (!trial.types.empty()) text += fmt::format(", but of {}", fmt::join(texts_of(trial.types), ", "));
      if (!trial.alias.empty()) text += " as " + trial.alias;
      line("{:{}}{:<{}}  {}", "", indent, trial.target, width, text);
      add_trials(trial.alias_trials, indent + 2);
    }
  }

  void add_set(const SetSeen& set) {
    std::string taken = fmt::format("all {}", set.candidates.size());
    if (set.kind == core::AnswerKind::draw)
      taken = fmt::format("draws {} of {}", set.max_records, set.candidates.size());
    if (set.kind == core::AnswerKind::location) taken = "where the client is taken to be";
    line("  rrset {}: {} ttl {}, {}", set.index, type_text(set.type), set.ttl, taken);
  }

  void add_candidates(const SetSeen& set) {
    const size_t count = top_ == 0 ? set.candidates.size() : std::min(top_, set.candidates.size());
    size_t width = 6;
    for (size_t i = 0; i < count; ++i) width = std::max(width, set.candidates[i].data.size());
    const bool drawn = set.kind == core::AnswerKind::draw;
    if (drawn) line("  {:<{}}  {:>10}  {:>10}  {:>10}", "RECORD", width, "WEIGHT", "FIRST", "INCLUDED");
    for (const Candidate& each : std::span(set.candidates).first(count)) {
      if (drawn)
        line("  {:<{}}  {:>10}  {:>10.8f}  {:>10.8f}", each.data, width, each.weight, each.first, each.included);
      else
        line("  {}", each.data);
    }
    if (count < set.candidates.size()) line("  and {} more", set.candidates.size() - count);
  }

  const Explanation& from_;
  size_t top_;
  std::string text_;
};

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json{} : ordered_json(text);
}

ordered_json client_json(const Whereabouts& client) {
  ordered_json json{{"located", geo::to_text(client.located)}, {"by", client.by_subnet ? "subnet" : "source"}};
  for (auto [part, text] : parts_of(client.location)) {
    std::replace(part.begin(), part.end(), ' ', '_');
    json[part] = text_or_null(text);
  }
  json["asn"] = client.location.asn == 0 ? ordered_json{} : ordered_json(client.location.asn);
  for (size_t level = 0; level < geo::level_count; ++level)
    json["prefix"][level_names[level]] = geo::to_text(client.prefixes[level]);
  return json;
}

ordered_json trials_json(const std::vector<Trial>& trials) {
  ordered_json all = ordered_json::array();
  for (const Trial& trial : trials) {
    ordered_json json{{"target", trial.target}, {"result", word_of(trial.result)}};
    if (!trial.types.empty()) json["types"] = texts_of(trial.types);
    if (!trial.alias.empty()) {
      json["alias"] = trial.alias;
      json["trials"] = trials_json(trial.alias_trials);
    }
    all.push_back(std::move(json));
  }
  return all;
}

ordered_json set_json(const SetSeen& set) {
  ordered_json records = ordered_json::array();
  for (const Candidate& each : set.candidates)
    records.push_back(
        {{"data", each.data}, {"weight", each.weight}, {"first", each.first}, {"included", each.included}});
  return {{"index", set.index},          {"type", type_text(set.type)},    {"ttl", set.ttl},
          {"kind", kind_text(set.kind)}, {"max_records", set.max_records}, {"records", std::move(records)}};
}

ordered_json step_json(const Step& step) {
  return {{"name", step.name},
          {"wildcard", text_or_null(step.wildcard)},
          {"trials", trials_json(step.trials)},
          {"scope", step.scope},
          {"scope_by", step.scope_by},
          {"rrset", step.set ? set_json(*step.set) : ordered_json{}}};
}

} // namespace

std::string explanation_text(const Explanation& explanation, size_t top) {
  return TextExplanation(explanation, top).run();
}

std::string explanation_json(const Explanation& from) {
  const Question& question = from.question;
  ordered_json json;
  json["question"] = {{"name", name_text(question.name)},
                      {"type", type_text(question.type)},
                      {"client", geo::to_text(question.client)},
                      {"subnet", question.subnet_length ? ordered_json(subnet_text(question)) : ordered_json{}}};
  json["reply"] = {{"rcode", rcode_text(from.reply.rcode)},
                   {"answers", from.reply.answers},
                   {"bytes", from.reply.bytes},
                   {"truncated_over_udp", from.reply.truncated_over_udp},
                   {"scope", from.reply.scope ? ordered_json(*from.reply.scope) : ordered_json{}}};
  json["client"] = from.client ? client_json(*from.client) : ordered_json{};
  json["zone"] = ordered_json{};
  if (from.zone)
    json["zone"] = {{"origin", from.zone->origin}, {"serial", from.zone->serial}, {"targeting", from.zone->targeting}};
  json["ending"] = text_of(from.ending).word;
  json["delegation"] = text_or_null(from.delegation);
  json["closest_encloser"] = text_or_null(from.closest_encloser);
  json["scope"] = from.scope;
  json["steps"] = ordered_json::array();
  for (const Step& step : from.steps) json["steps"].push_back(step_json(step));
  return json.dump(1) + '\n';
}

} // namespace anytick::control
