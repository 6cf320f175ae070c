#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/config.h"
#include "dataplane/io/ntp_keys.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* port = "\n[[port]]\ndevice = \"net_ring0\"\naddresses = [\"192.0.2.53\"]\n";

ParsedConfig parse(const std::string& lines) {
  return parse_config("name = \"t\"\n[ntp]\n" + lines + port, "F");
}

Texts faults(const std::string& lines) {
  Texts texts;
  for (const Refusal& fault : parse(lines).faults) texts.push_back(fault.text());
  return texts;
}

// --- Key files

struct KeyCase {
  const char* name;
  const char* line;
  core::NtpMac mac;
  std::string secret;
};

void PrintTo(const KeyCase& row, std::ostream* out) {
  *out << row.name;
}

class KeyLine : public testing::TestWithParam<KeyCase> {};

TEST_P(KeyLine, IsAKey) {
  const ParsedNtpKeys parsed = parse_ntp_keys(GetParam().line, "K");
  ASSERT_TRUE(parsed.faults.empty()) << parsed.faults.front().text();
  ASSERT_EQ(parsed.keys.size(), 1u);
  const core::NtpKeyConfig& key = parsed.keys.front();
  EXPECT_EQ(key.id, 10u);
  EXPECT_EQ(key.mac, GetParam().mac);
  EXPECT_EQ(std::string(key.secret.begin(), key.secret.end()), GetParam().secret);
}

using core::NtpMac;
INSTANTIATE_TEST_SUITE_P(, KeyLine,
                         testing::Values(KeyCase{"no_type", "10 tulip", NtpMac::md5, "tulip"},
                                         KeyCase{"md5", "10 MD5 tulip\n", NtpMac::md5, "tulip"},
                                         KeyCase{"ascii", "10 MD5 ASCII:tulip", NtpMac::md5, "tulip"},
                                         KeyCase{"ascii_without_type", "10 ASCII:tulip", NtpMac::md5, "tulip"},
                                         KeyCase{"hex", "10 SHA1 HEX:6162634A", NtpMac::sha1, "abcJ"},
                                         KeyCase{"aes128", "10 AES128 HEX:30313233343536373839616263646566",
                                                 NtpMac::cmac, "0123456789abcdef"},
                                         KeyCase{"aes256", "10 AES256 ASCII:0123456789abcdef0123456789abcdef",
                                                 NtpMac::cmac, "0123456789abcdef0123456789abcdef"},
                                         KeyCase{"spaces", "\t 10  \tMD5   tulip \t\r\n", NtpMac::md5, "tulip"},
                                         KeyCase{"comments", "# a\n! b\n; c\n% d\n\n10 tulip\n  # e", NtpMac::md5,
                                                 "tulip"},
                                         KeyCase{"no_comment_behind", "10 MD5 tu#lip", NtpMac::md5, "tu#lip"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(KeyFile, AllFaultsByLine) {
  const std::string text = "1 MD5 good\n"
                           "0 MD5 zero\n"
                           "x MD5 letters\n"
                           "4294967296 MD5 large\n"
                           "-1 MD5 negative\n"
                           "5\n"
                           "6 MD5 two words\n"
                           "7 SHA256 HEX:00\n"
                           "8 MD5 HEX:0\n"
                           "9 MD5 HEX:0g\n"
                           "10 MD5 HEX:\n"
                           "11 AES128 HEX:00\n"
                           "12 MD5 " +
                           std::string(65, 'a') +
                           "\n"
                           "1 SHA1 again\n";
  const std::string bytes = " must have 1 to 64 bytes, as text or as HEX: and two digits each";
  Texts texts;
  const ParsedNtpKeys parsed = parse_ntp_keys(text, "K");
  for (const Refusal& fault : parsed.faults) texts.push_back(fault.text());
  EXPECT_EQ(
      texts,
      (Texts{"K at line 2: '0' is no key id from 1 to 4294967295", "K at line 3: 'x' is no key id from 1 to 4294967295",
             "K at line 4: '4294967296' is no key id from 1 to 4294967295",
             "K at line 5: '-1' is no key id from 1 to 4294967295", "K at line 6: must be an id, a type and a key",
             "K at line 7: must be an id, a type and a key",
             "K at line 8: 'SHA256' is none of the types MD5, SHA1, AES128 and AES256", "K at line 9: key 8" + bytes,
             "K at line 10: key 9" + bytes, "K at line 11: key 10" + bytes,
             "K at line 12: key 11 must have 16 bytes for AES128", "K at line 13: key 12" + bytes,
             "K at line 14: key 1 is there already"}));
  EXPECT_TRUE(parsed.keys.empty());
}

// --- [ntp]

TEST(NtpSection, Defaults) {
  for (const std::string text : {"name = \"t\"\n", "name = \"t\"\n[ntp]\n"}) {
    const ParsedConfig parsed = parse_config(text + port, "F");
    ASSERT_TRUE(parsed.config);
    EXPECT_TRUE(parsed.config->ntp.enabled);
    EXPECT_TRUE(parsed.config->ntp.keys.empty());
    EXPECT_FALSE(parsed.config->ntp.interleaved);
    EXPECT_EQ(parsed.config->ntp.interleaved_clients, 65'536u);
  }
}

TEST(NtpSection, Values) {
  const ParsedConfig parsed = parse("enabled = false\ninterleaved = true\ninterleaved_clients = 1025");
  ASSERT_TRUE(parsed.config);
  EXPECT_FALSE(parsed.config->ntp.enabled);
  EXPECT_TRUE(parsed.config->ntp.interleaved);
  EXPECT_EQ(parsed.config->ntp.interleaved_clients, 2048u);
}

TEST(NtpSection, Faults) {
  EXPECT_EQ(faults("enabled = 1\ninterleaved = \"yes\"\ninterleaved_clients = 1023\nkey = \"a\""),
            (Texts{"F at line 3, column 11: ntp.enabled: must be true or false",
                   "F at line 4, column 15: ntp.interleaved: must be true or false",
                   "F at line 5, column 23: ntp.interleaved_clients: must be an integer from 1024 to 16777216",
                   "F at line 6, column 1: ntp.key: unknown key"}));
  EXPECT_EQ(faults("keys = 7"), Texts{"F at line 3, column 8: ntp.keys: must be the name of a file with keys"});
  EXPECT_EQ(faults("keys = \"/no/such/file\""),
            Texts{"F at line 3, column 8: ntp.keys: /no/such/file: No such file or directory"});
}

TEST(NtpSection, KeysAreReadFromTheirFile) {
  const ScratchDirectory directory;
  const std::string file = directory.path() / "ntp.keys";
  std::ofstream(file) << "1 MD5 tulip\n2 SHA1 crocus\n";
  const ParsedConfig parsed = parse("keys = \"" + file + "\"");
  ASSERT_TRUE(parsed.config);
  EXPECT_EQ(parsed.config->ntp.keys.size(), 2u);
  std::ofstream(file) << "1 MD4 tulip\n2 SHA1 crocus\nx\n";
  EXPECT_EQ(faults("keys = \"" + file + "\""),
            (Texts{"F at line 3, column 8: ntp.keys: " + file +
                       " at line 1: 'MD4' is none of the types MD5, SHA1, AES128 and AES256",
                   "F at line 3, column 8: ntp.keys: " + file + " at line 3: must be an id, a type and a key"}));
}

TEST(PortDelays, AreNanoseconds) {
  const std::string head = "name = \"t\"\n";
  const ParsedConfig parsed = parse_config(head + port + "receive_delay_ns = 700\ntransmit_delay_ns = 1000000\n", "F");
  ASSERT_TRUE(parsed.config);
  EXPECT_EQ(parsed.config->ports[0].receive_delay.count(), 700);
  EXPECT_EQ(parsed.config->ports[0].transmit_delay.count(), 1'000'000);
  const ParsedConfig wrong = parse_config(head + port + "transmit_delay_ns = 1000001\n", "F");
  ASSERT_EQ(wrong.faults.size(), 1u);
  EXPECT_EQ(wrong.faults[0].reason, "port[0].transmit_delay_ns: must be an integer from 0 to 1000000");
}

} // namespace
} // namespace anytick::io
