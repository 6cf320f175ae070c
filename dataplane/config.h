#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/identity.h"
#include "dataplane/core/limit.h"
#include "dataplane/core/ntp_auth.h"
#include "dataplane/core/signature.h"
#include "dataplane/io/chrony.h"
#include "geo/prefix.h"
#include "geo/refusal.h"

namespace anytick::io {

enum class HugePages : uint8_t { when_free, on, off };
enum class Idle : uint8_t { spin, pause, sleep };
enum class Checksums : uint8_t { by_device, software };
enum class Steering : uint8_t { none, isolate };
enum class ClockSource : uint8_t { automatic, chrony, kernel, fixed };
enum class TwinDriver : uint8_t { tap, virtio_user };
enum class LogLevel : uint8_t { debug, info, warning, error };

/// How DPDK's environment is set up.
struct EalConfig {
  HugePages huge_pages = HugePages::when_free;
  uint32_t memory_mb = 256;               ///< MiB for mbufs and device rings
  std::vector<unsigned> control_cores{0}; ///< CPUs of everything that is no worker
  std::vector<std::string> extra;         ///< further EAL arguments, passed on as they are
};

struct WorkersConfig {
  std::vector<unsigned> cores{1}; ///< CPUs, one worker each
  Idle idle = Idle::pause;
  uint16_t burst = 32; ///< frames, 1..64
};

/// DNS over TCP, and UDP that came by the kernel.
struct SocketsConfig {
  bool enabled = true;
  uint32_t tcp_connections = 10'000;
  uint32_t tcp_per_source = 100;                  ///< connections of one IPv4 address or IPv6 /64
  uint32_t tcp_backlog = 1024;                    ///< connections that wait to be taken, for each address
  uint64_t tcp_buffer_bytes = uint64_t{64} << 20; ///< of all connections together
  std::chrono::seconds idle{10};                  ///< without a query, or without taking any of an answer
  std::chrono::seconds message{5};                ///< for the rest of a query that has begun
  std::chrono::seconds total{120};                ///< of a connection, whatever it does
};

/// What one source may cost.
struct LimitConfig {
  core::LimitRules rules;
  uint64_t memory_bytes = uint64_t{16} << 20; ///< of the buckets of all threads together
};

/// NTP.
struct NtpConfig {
  bool enabled = true;                   ///< else UDP/123 is the kernel's
  std::vector<core::NtpKeyConfig> keys;  ///< ids are distinct
  bool interleaved = false;              ///< RFC 9769
  uint32_t interleaved_clients = 65'536; ///< that each worker remembers; a power of two
};

/// A clock in a laboratory.
struct FixedClock {
  uint8_t leap = 0;
  uint8_t stratum = 1;
  uint32_t refid = 0;         ///< as on the wire
  double root_delay = 0;      ///< seconds
  double root_dispersion = 0; ///< seconds
  double correction = 0;      ///< seconds: the time that is told is CLOCK_REALTIME and this
};

/// Where it is known from how good the clock is.
struct ClockConfig {
  ClockSource source = ClockSource::automatic; ///< chrony; if there never is one, the kernel
  ChronyAddress chronyd{"/run/chrony/chronyd.sock", {}};
  std::chrono::seconds max_age{10}; ///< that a report is believed
  uint8_t kernel_stratum = 3;
  double kernel_root_delay = 0.05;      ///< seconds: to a server on the same continent and back
  double kernel_root_dispersion = 0.01; ///< seconds: of such a server, and of measuring it
  FixedClock fixed;
};

/// A host's address on an interface, and the length of its network's prefix.
struct InterfaceAddress {
  geo::Address address;
  uint8_t prefix_length = 0; ///< 1..32 or 1..128
};

/// A port's twin in the kernel.
struct TwinConfig {
  std::string interface; ///< its name; empty: no twin
  TwinDriver driver = TwinDriver::tap;
  std::vector<InterfaceAddress> addresses; ///< the port's service addresses, then those of the kernel alone
  uint32_t frames_per_second = 20'000;     ///< that the port's workers hand to it at most
};

struct PortConfig {
  std::string device;                             ///< PCI address, or virtual device with its arguments
  std::optional<std::array<uint8_t, 6>> mac;      ///< the device's own if not set
  std::optional<std::array<uint8_t, 6>> next_hop; ///< gets the replies, instead of who sent the queries
  std::vector<geo::Address> addresses;            ///< service addresses, at least one
  Checksums checksum = Checksums::by_device;
  uint16_t rx_descriptors = 1024;
  uint16_t tx_descriptors = 1024;
  uint16_t mtu = 1500;                        ///< bytes of an IP packet
  std::chrono::nanoseconds receive_delay{0};  ///< from the wire until a frame can be received
  std::chrono::nanoseconds transmit_delay{0}; ///< from the end of the transmit call to the wire
  Steering steering = Steering::none;
  TwinConfig kernel;

  /// The device's name in DPDK: `device` without its arguments.
  std::string_view device_name() const { return std::string_view(device).substr(0, device.find(',')); }
};

/// Control by TCP, with mutual TLS. The files are read again while it runs.
struct ControlTlsConfig {
  std::vector<Endpoint> listen;     ///< distinct; none: control by the Unix socket only
  std::string certificate;          ///< PEM file: that of the POP, and what is between it and the clients' CA
  std::string key;                  ///< PEM file
  std::string ca;                   ///< PEM file: whose certificates clients have
  std::vector<std::string> names;   ///< of which a client's certificate has one; none: any of the CA's will do
  std::chrono::seconds refresh{10}; ///< between looks at the files
};

/// pop.toml.
struct Config {
  std::string name;
  core::Identity identity; ///< what it tells clients of itself
  std::filesystem::path state_dir = "/var/lib/anytick";
  std::filesystem::path control_socket = "/run/anytick/pop.sock";
  ControlTlsConfig control_tls;
  uint64_t max_table_bytes = uint64_t{256} << 20; ///< of one pushed table
  LogLevel log_level = LogLevel::info;
  EalConfig eal;
  WorkersConfig workers;
  SocketsConfig sockets;
  LimitConfig limit;
  NtpConfig ntp;
  ClockConfig clock;
  std::vector<core::PublicKey> trusted_keys; ///< distinct; none: tables need no signature
  std::vector<PortConfig> ports;             ///< at least one
};

/// A configuration, or every reason why there is none: `what` is the file, `where` line and column, `reason` names the
/// key.
struct ParsedConfig {
  std::optional<Config> config; ///< set if there are no faults
  std::vector<Refusal> faults;
};

/// Reads the key files that `text` names, too.
ParsedConfig parse_config(std::string_view text, const std::string& file);
ParsedConfig read_config(const std::string& file);

} // namespace anytick::io
