#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "geo/prefix.h"
#include "geo/refusal.h"

namespace anytick::hub {

struct HttpReply {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};

/// Called on threads of the server, several at once.
struct HttpHandlers {
  std::function<HttpReply()> metrics, health;
  /// `peer` is where the request came from.
  std::function<HttpReply(const std::string& token, const geo::Address& peer)> verify;
};

/// GET /metrics, /health and /verify/TOKEN, until destruction.
class HttpServer {
 public:
  /// `listen` is "127.0.0.1:9153" or "[::1]:9153"; port 0 takes a free one.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& listen, HttpHandlers handlers);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  int port() const { return port_; }

 private:
  struct Server;
  explicit HttpServer(std::unique_ptr<Server> server, int port);

  std::unique_ptr<Server> server_;
  int port_;
  std::thread thread_;
};

} // namespace anytick::hub
