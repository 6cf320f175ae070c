#pragma once

#include <cstdint>
#include <span>

#include "dataplane/core/bytes.h"

namespace anytick::bench {

/// A resource record (RFC 1035 4.1.3), in parts of the message that it stands in.
struct Record {
  std::span<const uint8_t> owner; ///< as written: a pointer at its end is not followed
  uint16_t type, klass;
  uint32_t ttl;
  std::span<const uint8_t> rdata;
};

/// Reads the records of a message, one behind the other.
class Records {
 public:
  Records(std::span<const uint8_t> message, size_t at) : rest_(message.subspan(at)) {}

  /// False where the message ends before the record does.
  bool next(Record& record) {
    constexpr size_t fixed = 10;
    const size_t owner = owner_bytes();
    if (owner == 0 || rest_.size() < owner + fixed) return false;
    const auto head = rest_.subspan(owner, fixed);
    const size_t length = core::load_big16(&head[8]);
    if (rest_.size() < owner + fixed + length) return false;
    record = {rest_.first(owner), core::load_big16(&head[0]), core::load_big16(&head[2]), core::load_big32(&head[4]),
              rest_.subspan(owner + fixed, length)};
    rest_ = rest_.subspan(owner + fixed + length);
    return true;
  }
  size_t left() const { return rest_.size(); } ///< bytes

 private:
  /// Of the owner that comes next; 0 where it is none.
  size_t owner_bytes() const {
    for (size_t at = 0; at < rest_.size(); at += rest_[at] + size_t{1}) {
      if (rest_[at] >= 0xc0) return at + 2;
      if (rest_[at] == 0) return at + 1;
    }
    return 0;
  }

  std::span<const uint8_t> rest_;
};

} // namespace anytick::bench
