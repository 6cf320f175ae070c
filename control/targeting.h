#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/findings.h"
#include "control/zone.h"

/// Which labels of a zone answer for which names (GeoDNS): `0.us` is what `0` says to clients in `us`.
namespace anytick::control {

/// core::Targeting flags of a zone file's text, e.g. "@ country continent". Unknown words are faults.
uint32_t parse_targeting(std::string_view text, const std::string& where, Findings& findings);

/// The words for flags, coarsest first: "@ continent country".
std::string targeting_text(uint32_t targeting);

/// Whether `label` is the text of a target at a level that `targeting` uses.
bool is_target(std::string_view label, uint32_t targeting);

/// What a label in brackets targets: "[192.0.2.1]" one address, "[192.0.2.0]" the /24 that it is the base of (IPv6:
/// /48), as the text of a prefix. Empty where there is no address in brackets.
std::optional<std::string> address_target(std::string_view label);

/// A label that may speak for another name: `0.us` for `0`, to the target `us`.
struct SplitLabel {
  std::string name;
  std::string target; ///< as images have it; empty if the label is no target's
};
SplitLabel split_label(std::string_view name, uint32_t targeting);

/// A name's own label ("@") or one of its targets'.
struct Variant {
  std::string target;
  const ZoneLabel* label;
};

/// The names that a zone answers for, each with the labels that speak for it, sorted by target. The zone must outlive
/// it.
class Variants {
 public:
  explicit Variants(const Zone& zone);

  /// Null where neither the name nor a target of it is a label.
  const std::vector<Variant>* find(std::string_view name) const;
  const std::map<std::string, std::vector<Variant>, std::less<>>& all() const { return by_name_; }

 private:
  std::map<std::string, std::vector<Variant>, std::less<>> by_name_;
};

} // namespace anytick::control
