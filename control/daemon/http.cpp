#include "control/daemon/http.h"

#include <charconv>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include <httplib.h>
#include <spdlog/spdlog.h>

namespace anytick::hub {
namespace {

constexpr size_t threads = 4;
constexpr time_t patience_seconds = 5;
/// Nobody has anything to send us.
constexpr size_t body_max = 4096;

struct Endpoint {
  std::string host;
  int port;
};

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = geo::parse_address(host);
  if (!address || bracketed != (address->family == geo::Family::ipv6)) return std::nullopt;
  return Endpoint{std::string(host), port};
}

std::optional<geo::Address> peer_of(const httplib::Request& request) {
  const auto address = geo::parse_address(request.remote_addr);
  return address ? std::optional(geo::unmapped(*address)) : std::nullopt;
}

void answer(httplib::Response& response, const std::function<HttpReply()>& make) {
  HttpReply reply;
  try {
    reply = make();
  } catch (const std::exception& error) {
    spdlog::error("http: {}", error.what());
    reply = {503, "not now\n"};
  }
  response.status = reply.status;
  response.set_content(reply.body, reply.type);
}

} // namespace

struct HttpServer::Server : httplib::Server {};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, HttpHandlers handlers) {
  const auto endpoint = parse_endpoint(listen);
  if (!endpoint) return Refusal{"listen", "", "'" + listen + "' is no ADDRESS:PORT"};
  auto server = std::make_unique<Server>();
  // The library would share the port with another hub.
  server->set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server->new_task_queue = [] { return new httplib::ThreadPool(threads); };
  server->set_payload_max_length(body_max);
  server->set_read_timeout(patience_seconds);
  server->set_write_timeout(patience_seconds);
  server->Get("/metrics", [make = handlers.metrics](const auto&, auto& response) { answer(response, make); });
  server->Get("/health", [make = handlers.health](const auto&, auto& response) { answer(response, make); });
  server->Get("/verify/([A-Za-z0-9_-]{1,128})", [verify = handlers.verify](const auto& request, auto& response) {
    answer(response, [&] {
      const auto peer = peer_of(request);
      return peer ? verify(request.matches[1].str(), *peer) : HttpReply{400, "who asks?\n"};
    });
  });
  int port = endpoint->port;
  if (port == 0)
    port = server->bind_to_any_port(endpoint->host);
  else if (!server->bind_to_port(endpoint->host, port))
    port = -1;
  if (port <= 0) return Refusal{"listen", "", listen + ": cannot be bound to"};
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(server), port));
}

HttpServer::HttpServer(std::unique_ptr<Server> server, int port)
    : server_(std::move(server)), port_(port), thread_([this] { server_->listen_after_bind(); }) {
  // A server that does not run yet would not notice that it is to stop.
  while (!server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

HttpServer::~HttpServer() {
  server_->stop();
  thread_.join();
}

} // namespace anytick::hub
