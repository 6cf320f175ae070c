#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

/// Which NUMA node memory is on, so that a worker's is near its core. On a machine with one node all of this does
/// nothing.
namespace anytick::io {

inline constexpr int any_node = -1;

/// The node of a CPU; any_node where the machine has but one or the kernel does not say.
int node_of_core(unsigned core);

/// The nodes of the threads that answer: of the workers by their cores, and any for who comes after them.
class ThreadNodes {
 public:
  using NodeOf = std::function<int(unsigned core)>;

  ThreadNodes() = default;
  explicit ThreadNodes(std::span<const unsigned> cores, const NodeOf& node_of = node_of_core);

  int of(unsigned thread) const { return thread < nodes_.size() ? nodes_[thread] : any_node; }
  /// Each node that there is once, in order.
  std::vector<int> distinct() const;

 private:
  std::vector<int> nodes_;
};

/// Where the buffers of a queue are: near the device that writes them, or, as virtual devices are nowhere, near the
/// worker.
constexpr int node_of_queue(int device, int worker) {
  return device != any_node ? device : worker;
}

/// Has the kernel take pages that are not there yet from the node while it has some, then from others. A wish: a kernel
/// without NUMA goes on as ever. `memory` begins with a page.
void prefer_node(std::span<std::byte> memory, int node);

/// As long as it lives, pages that this thread is the first to touch are taken from the node, as by prefer_node().
class NodePreference {
 public:
  explicit NodePreference(int node);
  NodePreference(const NodePreference&) = delete;
  NodePreference& operator=(const NodePreference&) = delete;
  ~NodePreference();

 private:
  bool changed_ = false;
  int mode_ = 0; ///< before, with its nodes
  unsigned long nodes_ = 0;
};

} // namespace anytick::io
