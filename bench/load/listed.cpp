#include "bench/load/listed.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "dataplane/core/dns.h"
#include "dataplane/core/type_names.h"
#include "geo/text.h"

namespace anytick::bench {
namespace {

using Words = std::vector<std::string_view>;

/// `take` returns why it does not take the words of a line; "" where it does.
template <class Take>
void for_each_line(const std::string& file, std::string_view text, std::vector<Refusal>& faults, Take take) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const Words words = geo::words_of(line.substr(0, line.find('#')));
    std::string reason = words.empty() ? "" : take(words);
    if (!reason.empty()) faults.push_back({file, "line " + std::to_string(number), std::move(reason)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string quoted(std::string_view text) {
  return std::string{"'"}.append(text).append("'");
}

/// As the image has names: in lower case, without the trailing dot.
std::string plain_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string name(text);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::optional<double> parse_weight(std::string_view text) {
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || stop != end || !std::isfinite(weight) || weight <= 0) return {};
  return weight;
}

} // namespace

std::vector<Choice> parse_choices(const std::string& file, std::string_view text, std::span<const Answerable> known,
                                  std::vector<Refusal>& faults) {
  std::map<std::pair<std::string, uint16_t>, const Answerable*> by_name;
  for (const Answerable& each : known) by_name[{each.name, each.type}] = &each;
  std::vector<Choice> choices;
  for_each_line(file, text, faults, [&](const Words& words) -> std::string {
    if (words.size() != 3) return "is no name, type and weight";
    const auto type = core::parse_qtype(words[1]);
    if (type != core::dns::A && type != core::dns::AAAA) return quoted(words[1]) + " is neither A nor AAAA";
    const auto found = by_name.find({plain_name(words[0]), *type});
    if (found == by_name.end()) return quoted(words[0]) + " has no such records in the image";
    const auto weight = parse_weight(words[2]);
    if (!weight) return quoted(words[2]) + " is no weight above 0";
    choices.push_back({*found->second, *weight});
    return "";
  });
  if (choices.empty() && faults.empty()) faults.push_back({file, "", "lists no names"});
  return choices;
}

std::vector<geo::Address> parse_clients(const std::string& file, std::string_view text, std::vector<Refusal>& faults) {
  std::vector<geo::Address> clients;
  for_each_line(file, text, faults, [&](const Words& words) -> std::string {
    if (words.size() != 1) return "is not one address";
    const auto address = geo::parse_address(words[0]);
    if (!address) return quoted(words[0]) + " is no address";
    clients.push_back(*address);
    return "";
  });
  return clients;
}

} // namespace anytick::bench
