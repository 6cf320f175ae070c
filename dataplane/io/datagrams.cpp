#include "dataplane/io/datagrams.h"

#include <algorithm>
#include <cstring>

#include "dataplane/io/wall_clock.h"

namespace anytick::io {

size_t DatagramBatch::receive(int socket) {
  for (size_t i = 0; i < size; ++i) {
    parts_[i] = {message(i), message_max};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_name = &memory_->peers[i];
    headers_[i].msg_hdr.msg_namelen = sizeof memory_->peers[i];
    headers_[i].msg_hdr.msg_iov = &parts_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = memory_->controls[i].data();
    headers_[i].msg_hdr.msg_controllen = memory_->controls[i].size();
  }
  reply_count_ = 0;
  return static_cast<size_t>(std::max(::recvmmsg(socket, headers_.data(), size, 0, nullptr), 0));
}

int64_t DatagramBatch::received(size_t i) const {
  const msghdr& header = headers_[i].msg_hdr;
  for (const cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(part))) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp;
    std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    return nanoseconds_of(stamp);
  }
  return 0;
}

void DatagramBatch::reply(size_t i, size_t length) {
  parts_[i].iov_len = length;
  mmsghdr& header = replies_[reply_count_++] = headers_[i];
  header.msg_hdr.msg_control = nullptr;
  header.msg_hdr.msg_controllen = 0;
}

size_t DatagramBatch::send(int socket) {
  size_t refused = 0;
  for (size_t done = 0; done < reply_count_;) {
    const int taken = ::sendmmsg(socket, &replies_[done], static_cast<unsigned>(reply_count_ - done), 0);
    refused += taken > 0 ? 0 : 1;
    done += taken > 0 ? static_cast<size_t>(taken) : 1;
  }
  return refused;
}

} // namespace anytick::io
