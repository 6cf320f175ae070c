#include "geo/location.h"

#include <algorithm>

namespace anytick::geo {

namespace {

constexpr std::array<std::string_view, continent_count> continent_names{
    "", "africa", "antarctica", "asia", "europe", "north-america", "oceania", "south-america",
};

struct Countries {
  Continent continent;
  std::string_view codes; // two letters and a separator each
};

// ISO 3166-1 and xk. Where geographers differ (am, az, cy, ge, kz, ru, tr ...) as the zones of the NTP Pool have it.
constexpr std::array<Countries, continent_count - 1> countries{{
    {Continent::africa,
     "ao bf bi bj bw cd cf cg ci cm cv dj dz eg eh er et ga gh gm gn gq gw ke km lr ls ly ma mg ml mr "
     "mu mw mz na ne ng re rw sc sd sh sl sn so ss st sz td tg tn tz ug yt za zm zw"},
    {Continent::antarctica, "aq bv gs hm tf"},
    {Continent::asia, "ae af am az bd bh bn bt cc cn cx cy ge hk id il in io iq ir jo jp kg kh kp kr kw kz la lb lk mm "
                      "mn mo mv my np om ph pk ps qa sa sg sy th tj tl tm tw uz vn ye"},
    {Continent::europe,
     "ad al at ax ba be bg by ch cz de dk ee es fi fo fr gb gg gi gr hr hu ie im is it je li lt lu lv "
     "mc md me mk mt nl no pl pt ro rs ru se si sj sk sm tr ua va xk"},
    {Continent::north_america,
     "ag ai aw bb bl bm bq bs bz ca cr cu cw dm do gd gl gp gt hn ht jm kn ky lc mf mq ms mx ni pa pm "
     "pr sv sx tc tt us vc vg vi"},
    {Continent::oceania, "as au ck fj fm gu ki mh mp nc nf nr nu nz pf pg pn pw sb tk to tv um vu wf ws"},
    {Continent::south_america, "ar bo br cl co ec fk gf gy pe py sr uy ve"},
}};

constexpr size_t letters = 26;

constexpr bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr size_t code_index(char first, char second) {
  return static_cast<size_t>(first - 'a') * letters + static_cast<size_t>(second - 'a');
}

constexpr auto continent_by_code = [] {
  std::array<Continent, letters * letters> table{};
  for (const Countries& row : countries)
    for (size_t i = 0; i < row.codes.size(); i += 3) table[code_index(row.codes[i], row.codes[i + 1])] = row.continent;
  return table;
}();

} // namespace

std::string_view continent_name(Continent continent) {
  return continent_names[static_cast<size_t>(continent)];
}

std::optional<Continent> continent_by_name(std::string_view name) {
  const auto found = std::find(continent_names.begin() + 1, continent_names.end(), name);
  if (found == continent_names.end()) return {};
  return static_cast<Continent>(found - continent_names.begin());
}

std::string Location::country_text() const {
  return country[0] == 0 ? std::string{} : std::string{country.data(), country.size()};
}

std::string Location::region_text() const {
  if (region[0] == 0) return {};
  const auto end = std::find(region.begin(), region.end(), '\0');
  return country_text() + "-" + std::string{region.begin(), end};
}

bool Location::same_at(Level level, const Location& other) const {
  switch (level) {
  case Level::asn:
    return asn == other.asn;
  case Level::region:
    return country == other.country && region == other.region;
  case Level::country:
    return country == other.country;
  case Level::continent:
    return continent == other.continent;
  }
  return false;
}

Continent continent_of(std::string_view country) {
  if (country.size() != 2 || !is_letter(country[0]) || !is_letter(country[1])) return Continent::unknown;
  return continent_by_code[code_index(country[0], country[1])];
}

} // namespace anytick::geo
