#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace anytick::control {

enum class Severity { warning, fault };

/// Something about an input file that its author should know.
struct Finding {
  Severity severity;
  std::string file;
  std::string where; ///< path inside the file, e.g. "data/0.us/a/3"; may be empty
  std::string reason;

  /// "pool.example.json: data/0.us/a/3: fault: ..."; control characters of the input are escaped.
  std::string text() const;
};

/// What was found in one file, in the order in which it was found.
class Findings {
 public:
  explicit Findings(std::string file) : file_(std::move(file)) {}

  void fault(std::string where, std::string reason) { add(Severity::fault, std::move(where), std::move(reason)); }
  void warn(std::string where, std::string reason) { add(Severity::warning, std::move(where), std::move(reason)); }

  std::span<const Finding> all() const { return all_; }
  size_t faults() const { return faults_; }
  size_t warnings() const { return all_.size() - faults_; }

 private:
  void add(Severity severity, std::string where, std::string reason);

  std::string file_;
  std::vector<Finding> all_;
  size_t faults_ = 0;
};

} // namespace anytick::control
