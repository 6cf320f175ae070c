#include "dataplane/io/numa.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace anytick::io {
namespace {

// libnuma would be a library for two calls. The kernel looks at one bit less than it is told of.
constexpr int nodes_max = sizeof(unsigned long) * 8;
constexpr int mask_bits = nodes_max + 1;

/// The numbers of the nodes that a directory of sysfs has entries of: "node0", "node1".
std::vector<int> nodes_in(const std::filesystem::path& directory) {
  constexpr std::string_view prefix = "node";
  std::vector<int> nodes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    int node = 0;
    const char* end = name.data() + name.size();
    if (!name.starts_with(prefix)) continue;
    if (const auto read = std::from_chars(name.data() + prefix.size(), end, node);
        read.ec == std::errc() && read.ptr == end)
      nodes.push_back(node);
  }
  return nodes;
}

} // namespace

int node_of_core(unsigned core) {
  if (nodes_in("/sys/devices/system/node").size() < 2) return any_node;
  const std::vector<int> nodes = nodes_in("/sys/devices/system/cpu/cpu" + std::to_string(core));
  return nodes.empty() ? any_node : nodes.front();
}

ThreadNodes::ThreadNodes(std::span<const unsigned> cores, const NodeOf& node_of) {
  for (const unsigned core : cores) nodes_.push_back(node_of(core));
}

std::vector<int> ThreadNodes::distinct() const {
  std::vector<int> nodes = nodes_;
  std::ranges::sort(nodes);
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::erase(nodes, any_node);
  return nodes;
}

void prefer_node(std::span<std::byte> memory, int node) {
  if (node < 0 || node >= nodes_max) return;
  const unsigned long nodes = 1ul << node;
  syscall(SYS_mbind, memory.data(), memory.size(), MPOL_PREFERRED, &nodes, mask_bits, 0);
}

NodePreference::NodePreference(int node) {
  if (node < 0 || node >= nodes_max) return;
  const unsigned long nodes = 1ul << node;
  changed_ = syscall(SYS_get_mempolicy, &mode_, &nodes_, mask_bits, nullptr, 0) == 0 &&
             syscall(SYS_set_mempolicy, MPOL_PREFERRED, &nodes, mask_bits) == 0;
}

NodePreference::~NodePreference() {
  if (changed_) syscall(SYS_set_mempolicy, mode_, &nodes_, mask_bits);
}

} // namespace anytick::io
