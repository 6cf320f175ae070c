#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace anytick::core {

/// One thread stores a value, any number load it, and nobody waits: a version around words that are atomic each.
template <class T> class Snapshot {
 public:
  void store(const T& value) {
    const auto words = std::bit_cast<Words>(value);
    const uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_relaxed);
    version_.store(version + 2, std::memory_order_release);
  }

  /// False, and `into` as it was, while another is being stored. Before the first: all bits zero.
  bool load(T& into) const {
    const uint64_t before = version_.load(std::memory_order_acquire);
    if (before % 2 != 0) return false;
    Words words;
    for (size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version_.load(std::memory_order_relaxed) != before) return false;
    into = std::bit_cast<T>(words);
    return true;
  }

  /// Another than before: what was stored is another too.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(uint64_t) == 0);
  using Words = std::array<uint64_t, sizeof(T) / sizeof(uint64_t)>;

  std::atomic<uint64_t> version_ = 0; ///< odd while it is being stored
  std::array<std::atomic<uint64_t>, std::tuple_size_v<Words>> words_{};
};

} // namespace anytick::core
