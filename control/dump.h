#pragma once

#include <string>

#include "dataplane/core/zone_image.h"

namespace anytick::control {

/// An image for people and grep: a line each for the header, zones, (name, type, target), RRsets and records. What
/// several names share is printed once and referred to.
std::string dump_text(const core::ZoneImage& image);

/// All of an image as one JSON object, which assemble() makes the same image of.
std::string dump_json(const core::ZoneImage& image);

} // namespace anytick::control
