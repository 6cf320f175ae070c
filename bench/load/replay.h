#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/load/traffic.h"
#include "tests/packets/wire.h"

namespace anytick::bench {

/// Frames of others as they are, but for their MAC addresses, again and again in turn. A reply belongs to the frame of
/// its addresses, ports and id, or of its NTP stamp: so a frame of the same is not sent while another waits. What is
/// neither a query of one question nor an NTP request of a client is sent, and nothing expected.
class Replay : public Traffic {
 public:
  /// MAC addresses in hexadecimal.
  Replay(std::vector<test::Bytes> frames, const std::string& server_mac, const std::string& client_mac);

  Written write(uint32_t number, uint8_t* to) override;
  std::optional<uint32_t> number_of(const Datagram& reply) const override;
  /// Answers are of the same question, whatever they say; NTP replies are judged as those of a mix.
  const char* fault_of(uint32_t number, const Datagram& reply) override;
  std::string name_of(uint32_t number) const override;
  void settle(uint32_t number) override;

 private:
  struct Key {
    geo::Address client, server;
    uint16_t client_port, server_port;
    uint64_t mark; // id or stamp
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  static constexpr uint32_t none = UINT32_MAX;
  struct Frame {
    test::Bytes bytes;
    uint32_t exchange; // none: it expects no reply
  };

  uint32_t after(uint32_t frame) const { return frame + 1 < frames_.size() ? frame + 1 : 0; }
  bool waits(const Frame& frame) const { return frame.exchange != none && waiting_[frame.exchange] != none; }
  const Frame& frame_of(uint32_t number) const { return frames_[sent_[number % window_max]]; }

  std::vector<Frame> frames_;
  std::unordered_map<Key, uint32_t, KeyHash> exchanges_;
  std::vector<uint32_t> waiting_;                                  // by exchange: the number that waits, or none
  uint32_t next_ = 0;                                              // frame
  std::vector<uint32_t> sent_ = std::vector<uint32_t>(window_max); // by number: the frame
};

} // namespace anytick::bench
