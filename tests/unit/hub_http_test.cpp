#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>

#include "control/daemon/http.h"
#include "control/daemon/metrics.h"

namespace anytick::hub {
namespace {

HttpHandlers handlers() {
  return {.metrics = [] { return HttpReply{.body = "a 1\n"}; },
          .health = []() -> HttpReply { throw std::runtime_error("the database is away"); },
          .verify =
              [](const std::string& token, const geo::Address& peer) {
                return HttpReply{token == "good" ? 200 : 403, token + " from " + geo::to_text(peer) + "\n"};
              }};
}

class HttpTest : public testing::TestWithParam<const char*> {};
std::string family_name(const testing::TestParamInfo<const char*>& host) {
  return std::string(host.param).find(':') == std::string::npos ? "ipv4" : "ipv6";
}
INSTANTIATE_TEST_SUITE_P(Loopback, HttpTest, testing::Values("127.0.0.1", "::1"), family_name);

TEST_P(HttpTest, AnswersWhatItHas) {
  const std::string host = GetParam();
  const std::string listen = (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":0";
  const auto server = HttpServer::start(listen, handlers());
  ASSERT_TRUE(server) << server.refusal().text();
  httplib::Client client(host, (*server)->port());
  const struct {
    const char* path;
    int status;
    std::string body;
  } cases[] = {
      {"/metrics", 200, "a 1\n"},
      {"/health", 503, "not now\n"}, // and not what went wrong, which is for the log
      {"/verify/good", 200, "good from " + host + "\n"},
      {"/verify/bad-token", 403, "bad-token from " + host + "\n"},
      {"/verify/", 404, ""},
      {"/verify/%2e%2e", 404, ""},
      {"/", 404, ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.path);
    const auto reply = client.Get(each.path);
    ASSERT_TRUE(reply) << httplib::to_string(reply.error());
    EXPECT_EQ(reply->status, each.status);
    EXPECT_EQ(reply->body, each.body);
  }
  const auto posted = client.Post("/verify/good", "", "text/plain");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 404);
}

TEST(HttpServer, RefusesWhatItCannotListenOn) {
  const auto first = HttpServer::start("127.0.0.1:0", handlers());
  ASSERT_TRUE(first);
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->port());
  for (const std::string& listen : {taken, std::string("127.0.0.1"), std::string("localhost:80"),
                                    std::string("[127.0.0.1]:80"), std::string("::1:80"), std::string("127.0.0.1:"),
                                    std::string("127.0.0.1:70000"), std::string("127.0.0.1:8x")}) {
    const auto refused = HttpServer::start(listen, handlers());
    ASSERT_FALSE(refused) << listen;
    EXPECT_NE(refused.refusal().text().find(listen), std::string::npos) << refused.refusal().text();
  }
}

TEST(HubMetrics, AreInPrometheusText) {
  Metrics metrics;
  metrics.rows.Increment(3);
  metrics.pop("ams1", true, false, 7);
  metrics.pop("ams1", true, true, 8);
  metrics.pop("gone", false, false, 0);
  metrics.keep_pops({"ams1"});
  const std::string text = metrics.text();
  for (const char* line : {"anytick_score_rows_total 3\n", "anytick_pop_serial{pop=\"ams1\"} 8\n",
                           "anytick_pop_current{pop=\"ams1\"} 1\n", "# TYPE anytick_held gauge\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_EQ(text.find("gone"), std::string::npos) << text;
}

} // namespace
} // namespace anytick::hub
