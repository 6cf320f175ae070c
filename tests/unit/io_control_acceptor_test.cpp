#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "dataplane/io/control_acceptor.h"
#include "tests/unit/io_dns_client.h"
#include "tests/unit/io_fixture.h"

/// Who gets a place, with a taker that does what gRPC does at the end: shutdown(2) and close.
namespace anytick::io {
namespace {

using Protocol = DnsClient::Protocol;

constexpr std::string_view here = "127.0.0.1";
constexpr std::string_view elsewhere = "127.0.0.2";

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    auto acceptor = ControlAcceptor::open(path(), {{*geo::parse_address(here), 0}, {*geo::parse_address("::"), 0}},
                                          {.remote = 4, .per_source = 3, .local = 2}, std::chrono::seconds(20));
    if (!acceptor) throw std::runtime_error(acceptor.refusal().text());
    acceptor_ = std::move(*acceptor);
    acceptor_->start([this](FileDescriptor taken) { take(local_, std::move(taken)); },
                     [this](FileDescriptor taken) { take(remote_, std::move(taken)); });
  }

  std::filesystem::path path() const { return directory_.path() / "pop.sock"; }
  Endpoint at(std::string_view address, size_t listener) const {
    return {*geo::parse_address(address), static_cast<uint16_t>(acceptor_->ports().at(listener))};
  }
  DnsClient remote(std::string_view source) const { return {Protocol::tcp, at(here, 0), source}; }
  FileDescriptor local() const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = to_sockaddr(path());
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  size_t taken(const std::vector<FileDescriptor>& list) const {
    const std::lock_guard lock(mutex_);
    return list.size();
  }
  bool becomes(const std::vector<FileDescriptor>& list, size_t count) const {
    return eventually([&] { return taken(list) == count; });
  }
  /// As gRPC does: the client is still there.
  void end_first(std::vector<FileDescriptor>& list) {
    const std::lock_guard lock(mutex_);
    ::shutdown(list.front().get(), SHUT_RDWR);
    list.erase(list.begin());
  }

  ScratchDirectory directory_;
  std::vector<FileDescriptor> local_, remote_;
  std::unique_ptr<ControlAcceptor> acceptor_;

 private:
  void take(std::vector<FileDescriptor>& list, FileDescriptor taken) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(taken));
  }

  mutable std::mutex mutex_;
};

TEST_F(AcceptorTest, SourceHasOnlySoManyPlaces) {
  std::vector<DnsClient> greedy;
  for (int i = 0; i < 3; ++i) greedy.push_back(remote(elsewhere));
  ASSERT_TRUE(becomes(remote_, 3));
  EXPECT_TRUE(remote(elsewhere).is_closed());
  const DnsClient other = remote(here);
  EXPECT_TRUE(becomes(remote_, 4));
  end_first(remote_);
  EXPECT_TRUE(eventually([&] {
    greedy.push_back(remote(elsewhere));
    return taken(remote_) == 4;
  }));
}

TEST_F(AcceptorTest, WhoHasMostGivesWay) {
  std::vector<DnsClient> greedy;
  for (int i = 0; i < 3; ++i) {
    greedy.push_back(remote(elsewhere));
    ASSERT_TRUE(becomes(remote_, greedy.size()));
  }
  const DnsClient third = remote("127.0.0.3");
  ASSERT_TRUE(becomes(remote_, 4));
  const DnsClient other = remote(here);
  ASSERT_TRUE(becomes(remote_, 5));
  EXPECT_TRUE(greedy[0].is_closed()) << "the oldest";
  EXPECT_TRUE(remote(elsewhere).is_closed()) << "it gets nothing back of those that have less";
  const DnsClient one_more = remote("127.0.0.4");
  ASSERT_TRUE(becomes(remote_, 6));
  EXPECT_TRUE(greedy[1].is_closed());
  EXPECT_TRUE(remote("127.0.0.5").is_closed()) << "four places, four sources";
}

TEST_F(AcceptorTest, TheUnixSocketHasPlacesOfItsOwn) {
  const FileDescriptor first = local(), second = local();
  ASSERT_TRUE(becomes(local_, 2));
  const FileDescriptor third = local();
  char byte;
  EXPECT_EQ(::recv(third.get(), &byte, 1, 0), 0);
  const DnsClient client = remote(here);
  EXPECT_TRUE(becomes(remote_, 1));
  end_first(local_);
  std::vector<FileDescriptor> more;
  EXPECT_TRUE(eventually([&] {
    more.push_back(local());
    return taken(local_) == 2;
  }));
}

TEST_F(AcceptorTest, ClientsThatAreGoneLeaveTheirPlaces) {
  for (int i = 0; i < 20; ++i) {
    const size_t before = taken(remote_);
    EXPECT_TRUE(eventually([&] {
      const DnsClient client = remote(here);
      client.set_option(SOL_SOCKET, SO_LINGER, {1, 0, 0, 0, 0, 0, 0, 0}); // ends by a reset
      return taken(remote_) > before;
    })) << i;
  }
}

TEST_F(AcceptorTest, HalfClosedClientsKeepTheirPlaces) {
  std::vector<DnsClient> greedy;
  for (int i = 0; i < 3; ++i) {
    greedy.push_back(remote(elsewhere));
    greedy.back().shut_down();
  }
  ASSERT_TRUE(becomes(remote_, 3));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(remote(elsewhere).is_closed()) << "nobody has closed those here";
}

TEST_F(AcceptorTest, ClientsOfIPv4AreTheSameAtASocketForBoth) {
  std::vector<DnsClient> greedy;
  for (int i = 0; i < 2; ++i) greedy.push_back(remote(here));
  greedy.emplace_back(Protocol::tcp, at(here, 1), here);
  ASSERT_TRUE(becomes(remote_, 3));
  EXPECT_TRUE(remote(here).is_closed());
  const DnsClient other(Protocol::tcp, at("::1", 1));
  EXPECT_TRUE(becomes(remote_, 4));
}

TEST_F(AcceptorTest, ClientsWaitWhileThereAreNoFiles) {
  std::optional<FewFiles> few(1);
  const DnsClient client = remote(here); // with the last one
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(taken(remote_), 0u);
  few.reset();
  EXPECT_TRUE(becomes(remote_, 1));
}

TEST_F(AcceptorTest, EndsWhileClientsWait) {
  const FewFiles few(1);
  const DnsClient client = remote(here);
  acceptor_.reset();
  EXPECT_TRUE(client.is_closed());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

} // namespace
} // namespace anytick::io
