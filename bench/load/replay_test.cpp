#include "bench/load/replay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bench/load/capture.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::bench {
namespace {

using test::Bytes;
using test::Message;
using test::Packet;

const std::string server_mac = "020000000077", client_mac = "020000000078";

Bytes query(unsigned id, const char* name = "0.test.example") {
  return Packet{.payload = Message{.name = name, .id = id}.bytes()}.bytes();
}
Bytes time_request(uint64_t stamp) {
  return Packet{.payload = test::NtpMessage{.transmit = stamp}.bytes(), .to_port = 123}.bytes();
}
/// What Packet's server sends back.
Bytes reply(const Bytes& payload, unsigned port = 53) {
  return Packet{.payload = payload, .from = "203.0.113.53", .to = "192.0.2.1", .from_port = port, .to_port = 40000}
      .bytes();
}
Bytes answer(unsigned id, const char* name = "0.test.example") {
  return reply(Message{.name = name, .id = id, .flags = 0x8403}.bytes());
}

struct Sent {
  Bytes bytes;
  bool expects;
};
Sent send(Replay& replay, uint32_t number) {
  Bytes frame(frame_max);
  const auto [length, expects] = replay.write(number, frame.data());
  frame.resize(length);
  return {frame, expects};
}

TEST(Replay, SendsFramesAsTheyAreButForTheirMacs) {
  const std::vector<Bytes> frames{query(1), time_request(5), Packet{.ethertype = 0x0806}.bytes()};
  Replay replay(frames, server_mac, client_mac);
  for (uint32_t number = 0; number < frames.size(); ++number) {
    Bytes right = test::from_hex(server_mac + client_mac);
    right.insert(right.end(), frames[number].begin() + 12, frames[number].end());
    const Sent sent = send(replay, number);
    EXPECT_EQ(test::to_hex(sent.bytes), test::to_hex(right));
    EXPECT_EQ(sent.expects, number != 2);
  }
  // They begin anew, without those that wait.
  EXPECT_EQ(send(replay, 3).bytes.size(), frames[2].size());
  replay.settle(0);
  EXPECT_EQ(send(replay, 4).bytes.size(), frames[0].size());
  EXPECT_EQ(replay.name_of(4), "frame 1 of the capture");
}

TEST(Replay, OnlyQueriesAndRequestsExpectAReply) {
  Message response{.flags = 0x8000}, two_questions{.counts = {2, 0, 0, 0}};
  const std::vector<Bytes> frames{Packet{.payload = response.bytes()}.bytes(),
                                  Packet{.payload = two_questions.bytes()}.bytes(),
                                  Packet{.payload = Bytes(11)}.bytes(),
                                  Packet{.to_port = 54}.bytes(),
                                  Packet{.payload = test::NtpMessage{.mode = 6}.bytes(), .to_port = 123}.bytes(),
                                  Packet{.payload = Bytes(47, 0x23), .to_port = 123}.bytes()};
  Replay replay(frames, server_mac, client_mac);
  for (uint32_t number = 0; number < frames.size(); ++number) EXPECT_FALSE(send(replay, number).expects) << number;
}

TEST(Replay, RepliesAreMatchedAndJudged) {
  Replay replay({query(1), query(2, "1.test.example"), time_request(5)}, server_mac, client_mac);
  const auto judge = [&](const Bytes& frame) -> std::string {
    const Datagram datagram = *read_datagram(frame);
    const auto number = replay.number_of(datagram);
    if (!number) return "unasked";
    const char* fault = replay.fault_of(*number, datagram);
    return std::to_string(*number) + ": " + (fault != nullptr ? fault : "right");
  };
  const auto time = [](unsigned stratum, uint64_t origin) {
    test::NtpMessage message{.mode = 4, .stratum = stratum, .origin = origin, .receive = 1, .transmit = 2};
    return reply(message.bytes(), 123);
  };
  EXPECT_EQ(judge(answer(1)), "unasked");
  for (uint32_t number = 3; number < 6; ++number) EXPECT_TRUE(send(replay, number).expects);
  EXPECT_EQ(judge(answer(1)), "3: right");
  EXPECT_EQ(judge(answer(2)), "4: another question");
  EXPECT_EQ(judge(answer(2, "1.test.example")), "4: right");
  EXPECT_EQ(judge(answer(3)), "unasked");
  EXPECT_EQ(judge(time(1, 5)), "5: right");
  EXPECT_EQ(judge(time(0, 5)), "5: a stratum without time");
  EXPECT_EQ(judge(time(1, 6)), "unasked");
  replay.settle(3);
  EXPECT_EQ(judge(answer(1)), "unasked");
}

TEST(Replay, TwoOfOneIdWaitForEachOther) {
  Replay replay({query(1), query(1, "longer.test.example")}, server_mac, client_mac);
  EXPECT_EQ(send(replay, 0).bytes.size(), query(1).size());
  EXPECT_TRUE(send(replay, 1).bytes.empty());
  replay.settle(0);
  EXPECT_FALSE(send(replay, 1).bytes.empty());
  EXPECT_TRUE(send(replay, 2).bytes.empty());
}

/// A file that is gone with it.
class File {
 public:
  explicit File(const char* name) : path(std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name)) {}
  ~File() { std::filesystem::remove(path); }

  const std::filesystem::path path;
};

TEST(Captures, AreReadAsTheyWereWritten) {
  const File file("frames.pcap");
  const std::vector<Bytes> frames{query(1), time_request(5), Bytes(frame_max, 7)};
  ASSERT_FALSE(write_capture(file.path, frames));
  const auto read = read_capture(file.path);
  ASSERT_TRUE(read) << read.refusal().text();
  EXPECT_EQ(*read, frames);
}

TEST(Captures, AreRefusedWithTheirFrame) {
  const File file("frames.pcap");
  const auto reason = [&] { return read_capture(file.path).refusal().text().substr(file.path.string().size()); };
  EXPECT_NE(reason().find("No such file"), std::string::npos);
  std::ofstream(file.path) << "no capture, but long enough to be one";
  EXPECT_EQ(reason(), ": unknown file format");
  ASSERT_FALSE(write_capture(file.path, {}));
  EXPECT_EQ(reason(), ": has no frames");
  ASSERT_FALSE(write_capture(file.path, {query(1), Bytes(frame_max + 1)}));
  EXPECT_EQ(reason(), " at frame 2: 1515 bytes, where 14 to 1514 can be sent");
  ASSERT_FALSE(write_capture(file.path, {query(1), Bytes(13)}));
  EXPECT_EQ(reason(), " at frame 2: 13 bytes, where 14 to 1514 can be sent");
  ASSERT_FALSE(write_capture(file.path, {query(1), query(2)}));
  std::filesystem::resize_file(file.path, std::filesystem::file_size(file.path) - 1);
  EXPECT_NE(reason().find(" at frame 2: truncated"), std::string::npos) << reason();
}

TEST(Captures, ThatCannotBeWrittenSaySo) {
  EXPECT_TRUE(write_capture("/nowhere/frames.pcap", {query(1)}));
}

} // namespace
} // namespace anytick::bench
