#include "bench/load/capture.h"

#include <pcap/pcap.h>

#include <array>
#include <memory>

#include "bench/load/traffic.h"

namespace anytick::bench {
namespace {

using Handle = std::unique_ptr<pcap_t, decltype(&pcap_close)>;
using Dumper = std::unique_ptr<pcap_dumper_t, decltype(&pcap_dump_close)>;

} // namespace

Result<std::vector<test::Bytes>> read_capture(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  const Handle handle(pcap_open_offline(path.c_str(), error.data()), pcap_close);
  if (handle == nullptr) return Refusal{path, "", error.data()};
  if (pcap_datalink(handle.get()) != DLT_EN10MB) return Refusal{path, "", "is not of Ethernet"};
  std::vector<test::Bytes> frames;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int result;
  while ((result = pcap_next_ex(handle.get(), &header, &data)) == 1) {
    const auto refuse = [&](std::string reason) {
      return Refusal{path, "frame " + std::to_string(frames.size() + 1), std::move(reason)};
    };
    if (header->caplen != header->len) return refuse("is cut off");
    if (header->len < ethernet_bytes || header->len > frame_max)
      return refuse(std::to_string(header->len) + " bytes, where 14 to " + std::to_string(frame_max) + " can be sent");
    frames.emplace_back(data, data + header->caplen);
  }
  if (result != PCAP_ERROR_BREAK)
    return Refusal{path, "frame " + std::to_string(frames.size() + 1), pcap_geterr(handle.get())};
  if (frames.empty()) return Refusal{path, "", "has no frames"};
  return frames;
}

std::optional<Refusal> write_capture(const std::string& path, const std::vector<test::Bytes>& frames) {
  const Handle handle(pcap_open_dead(DLT_EN10MB, 65535), pcap_close);
  const Dumper dumper(pcap_dump_open(handle.get(), path.c_str()), pcap_dump_close);
  if (dumper == nullptr) return Refusal{path, "", pcap_geterr(handle.get())};
  for (const test::Bytes& frame : frames) {
    const auto length = static_cast<bpf_u_int32>(frame.size());
    const pcap_pkthdr header{{}, length, length};
    pcap_dump(reinterpret_cast<u_char*>(dumper.get()), &header, frame.data());
  }
  if (pcap_dump_flush(dumper.get()) != 0) return Refusal{path, "", "cannot be written"};
  return {};
}

} // namespace anytick::bench
