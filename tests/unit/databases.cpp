#include "databases.h"

#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>

namespace anytick::test {
namespace {

constexpr const char* programs = "/usr/lib/postgresql/15/bin/";

std::filesystem::path fresh_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "anytick-db-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  return pattern;
}

/// PostgreSQL's programs refuse to run as root. In the child; ends with the test's process.
[[noreturn]] void become(const passwd& user, const std::vector<std::string>& command) {
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::geteuid() == 0 && (::setgid(user.pw_gid) != 0 || ::setuid(user.pw_uid) != 0)) ::_exit(126);
  // setuid() forgets whose death was to be told.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  if (::chdir("/") == 0) ::execv(words[0], words.data());
  ::_exit(127);
}

class PostgresqlServer {
 public:
  static PostgresqlServer& the() {
    static PostgresqlServer server;
    return server;
  }
  ~PostgresqlServer() {
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  /// A schema of its own: that takes a hundredth of the time of a database.
  std::string fresh_schema() {
    const std::string name = fmt::format("test{}", ++schemas_);
    soci::session session(soci::postgresql, connection());
    session << "CREATE SCHEMA " + name;
    return fmt::format("postgresql:{} options=-csearch_path={}", connection(), name);
  }

 private:
  PostgresqlServer() : directory_(fresh_directory()) {
    const passwd* user = ::getpwnam("postgres");
    if (user == nullptr) throw std::runtime_error("there is no user postgres: is postgresql-15 installed?");
    if (::geteuid() == 0 && ::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("chown " + directory_.string());
    const std::string data = directory_ / "data";
    const pid_t made = start(*user, {std::string(programs) + "initdb", "--pgdata=" + data, "--username=test",
                                     "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"});
    int status = 0;
    if (::waitpid(made, &status, 0) != made || status != 0) throw std::runtime_error("initdb failed");
    server_ = start(*user, {std::string(programs) + "postgres", "-D", data, "-c", "listen_addresses=", "-c",
                            "unix_socket_directories=" + directory_.string(), "-c", "fsync=off", "-c",
                            "log_min_messages=fatal"});
    for (int tries = 0; !answers(); ++tries) {
      if (tries == 300) throw std::runtime_error("postgres does not answer");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  static pid_t start(const passwd& user, const std::vector<std::string>& command) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      ::freopen("/dev/null", "w", stdout);
      become(user, command);
    }
    return child;
  }

  bool answers() const {
    try {
      soci::session session(soci::postgresql, connection());
      return true;
    } catch (const soci::soci_error&) {
      return false;
    }
  }

  std::string connection() const { return fmt::format("host={} user=test dbname=postgres", directory_.string()); }

  std::filesystem::path directory_;
  pid_t server_ = -1;
  unsigned schemas_ = 0;
};

} // namespace

EmptyDatabase::EmptyDatabase(store::Engine engine) {
  if (engine == store::Engine::postgresql) {
    connection_ = PostgresqlServer::the().fresh_schema();
    return;
  }
  directory_ = fresh_directory();
  connection_ = "sqlite:" + (directory_ / "hub.db").string();
}

EmptyDatabase::~EmptyDatabase() {
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

std::unique_ptr<store::Database> EmptyDatabase::open() const {
  auto database = store::Database::open(connection_);
  if (!database) throw std::runtime_error(database.refusal().text());
  return std::move(*database);
}

std::string engine_name(const testing::TestParamInfo<store::Engine>& info) {
  return info.param == store::Engine::sqlite ? "sqlite" : "postgresql";
}

} // namespace anytick::test
