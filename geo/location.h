#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace anytick::geo {

enum class Continent : uint8_t {
  unknown,
  africa,
  antarctica,
  asia,
  europe,
  north_america,
  oceania,
  south_america,
};
inline constexpr size_t continent_count = 8;

/// "north-america", as pool zones name it; "" for unknown.
std::string_view continent_name(Continent continent);
std::optional<Continent> continent_by_name(std::string_view name);

/// The granularities at which two addresses can be told apart, finest first.
enum class Level : uint8_t { asn, region, country, continent };
inline constexpr size_t level_count = 4;

/// Where an address is. Zero bytes or zero where unknown.
struct Location {
  std::array<char, 2> country{}; ///< ISO 3166-1 alpha-2, lower case
  std::array<char, 3> region{};  ///< ISO 3166-2 subdivision without the country, lower case, zero padded
  Continent continent = Continent::unknown;
  uint32_t asn = 0;

  std::string country_text() const; ///< "us", or ""
  std::string region_text() const;  ///< "us-ca", or ""
  /// True where both are the same as seen at `level`: a region includes its country.
  bool same_at(Level level, const Location& other) const;

  auto operator<=>(const Location&) const = default;
};

/// The continent that pool zones put a country in; unknown for codes that are none.
Continent continent_of(std::string_view country);

} // namespace anytick::geo
