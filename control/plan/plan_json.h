#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/plan/plan.h"
#include "geo/refusal.h"

/// A plan as a file that can be reviewed, kept and pushed: nothing is lost in it.
namespace anytick::plan {

/// Precondition: numbers are finite, texts are UTF-8. Ends with a newline; rows stand on lines of their own.
std::string plan_json(const Plan& plan);

/// SHA-256, hexadecimal, over the file's JSON without the checksum in canonical form: no space, keys sorted, numbers in
/// their shortest form. Names the plan for whoever reviewed it.
std::string plan_checksum(const Plan& plan);
/// Of any JSON object; a member "checksum" does not count.
std::string plan_checksum(nlohmann::json document);

struct PlanFile {
  Plan plan;
  std::string checksum;
};

/// Reads back what plan_json() made, exactly. Refused, with the JSON path of the first fault: another format, what is
/// missing, of another type, out of bounds or order, unknown, and a checksum that is not the text's.
Result<PlanFile> read_plan(std::string_view text, const std::string& file);

} // namespace anytick::plan
