#include "geo/trie_builder.h"

#include <cassert>
#include <optional>

namespace anytick::geo {

namespace {

class TrieBuilder {
 public:
  explicit TrieBuilder(std::span<const PlaceBlock> blocks) : blocks_(blocks) {
    assert(!blocks.empty() && blocks.front().first == 0);
  }

  TrieSections run() {
    build_roots();
    // Pending nodes are in breadth-first order, and each appends its children.
    for (size_t i = 0; i < pending_.size(); ++i) build_node(pending_[i]);
    return std::move(sections_);
  }

 private:
  struct Pending {
    AddressKey first;
    size_t block;   ///< that holds `first`
    unsigned depth; ///< bits consumed before this node
  };

  void build_roots() {
    size_t block = 0;
    for (size_t slot = 0; slot < size_t{1} << root_bits; ++slot) {
      const AddressKey first = AddressKey{slot} << (128 - root_bits);
      const std::optional<uint32_t> place = place_of(first, root_bits, block);
      sections_.roots.push_back(place ? *place | entry_is_place : static_cast<uint32_t>(pending_.size()));
      if (!place) pending_.push_back({first, block, root_bits});
    }
  }

  void build_node(const Pending at) {
    const unsigned depth = std::min(at.depth + stride_bits, 128u);
    // The last stride of an IPv6 address has slots for bits beyond it: nobody asks for those.
    const unsigned beyond = at.depth + stride_bits - depth;
    TrieNode node{.children = 0,
                  .leaves = 0,
                  .first_child = static_cast<uint32_t>(pending_.size()),
                  .first_leaf = static_cast<uint32_t>(sections_.leaves.size())};
    size_t block = at.block;
    std::optional<uint32_t> previous;
    for (unsigned slot = 0; slot < 1u << stride_bits; ++slot) {
      const AddressKey first = at.first | AddressKey{slot >> beyond} << (128 - depth);
      const std::optional<uint32_t> place = place_of(first, depth, block);
      const uint64_t bit = uint64_t{1} << slot;
      if (!place) {
        node.children |= bit;
        pending_.push_back({first, block, depth});
      } else if (place != previous) {
        node.leaves |= bit;
        sections_.leaves.push_back(*place);
        previous = place;
      }
    }
    sections_.nodes.push_back(node);
  }

  /// The place of all addresses that share `depth` bits with `first`, if it is one. Moves `block` on to the one
  /// that holds `first`.
  std::optional<uint32_t> place_of(AddressKey first, unsigned depth, size_t& block) const {
    while (block + 1 < blocks_.size() && blocks_[block + 1].first <= first) ++block;
    if (block + 1 < blocks_.size() && blocks_[block + 1].first <= block_end(first, depth)) return {};
    return blocks_[block].place;
  }

  std::span<const PlaceBlock> blocks_;
  std::vector<Pending> pending_;
  TrieSections sections_;
};

} // namespace

TrieSections build_trie(std::span<const PlaceBlock> blocks) {
  return TrieBuilder{blocks}.run();
}

} // namespace anytick::geo
