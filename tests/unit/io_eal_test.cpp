#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/io/eal.h"
#include "dataplane/io/port.h"

namespace anytick::io {
namespace {

constexpr uint64_t mib = 1u << 20;

Config config_of(std::vector<std::string> devices) {
  Config config;
  config.eal.control_cores = {0, 2};
  config.workers.cores = {1, 3};
  for (std::string& device : devices) {
    config.ports.emplace_back();
    config.ports.back().device = std::move(device);
  }
  return config;
}

bool has(const std::vector<std::string>& arguments, const std::string& argument) {
  return std::ranges::find(arguments, argument) != arguments.end();
}

TEST(EalArguments, MainLcoreHasControlCoresAndWorkersTheirs) {
  EXPECT_TRUE(has(eal_arguments(config_of({"net_ring0"}), 0), "--lcores=0@(0,2),1@1,2@3"));
}

TEST(EalArguments, ExtraComesLast) {
  Config config = config_of({"net_ring0"});
  config.eal.extra = {"--log-level=lib.eal:debug"};
  EXPECT_EQ(eal_arguments(config, 0).back(), "--log-level=lib.eal:debug");
}

TEST(EalArguments, OnlyNamedPciDevicesAreTouched) {
  const auto pci = eal_arguments(config_of({"0000:3b:00.0", "net_ring0"}), 0);
  EXPECT_TRUE(has(pci, "--allow=0000:3b:00.0"));
  EXPECT_FALSE(has(pci, "--no-pci"));
  EXPECT_FALSE(has(pci, "--iova-mode=va"));
  const auto virtual_only = eal_arguments(config_of({"net_ring0"}), 0);
  EXPECT_TRUE(has(virtual_only, "--no-pci"));
  EXPECT_TRUE(has(virtual_only, "--iova-mode=va"));
}

struct HugeCase {
  std::string name;
  HugePages wish;
  uint64_t free_bytes;
  bool used;
};

void PrintTo(const HugeCase& c, std::ostream* out) {
  *out << c.name;
}

class HugePageChoice : public testing::TestWithParam<HugeCase> {};

TEST_P(HugePageChoice, FollowsWishAndWhatIsFree) {
  const HugeCase& c = GetParam();
  Config config = config_of({"net_ring0"});
  config.eal.huge_pages = c.wish;
  config.eal.memory_mb = 256;
  const auto arguments = eal_arguments(config, c.free_bytes);
  EXPECT_EQ(has(arguments, "--no-huge"), !c.used);
  EXPECT_EQ(has(arguments, "--in-memory"), c.used);
}

INSTANTIATE_TEST_SUITE_P(, HugePageChoice,
                         testing::Values(HugeCase{"AutoEnough", HugePages::when_free, 256 * mib, true},
                                         HugeCase{"AutoTooFew", HugePages::when_free, 255 * mib, false},
                                         HugeCase{"OnWithNone", HugePages::on, 0, true},
                                         HugeCase{"OffWithMany", HugePages::off, 4096 * mib, false}),
                         [](const auto& each) { return each.param.name; });

struct DeviceCase {
  std::string name;
  std::string device;
  unsigned workers;
  uint16_t mtu;
  std::string arguments;
};

void PrintTo(const DeviceCase& c, std::ostream* out) {
  *out << c.name;
}

class DeviceArguments : public testing::TestWithParam<DeviceCase> {};

TEST_P(DeviceArguments, AreCompletedWhereDefaultsDoNotSuit) {
  const DeviceCase& c = GetParam();
  PortConfig port;
  port.device = c.device;
  port.mtu = c.mtu;
  EXPECT_EQ(device_arguments(port, c.workers), c.arguments);
}

INSTANTIATE_TEST_SUITE_P(
    , DeviceArguments,
    testing::Values(DeviceCase{"OthersAreLeftAlone", "net_ring0", 2, 1500, ""},
                    DeviceCase{"XdpWithOneWorker", "net_af_xdp0,iface=e0", 1, 1500, "iface=e0"},
                    DeviceCase{"XdpWithTwo", "net_af_xdp0,iface=e0", 2, 1500, "iface=e0,queue_count=2"},
                    DeviceCase{"XdpAsStated", "net_af_xdp0,iface=e0,queue_count=3", 2, 1500, "iface=e0,queue_count=3"},
                    DeviceCase{"Packet", "net_af_packet0,iface=e0", 1, 1500,
                               "iface=e0,qpairs=1,blocksz=4096,framesz=2048,framecnt=1024"},
                    DeviceCase{"PacketWithJumboFrames", "net_af_packet0,iface=e0", 2, 9000,
                               "iface=e0,qpairs=2,blocksz=32768,framesz=16384,framecnt=1024"},
                    DeviceCase{"PacketAsStated",
                               "net_af_packet0,iface=e0,framecnt=64,qpairs=4,blocksz=8192,framesz=4096", 1, 1500,
                               "iface=e0,framecnt=64,qpairs=4,blocksz=8192,framesz=4096"}),
    [](const auto& each) { return each.param.name; });

struct NameCase {
  std::string name;
  std::string device;
  bool pci;
};

void PrintTo(const NameCase& c, std::ostream* out) {
  *out << c.name;
}

class DeviceNames : public testing::TestWithParam<NameCase> {};

TEST_P(DeviceNames, TellPciFromVirtual) {
  EXPECT_EQ(is_pci_address(GetParam().device), GetParam().pci);
}

INSTANTIATE_TEST_SUITE_P(, DeviceNames,
                         testing::Values(NameCase{"Full", "0000:3b:00.0", true}, NameCase{"Short", "3b:00.0", true},
                                         NameCase{"WithArguments", "0000:3b:00.0,mprq_en=1", true},
                                         NameCase{"Virtual", "net_af_xdp0,iface=3b", false},
                                         NameCase{"Empty", "", false}),
                         [](const auto& each) { return each.param.name; });

} // namespace
} // namespace anytick::io
