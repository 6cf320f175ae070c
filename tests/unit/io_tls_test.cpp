#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "control/command.h"
#include "control/push.h"
#include "dataplane/io/control_server.h"
#include "dataplane/io/control_service.h"
#include "dataplane/io/control_tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_fixture.h"

/// Control by TCP on loopback, by the operator's own client.
namespace anytick::io {
namespace {

namespace pb = pop::v1;
using control::CommandFailure;
using control::PopClient;
using control::PopTls;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Authority;
using test::Certified;
using test::Subject;

constexpr const char* hub_name = "hub.pool.example";
constexpr const char* pop_name = "fra1.pool.example";

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    write("ca.crt", authority_.certificate());
    write_pop(authority_);
    write_client("hub", hub());
    config_ = {{{*geo::parse_address("127.0.0.1"), 0}},
               file("pop.crt"),
               file("pop.key"),
               file("ca.crt"),
               {hub_name},
               seconds(1)};
  }

  void start(const ControlBounds& bounds = {}) {
    server_.reset();
    Result<std::unique_ptr<ControlServer>> server = ControlServer::start(file("pop.sock"), service_, config_, bounds);
    ASSERT_TRUE(server) << server.refusal().text();
    server_ = std::move(*server);
  }

  Certified hub() const { return authority_.issue({"hub", {std::string("DNS:") + hub_name}}); }
  std::string file(const std::string& name) const { return (directory_.path() / name).string(); }
  /// In one step, as what renews certificates does.
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name) + ".new") << text;
    std::filesystem::rename(file(name) + ".new", file(name));
  }
  void write_pop(const Authority& authority) const {
    const Certified pop = authority.issue({"pop", {std::string("DNS:") + pop_name, "IP:127.0.0.1"}});
    write("pop.key", pop.key);
    write("pop.crt", pop.certificate);
  }
  void write_client(const std::string& name, const Certified& client) const {
    write(name + ".crt", client.certificate);
    write(name + ".key", client.key);
  }
  PopTls tls(const std::string& client = "hub", const std::string& name = "") const {
    return {file("ca.crt"), file(client + ".crt"), file(client + ".key"), name};
  }
  std::string address() const { return fmt::format("127.0.0.1:{}", server_->tls_ports().at(0)); }

  /// Of a client that says nothing.
  DnsClient silent(std::string_view source) const {
    return {DnsClient::Protocol::tcp,
            {*geo::parse_address("127.0.0.1"), static_cast<uint16_t>(server_->tls_ports().at(0))},
            source};
  }

  /// "" where the POP tells its status.
  std::string failure_of(const PopTls& tls, milliseconds timeout = seconds(20)) const {
    return failure_of([&] { PopClient(address(), timeout, tls).status(); });
  }
  static std::string failure_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const CommandFailure& failure) {
      return fmt::format("{} {}", failure.exit_code, failure.what());
    }
    return "";
  }
  void expect_refused(const Certified& client) const {
    write_client("stranger", client);
    const std::string failure = failure_of(tls("stranger"), milliseconds(700));
    EXPECT_EQ(failure.find(fmt::format("3 POP {}: ", address())), 0u) << failure;
  }

  ScratchDirectory directory_;
  Authority authority_{"authority"};
  ControlTlsConfig config_;
  Tables tables_{1, *TableStore::open(directory_.path() / "state"), {}, {}, policy_compiler()};
  ControlService service_{{"fra1", "1.2.3", 4u << 20}, tables_, {}};
  std::unique_ptr<ControlServer> server_;
};

TEST_F(TlsTest, TakesAPushOfTheHub) {
  start();
  PopClient client(address(), seconds(20), tls());
  const auto zone = zone_image(7);
  const control::PushTable table{pb::TABLE_KIND_ZONE, zone};
  const pb::LoadReply reply = client.load({&table, 1}, [](size_t, size_t) {});
  ASSERT_TRUE(reply.applied()) << reply.reason();
  EXPECT_EQ(client.status().zones(0).serial(), 7u);
  EXPECT_EQ(PopClient("unix:" + file("pop.sock"), seconds(20), tls()).status().name(), "fra1") << "beside it, as ever";
}

TEST_F(TlsTest, TakesWhoHasOneOfTheNames) {
  config_.names = {"other.pool.example", hub_name};
  start();
  write_client("named", authority_.issue({hub_name, {}}));
  EXPECT_EQ(failure_of(tls("named")), "") << "a common name where there is nothing else";
  write_client("many", authority_.issue({"x", {"DNS:a.example", "DNS:Hub.pool.example"}}));
  EXPECT_EQ(failure_of(tls("many")), "");
}

TEST_F(TlsTest, WithoutNamesTakesAnyCertificateOfTheCa) {
  config_.names = {};
  start();
  write_client("any", authority_.issue({"whoever", {}}));
  EXPECT_EQ(failure_of(tls("any")), "");
  expect_refused(Authority("authority").issue({"hub", {"DNS:hub.pool.example"}}));
}

TEST_F(TlsTest, RefusesStrangers) {
  start();
  const std::string san = std::string("DNS:") + hub_name;
  const struct {
    const char* what;
    Certified client;
  } cases[] = {
      {"of an authority of the same name", Authority("authority").issue({"hub", {san}})},
      {"of nobody", test::self_signed({"hub", {san}})},
      {"expired", authority_.issue({"hub", {san}, -7200, -60})},
      {"not valid yet", authority_.issue({"hub", {san}, 3600, 7200})},
      {"another name", authority_.issue({"hub", {"DNS:hub2.pool.example"}})},
      {"a longer name", authority_.issue({"hub", {san + ".example"}})},
      {"only a common name that does not count", authority_.issue({hub_name, {"DNS:other.example"}})},
      {"a name that stands for many", authority_.issue({"hub", {"DNS:*.pool.example"}})},
      {"no name", authority_.issue({"hub", {"IP:127.0.0.1"}})},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.what);
    expect_refused(each.client);
  }
  EXPECT_EQ(failure_of(tls()), "") << "but the hub is still taken";
  EXPECT_EQ(tables_.running()->number, 0u);
}

grpc::Status status_by(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  const auto stub = pb::Pop::NewStub(grpc::CreateChannel(address, credentials));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(20));
  pb::StatusReply reply;
  return stub->Status(&context, {}, &reply);
}

TEST_F(TlsTest, RefusesWhoShowsNothing) {
  start();
  EXPECT_EQ(status_by(address(), grpc::InsecureChannelCredentials()).error_code(), grpc::StatusCode::UNAVAILABLE);
  const grpc::SslCredentialsOptions no_certificate{authority_.certificate(), "", ""};
  EXPECT_EQ(status_by(address(), grpc::SslCredentials(no_certificate)).error_code(), grpc::StatusCode::UNAVAILABLE);
}

/// What `openssl s_client` says; its own bounds are taken away.
std::string handshake(const std::string& words) {
  const std::string command = "openssl s_client " + words + " -cipher DEFAULT@SECLEVEL=0 </dev/null 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part;
  for (size_t size; (size = std::fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), size);
  ::pclose(pipe);
  return text;
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  start();
  const std::string words = fmt::format("-connect {} -cert {} -key {} ", address(), file("hub.crt"), file("hub.key"));
  EXPECT_NE(handshake(words + "-tls1_2").find("Protocol  : TLSv1.2"), std::string::npos);
  for (const char* old : {"-tls1", "-tls1_1"}) {
    const std::string text = handshake(words + old);
    EXPECT_NE(text.find("Cipher is (NONE)"), std::string::npos) << text;
  }
}

TEST_F(TlsTest, SilentClientsKeepNobodyOut) {
  start({.places = {.remote = 5, .per_source = 4}, .handshake = seconds(2)});
  std::vector<DnsClient> greedy;
  for (int i = 0; i < 4; ++i) greedy.push_back(silent("127.0.0.2"));
  const DnsClient other = silent("127.0.0.3");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(silent("127.0.0.2").is_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(1)) << "at once";
  EXPECT_EQ(failure_of(tls()), "");
  EXPECT_EQ(PopClient("unix:" + file("pop.sock"), seconds(20)).status().name(), "fra1");
  const std::string words =
      fmt::format("-connect {} -bind 127.0.0.2:0 -cert {} -key {}", address(), file("hub.crt"), file("hub.key"));
  for (const DnsClient& client : greedy) EXPECT_TRUE(client.is_closed()) << "gRPC lost its patience";
  std::string said;
  EXPECT_TRUE(eventually([&] { return (said = handshake(words)).find("Cipher is TLS_") != said.npos; })) << said;
}

TEST_F(TlsTest, MomentWithoutFilesIsNotTheEnd) {
  start();
  std::optional<FewFiles> few(1);
  const DnsClient client = silent("127.0.0.2"); // with the last one
  std::this_thread::sleep_for(milliseconds(300));
  few.reset();
  EXPECT_EQ(failure_of(tls()), "");
}

TEST_F(TlsTest, TheClientRefusesPopsThatAreNone) {
  start();
  EXPECT_EQ(failure_of(tls("hub", pop_name)), "");
  const std::string failure = failure_of(tls("hub", "fra2.pool.example"), milliseconds(700));
  EXPECT_EQ(failure.find(fmt::format("3 POP {}: not reachable: ", address())), 0u) << failure;
  EXPECT_NE(failure.find("fra2.pool.example"), std::string::npos) << failure;
  PopTls strange = tls();
  write("other.crt", Authority("authority").certificate());
  strange.ca = file("other.crt");
  const std::string unknown = failure_of(strange, milliseconds(700));
  EXPECT_NE(unknown.find("Ssl handshake failed"), std::string::npos) << unknown;
}

TEST_F(TlsTest, TheClientTellsWhichFileIsWrong) {
  const auto failure = [&](const PopTls& tls) {
    return failure_of([&] { PopClient("127.0.0.1:1", seconds(1), tls); });
  };
  PopTls wrong = tls();
  wrong.ca = file("nothing");
  EXPECT_EQ(failure(wrong), fmt::format("1 {}: No such file or directory", file("nothing")));
  wrong = tls();
  wrong.certificate = file("hub.key");
  EXPECT_EQ(failure(wrong), fmt::format("1 {}: no certificate in PEM", file("hub.key")));
  wrong = tls();
  wrong.key = file("pop.key");
  EXPECT_EQ(failure(wrong),
            fmt::format("1 {}: not the key of the certificate in {}", file("pop.key"), file("hub.crt")));
}

TEST_F(TlsTest, TheClientTellsThatNobodyListens) {
  start();
  const std::string nowhere = address();
  server_.reset();
  const std::string failure = failure_of([&] { PopClient(nowhere, milliseconds(700), tls()).status(); });
  EXPECT_EQ(failure.find(fmt::format("3 POP {}: not reachable: ", nowhere)), 0u) << failure;
  EXPECT_NE(failure.find("Connection refused"), std::string::npos) << failure;
}

TEST_F(TlsTest, RenewedFilesAreTakenWithoutARestart) {
  start();
  EXPECT_EQ(failure_of(tls()), "");
  // Another authority for both sides, the files one after the other, as an operator's script may have it.
  const Authority next("next authority");
  write("next_ca.crt", next.certificate());
  write_client("next", next.issue({"hub", {std::string("DNS:") + hub_name}}));
  PopTls renewed = tls("next");
  renewed.ca = file("next_ca.crt");
  expect_refused(next.issue({"hub", {std::string("DNS:") + hub_name}}));
  write("ca.crt", next.certificate());
  write_pop(next);
  std::string failure;
  EXPECT_TRUE(eventually([&] { return (failure = failure_of(renewed, milliseconds(700))).empty(); })) << failure;
  EXPECT_EQ(server_->tls_ports().size(), 1u);
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreWaitedOut) {
  start();
  EXPECT_EQ(failure_of(tls()), "");
  write("pop.key", "damaged");
  std::this_thread::sleep_for(milliseconds(2500)); // it is read at least twice
  // What was read before would do for nobody of another authority.
  const Authority next("next authority");
  write("ca.crt", next.certificate());
  write_pop(next);
  write_client("next", next.issue({"hub", {std::string("DNS:") + hub_name}}));
  std::string failure;
  EXPECT_TRUE(eventually([&] { return (failure = failure_of(tls("next"), milliseconds(700))).empty(); })) << failure;
}

TEST_F(TlsTest, PopThatWasStartedAnewIsTalkedToAtOnce) {
  start();
  const std::string at = address();
  PopClient client(at, seconds(20), tls());
  EXPECT_EQ(client.status().name(), "fra1");
  config_.listen[0].port = static_cast<uint16_t>(server_->tls_ports()[0]);
  for (int i = 0; i < 3; ++i) {
    start();
    EXPECT_EQ(failure_of([&] { client.status(); }), "") << i;
    EXPECT_EQ(failure_of([&] { PopClient(at, seconds(20), tls()).status(); }), "") << i;
  }
}

TEST_F(TlsTest, ClientThatWasLetGoComesBack) {
  start({.idle = seconds(1)});
  PopClient client(address(), seconds(20), tls());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(failure_of([&] { client.status(); }), "") << i;
    std::this_thread::sleep_for(milliseconds(800 + i * 200)); // about when the POP ends the connection
  }
}

TEST_F(TlsTest, ManyClientsAtATimeHaveDeadlinesOfTheirOwn) {
  start();
  const std::string here = address(), local = "unix:" + file("pop.sock"), nowhere = "unix:" + file("nobody.sock");
  std::atomic<unsigned> told{0}, missed{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 12; ++i)
      threads.emplace_back([&, i] {
        for (unsigned round = 0; round < 4; ++round) {
          const std::string& at = i % 3 == 0 ? here : i % 3 == 1 ? local : nowhere;
          try {
            PopClient client(at, i % 3 == 2 ? milliseconds(100 + i) : milliseconds(20'000), tls());
            if (client.status().name() == "fra1") told.fetch_add(1);
          } catch (const CommandFailure&) {
            missed.fetch_add(1);
          }
        }
      });
  }
  EXPECT_EQ(told.load(), 32u);
  EXPECT_EQ(missed.load(), 16u);
}

TEST_F(TlsTest, PortInUseIsTold) {
  start();
  const auto running = std::move(server_);
  config_.listen[0].port = static_cast<uint16_t>(running->tls_ports()[0]);
  const auto second = ControlServer::start(file("second.sock"), service_, config_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.refusal().text(),
            fmt::format("control_tls.listen: 127.0.0.1:{}: Address already in use", running->tls_ports()[0]));
  config_.listen[0] = {*geo::parse_address("203.0.113.9"), 8953};
  const auto third = ControlServer::start(file("third.sock"), service_, config_);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.refusal().text(), "control_tls.listen: 203.0.113.9:8953: Cannot assign requested address");
}

TEST_F(TlsTest, ListensAtSeveralAddresses) {
  config_.listen.push_back({*geo::parse_address("::1"), 0});
  start();
  ASSERT_EQ(server_->tls_ports().size(), 2u);
  EXPECT_EQ(failure_of(tls()), "");
  EXPECT_EQ(failure_of([&] {
              PopClient(fmt::format("[::1]:{}", server_->tls_ports()[1]), seconds(20), tls("hub", pop_name)).status();
            }),
            "");
}

TEST_F(TlsTest, OwnCertificateThatNobodyTakesIsTold) {
  EXPECT_FALSE(control_certificate_fault(config_, std::time(nullptr)));
  EXPECT_FALSE(control_certificate_fault({}, std::time(nullptr)));
  const auto fault = control_certificate_fault(config_, std::time(nullptr) + 2 * 86'400);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->text().find(file("pop.crt") + ": the certificate expired on "), 0u) << fault->text();
}

} // namespace
} // namespace anytick::io
