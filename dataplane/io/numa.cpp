#include "dataplane/io/numa.h"

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

void prefer_node(std::span<std::byte> memory, int node) {
  constexpr int bits = sizeof(unsigned long) * 8;
  if (node < 0 || node >= bits) return;
  const unsigned long nodes = 1ul << node;
  // libnuma would be a library for this one call. The kernel looks at one bit less than it is told of.
  syscall(SYS_mbind, memory.data(), memory.size(), MPOL_PREFERRED, &nodes, bits + 1, 0);
}

} // namespace anytick::io
