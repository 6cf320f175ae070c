#include "geo/mmdb_record.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "geo/text.h"

namespace anytick::geo {

namespace {

constexpr std::array<std::pair<std::string_view, Continent>, 7> continent_codes{{
    {"af", Continent::africa},
    {"an", Continent::antarctica},
    {"as", Continent::asia},
    {"eu", Continent::europe},
    {"na", Continent::north_america},
    {"oc", Continent::oceania},
    {"sa", Continent::south_america},
}};

/// The values of one record by their paths. Paths that are not there are empty; damage is remembered.
class RecordReader {
 public:
  explicit RecordReader(MMDB_entry_s entry) : entry_(entry) {}

  template <class... Keys> std::optional<MMDB_entry_data_s> value(Keys... keys) {
    MMDB_entry_data_s data{};
    const int status = MMDB_get_value(&entry_, &data, keys..., nullptr);
    if (status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) status_ = status;
    if (status != MMDB_SUCCESS || !data.has_data) return {};
    return data;
  }

  /// Lower case; "" where it is not a text.
  template <class... Keys> std::string text(Keys... keys) {
    const std::optional<MMDB_entry_data_s> data = value(keys...);
    if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    std::string text{data->utf8_string, data->data_size};
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  }

  /// 0 where it is no number that fits.
  uint32_t number(const char* key) {
    const std::optional<MMDB_entry_data_s> data = value(key);
    if (!data) return 0;
    switch (data->type) {
    case MMDB_DATA_TYPE_UINT16:
      return data->uint16;
    case MMDB_DATA_TYPE_UINT32:
      return data->uint32;
    case MMDB_DATA_TYPE_UINT64:
      return data->uint64 <= std::numeric_limits<uint32_t>::max() ? data->uint64 & ~0u : 0;
    case MMDB_DATA_TYPE_INT32:
      return data->int32 > 0 ? static_cast<uint32_t>(data->int32) : 0;
    case MMDB_DATA_TYPE_UTF8_STRING:
      return decimal({data->utf8_string, data->data_size});
    default:
      return 0;
    }
  }

  int status() const { return status_; }

 private:
  static uint32_t decimal(std::string_view text) { return number_of<uint32_t>(text).value_or(0); }

  MMDB_entry_s entry_;
  int status_ = MMDB_SUCCESS;
};

Continent continent_by_code(std::string_view code) {
  const auto found =
      std::find_if(continent_codes.begin(), continent_codes.end(), [&](const auto& row) { return row.first == code; });
  return found == continent_codes.end() ? Continent::unknown : found->second;
}

void set_country(Location& location, std::string_view code) {
  // Registries file blocks of no country in particular under these two.
  if (code == "eu") location.continent = Continent::europe;
  if (code == "ap") location.continent = Continent::asia;
  if (continent_of(code) == Continent::unknown) return;
  std::copy(code.begin(), code.end(), location.country.begin());
  location.continent = continent_of(code);
}

void set_region(Location& location, std::string_view code) {
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (location.country[0] == 0 || code.size() > location.region.size()) return;
  if (std::all_of(code.begin(), code.end(), is_alnum)) std::copy(code.begin(), code.end(), location.region.begin());
}

/// The first text that is not empty.
template <class... Readers> std::string first_of(Readers... readers) {
  std::string text;
  (void)((text = readers(), !text.empty()) || ...);
  return text;
}

} // namespace

Result<Location> read_mmdb_record(MMDB_entry_s entry) {
  RecordReader record{entry};
  Location location;
  set_country(location, first_of([&] { return record.text("country", "iso_code"); },
                                 [&] { return record.text("registered_country", "iso_code"); },
                                 [&] { return record.text("country_code"); }));
  set_region(location, record.text("subdivisions", "0", "iso_code"));
  const Continent stated = continent_by_code(
      first_of([&] { return record.text("continent", "code"); }, [&] { return record.text("continent_code"); }));
  if (stated != Continent::unknown) location.continent = stated;
  location.asn = record.number("autonomous_system_number");
  if (location.asn == 0) location.asn = record.number("asn");
  if (record.status() != MMDB_SUCCESS)
    return Refusal{"", "data offset " + std::to_string(entry.offset), MMDB_strerror(record.status())};
  return location;
}

} // namespace anytick::geo
