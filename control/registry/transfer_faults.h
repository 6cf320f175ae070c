#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace anytick::registry::transfer {

/// Where something stands in a file.
struct Place {
  uint64_t line = 0; ///< from 1; 0: of the whole file
  std::string path;  ///< in JSON: "servers/3/netspeed"
};

/// What is wrong with a file: all is counted, the first ones found are told.
class TransferFaults {
 public:
  explicit TransferFaults(std::string file, size_t told_max = 100) : file_(std::move(file)), told_max_(told_max) {}

  void add(const Place& place, std::string_view reason);
  /// "netspeed \"x\" is no whole number"; of a long value, its beginning.
  void add(const Place& place, std::string_view name, std::string_view value, std::string_view reason);

  const std::string& file() const { return file_; }
  uint64_t count() const { return count_; }
  size_t told() const { return told_.size(); }
  /// In the file's order, a line each with control characters escaped, and one for those that are not told.
  std::string text() const;

 private:
  struct Told {
    Place place;
    std::string reason;
  };

  std::string file_;
  size_t told_max_;
  uint64_t count_ = 0;
  std::vector<Told> told_;
};

} // namespace anytick::registry::transfer
