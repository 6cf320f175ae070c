#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

/// Compiled tables (zone images, geo maps) changed at random: what a disk, a compiler's bug or an enemy could make of
/// them.
namespace anytick::test {

/// What a table's header has in the same form whichever table it is: sections of elements, one after the other, each
/// 8-byte aligned; a digest and the size.
struct TableForm {
  size_t header_bytes;
  size_t digest_at;
  size_t total_bytes_at;
  size_t sections_at; ///< pairs of 64-bit offset and count
  bool padded_end;    ///< the last section is followed by zeros up to 8 bytes
  std::vector<size_t> element_bytes;
};

/// One table after the other made out of a good one.
class Mutant {
 public:
  /// `good`: what to damage; `other`: a table of the same kind to take pieces from. Both must outlive the mutants.
  Mutant(TableForm form, std::span<const std::byte> good, std::span<const std::byte> other);

  /// Makes the next one; `seal`: its digest is computed anew, if it still has the room for one.
  void make(std::mt19937_64& random, bool seal);

  /// 16-byte aligned; memory ends where they end, so that AddressSanitizer sees what reads behind them.
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }
  bool is_changed() const;
  /// What was done, for messages.
  const std::string& history() const { return history_; }

 private:
  struct Section {
    uint64_t offset;
    uint64_t count;
  };
  struct Edit {
    size_t at;
    std::vector<std::byte> before;
  };

  void restore();
  void resize(size_t size);
  void edit(size_t at, std::span<const std::byte> bytes);
  template <class T> void put(size_t at, T value) { edit(at, std::as_bytes(std::span(&value, 1))); }
  void note(const std::string& what);

  void change_field(std::mt19937_64& random);
  void splice_bytes(std::mt19937_64& random);
  void cut_or_append(std::mt19937_64& random);
  void rearrange(std::mt19937_64& random);
  void lay_out(const std::vector<std::vector<std::byte>>& sections);

  Section section_of(std::span<const std::byte> table, size_t index) const;
  std::span<const std::byte> elements_of(std::span<const std::byte> table, size_t index) const;
  /// A place to damage: sections are equally likely, whatever their size; at least 8 bytes are behind it.
  size_t any_place(std::mt19937_64& random) const;
  uint64_t any_value(std::mt19937_64& random) const;

  const TableForm form_;
  const std::span<const std::byte> good_;
  const std::span<const std::byte> other_;
  std::unique_ptr<std::byte[]> bytes_;
  size_t size_ = 0;
  bool is_resized_ = true;
  std::vector<Edit> edits_; ///< of a table that was not resized
  std::string history_;
};

} // namespace anytick::test
