#include "control/commands/hub_command.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/hub_options.h"
#include "control/daemon/http.h"
#include "control/daemon/hub.h"
#include "control/delivery/settings.h"

namespace anytick::control {
namespace {

/// Blocked before any thread starts, so that only the wait takes them.
sigset_t blocked_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Through whatever the hub is at, so that it is no std::exception: what it leaves is found by the next one.
struct Stopped {
  int signal;
};

template <class T> T started(Result<T> result) {
  if (!result) throw CommandFailure(exit_refused, result.refusal().text());
  return std::move(*result);
}

void run_hub(const HubOptions& options) {
  const sigset_t signals = blocked_signals();
  spdlog::set_default_logger(spdlog::stderr_color_mt("anytick hub"));
  DeliveryDesk desk(options);
  const hub::Config& config = desk.config();
  const auto verifying = open_database(options);
  delivery::Desk own = desk.desk();
  own.lease_patience = {};
  own.sleep = [&](std::chrono::milliseconds time) {
    const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
    if (const int signal = sigtimedwait(&signals, nullptr, &wait); signal > 0) throw Stopped{signal};
  };
  const auto hub = started(hub::Hub::open({config, desk.database(), own}));
  std::unique_ptr<hub::HttpServer> http;
  if (!config.run.listen.empty())
    http = started(hub::HttpServer::start(config.run.listen, http_handlers(*hub, *verifying, desk.desk().clock)));
  std::puts("ready");
  std::fflush(stdout);
  try {
    while (true) {
      hub->work();
      own.sleep(std::chrono::seconds(1));
    }
  } catch (const Stopped& stopped) {
    spdlog::info("stopping: signal {}", stopped.signal);
  }
}

void run_resume(const HubOptions& options) {
  change_registry(options, [](soci::session& sql, const registry::Actor& actor) {
    if (!delivery::release_hold(sql, actor)) throw CommandFailure(exit_refused, "the hub is not held");
  });
  fmt::print("The hub pushes by itself again.\n");
}

} // namespace

void add_hub_command(CLI::App& app) {
  CLI::App* hub = app.add_subcommand("hub", "The hub as a daemon");
  hub->require_subcommand(1);

  const auto run_options = std::make_shared<HubOptions>();
  CLI::App* run =
      hub->add_subcommand("run", "Take score feeds, plan and push within the guard until SIGTERM or SIGINT");
  add_hub_options(*run, *run_options);
  run->footer("Example: anytick hub run --hub /etc/anytick/hub.toml\n"
              "Prints \"ready\" when it works. It may be killed at any time: all that it knows is in the database.");
  run->callback([run_options] { run_hub(*run_options); });

  const auto resume_options = std::make_shared<HubOptions>();
  CLI::App* resume = hub->add_subcommand("resume", "Let the hub push by itself again after a rollback");
  add_hub_options(*resume, *resume_options);
  add_actor_options(*resume, *resume_options);
  resume->footer("Example: anytick hub resume --reason 'the monitors are well again'");
  resume->callback([resume_options] { run_resume(*resume_options); });
}

} // namespace anytick::control
