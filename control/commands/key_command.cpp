#include "control/commands/key_command.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/signing.h"

namespace anytick::control {
namespace {

struct KeyOptions {
  std::string key;
  std::vector<std::string> tables;
};

std::string pem_or_fail(Result<std::string> pem) {
  if (!pem) throw CommandFailure(exit_refused, pem.refusal().text());
  return *std::move(pem);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// hub.pem -> hub.pub
std::string public_file(std::string file) {
  constexpr std::string_view suffix = ".pem";
  if (file.ends_with(suffix)) file.resize(file.size() - suffix.size());
  return file + ".pub";
}

/// Never replaces a key: tables are trusted by it.
void run_generate(const KeyOptions& options) {
  const Result<core::PrivateKey> key = core::PrivateKey::generate();
  if (!key) throw CommandFailure(exit_refused, key.refusal().text());
  const std::string public_pem = pem_or_fail(key->public_key().to_pem());
  const std::string private_pem = pem_or_fail(key->to_pem());
  const std::string beside = public_file(options.key);
  write_new_file(beside, bytes_of(public_pem), 0644);
  try {
    write_new_file(options.key, bytes_of(private_pem), 0600);
  } catch (const CommandFailure&) {
    ::unlink(beside.c_str());
    throw;
  }
  fmt::print("{}: private key {}\n{}: its public key\n", options.key, key_text(key->public_key()), beside);
}

/// The output is a file with a public key, too: text before the PEM is allowed.
void run_show(const KeyOptions& options) {
  const std::vector<std::byte> bytes = read_file(options.key);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool is_private = text.find("PRIVATE KEY-----") != text.npos;
  const core::PublicKey key = is_private ? read_private_key(options.key).public_key() : read_public_key(options.key);
  fmt::print("id {}\n{}", key_text(key), pem_or_fail(key.to_pem()));
}

/// Signs all tables or, where one of them is not valid, none.
void run_sign(const KeyOptions& options) {
  const core::PrivateKey key = read_private_key(options.key);
  std::vector<core::Signature> signatures;
  for (const std::string& table : options.tables)
    signatures.push_back(sign(key, signed_digest(read_file(table), table)));
  for (size_t i = 0; i < signatures.size(); ++i) {
    write_signature(options.tables[i], signatures[i]);
    fmt::print("{}: by key {}\n", signature_file(options.tables[i]), key_text(key.public_key()));
  }
}

void run_verify(const KeyOptions& options) {
  const core::PublicKey key = read_public_key(options.key);
  for (const std::string& table : options.tables) {
    const SignedDigest digest = signed_digest(read_file(table), table);
    const auto signature = read_signature(table);
    if (!signature) throw CommandFailure(exit_refused, signature_file(table) + ": not there");
    if (!core::verify_table(key, digest.table, digest.digest, *signature))
      throw CommandFailure(
          exit_refused, fmt::format("{}: no signature of {} by key {}", signature_file(table), table, key_text(key)));
    fmt::print("{}: signed by key {}\n", table, key_text(key));
  }
}

} // namespace

void add_key_command(CLI::App& app) {
  const auto options = std::make_shared<KeyOptions>();
  CLI::App* key = app.add_subcommand("key", "Keys that sign tables, and signatures (Ed25519)");
  key->require_subcommand(1);

  CLI::App* generate = key->add_subcommand("generate", "Make a key pair: NAME.pem, for its owner only, and NAME.pub");
  generate->add_option("-o,--output", options->key, "private key to write; must not be there yet")->required();
  generate->callback([options] { run_generate(*options); });

  CLI::App* show = key->add_subcommand("show", "Print a key's id and public key");
  show->add_option("FILE", options->key, "private or public key (PEM)")->required();
  show->callback([options] { run_show(*options); });

  CLI::App* sign = key->add_subcommand("sign", "Write TABLE.sig, the signature of a table, for each");
  sign->add_option("KEY", options->key, "private key (PEM)")->required();
  sign->add_option("TABLE", options->tables, "zone images, geo maps and policies")->required();
  sign->callback([options] { run_sign(*options); });

  CLI::App* verify = key->add_subcommand("verify", "Check TABLE.sig against each table");
  verify->add_option("KEY", options->key, "public key (PEM)")->required();
  verify->add_option("TABLE", options->tables, "zone images, geo maps and policies")->required();
  verify->callback([options] { run_verify(*options); });
}

} // namespace anytick::control
