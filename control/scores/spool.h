#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "geo/refusal.h"

namespace anytick::scores {

/// A directory that feeders drop files into. A file is there once it is renamed there: names that begin with "." or end
/// in ".tmp" are not looked at, nor is what is no regular file. What is done with goes to done/ (or is removed), what
/// is bad to failed/, with the reasons in NAME.why beside it. A name that is taken there gets a number: NAME.1, ...
///
/// A file leaves only after it was taken, in one step, so a crash at any moment leaves it here to be taken once more:
/// whoever takes must do so durably, and the same file twice must be as once.
class Spool {
 public:
  enum class Done { keep, remove };

  /// Makes what is missing of the directories. Refuses while another Spool, of any process, has the directory open.
  static Result<Spool> open(const std::string& directory, Done done);
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  /// Names of the files that wait, the oldest first (by time of last change, then name).
  std::vector<std::string> waiting() const;

  /// Takes a file by its path; returns what is wrong with it, or "".
  using Take = std::function<std::string(const std::string& path)>;
  struct Counts {
    size_t done = 0;
    size_t failed = 0;
  };
  /// Takes all that wait. What `take` throws ends it, and that file still waits. Throws std::system_error.
  Counts process(const Take& take);

 private:
  Spool(std::string directory, Done done, int lock);
  void finish(const std::string& name) const;
  void fail(const std::string& name, const std::string& why) const;
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  Done done_;
  int lock_; ///< the directory, locked; -1: moved away
};

} // namespace anytick::scores
