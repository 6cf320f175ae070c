#include "dataplane/io/kernel_link.h"

#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

namespace anytick::io {
namespace {

template <auto Free> struct FreeBy {
  void operator()(auto* object) const { Free(object); }
};
using Socket = std::unique_ptr<nl_sock, FreeBy<nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, FreeBy<rtnl_link_put>>;
using LinkAddress = std::unique_ptr<rtnl_addr, FreeBy<rtnl_addr_put>>;
using Bytes = std::unique_ptr<nl_addr, FreeBy<nl_addr_put>>;

Refusal refusal(const std::string& interface, const std::string& step, int error) {
  return {interface, "", fmt::format("{}: {}", step, nl_geterror(error))};
}

int add_address(nl_sock* socket, int link, const InterfaceAddress& wanted) {
  const bool ipv4 = wanted.address.family == geo::Family::ipv4;
  const Bytes bytes(nl_addr_build(ipv4 ? AF_INET : AF_INET6, wanted.address.bytes.data(), wanted.address.width() / 8));
  const LinkAddress address(rtnl_addr_alloc());
  if (bytes == nullptr || address == nullptr) return -NLE_NOMEM;
  rtnl_addr_set_ifindex(address.get(), link);
  if (const int error = rtnl_addr_set_local(address.get(), bytes.get()); error < 0) return error;
  rtnl_addr_set_prefixlen(address.get(), wanted.prefix_length);
  if (!ipv4) rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
  return rtnl_addr_add(socket, address.get(), NLM_F_REPLACE);
}

/// A query in a frame to many stations would be answered by each of them (RFC 1122 3.3.6). No netlink attribute says so
/// for IPv6.
void refuse_unicast_in_group_frames(const std::string& interface) {
  for (const char* family : {"ipv4", "ipv6"}) {
    std::ofstream setting(fmt::format("/proc/sys/net/{}/conf/{}/drop_unicast_in_l2_multicast", family, interface));
    if (!(setting << 1 << std::flush))
      spdlog::warn("{}: the kernel takes {} packets out of broadcast and multicast frames", interface, family);
  }
}

} // namespace

std::optional<Refusal> set_up_link(const std::string& interface, uint16_t mtu,
                                   std::span<const InterfaceAddress> addresses) {
  const Socket socket(nl_socket_alloc());
  if (socket == nullptr) return refusal(interface, "netlink", -NLE_NOMEM);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) return refusal(interface, "netlink", error);
  rtnl_link* found = nullptr;
  if (const int error = rtnl_link_get_kernel(socket.get(), 0, interface.c_str(), &found); error < 0) {
    return refusal(interface, "interface", error);
  }
  const Link link(found);
  const Link changed(rtnl_link_alloc());
  if (changed == nullptr) return refusal(interface, "interface", -NLE_NOMEM);
  rtnl_link_set_mtu(changed.get(), mtu);
  rtnl_link_set_flags(changed.get(), IFF_UP);
  if (const int error = rtnl_link_change(socket.get(), link.get(), changed.get(), 0); error < 0) {
    return refusal(interface, fmt::format("up with mtu {}", mtu), error);
  }
  refuse_unicast_in_group_frames(interface);
  for (const InterfaceAddress& each : addresses) {
    if (const int error = add_address(socket.get(), rtnl_link_get_ifindex(link.get()), each); error < 0) {
      return refusal(interface, fmt::format("address {}/{}", geo::to_text(each.address), each.prefix_length), error);
    }
  }
  return std::nullopt;
}

} // namespace anytick::io
