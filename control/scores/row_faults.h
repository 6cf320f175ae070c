#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geo/refusal.h"

namespace anytick::scores {

/// The value as printable ASCII: other bytes are escaped, "\x0a"; "..." for what is beyond `most` characters.
std::string printable(std::string_view value, size_t most);

/// What is wrong with the rows of a file: all are counted, the first ones told.
class RowFaults {
 public:
  explicit RowFaults(std::string file, size_t told_max = 20) : file_(std::move(file)), told_max_(told_max) {}

  void add(uint64_t line, std::string_view reason) { add(line, {}, {}, reason); }
  /// "offset \"x\" is no number": control characters of the value are escaped, and it is shortened.
  void add(uint64_t line, std::string_view name, std::string_view value, std::string_view reason);

  uint64_t count() const { return count_; }
  const std::vector<Refusal>& told() const { return told_; }
  /// A line for each that is told, and one for the others.
  std::string text() const;

 private:
  std::string file_;
  size_t told_max_;
  uint64_t count_ = 0;
  std::vector<Refusal> told_;
};

} // namespace anytick::scores
