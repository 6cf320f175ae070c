#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/findings.h"
#include "control/zone.h"
#include "dataplane/core/zone_image.h"

/// What tests of the control plane share: zones from text, and answers in a form that can be compared.
namespace anytick::control::test {

/// Targets of a client, finest first, without "@".
using Targets = std::vector<std::string>;

struct ReadResult {
  std::optional<Zone> zone;
  std::vector<std::string> findings; ///< without the file's name
};
ReadResult read(std::string_view json, const std::string& file = "pool.example.json");

/// A zone that must be good; the test fails otherwise.
Zone good_zone(std::string_view json, const std::string& file = "pool.example.json");

/// An image that must come out and validate; the test fails otherwise.
std::vector<std::byte> good_image(std::span<const Zone> zones, uint64_t serial = 1, uint64_t created = 0);

/// "a 120 draw 2: 192.0.2.1=10 192.0.2.2=1"
std::string set_text(const core::ZoneImage& image, const core::ImageRRset& set);
std::string set_text(const RecordSet& set, uint32_t max_hosts);

/// What an image answers a client with: "nxdomain", "nodata" or a set's text. `name` is relative to the zone.
std::string image_answer(const core::ZoneImage& image, std::string_view origin, std::string_view name, uint16_t type,
                         const Targets& targets);

/// The same by the letter of GeoDNS's rule, on the labels of the zone.
std::string zone_answer(const Zone& zone, const std::string& name, uint16_t type, const Targets& targets);

} // namespace anytick::control::test
