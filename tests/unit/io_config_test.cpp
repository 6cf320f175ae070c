#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/config.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

constexpr const char* minimal = R"(name = "fra1"
[[port]]
device = "net_ring0"
addresses = ["192.0.2.53"]
)";

TEST(Config, DefaultsOfAMinimalFile) {
  const ParsedConfig parsed = parse_config(minimal, "pop.toml");
  ASSERT_TRUE(parsed.config) << parsed.faults.front().text();
  const Config& config = *parsed.config;
  EXPECT_EQ(config.name, "fra1");
  EXPECT_EQ(config.max_table_bytes, 256u << 20);
  EXPECT_EQ(config.eal.huge_pages, HugePages::when_free);
  EXPECT_EQ(config.eal.memory_mb, 256u);
  EXPECT_EQ(config.eal.control_cores, std::vector<unsigned>{0});
  EXPECT_EQ(config.workers.cores, std::vector<unsigned>{1});
  EXPECT_EQ(config.workers.burst, 32);
  EXPECT_TRUE(config.sockets.enabled);
  EXPECT_EQ(config.sockets.tcp_connections, 10'000u);
  EXPECT_EQ(config.sockets.tcp_per_source, 100u);
  EXPECT_EQ(config.sockets.idle, std::chrono::seconds(10));
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].checksum, Checksums::by_device);
  EXPECT_EQ(config.ports[0].rx_descriptors, 1024);
  EXPECT_EQ(config.ports[0].mtu, 1500);
  EXPECT_FALSE(config.ports[0].mac);
  EXPECT_FALSE(config.ports[0].next_hop);
  EXPECT_EQ(config.ports[0].steering, Steering::none);
  EXPECT_EQ(config.ports[0].kernel.interface, "at0");
  EXPECT_EQ(config.ports[0].kernel.driver, TwinDriver::tap);
  EXPECT_EQ(config.ports[0].kernel.frames_per_second, 20'000u);
  ASSERT_EQ(config.ports[0].kernel.addresses.size(), 1u);
  EXPECT_EQ(config.ports[0].kernel.addresses[0].prefix_length, 32);
}

TEST(Config, EveryKey) {
  const ParsedConfig parsed = parse_config(R"(
name = "fra1"
state_dir = "/srv/anytick"
control = "unix:/srv/pop.sock"
max_table_bytes = 1048576
log_level = "debug"
[eal]
huge_pages = "off"
memory_mb = 512
control_cores = [0, 2]
extra = ["--log-level=lib.eal:debug"]
[workers]
cores = [1, 3]
idle = "sleep"
burst = 64
[sockets]
enabled = false
tcp_connections = 20000
tcp_per_source = 7
tcp_backlog = 64
tcp_buffer_bytes = 2097152
idle_seconds = 3
message_seconds = 2
total_seconds = 60
[[port]]
device = "net_af_xdp0,iface=veth0"
mac = "02:00:5e:10:00:Fe"
next_hop = "02:00:00:00:00:01"
addresses = ["192.0.2.53/24", "2001:db8::53"]
kernel = "wan"
kernel_driver = "virtio_user"
kernel_addresses = ["198.51.100.2/30", "2001:db8:1::2/127"]
kernel_pps = 500
checksum = "software"
rx_descriptors = 2048
tx_descriptors = 512
mtu = 9000
[[port]]
device = "0000:3b:00.0"
addresses = ["192.0.2.53"]
[[port]]
device = "0000:3b:00.1"
addresses = ["192.0.2.53"]
kernel = "none"
[[port]]
device = "0000:5e:00.0"
addresses = ["192.0.2.53"]
steering = "isolate"
)",
                                           "pop.toml");
  ASSERT_TRUE(parsed.config) << parsed.faults.front().text();
  const Config& config = *parsed.config;
  EXPECT_EQ(config.state_dir, "/srv/anytick");
  EXPECT_EQ(config.control_socket, "/srv/pop.sock");
  EXPECT_EQ(config.max_table_bytes, 1048576u);
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.eal.huge_pages, HugePages::off);
  EXPECT_EQ(config.eal.control_cores, (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(config.eal.extra, std::vector<std::string>{"--log-level=lib.eal:debug"});
  EXPECT_EQ(config.workers.cores, (std::vector<unsigned>{1, 3}));
  EXPECT_EQ(config.workers.idle, Idle::sleep);
  EXPECT_EQ(config.workers.burst, 64);
  EXPECT_FALSE(config.sockets.enabled);
  EXPECT_EQ(config.sockets.tcp_connections, 20'000u);
  EXPECT_EQ(config.sockets.tcp_per_source, 7u);
  EXPECT_EQ(config.sockets.tcp_backlog, 64u);
  EXPECT_EQ(config.sockets.tcp_buffer_bytes, 2u << 20);
  EXPECT_EQ(config.sockets.idle, std::chrono::seconds(3));
  EXPECT_EQ(config.sockets.message, std::chrono::seconds(2));
  EXPECT_EQ(config.sockets.total, std::chrono::minutes(1));
  ASSERT_EQ(config.ports.size(), 4u);
  const PortConfig& port = config.ports[0];
  EXPECT_EQ(port.device_name(), "net_af_xdp0");
  EXPECT_EQ(port.mac, (std::array<uint8_t, 6>{0x02, 0, 0x5e, 0x10, 0, 0xfe}));
  ASSERT_EQ(port.addresses.size(), 2u);
  EXPECT_EQ(geo::to_text(port.addresses[1]), "2001:db8::53");
  EXPECT_EQ(port.checksum, Checksums::software);
  EXPECT_EQ(port.rx_descriptors, 2048);
  EXPECT_EQ(port.tx_descriptors, 512);
  EXPECT_EQ(port.mtu, 9000);
  EXPECT_EQ(port.next_hop, (std::array<uint8_t, 6>{0x02, 0, 0, 0, 0, 1}));
  EXPECT_EQ(port.kernel.interface, "wan");
  EXPECT_EQ(port.kernel.driver, TwinDriver::virtio_user);
  EXPECT_EQ(port.kernel.frames_per_second, 500u);
  std::string on_twin;
  for (const InterfaceAddress& each : port.kernel.addresses) {
    on_twin += geo::to_text(each.address) + '/' + std::to_string(each.prefix_length) + ' ';
  }
  EXPECT_EQ(on_twin, "192.0.2.53/24 2001:db8::53/128 198.51.100.2/30 2001:db8:1::2/127 ");
  EXPECT_EQ(config.ports[1].device_name(), "0000:3b:00.0");
  EXPECT_EQ(config.ports[1].kernel.interface, "at1");
  EXPECT_EQ(config.ports[2].kernel.interface, "");
  EXPECT_EQ(config.ports[3].steering, Steering::isolate);
  EXPECT_EQ(config.ports[3].kernel.interface, "") << "the kernel keeps the device's own";
}

struct FaultCase {
  std::string name;
  std::string text; ///< the port of `minimal` follows if it has none
  std::vector<std::string> faults;
};

void PrintTo(const FaultCase& c, std::ostream* out) {
  *out << c.name;
}

class ConfigFaults : public testing::TestWithParam<FaultCase> {};

TEST_P(ConfigFaults, AreAllReported) {
  const FaultCase& c = GetParam();
  std::string text = c.text;
  if (text.find("[[port]]") == text.npos) text += "\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n";
  const ParsedConfig parsed = parse_config(text, "F");
  EXPECT_FALSE(parsed.config);
  std::vector<std::string> faults;
  for (const Refusal& fault : parsed.faults) faults.push_back(fault.text());
  EXPECT_EQ(faults, c.faults);
}

INSTANTIATE_TEST_SUITE_P(
    , ConfigFaults,
    testing::Values(
        FaultCase{"NothingAtAll",
                  "x = 1\n[[port]]",
                  {"F at line 1, column 1: name: missing", "F at line 1, column 1: x: unknown key",
                   "F at line 2, column 1: port[0].device: missing",
                   "F at line 2, column 1: port[0].addresses: missing"}},
        FaultCase{"Syntax",
                  "name = \n",
                  {"F at line 1, column 8: Error while parsing key-value pair: expected value, saw '\\n'"}},
        FaultCase{"TwoFaultsInFileOrder",
                  "name = 7\nmax_table_bytes = 1\nlog_level = \"loud\"",
                  {"F at line 1, column 8: name: must be a string that is not empty",
                   "F at line 2, column 19: max_table_bytes: must be an integer from 4096 to 17179869184",
                   "F at line 3, column 13: log_level: must be one of \"debug\", \"info\", \"warning\", \"error\""}},
        FaultCase{"ControlIsNoUnixSocket",
                  "name = \"n\"\ncontrol = \"tcp:1.2.3.4\"",
                  {"F at line 2, column 11: control: must be \"unix:\" and an absolute path of at most 107 bytes"}},
        FaultCase{"ControlIsTooLong",
                  "name = \"n\"\ncontrol = \"unix:/" + std::string(107, 'x') + "\"",
                  {"F at line 2, column 11: control: must be \"unix:\" and an absolute path of at most 107 bytes"}},
        FaultCase{"SectionIsNoTable", "name = \"n\"\neal = 1", {"F at line 2, column 7: eal: must be a table"}},
        FaultCase{"Eal",
                  "name = \"n\"\n[eal]\nhuge_pages = true\nmemory_mb = -1\ncontrol_cores = []\nextra = [1]\nhuge = 1",
                  {"F at line 3, column 14: eal.huge_pages: must be one of \"auto\", \"on\", \"off\"",
                   "F at line 4, column 13: eal.memory_mb: must be an integer from 32 to 1048576",
                   "F at line 5, column 17: eal.control_cores: must name at least one CPU",
                   "F at line 6, column 10: eal.extra[0]: must be a string",
                   "F at line 7, column 1: eal.huge: unknown key"}},
        FaultCase{"Workers",
                  "name = \"n\"\n[workers]\ncores = [1, 1, 1024, \"2\"]\nidle = \"never\"\nburst = 0",
                  {"F at line 3, column 13: workers.cores[1]: CPU 1 is listed twice",
                   "F at line 3, column 16: workers.cores[2]: must be a CPU number from 0 to 1023",
                   "F at line 3, column 22: workers.cores[3]: must be a CPU number from 0 to 1023",
                   "F at line 4, column 8: workers.idle: must be one of \"spin\", \"pause\", \"sleep\"",
                   "F at line 5, column 9: workers.burst: must be an integer from 1 to 64"}},
        FaultCase{"BurstAboveWhatCoreTakes",
                  "name = \"n\"\n[workers]\nburst = 65",
                  {"F at line 3, column 9: workers.burst: must be an integer from 1 to 64"}},
        FaultCase{
            "Sockets",
            "name = \"n\"\n[sockets]\nenabled = 1\ntcp_connections = 0\ntcp_per_source = -1\ntcp_backlog = 65536\n"
            "tcp_buffer_bytes = 1\nidle_seconds = 0.5\nmessage_seconds = 0\ntotal_seconds = 86401\nudp = true",
            {"F at line 3, column 11: sockets.enabled: must be true or false",
             "F at line 4, column 19: sockets.tcp_connections: must be an integer from 1 to 1000000",
             "F at line 5, column 18: sockets.tcp_per_source: must be an integer from 1 to 1000000",
             "F at line 6, column 15: sockets.tcp_backlog: must be an integer from 1 to 65535",
             "F at line 7, column 20: sockets.tcp_buffer_bytes: must be an integer from 1048576 to 1099511627776",
             "F at line 8, column 16: sockets.idle_seconds: must be an integer from 1 to 3600",
             "F at line 9, column 19: sockets.message_seconds: must be an integer from 1 to 3600",
             "F at line 10, column 17: sockets.total_seconds: must be an integer from 1 to 86400",
             "F at line 11, column 1: sockets.udp: unknown key"}},
        FaultCase{"NoPort",
                  "name = \"n\"\nport = [] # [[port]]",
                  {"F at line 2, column 8: port: must have at least one [[port]]"}},
        FaultCase{"PortIsNoTable",
                  "name = \"n\"\nport = [1] # [[port]]",
                  {"F at line 2, column 9: port[0]: must be a table, written as [[port]]"}},
        FaultCase{"Port",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\nmac = \"02:00:00:00:00\"\naddresses = [\"192.0.2.53\", "
                  "\"192.0.2.53\"]\n"
                  "checksum = \"hardware\"\nrx_descriptors = 63\ntx_descriptors = 40000\nmtu = 1279",
                  {"F at line 4, column 7: port[0].mac: must be six bytes like \"02:00:00:00:00:01\"",
                   "F at line 5, column 28: port[0].addresses[1]: 192.0.2.53 is listed twice",
                   "F at line 6, column 12: port[0].checksum: must be one of \"auto\", \"software\"",
                   "F at line 7, column 18: port[0].rx_descriptors: must be an integer from 64 to 32768",
                   "F at line 8, column 18: port[0].tx_descriptors: must be an integer from 64 to 32768",
                   "F at line 9, column 7: port[0].mtu: must be an integer from 1280 to 9600"}},
        FaultCase{"GroupMac",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\nmac = \"01:00:5e:00:00:01\"\naddresses = [\"192.0.2.53\"]",
                  {"F at line 4, column 7: port[0].mac: must be a station's address"}},
        FaultCase{
            "AddressesThatCannotAnswer",
            "name = \"n\"\n[[port]]\ndevice = \"d\"\n"
            "addresses = [\"0.0.0.0\", \"224.0.0.1\", \"255.255.255.255\", \"::\", \"ff02::1\", \"192.0.2.0/24\"]",
            {"F at line 4, column 14: port[0].addresses[0]: 0.0.0.0 is not a host's address",
             "F at line 4, column 25: port[0].addresses[1]: 224.0.0.1 is multicast, reserved or broadcast",
             "F at line 4, column 38: port[0].addresses[2]: 255.255.255.255 is multicast, reserved or broadcast",
             "F at line 4, column 57: port[0].addresses[3]: :: is not a host's address",
             "F at line 4, column 63: port[0].addresses[4]: ff02::1 is multicast",
             "F at line 4, column 74: port[0].addresses[5]: 192.0.2.0/24 is a network, not a host's address"}},
        FaultCase{"AddressesOfNoLink",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\n"
                  "addresses = [\"127.0.0.1\", \"::1\", \"::ffff:192.0.2.53\", \"::2\"]",
                  {"F at line 4, column 14: port[0].addresses[0]: 127.0.0.1 is a loopback address",
                   "F at line 4, column 27: port[0].addresses[1]: ::1 is a loopback address",
                   "F at line 4, column 34: port[0].addresses[2]: ::ffff:192.0.2.53 is an IPv4 address"}},
        FaultCase{"NoAddress",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = []",
                  {"F at line 4, column 13: port[0].addresses: must name at least one address"}},
        FaultCase{"PrefixLengths",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\n"
                  "addresses = [\"192.0.2.53/33\", \"2001:db8::53/129\", \"192.0.2.53/\", \"192.0.2.53/24x\", "
                  "\"192.0.2.53/0\", \"2001:db8::/64\"]",
                  {"F at line 4, column 14: port[0].addresses[0]: must be an IPv4 or IPv6 address",
                   "F at line 4, column 31: port[0].addresses[1]: must be an IPv4 or IPv6 address",
                   "F at line 4, column 51: port[0].addresses[2]: must be an IPv4 or IPv6 address",
                   "F at line 4, column 66: port[0].addresses[3]: must be an IPv4 or IPv6 address",
                   "F at line 4, column 84: port[0].addresses[4]: must be an IPv4 or IPv6 address",
                   "F at line 4, column 100: port[0].addresses[5]: 2001:db8::/64 is a network, not a host's address"}},
        FaultCase{"Kernel",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\nkernel = \"a,b\"\n"
                  "kernel_driver = \"kni\"\nkernel_pps = 0\nkernel_addresses = [\"192.0.2.53/24\"]\n"
                  "next_hop = \"ff:ff:ff:ff:ff:ff\"",
                  {"F at line 5, column 10: port[0].kernel: must be an interface's name of at most 15 characters",
                   "F at line 6, column 17: port[0].kernel_driver: must be one of \"tap\", \"virtio_user\"",
                   "F at line 7, column 14: port[0].kernel_pps: must be an integer from 1 to 10000000",
                   "F at line 8, column 21: port[0].kernel_addresses[0]: 192.0.2.53/24 is listed twice",
                   "F at line 9, column 12: port[0].next_hop: must be a station's address"}},
        FaultCase{"KernelNameTooLong",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\nkernel = \"abcdefghijklmnop\"",
                  {"F at line 5, column 10: port[0].kernel: must be an interface's name of at most 15 characters"}},
        FaultCase{"KernelAddressesOfNoTwin",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\nkernel = \"none\"\n"
                  "kernel_addresses = [\"192.0.2.1/24\"]",
                  {"F at line 6, column 20: port[0].kernel_addresses: have no interface to be on"}},
        FaultCase{"IsolatedTwin",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\nsteering = \"isolate\"\n"
                  "kernel = \"at0\"",
                  {"F at line 6, column 10: port[0].kernel: must be \"none\" where steering is \"isolate\": the kernel "
                   "keeps its own interface"}},
        FaultCase{"TwinTwice",
                  "name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\nkernel = \"at1\"\n"
                  "[[port]]\ndevice = \"e\"\naddresses = [\"192.0.2.54\"]",
                  {"F at line 6, column 1: port[1].kernel: at1 is another port's"}},
        FaultCase{"DeviceTwice",
                  "name = \"n\"\n[[port]]\ndevice = \"d,a=1\"\naddresses = [\"192.0.2.53\"]\n"
                  "[[port]]\ndevice = \"d,a=2\"\naddresses = [\"192.0.2.54\"]",
                  {"F at line 5, column 1: port[1].device: d has a [[port]] already"}}),
    [](const auto& each) { return each.param.name; });

class ConfigTrust : public testing::Test {
 protected:
  /// The file's name.
  std::string write(const std::string& name, const std::string& text) const {
    const std::string file = directory_.path() / name;
    std::ofstream(file) << text;
    return file;
  }
  static ParsedConfig parse(const std::string& trust) {
    return parse_config(
        "name = \"n\"\n[trust]\n" + trust + "\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n", "F");
  }
  static std::vector<std::string> faults(const std::string& trust) {
    std::vector<std::string> texts;
    for (const Refusal& fault : parse(trust).faults) texts.push_back(fault.text());
    return texts;
  }

  ScratchDirectory directory_;
  core::PrivateKey hub_ = *core::PrivateKey::generate();
  core::PrivateKey next_ = *core::PrivateKey::generate();
};

TEST_F(ConfigTrust, ReadsKeys) {
  const std::string hub = write("hub.pub", *hub_.public_key().to_pem());
  const std::string next = write("next.pub", *next_.public_key().to_pem());
  const ParsedConfig parsed = parse("keys = [\"" + hub + "\", \"" + next + "\"]");
  ASSERT_TRUE(parsed.config) << parsed.faults.front().text();
  ASSERT_EQ(parsed.config->trusted_keys.size(), 2u);
  EXPECT_EQ(parsed.config->trusted_keys[0].bytes(), hub_.public_key().bytes());
  EXPECT_EQ(parsed.config->trusted_keys[1].bytes(), next_.public_key().bytes());
  EXPECT_TRUE(parse_config(minimal, "F").config->trusted_keys.empty());
}

TEST_F(ConfigTrust, EveryKeyThatCannotBeUsedIsAFault) {
  const std::string hub = write("hub.pub", *hub_.public_key().to_pem());
  const std::string secret = write("hub.pem", *hub_.to_pem());
  const std::string text = write("text", "hello");
  const std::string none = directory_.path() / "none";
  const std::string same = write("same.pub", *hub_.public_key().to_pem());
  std::string keys = "keys = [\n7";
  for (const std::string& file : {std::string(), secret, text, none, directory_.path().string(), hub, same})
    keys += ",\n\"" + file + "\"";
  EXPECT_EQ(faults(keys + "]"),
            (std::vector<std::string>{
                "F at line 4, column 1: trust.keys[0]: must be the name of a file with a public key",
                "F at line 5, column 1: trust.keys[1]: must be the name of a file with a public key",
                "F at line 6, column 1: trust.keys[2]: " + secret + ": a private key, not a public one",
                "F at line 7, column 1: trust.keys[3]: " + text + ": no PEM",
                "F at line 8, column 1: trust.keys[4]: " + none + ": No such file or directory",
                "F at line 9, column 1: trust.keys[5]: " + directory_.path().string() + ": Is a directory",
                "F at line 11, column 1: trust.keys[7]: " + same + " is listed twice"}));
}

/// Not a POP that takes tables from anyone.
TEST_F(ConfigTrust, NoKeyAtAllIsAFault) {
  EXPECT_EQ(faults("keys = []"),
            std::vector<std::string>{"F at line 3, column 8: trust.keys: must name at least one key"});
  EXPECT_EQ(faults("keys = \"hub.pub\""),
            std::vector<std::string>{"F at line 3, column 8: trust.keys: must be an array"});
  EXPECT_EQ(faults(""), std::vector<std::string>{"F at line 2, column 1: trust.keys: missing"});
  EXPECT_EQ(faults("key = []"), (std::vector<std::string>{"F at line 2, column 1: trust.keys: missing",
                                                          "F at line 3, column 1: trust.key: unknown key"}));
}

TEST(Config, FileThatIsNotThere) {
  const ScratchDirectory directory;
  const std::string file = directory.path() / "pop.toml";
  const ParsedConfig parsed = read_config(file);
  ASSERT_EQ(parsed.faults.size(), 1u);
  EXPECT_EQ(parsed.faults[0].text(), file + ": No such file or directory");
}

} // namespace
} // namespace anytick::io
