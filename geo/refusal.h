#pragma once

#include <string>
#include <utility>
#include <variant>

namespace anytick {

/// Why some input was not taken: what it is, where in it, and the reason. Built only on failure, so it may allocate.
struct Refusal {
  std::string what;  ///< the input or its section, e.g. "zone image: selectors" or a file's name
  std::string where; ///< e.g. "offset 128", "line 7"; may be empty
  std::string reason;

  std::string text() const { return what + (where.empty() ? "" : " at " + where) + ": " + reason; }
};

/// A value, or the reason why there is none.
template <class T> class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Refusal refusal) : state_(std::in_place_index<1>, std::move(refusal)) {}

  explicit operator bool() const { return state_.index() == 0; }
  /// Precondition: operator bool().
  T& operator*() { return *std::get_if<0>(&state_); }
  const T& operator*() const { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  /// Precondition: !operator bool().
  const Refusal& refusal() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Refusal> state_;
};

} // namespace anytick
