#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/config.h"
#include "tests/unit/certificates.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

using Texts = std::vector<std::string>;

class ConfigControl : public testing::Test {
 protected:
  ConfigControl() {
    write("pop.crt", pop_.certificate);
    write("pop.key", pop_.key);
    write("ca.crt", authority_.certificate());
  }

  std::string file(std::string_view name) const { return (directory_.path() / name).string(); }
  void write(std::string_view name, const std::string& text) const { std::ofstream(file(name)) << text; }

  /// The section begins at line 3 of "F".
  ParsedConfig parse(const std::string& section) const {
    return parse_config(
        "name = \"n\"\n[control_tls]\n" + section + "\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n", "F");
  }
  std::string files() const {
    return fmt::format("certificate = \"{}\"\nkey = \"{}\"\nca = \"{}\"\n", file("pop.crt"), file("pop.key"),
                       file("ca.crt"));
  }
  Texts faults(const std::string& section) const {
    Texts texts;
    for (const Refusal& fault : parse(section).faults) texts.push_back(fault.text());
    return texts;
  }

  ScratchDirectory directory_;
  test::Authority authority_{"authority"};
  test::Certified pop_ = authority_.issue({"pop", {"DNS:fra1.pool.example"}});
};

TEST_F(ConfigControl, NothingByTcpUnlessItIsTold) {
  const ParsedConfig parsed =
      parse_config("name = \"n\"\n[[port]]\ndevice = \"d\"\naddresses = [\"192.0.2.53\"]\n", "F");
  ASSERT_TRUE(parsed.config);
  EXPECT_TRUE(parsed.config->control_tls.listen.empty());
}

TEST_F(ConfigControl, EveryKey) {
  const ParsedConfig parsed = parse("listen = [\"198.51.100.7:8953\", \"[2001:db8::7]:8954\"]\n" + files() +
                                    "names = [\"hub.pool.example\", \"hub2.pool.example\"]");
  ASSERT_TRUE(parsed.config) << parsed.faults.front().text();
  const ControlTlsConfig& tls = parsed.config->control_tls;
  ASSERT_EQ(tls.listen.size(), 2u);
  EXPECT_EQ(to_text(tls.listen[0]), "198.51.100.7:8953");
  EXPECT_EQ(to_text(tls.listen[1]), "[2001:db8::7]:8954");
  EXPECT_EQ(tls.certificate, file("pop.crt"));
  EXPECT_EQ(tls.key, file("pop.key"));
  EXPECT_EQ(tls.ca, file("ca.crt"));
  EXPECT_EQ(tls.names, (Texts{"hub.pool.example", "hub2.pool.example"}));
  EXPECT_EQ(parse("listen = [\"198.51.100.7:8953\"]\n" + files()).config->control_tls.names, Texts{});
}

TEST_F(ConfigControl, TellsAllThatIsMissing) {
  EXPECT_EQ(faults(""), (Texts{"F at line 2, column 1: control_tls.listen: missing",
                               "F at line 2, column 1: control_tls.certificate: missing",
                               "F at line 2, column 1: control_tls.key: missing",
                               "F at line 2, column 1: control_tls.ca: missing"}));
}

TEST_F(ConfigControl, ListensAtAddresses) {
  for (const char* wrong : {"198.51.100.7", "198.51.100.7:0", "198.51.100.7:65536", "2001:db8::7:8953", "hub:8953",
                            "[198.51.100.7]:8953", "unix:/x"})
    EXPECT_EQ(faults(fmt::format("listen = [\"{}\"]\n", wrong) + files()),
              Texts{"F at line 3, column 11: control_tls.listen[0]: must be an address and a port, "
                    "\"198.51.100.7:8953\" or \"[2001:db8::7]:8953\""})
        << wrong;
  EXPECT_EQ(faults("listen = [\"192.0.2.1:1\", \"192.0.2.1:1\"]\n" + files()),
            Texts{"F at line 3, column 26: control_tls.listen[1]: 192.0.2.1:1 is listed twice"});
  EXPECT_EQ(faults("listen = []\n" + files()),
            Texts{"F at line 3, column 10: control_tls.listen: must name at least one address and port"});
}

TEST_F(ConfigControl, NamesAreNames) {
  for (const char* wrong : {"", ".example", "*.example", "a b"})
    EXPECT_EQ(faults(fmt::format("names = [\"{}\"]\nlisten = [\"192.0.2.1:1\"]\n", wrong) + files()),
              Texts{"F at line 3, column 10: control_tls.names[0]: must be a name as certificates have it, "
                    "\"hub.pool.example\""});
}

TEST_F(ConfigControl, TellsWhatIsWrongWithFiles) {
  const std::string listen = "listen = [\"192.0.2.1:1\"]\n";
  write("pop.key", authority_.issue({"x", {}}).key);
  EXPECT_EQ(faults(listen + files()),
            Texts{fmt::format("F at line 5, column 7: control_tls.key: {}: not the key of the certificate in {}",
                              file("pop.key"), file("pop.crt"))});
  write("ca.crt", "no PEM");
  write("pop.crt", pop_.key);
  EXPECT_EQ(
      faults(listen + files()),
      (Texts{fmt::format("F at line 4, column 15: control_tls.certificate: {}: no certificate in PEM", file("pop.crt")),
             fmt::format("F at line 6, column 6: control_tls.ca: {}: no certificate in PEM", file("ca.crt"))}));
  std::filesystem::remove(file("pop.key"));
  write("ca.crt", authority_.certificate());
  write("pop.crt", pop_.certificate);
  EXPECT_EQ(
      faults(listen + files()),
      Texts{fmt::format("F at line 5, column 7: control_tls.key: {}: No such file or directory", file("pop.key"))});
}

} // namespace
} // namespace anytick::io
