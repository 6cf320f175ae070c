#include "control/commands/transfer_command.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/progress.h"
#include "control/commands/transfer_text.h"
#include "control/registry/transfer_export.h"
#include "control/registry/transfer_import.h"

namespace anytick::control {
namespace {

namespace transfer = registry::transfer;
using transfer::Format;
using transfer::Kind;

constexpr const char* audit_kind = "audit";
constexpr size_t buffered_max = size_t{256} << 10;

struct TransferOptions {
  HubOptions hub;
  std::vector<std::string> kinds;
  std::string format; ///< "": by the file's name
  std::string file = "-";
};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind kind : transfer::all_kinds) names.emplace_back(name_of(kind));
  return names;
}

Format format_of(const TransferOptions& options, const char* command) {
  if (options.format == "json" || options.format == "csv") return options.format == "csv" ? Format::csv : Format::json;
  if (options.file.ends_with(".json")) return Format::json;
  if (options.file.ends_with(".csv")) return Format::csv;
  throw CommandFailure(exit_usage, fmt::format("registry {}: {} ends neither in .csv nor in .json: give --format",
                                               command, options.file));
}

/// As they were named; else all for a document, and servers for CSV.
std::set<Kind> kinds_of(const TransferOptions& options, Format format, const char* command) {
  std::set<Kind> kinds;
  for (const std::string& name : options.kinds)
    if (const auto kind = transfer::kind_by_name(name)) kinds.insert(*kind);
  if (kinds.empty() && format == Format::csv) return {Kind::servers};
  if (kinds.empty()) return {transfer::all_kinds.begin(), transfer::all_kinds.end()};
  if (kinds.size() > 1 && format == Format::csv)
    throw CommandFailure(exit_usage, fmt::format("registry {}: a CSV file has one kind", command));
  return kinds;
}

/// A file of its own that is gone with its last descriptor, with what comes by a pipe: it is read more than once.
class KeptInput {
 public:
  /// Reads `input` to its end.
  explicit KeptInput(std::FILE* input) : file_(std::tmpfile()) {
    if (file_ == nullptr) throw CommandFailure(exit_refused, "no temporary file for what comes by a pipe");
    std::vector<char> buffer(buffered_max);
    while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), input))
      if (std::fwrite(buffer.data(), 1, got, file_) != got) fail();
    if (std::ferror(input) != 0 || std::fflush(file_) != 0) fail();
  }
  KeptInput(const KeptInput&) = delete;
  KeptInput& operator=(const KeptInput&) = delete;
  ~KeptInput() {
    if (file_ != nullptr) std::fclose(file_);
  }

  std::string path() const { return fmt::format("/proc/self/fd/{}", ::fileno(file_)); }

 private:
  [[noreturn]] void fail() {
    std::fclose(file_);
    throw CommandFailure(exit_refused, "what comes by a pipe could not be kept in a temporary file");
  }

  std::FILE* file_;
};

/// Nothing where it is a file, which can be read again.
std::unique_ptr<KeptInput> kept_if_pipe(const std::string& path) {
  if (path == "-") return std::make_unique<KeptInput>(stdin);
  std::error_code error;
  if (!std::filesystem::exists(path, error) || std::filesystem::is_regular_file(path, error) ||
      std::filesystem::is_directory(path, error))
    return nullptr;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (pipe == nullptr) throw CommandFailure(exit_refused, path + ": " + std::strerror(errno));
  return std::make_unique<KeptInput>(pipe.get());
}

struct ImportCommand : TransferOptions {
  std::string mode = "update";
  bool dry_run = false;
  bool verbose = false;
  bool unusual = false;
};

transfer::Mode mode_of(const std::string& name) {
  if (name == "add") return transfer::Mode::add;
  return name == "replace" ? transfer::Mode::replace : transfer::Mode::update;
}

void run_import(const ImportCommand& options) {
  const Format format = format_of(options, "import");
  const transfer::ImportOptions how{.format = format,
                                    .kinds = kinds_of(options, format, "import"),
                                    .mode = mode_of(options.mode),
                                    .unusual = options.unusual,
                                    .dry_run = options.dry_run,
                                    .list_changes = options.verbose};
  const std::string shown = options.file == "-" ? "stdin" : options.file;
  const auto input = kept_if_pipe(options.file);
  auto file = scores::TextFile::open(input ? input->path() : options.file);
  if (!file) throw CommandFailure(exit_refused, file.refusal().text());

  const auto database = open_database(options.hub);
  registry::Actor actor = actor_of(options.hub);
  if (actor.reason.empty()) actor.reason = "import of " + shown.substr(shown.rfind('/') + 1);
  std::optional<ProgressLine> line(std::in_place);
  const transfer::ImportReport report =
      import_file(*database, *file, shown, actor, how, [&](uint64_t done, uint64_t total) {
        line->show([&] { return progress_text(total == 0 ? "reading" : "importing", done, total, line->seconds()); });
      });
  line.reset();
  if (report.faults.count() > 0) {
    fmt::print(stderr, "{}", report.faults.text());
    throw CommandFailure(exit_refused, fmt::format("{}: {} fault{}; nothing is changed", shown, report.faults.count(),
                                                   report.faults.count() == 1 ? "" : "s"));
  }
  for (const registry::AuditEntry& entry : report.changes) fmt::print("{}\n", change_text(entry));
  fmt::print("{}", report_text(report, options.dry_run));
}

struct ExportCommand : TransferOptions {
  int64_t after = 0;
};

/// To a file, which is whole or as it was, or to stdout.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {}

  /// A transaction may run again.
  void begin() {
    if (path_ != "-")
      file_.emplace(path_);
    else if (written_)
      throw CommandFailure(exit_refused, "the database was busy in the middle of it: try again");
    buffer_.clear();
  }
  void operator()(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffered_max) flush();
  }
  void commit() {
    flush();
    if (file_) return file_->commit();
    if (std::fflush(stdout) != 0) throw CommandFailure(exit_refused, "stdout could not be written");
  }

 private:
  void flush() {
    written_ = true;
    if (file_)
      file_->write(std::as_bytes(std::span(buffer_)));
    else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size())
      throw CommandFailure(exit_refused, "stdout could not be written");
    buffer_.clear();
  }

  std::string path_;
  std::optional<FileReplacement> file_;
  std::string buffer_;
  bool written_ = false;
};

void run_export(const ExportCommand& options) {
  const bool audit = options.kinds == std::vector<std::string>{audit_kind};
  if (!audit && std::ranges::find(options.kinds, audit_kind) != options.kinds.end())
    throw CommandFailure(exit_usage, "registry export: the audit log is exported alone");
  if (options.after > 0 && !audit) throw CommandFailure(exit_usage, "registry export: --after is for --kind audit");
  const Format format =
      audit || (options.file == "-" && options.format.empty()) ? Format::json : format_of(options, "export");
  const std::set<Kind> kinds = audit ? std::set<Kind>() : kinds_of(options, format, "export");
  const auto database = open_database(options.hub);
  Output output(options.file);
  const transfer::Write write = std::ref(output);
  database->read([&](soci::session& sql) {
    output.begin();
    if (audit)
      transfer::export_audit(sql, options.after, write);
    else if (format == Format::csv)
      transfer::export_csv(sql, *kinds.begin(), write);
    else
      transfer::export_json(sql, kinds, write);
  });
  output.commit();
}

void add_common(CLI::App& command, TransferOptions& options, std::vector<std::string> names, const char* kind_help) {
  command.add_option("--kind", options.kinds, kind_help)->check(CLI::IsMember(std::move(names)))->delimiter(',');
  command.add_option("--format", options.format, "default: by the file's name")->check(CLI::IsMember({"csv", "json"}));
}

void add_import(CLI::App& app) {
  const auto options = std::make_shared<ImportCommand>();
  CLI::App* command = app.add_subcommand("import", "Take a CSV or JSON file into the registry, all of it or nothing");
  command->add_option("FILE", options->file, "CSV with a header, or what `registry export` writes; -: stdin")
      ->required();
  add_common(*command, *options, kind_names(),
             "what is in a CSV file (default: servers), or what is taken of a JSON file (default: all it has)");
  command
      ->add_option("--mode", options->mode,
                   "add: what is there already is a fault; update: it is changed, in what the file says; replace: "
                   "and what the file leaves out is removed")
      ->check(CLI::IsMember({"add", "update", "replace"}))
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "change nothing, and say what would be");
  command->add_flag("-v,--verbose", options->verbose, "list each change");
  command->add_flag("--unusual", options->unusual, "take servers with addresses of private networks, too");
  add_hub_options(*command, options->hub);
  add_actor_options(*command, options->hub);
  command->footer("Examples:\n  anytick registry import servers.csv --dry-run --verbose\n"
                  "  anytick registry import vendors.csv --kind vendors --mode replace --reason \"yearly review\"\n"
                  "Columns that a file does not have stay as they are; an empty cell is an empty value. Faults go to\n"
                  "stderr with their lines, and then the exit code is 1.");
  command->callback([options] { run_import(*options); });
}

void add_export(CLI::App& app) {
  const auto options = std::make_shared<ExportCommand>();
  CLI::App* command = app.add_subcommand("export", "Write the registry as CSV or JSON, without its secrets");
  std::vector<std::string> names = kind_names();
  names.emplace_back(audit_kind);
  add_common(*command, *options, names,
             "default: all for JSON, servers for CSV; audit: who changed what, as JSON lines");
  command->add_option("-o,--output", options->file, "file to replace; default: -, stdout, as JSON");
  command->add_option("--after", options->after, "entries of the audit log behind the one with this id")
      ->check(CLI::NonNegativeNumber);
  add_hub_options(*command, options->hub);
  command->footer("Examples:\n  anytick registry export -o registry.json\n"
                  "  anytick registry export --kind servers --format csv");
  command->callback([options] { run_export(*options); });
}

} // namespace

void add_transfer_command(CLI::App& app) {
  CLI::App* registry = app.add_subcommand("registry", "What the hub knows, as files: servers, zones, vendors and more");
  registry->require_subcommand(1);
  add_import(*registry);
  add_export(*registry);
}

} // namespace anytick::control
