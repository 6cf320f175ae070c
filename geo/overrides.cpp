#include "geo/overrides.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "geo/text.h"

namespace anytick::geo {

namespace {

std::string quoted(std::string_view text) {
  return std::string{"'"}.append(text).append("'");
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// What one line states, filled key by key.
class LineParser {
 public:
  /// Empty if the key was taken, else the reason why not.
  std::string take(std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == word.npos) return quoted(word) + " is not key=value";
    const std::string_view key = word.substr(0, equals);
    const std::string value = lower(word.substr(equals + 1));
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return quoted(key) + " is given twice";
    keys_.push_back(key);
    if (key == "country") return take_country(value);
    if (key == "region") return take_region(value);
    if (key == "continent") return take_continent(value);
    if (key == "asn") return take_asn(value);
    return "unknown key " + quoted(key) + " (country, region, continent, asn)";
  }

  std::string finish(Location& location) {
    if (keys_.empty()) return "nothing is stated (country, region, continent, asn)";
    if (!region_country_.empty()) {
      if (location_.country[0] != 0 && location_.country_text() != region_country_)
        return "region is not of country " + quoted(location_.country_text());
      set_country(region_country_);
    }
    if (location_.continent == Continent::unknown) location_.continent = continent_of(location_.country_text());
    location = location_;
    return {};
  }

 private:
  std::string take_country(std::string_view value) {
    if (continent_of(value) == Continent::unknown) return quoted(value) + " is no country of ISO 3166-1";
    set_country(value);
    return {};
  }

  std::string take_region(std::string_view value) {
    const std::string_view country = value.substr(0, 2);
    const std::string_view region = value.size() > 3 && value[2] == '-' ? value.substr(3) : std::string_view{};
    const auto is_alnum = [](unsigned char c) { return std::isalnum(c) != 0; };
    if (continent_of(country) == Continent::unknown || region.empty() || region.size() > location_.region.size() ||
        !std::all_of(region.begin(), region.end(), is_alnum))
      return quoted(value) + " is no region of ISO 3166-2 (us-ca)";
    std::copy(region.begin(), region.end(), location_.region.begin());
    region_country_ = country;
    return {};
  }

  std::string take_continent(std::string_view value) {
    const std::optional<Continent> continent = continent_by_name(value);
    if (!continent) return quoted(value) + " is no continent (north-america)";
    location_.continent = *continent;
    return {};
  }

  std::string take_asn(std::string_view value) {
    location_.asn = number_of<uint32_t>(value).value_or(0);
    return location_.asn == 0 ? quoted(value) + " is no AS number (1 to 4294967295)" : "";
  }

  void set_country(std::string_view code) { std::copy(code.begin(), code.end(), location_.country.begin()); }

  Location location_;
  std::string region_country_;
  std::vector<std::string_view> keys_;
};

class Parser {
 public:
  Parser(std::string name, std::vector<Refusal>& faults) : faults_(faults) { layer_.name = std::move(name); }

  void take(size_t number, std::string_view line) {
    const std::vector<std::string_view> words = words_of(line.substr(0, line.find('#')));
    if (words.empty()) return;
    const std::optional<Prefix> prefix = parse_prefix(words.front());
    if (!prefix) refuse(number, quoted(words.front()) + " is no prefix (address/length, no bits beyond the length)");

    LineParser parser;
    Location location;
    const size_t before = faults_.size();
    for (size_t i = 1; i < words.size(); ++i) refuse(number, parser.take(words[i]));
    if (faults_.size() == before) refuse(number, parser.finish(location));
    if (!prefix) return;

    const auto [seen, is_new] = lines_.emplace(*prefix, number);
    if (!is_new) refuse(number, to_text(*prefix) + " was given in line " + std::to_string(seen->second) + " already");
    if (faults_.size() > before) return;
    layer_.entries.push_back({*prefix, static_cast<uint32_t>(layer_.statements.size())});
    layer_.statements.push_back(location);
  }

  Layer finish() {
    std::sort(layer_.entries.begin(), layer_.entries.end(),
              [](const Layer::Entry& a, const Layer::Entry& b) { return a.prefix < b.prefix; });
    return std::move(layer_);
  }

 private:
  void refuse(size_t line, std::string reason) {
    if (!reason.empty()) faults_.push_back({layer_.name, "line " + std::to_string(line), std::move(reason)});
  }

  Layer layer_;
  std::vector<Refusal>& faults_;
  std::map<Prefix, size_t> lines_;
};

} // namespace

Layer parse_overrides(std::string name, std::string_view text, std::vector<Refusal>& faults) {
  Parser parser{std::move(name), faults};
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    parser.take(number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

} // namespace anytick::geo
