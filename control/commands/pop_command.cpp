#include "control/commands/pop_command.h"

#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/fleet_status.h"
#include "control/commands/pop_registry_command.h"
#include "control/commands/pop_text.h"
#include "control/commands/progress.h"
#include "control/commands/secrets.h"
#include "control/push.h"
#include "control/signing.h"
#include "control/text.h"
#include "dataplane/core/policy_rule.h"
#include "dataplane/core/zone_image.h"
#include "geo/map.h"

namespace anytick::control {
namespace {

using std::chrono::steady_clock;

struct PopOptions {
  HubOptions hub; ///< of `status`
  std::string pop = "unix:/run/anytick/pop.sock";
  double timeout = 60; ///< seconds; more than a POP takes for a policy, to its refusal
  PopTls tls;          ///< no `ca`: without
  std::string zone;
  std::string geo;
  std::string policy;
  std::string secrets;
  std::string sign_key;               ///< "": the signatures beside the tables are sent
  std::string confirm_within;         ///< "": no confirmation is needed
  std::optional<uint64_t> generation; ///< to confirm or to revert; else the one that waits
  bool no_check = false;
  bool json = false;
};

PopClient client(const PopOptions& options) {
  const bool secured = !options.tls.ca.empty();
  if (secured && options.pop.starts_with("unix:"))
    throw CommandFailure(exit_usage, "--tls-ca is for POPs by TCP: " + options.pop + " needs no TLS");
  return {options.pop, std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1e3)),
          secured ? std::optional(options.tls) : std::nullopt};
}

[[noreturn]] void refuse(const PopOptions& options, const std::string& text) {
  throw CommandFailure(exit_refused, fmt::format("POP {}: {}", options.pop, text));
}

std::chrono::seconds confirm_option(const PopOptions& options) {
  if (options.confirm_within.empty()) return {};
  constexpr std::chrono::seconds most = std::chrono::hours(24);
  const auto within = parse_duration(options.confirm_within);
  if (!within || within->count() == 0 || *within > most)
    throw CommandFailure(
        exit_usage,
        fmt::format("--confirm-within: '{}' is no time like 90s, 5m or 1h, of a day at most", options.confirm_within));
  return *within;
}

uint64_t now() {
  return static_cast<uint64_t>(std::time(nullptr));
}

/// A table that validates here is not refused there for what is in it, and one that does not is named by its file.
template <class Table> std::vector<std::byte> read_table(const std::string& file, bool check) {
  std::vector<std::byte> bytes = read_file(file);
  if (!check) return bytes;
  taken(Table::validate(bytes), file);
  return bytes;
}

/// The same for a policy, of which all faults are told.
std::vector<std::byte> read_policy(const std::string& file, bool check) {
  std::vector<std::byte> bytes = read_file(file);
  if (!check) return bytes;
  const core::ParsedPolicy parsed = core::parse_policy(as_text(bytes), file);
  std::string faults;
  for (const Refusal& fault : parsed.faults) faults += (faults.empty() ? "" : "\n") + fault.text();
  if (!faults.empty()) throw CommandFailure(exit_refused, faults);
  return bytes;
}

/// By the key if there is one, else the one beside the table's file, else none.
std::string signature_of(std::span<const std::byte> table, const std::string& file,
                         const std::optional<core::PrivateKey>& key) {
  const std::optional<core::Signature> signature = key ? sign(*key, signed_digest(table, file)) : read_signature(file);
  return signature ? std::string(signature->begin(), signature->end()) : "";
}

/// It runs, but the POP would start without it.
void warn_not_stored(const PopOptions& options, const std::string& what, const std::string& why) {
  if (!why.empty()) fmt::print(stderr, "warning: POP {}: {} not stored: {}\n", options.pop, what, why);
}

/// Before the tables: what is wrong with the file is known before anything is sent.
void push_secrets(const PopOptions& options) {
  const pop::v1::LoadSecretsReply reply = client(options).load_secrets(read_secrets_file(options.secrets));
  if (!reply.applied()) refuse(options, reply.reason());
  fmt::print("secrets applied, generation {}\n{}", reply.generation(), secrets_text(reply.cookies()));
  warn_not_stored(options, "the secrets are in use, but", reply.not_stored());
}

void run_push(const PopOptions& options) {
  std::vector<std::byte> zone, geo, policy;
  std::vector<PushTable> tables;
  const auto confirm_within = confirm_option(options);
  const auto key = sign_key_option(options.sign_key);
  if (!options.zone.empty()) {
    zone = read_table<core::ZoneImage>(options.zone, !options.no_check);
    tables.push_back({pop::v1::TABLE_KIND_ZONE, zone, signature_of(zone, options.zone, key)});
  }
  if (!options.geo.empty()) {
    geo = read_table<geo::Map>(options.geo, !options.no_check);
    tables.push_back({pop::v1::TABLE_KIND_GEO, geo, signature_of(geo, options.geo, key)});
  }
  if (!options.policy.empty()) {
    policy = read_policy(options.policy, !options.no_check);
    tables.push_back({pop::v1::TABLE_KIND_POLICY, policy, signature_of(policy, options.policy, key)});
  }
  if (tables.empty() && options.secrets.empty())
    throw CommandFailure(exit_usage, "pop push: give --zone, --geo, --policy or --secrets");
  if (!options.secrets.empty()) push_secrets(options);
  if (tables.empty()) return;
  const auto start = steady_clock::now();
  pop::v1::LoadReply reply;
  {
    ProgressLine line;
    constexpr size_t mebibyte = size_t{1} << 20;
    const auto show = [&](size_t sent, size_t total) {
      line.show([&] { return fmt::format("sent {} of {} MiB ", sent / mebibyte, total / mebibyte); });
    };
    reply = client(options).load(tables, show, confirm_within);
  }
  const std::chrono::duration<double, std::milli> took = steady_clock::now() - start;
  if (!reply.applied()) refuse(options, load_text(reply, now()));
  fmt::print("{}\npushed in {:.1f} ms\n", load_text(reply, now()), took.count());
  warn_not_stored(options, "the tables run, but are", reply.not_stored());
}

/// The generation that is meant, and whose tables.
pop::v1::StatusReply unconfirmed_status(PopClient& pop, const PopOptions& options) {
  pop::v1::StatusReply status = pop.status();
  if (options.generation) {
    status.mutable_unconfirmed()->set_generation(*options.generation);
  } else if (!status.has_unconfirmed()) {
    refuse(options, fmt::format("no push waits for its confirmation, generation {} runs", status.generation()));
  }
  return status;
}

void run_confirm(const PopOptions& options) {
  PopClient pop = client(options);
  const pop::v1::StatusReply status = unconfirmed_status(pop, options);
  const pop::v1::ConfirmReply reply = pop.confirm(status.unconfirmed().generation(), status.tables());
  if (!reply.confirmed() || !reply.not_stored().empty()) refuse(options, confirm_text(reply, now()));
  fmt::print("{}\n", confirm_text(reply, now()));
}

void run_revert(const PopOptions& options) {
  PopClient pop = client(options);
  const pop::v1::RevertReply reply = pop.revert(unconfirmed_status(pop, options).unconfirmed().generation());
  if (!reply.reverted()) refuse(options, revert_text(reply, now()));
  fmt::print("{}\n", revert_text(reply, now()));
}

void run_status(const PopOptions& options) {
  const pop::v1::StatusReply reply = client(options).status();
  fmt::print("{}", options.json ? status_json(reply) : status_text(reply, now()));
}

void add_common_options(CLI::App& command, PopOptions& options) {
  command.add_option("--pop", options.pop, "control socket of the POP, or its address and port")
      ->envname("ANYTICK_POP")
      ->capture_default_str();
  command.add_option("--timeout", options.timeout, "seconds that it may take in all")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  CLI::Option* ca = command.add_option("--tls-ca", options.tls.ca, "by TCP: whose certificate the POP has (PEM)");
  CLI::Option* certificate = command.add_option("--tls-certificate", options.tls.certificate, "and ours (PEM)");
  CLI::Option* key = command.add_option("--tls-key", options.tls.key, "and its key (PEM)");
  ca->needs(certificate)->needs(key);
  certificate->needs(ca);
  key->needs(ca);
  command.add_option("--tls-name", options.tls.name, "name in the POP's certificate, where it is not that of --pop")
      ->needs(ca);
}

} // namespace

void add_pop_command(CLI::App& app) {
  const auto options = std::make_shared<PopOptions>();
  CLI::App* pop = app.add_subcommand("pop", "Running POPs");
  pop->require_subcommand(1);

  CLI::App* push = pop->add_subcommand("push", "Load tables into a POP, all of them or none");
  push->add_option("--zone", options->zone, "zone image");
  push->add_option("--geo", options->geo, "geo map");
  push->add_option("--policy", options->policy, "query policy (TOML); one without rules takes the running one away");
  push->add_option("--secrets", options->secrets, "cookie secrets; loaded on their own, before tables");
  CLI::Option* no_check =
      push->add_flag("--no-check", options->no_check, "send files as they are: the POP judges them");
  push->add_option("--sign", options->sign_key,
                   "private key (PEM); default: the signatures in ZONE.sig, GEO.sig, POLICY.sig")
      ->excludes(no_check);
  push->add_option("--confirm-within", options->confirm_within,
                   "the POP goes back to what ran before unless `pop confirm` comes within this time: 90s, 5m, 1h");
  add_common_options(*push, *options);
  push->callback([options] { run_push(*options); });

  CLI::App* confirm = pop->add_subcommand("confirm", "Let a push stay that waits for it (--confirm-within)");
  confirm->add_option("--generation", options->generation, "that the push made; default: the one that waits");
  add_common_options(*confirm, *options);
  confirm->callback([options] { run_confirm(*options); });

  CLI::App* revert = pop->add_subcommand("revert", "Take a push back that waits for its confirmation");
  revert->add_option("--generation", options->generation, "that the push made; default: the one that waits");
  add_common_options(*revert, *options);
  revert->callback([options] { run_revert(*options); });

  CLI::App* status = pop->add_subcommand("status", "Show what a POP runs and counts");
  status->add_flag("--json", options->json, "as one JSON object");
  add_common_options(*status, *options);
  add_hub_options(*status, options->hub);
  status->footer(
      "Without --pop, and with a hub: a table of all its POPs; exit code 5 if one does not run what it is to.\n"
      "Examples: anytick pop status\n"
      "          anytick pop status --pop unix:/run/anytick/pop.sock --json");
  status->callback([options, status] {
    if (status->count("--pop") == 0 && has_hub(options->hub)) return print_fleet_status(options->hub, options->json);
    run_status(*options);
  });

  add_pop_registry_commands(*pop);
}

} // namespace anytick::control
