#include "tests/packets/raw_link.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace anytick::test {
namespace {

void check(bool done, const char* step) {
  if (!done) throw std::system_error(errno, std::generic_category(), step);
}

/// The kernel takes the outermost tag out of a frame and says what it was.
void put_tag_back(const msghdr& message, Bytes& frame) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(const_cast<msghdr*>(&message), each)) {
    if (each->cmsg_level != SOL_PACKET || each->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(each), sizeof aux);
    if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0) continue;
    const unsigned tpid =
        (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid : unsigned{ETHERTYPE_VLAN};
    Bytes tag;
    append16(tag, tpid);
    append16(tag, aux.tp_vlan_tci);
    frame.insert(frame.begin() + 2 * ETHER_ADDR_LEN, tag.begin(), tag.end());
  }
}

} // namespace

RawLink::RawLink(const std::string& interface) : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  check(socket_.is_open(), "socket");
  const int yes = 1;
  check(::setsockopt(socket_.get(), SOL_PACKET, PACKET_AUXDATA, &yes, sizeof yes) == 0, "PACKET_AUXDATA");
  const timeval patience{10, 0};
  check(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "SO_RCVTIMEO");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  check(address.sll_ifindex != 0, interface.c_str());
  check(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
}

void RawLink::send(const Bytes& frame) const {
  check(::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()), "send");
}

std::optional<Bytes> RawLink::receive() const {
  for (;;) {
    Bytes frame(65'536);
    sockaddr_ll from{};
    alignas(cmsghdr) std::array<char, 256> control;
    iovec part{frame.data(), frame.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    check(size >= 0, "recvmsg");
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    frame.resize(static_cast<size_t>(size));
    put_tag_back(message, frame);
    return frame;
  }
}

} // namespace anytick::test
