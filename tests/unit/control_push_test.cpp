#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/command.h"
#include "control/commands/pop_command.h"
#include "control/commands/pop_text.h"
#include "control/push.h"
#include "control/signing.h"
#include "control/text.h"
#include "control_files.h"
#include "control_run.h"
#include "control_zones.h"

namespace anytick::control::test {
namespace {

namespace v1 = pop::v1;
using std::chrono::milliseconds;

/// A POP's control service that holds the contract of pop.proto to the letter and keeps what it was sent.
class Receiver final : public v1::Pop::Service {
 public:
  struct Received {
    v1::LoadBegin begin;
    std::string bytes;
    size_t largest_chunk = 0;
  };

  grpc::Status Load(grpc::ServerContext*, grpc::ServerReader<v1::LoadRequest>* stream, v1::LoadReply* reply) override {
    v1::LoadRequest request;
    if (!stream->Read(&request) || !request.has_begin()) return {grpc::StatusCode::INVALID_ARGUMENT, "no begin"};
    received = {request.begin(), "", 0};
    uint64_t size = 0;
    for (const v1::TableHead& head : received.begin.tables()) size += head.size();
    if (size > size_limit) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "tables are too large"};
    while (stream->Read(&request)) {
      received.bytes += request.chunk();
      received.largest_chunk = std::max(received.largest_chunk, request.chunk().size());
    }
    *reply = judge();
    return grpc::Status::OK;
  }

  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusReply* reply) override {
    reply->set_name("test");
    reply->set_version("0.1.0");
    reply->set_generation(generation);
    if (knows_confirmation) reply->add_features("confirm");
    if (unconfirmed.generation() != 0) *reply->mutable_unconfirmed() = unconfirmed;
    reply->add_tables()->set_digest(std::string(32, 'd'));
    return grpc::Status::OK;
  }

  grpc::Status Confirm(grpc::ServerContext*, const v1::ConfirmRequest* request, v1::ConfirmReply* reply) override {
    confirmed = *request;
    reply->set_confirmed(request->generation() == unconfirmed.generation());
    reply->set_reason(reply->confirmed() ? "" : "confirm: another one");
    reply->set_not_stored(not_stored);
    reply->set_generation(generation);
    return grpc::Status::OK;
  }

  grpc::Status Revert(grpc::ServerContext*, const v1::RevertRequest* request, v1::RevertReply* reply) override {
    reply->set_reverted(request->generation() == unconfirmed.generation());
    reply->set_reason(reply->reverted() ? "" : "revert: another one");
    reply->set_generation(generation + 1);
    return grpc::Status::OK;
  }

  Received received;
  uint64_t size_limit = UINT64_MAX;
  uint64_t generation = 0;
  bool knows_confirmation = true;
  v1::Unconfirmed unconfirmed;
  v1::ConfirmRequest confirmed;
  std::string not_stored;

 private:
  v1::LoadReply judge() {
    v1::LoadReply reply;
    size_t at = 0;
    for (const v1::TableHead& head : received.begin.tables()) {
      // A vector, because tables are 8-byte aligned.
      const std::string text = received.bytes.substr(at, head.size());
      const std::vector<char> copy(text.begin(), text.end());
      at += head.size();
      if (head.kind() != v1::TABLE_KIND_ZONE) continue;
      const auto image = core::ZoneImage::validate(std::as_bytes(std::span(copy)));
      if (!image)
        reply.set_reason(image.refusal().text());
      else if (head.digest() != std::string(image->header().digest.begin(), image->header().digest.end()))
        reply.set_reason("digest");
    }
    if (at != received.bytes.size()) reply.set_reason("size");
    reply.set_applied(reply.reason().empty());
    reply.set_not_stored(not_stored);
    if (reply.applied()) ++generation;
    reply.set_generation(generation);
    return reply;
  }
};

class Push : public testing::Test {
 protected:
  Push() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&receiver_);
    server_ = builder.BuildAndStart();
  }
  ~Push() override { server_->Shutdown(); }

  Outcome run(std::vector<std::string> words) const {
    words.insert(words.end(), {"--pop", address_, "--timeout", "20"});
    return run_command(words, add_pop_command);
  }
  std::string image_file(size_t txt_records) {
    std::string json = "{\"serial\": 1, \"data\": {\"\": {\"ns\": \"a.b\"}";
    for (size_t i = 0; i < txt_records; ++i)
      json += ", \"t" + std::to_string(i) + "\": {\"txt\": \"" + std::string(30000, static_cast<char>('a' + i % 26)) +
              std::to_string(i) + "\"}";
    const Zone zones[] = {good_zone(json + "}}")};
    const auto bytes = good_image(zones);
    return directory_.write("image", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  TemporaryDirectory directory_;
  std::string address_ = "unix:" + directory_.file("pop.sock");
  Receiver receiver_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(Push, SendsATableInChunks) {
  const std::string file = image_file(100);
  const Outcome outcome = run({"pop", "push", "--zone", file});
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
  EXPECT_TRUE(outcome.output.starts_with("applied in 0.0 ms\ngeneration 1\n")) << outcome.output;
  EXPECT_EQ(receiver_.received.begin.protocol(), 1u);
  ASSERT_EQ(receiver_.received.begin.tables_size(), 1);
  const auto bytes = read_file(file);
  EXPECT_GT(bytes.size(), 2u << 20);
  EXPECT_EQ(receiver_.received.bytes.size(), bytes.size());
  EXPECT_EQ(std::memcmp(receiver_.received.bytes.data(), bytes.data(), bytes.size()), 0);
  EXPECT_EQ(receiver_.received.largest_chunk, 1u << 20);
}

TEST_F(Push, SendsBothTablesAsOneLoad) {
  const std::string zone = image_file(1), geo = directory_.write("map", std::string(100, 'g'));
  EXPECT_EQ(run({"pop", "push", "--no-check", "--zone", zone, "--geo", geo}).code, exit_done);
  ASSERT_EQ(receiver_.received.begin.tables_size(), 2);
  EXPECT_EQ(receiver_.received.begin.tables(0).kind(), v1::TABLE_KIND_ZONE);
  EXPECT_EQ(receiver_.received.begin.tables(1).kind(), v1::TABLE_KIND_GEO);
  EXPECT_EQ(receiver_.received.begin.tables(1).size(), 100u);
  EXPECT_EQ(receiver_.received.begin.tables(1).digest(), std::string(32, 'g'));
  EXPECT_EQ(receiver_.received.bytes.size(), receiver_.received.begin.tables(0).size() + 100);
}

TEST_F(Push, WarnsThatWhatRunsIsNotStored) {
  receiver_.not_stored = "zone.image.new: No space left on device";
  testing::internal::CaptureStderr();
  const Outcome outcome = run({"pop", "push", "--zone", image_file(1)});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: POP " + address_ +
                                                        ": the tables run, but are not stored: "
                                                        "zone.image.new: No space left on device\n");
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
}

constexpr std::string_view policy_text = "[[rule]]\nname = 'a'\naction = 'drop'\n";

TEST_F(Push, SendsAPolicyAsItIs) {
  const std::string zone = image_file(1), policy = directory_.write("policy.toml", policy_text);
  directory_.write("policy.toml.sig", std::string(64, 's'));
  EXPECT_EQ(run({"pop", "push", "--policy", policy, "--zone", zone}).code, exit_done);
  ASSERT_EQ(receiver_.received.begin.tables_size(), 2);
  const v1::TableHead& head = receiver_.received.begin.tables(1);
  EXPECT_EQ(head.kind(), v1::TABLE_KIND_POLICY);
  EXPECT_EQ(head.size(), policy_text.size());
  EXPECT_EQ(hex_text(head.digest()), "2d34c678b8f7d1d772f41d0d24586943f0a0ef7a5c5c9347db42a971d6caa60c");
  EXPECT_EQ(head.signature(), std::string(64, 's'));
  EXPECT_TRUE(receiver_.received.bytes.ends_with(policy_text));
  EXPECT_EQ(run({"pop", "push", "--policy", directory_.write("empty", "")}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.tables(0).size(), 0u);
}

TEST_F(Push, TellsEveryFaultOfAPolicyAndSendsNothing) {
  const std::string policy =
      directory_.write("policy.toml", "[[rule]]\nname = 'a'\naction = 'drip'\n[[rule]]\nname = 'b'\n");
  const Outcome outcome = run({"pop", "push", "--policy", policy, "--zone", image_file(1)});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.failure.find(policy + " at line 3, column "), 0u) << outcome.failure;
  EXPECT_NE(outcome.failure.find("\n" + policy + " at line 4, column "), std::string::npos) << outcome.failure;
  EXPECT_EQ(receiver_.received.begin.tables_size(), 0);
  EXPECT_EQ(run({"pop", "push", "--policy", policy, "--no-check"}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.tables_size(), 1);
}

TEST_F(Push, SendsTheSignatureBesideTheTable) {
  const std::string zone = image_file(1);
  ASSERT_EQ(run({"pop", "push", "--zone", zone}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.tables(0).signature(), "");
  const std::string signature(64, 's');
  directory_.write("image.sig", signature);
  ASSERT_EQ(run({"pop", "push", "--zone", zone}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.tables(0).signature(), signature);
  directory_.write("image.sig", signature + "s");
  EXPECT_EQ(run({"pop", "push", "--zone", zone}).failure, zone + ".sig: a signature has 64 bytes, not 65");
}

TEST_F(Push, SignsWithAKeyThatIsGiven) {
  const auto key = core::PrivateKey::generate();
  ASSERT_TRUE(key);
  const std::string file = directory_.write("hub.pem", *key->to_pem()), zone = image_file(1);
  directory_.write("image.sig", std::string(64, 's'));
  const Outcome outcome = run({"pop", "push", "--zone", zone, "--sign", file});
  ASSERT_EQ(outcome.code, exit_done) << outcome.failure;
  const std::string& signature = receiver_.received.begin.tables(0).signature();
  const auto bytes = read_file(zone);
  EXPECT_TRUE(core::verify_table(key->public_key(), core::SignedTable::zone_image, signed_digest(bytes, zone).digest,
                                 {reinterpret_cast<const uint8_t*>(signature.data()), signature.size()}));
  EXPECT_EQ(run({"pop", "push", "--zone", zone, "--sign", zone}).failure, zone + ": no PEM");
}

TEST_F(Push, RefusesWrongTablesBeforeTheyAreSent) {
  const std::string wrong = directory_.write("wrong", std::string(1000, 'x'));
  for (const char* option : {"--zone", "--geo"}) {
    const Outcome outcome = run({"pop", "push", option, wrong});
    EXPECT_EQ(outcome.code, exit_refused);
    EXPECT_TRUE(outcome.failure.starts_with(wrong + ": ")) << outcome.failure;
  }
  EXPECT_EQ(receiver_.received.begin.tables_size(), 0);
}

TEST_F(Push, TellsWhyThePopRefused) {
  const std::string wrong = directory_.write("wrong", std::string(1000, 'x'));
  const Outcome outcome = run({"pop", "push", "--no-check", "--zone", wrong});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_NE(outcome.failure.find("refused: zone image: header at offset 0: not a zone image\ngeneration 0\n"),
            std::string::npos)
      << outcome.failure;
}

TEST_F(Push, TellsWhyThePopEndedTheStream) {
  receiver_.size_limit = 10;
  const Outcome outcome = run({"pop", "push", "--zone", image_file(200)});
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.failure, "POP " + address_ + ": tables are too large");
}

TEST_F(Push, NeedsATable) {
  EXPECT_EQ(run({"pop", "push"}).code, exit_usage);
}

TEST_F(Push, SendsAnEmptyFileAsItIs) {
  EXPECT_EQ(run({"pop", "push", "--no-check", "--zone", directory_.write("empty", "")}).code, exit_refused);
  EXPECT_EQ(receiver_.received.begin.tables(0).size(), 0u);
}

TEST_F(Push, AsksForTheStatus) {
  receiver_.generation = 42;
  EXPECT_NE(run({"pop", "status"}).output.find("generation 42\ntables:\n"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(run({"pop", "status", "--json"}).output)["generation"], 42);
}

TEST_F(Push, AsksForConfirmation) {
  const std::string zone = image_file(1);
  EXPECT_EQ(run({"pop", "push", "--zone", zone}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.confirm_seconds(), 0u);
  EXPECT_EQ(run({"pop", "push", "--zone", zone, "--confirm-within", "5m"}).code, exit_done);
  EXPECT_EQ(receiver_.received.begin.confirm_seconds(), 300u);
  for (const char* wrong : {"5", "0s", "25h", "soon", "-5m"}) {
    const Outcome outcome = run({"pop", "push", "--zone", zone, std::string("--confirm-within=") + wrong});
    EXPECT_EQ(outcome.code, exit_usage) << wrong;
    EXPECT_EQ(outcome.failure,
              std::string("--confirm-within: '") + wrong + "' is no time like 90s, 5m or 1h, of a day at most");
  }
  receiver_.knows_confirmation = false;
  receiver_.received = {};
  const Outcome old = run({"pop", "push", "--zone", zone, "--confirm-within", "5m"});
  EXPECT_EQ(old.code, exit_refused);
  EXPECT_EQ(old.failure, "POP " + address_ + ": does not know of confirmation: its anytickd is 0.1.0");
  EXPECT_EQ(receiver_.received.begin.tables_size(), 0);
}

TEST_F(Push, ConfirmsAndReverts) {
  for (const char* word : {"confirm", "revert"}) {
    const Outcome nothing = run({"pop", word});
    EXPECT_EQ(nothing.code, exit_refused);
    EXPECT_EQ(nothing.failure, "POP " + address_ + ": no push waits for its confirmation, generation 0 runs");
  }
  receiver_.generation = receiver_.unconfirmed.generation();
  receiver_.unconfirmed.set_generation(7);
  EXPECT_EQ(run({"pop", "confirm"}).output, "confirmed\ngeneration 0\ntables: none\n");
  EXPECT_EQ(receiver_.confirmed.generation(), 7u);
  ASSERT_EQ(receiver_.confirmed.digests_size(), 1);
  EXPECT_EQ(receiver_.confirmed.digests(0), std::string(32, 'd'));
  EXPECT_EQ(run({"pop", "revert"}).output, "reverted\ngeneration 1\ntables: none\n");
  for (const char* word : {"confirm", "revert"}) {
    const Outcome other = run({"pop", word, "--generation", "6"});
    EXPECT_EQ(other.code, exit_refused);
    EXPECT_EQ(other.failure.find("POP " + address_ + ": refused: " + word + ": another one\n"), 0u) << other.failure;
  }
  receiver_.not_stored = "zone image: no space";
  const Outcome lost = run({"pop", "confirm"});
  EXPECT_EQ(lost.code, exit_refused);
  EXPECT_EQ(lost.failure.find("POP " + address_ + ": confirmed, but not stored: zone image: no space\n"), 0u)
      << lost.failure;
}

TEST_F(Push, TlsIsForTcp) {
  const Outcome outcome =
      run({"pop", "status", "--tls-ca", "ca.crt", "--tls-certificate", "hub.crt", "--tls-key", "hub.key"});
  EXPECT_EQ(outcome.code, exit_usage);
  EXPECT_EQ(outcome.failure, "--tls-ca is for POPs by TCP: " + address_ + " needs no TLS");
  for (const char* alone : {"--tls-ca", "--tls-certificate", "--tls-key", "--tls-name"}) {
    EXPECT_EQ(run_command({"pop", "status", alone, "file"}, add_pop_command).code, exit_usage) << alone;
  }
}

TEST_F(Push, TellsWhereNobodyAnswers) {
  const std::string nowhere = "unix:" + directory_.file("nobody.sock");
  try {
    PopClient(nowhere, milliseconds(200)).status();
    FAIL() << "nobody answered";
  } catch (const CommandFailure& failure) {
    EXPECT_EQ(failure.exit_code, exit_unreachable);
    EXPECT_EQ(std::string(failure.what()).find("POP " + nowhere + ": not reachable: "), 0u) << failure.what();
    EXPECT_NE(std::string(failure.what()).find("No such file or directory"), std::string::npos) << failure.what();
  }
}

TEST(PopText, ShowsAStatus) {
  v1::StatusReply reply;
  reply.set_name("fra1");
  reply.set_version("0.1.0");
  reply.set_protocol(1);
  reply.set_started(1000);
  reply.set_generation(3);
  v1::TableInfo* table = reply.add_tables();
  table->set_kind(v1::TABLE_KIND_ZONE);
  table->set_format(1);
  table->set_size(4096);
  table->set_digest("\x01\x02");
  table->set_serial(77);
  table->set_loaded(1500);
  v1::Zone* zone = reply.add_zones();
  zone->set_origin("pool.example.");
  zone->set_serial(5);
  zone->set_names(9);
  for (const uint64_t value : {uint64_t{7}, uint64_t{0}}) {
    v1::Counter* counter = reply.add_counters();
    counter->set_name(value == 0 ? "dropped" : "answered");
    counter->set_value(value);
  }
  v1::Port* port = reply.add_ports();
  port->set_device("net_af_xdp0");
  port->set_received(11);
  port->set_sent(9);
  port->set_missed(2);
  port->set_rx_no_mbuf(1);
  reply.add_workers()->set_core(1);
  reply.add_workers()->set_name("sockets");
  EXPECT_EQ(status_text(reply, 1600), R"(POP fra1
anytickd 0.1.0, protocol 1, up 10m 0s, generation 3
tables:
  zone serial 77 loaded 1m 40s ago, format 1, 4096 bytes, digest 0102
zones:
  pool.example. serial 5, 9 names
port net_af_xdp0: 11 received, 9 sent, 3 missed
counters:
  answered                                            7
worker on core 1: all zero
sockets: all zero
)");
  const auto json = nlohmann::json::parse(status_json(reply));
  EXPECT_EQ(json["counters"]["dropped"], 0);
  EXPECT_EQ(json["tables"][0]["digest"], "0102");
  EXPECT_EQ(json["ports"][0]["missed"], 2);
  EXPECT_EQ(json["workers"][0]["core"], 1);
  EXPECT_TRUE(json["workers"][1]["core"].is_null());
  EXPECT_EQ(json["workers"][1]["name"], "sockets");
}

v1::TableInfo table_of(v1::TableKind kind, char digest, uint64_t serial = 0) {
  v1::TableInfo table;
  table.set_kind(kind);
  table.set_digest(std::string(32, digest));
  table.set_serial(serial);
  return table;
}

TEST(PopText, ShowsWhatWaitsForConfirmation) {
  v1::StatusReply reply;
  EXPECT_TRUE(nlohmann::json::parse(status_json(reply))["unconfirmed"].is_null());
  const auto line = [&] {
    const std::string text = status_text(reply, 0);
    const size_t at = text.find("\nunconfirmed");
    return at == text.npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  };
  EXPECT_EQ(line(), "");
  v1::Unconfirmed& unconfirmed = *reply.mutable_unconfirmed();
  unconfirmed.set_generation(5);
  unconfirmed.set_seconds_left(250);
  *reply.add_tables() = table_of(v1::TABLE_KIND_ZONE, 'a', 8);
  *reply.add_tables() = table_of(v1::TABLE_KIND_GEO, 'g');
  EXPECT_EQ(line(), "unconfirmed, reverts in 4m 10s to no zone, no geo");
  *unconfirmed.add_previous() = table_of(v1::TABLE_KIND_ZONE, 'b', 7);
  *unconfirmed.add_previous() = table_of(v1::TABLE_KIND_GEO, 'g');
  EXPECT_EQ(line(), "unconfirmed, reverts in 4m 10s to zone serial 7");
  *unconfirmed.add_previous() = table_of(v1::TABLE_KIND_POLICY, '\x0c');
  EXPECT_EQ(line(), "unconfirmed, reverts in 4m 10s to zone serial 7, policy digest 0c0c0c0c0c0c0c0c");
  unconfirmed.mutable_previous()->Clear();
  *unconfirmed.mutable_previous() = reply.tables();
  EXPECT_EQ(line(), "unconfirmed, reverts in 4m 10s to the same tables");
  reply.add_features("confirm");
  const auto json = nlohmann::json::parse(status_json(reply));
  EXPECT_EQ(json["unconfirmed"]["generation"], 5);
  EXPECT_EQ(json["unconfirmed"]["seconds_left"], 250);
  EXPECT_EQ(json["unconfirmed"]["previous"][0]["serial"], 8);
  EXPECT_EQ(json["features"], nlohmann::json::parse(R"(["confirm"])"));
  v1::LoadReply load;
  load.set_applied(true);
  load.set_generation(5);
  *load.mutable_unconfirmed() = unconfirmed;
  EXPECT_EQ(load_text(load, 0), "applied in 0.0 ms\ngeneration 5\nunconfirmed, reverts in 4m 10s to zone serial 8, geo "
                                "digest 6767676767676767\ntables: none");
}

TEST(PopText, ShowsThePolicy) {
  v1::StatusReply reply;
  EXPECT_EQ(status_text(reply, 0).find("policy"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(status_json(reply))["policy"].empty());
  v1::TableInfo* table = reply.add_tables();
  table->set_kind(v1::TABLE_KIND_POLICY);
  table->set_format(1);
  table->set_size(99);
  table->set_digest("\x0a");
  v1::PolicyRule* rule = reply.add_policy();
  rule->set_name("hex");
  rule->set_action("limit 10/s, beyond: drop");
  rule->set_matched(7);
  rule->set_decided(5);
  const std::string text = status_text(reply, 0);
  EXPECT_NE(text.find("  policy loaded 0s ago, format 1, 99 bytes, digest 0a\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("\npolicy:\n  hex                                                 7 matched,                    5 "
                "decided: limit 10/s, beyond: drop\n"),
      std::string::npos)
      << text;
  const auto json = nlohmann::json::parse(status_json(reply));
  EXPECT_EQ(json["tables"][0]["kind"], "policy");
  EXPECT_EQ(
      json["policy"][0],
      nlohmann::json::parse(R"({"name": "hex", "action": "limit 10/s, beyond: drop", "matched": 7, "decided": 5})"));
}

TEST(PopText, ShowsWhoIsTrustedAndWhoSigned) {
  v1::StatusReply reply;
  reply.add_tables()->set_key_id("\x0a\x0b");
  reply.add_tables();
  reply.add_trusted_key_ids("\x0a\x0b");
  reply.add_trusted_key_ids("\x0c\x0d");
  const std::string text = status_text(reply, 0);
  EXPECT_NE(text.find(", digest , signed by key 0a0b\n"), std::string::npos) << text;
  EXPECT_NE(text.find(", digest \ntrusted keys:\n  0a0b\n  0c0d\nzones"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(status_json(reply));
  EXPECT_EQ(json["tables"][0]["signed_by"], "0a0b");
  EXPECT_TRUE(json["tables"][1]["signed_by"].is_null());
  EXPECT_EQ(json["trusted_keys"], nlohmann::json::parse(R"(["0a0b", "0c0d"])"));
}

TEST(PopText, ShowsWhatIsToldOfTheClock) {
  v1::StatusReply reply;
  EXPECT_EQ(status_text(reply, 0).find("clock"), std::string::npos) << "NTP is not answered";
  EXPECT_TRUE(nlohmann::json::parse(status_json(reply))["clock"].is_null());
  v1::Clock& clock = *reply.mutable_clock();
  clock.set_reason("nobody knows");
  EXPECT_NE(status_text(reply, 0).find("\nclock: not synchronised: nobody knows\n"), std::string::npos);
  clock.set_source("chrony");
  clock.set_synchronised(true);
  clock.clear_reason();
  clock.set_leap(1);
  clock.set_stratum(2);
  clock.set_refid("\xc0\x00\x02\x01", 4);
  clock.set_root_delay(0.25);
  clock.set_root_dispersion(0.125);
  clock.set_correction(-0.5);
  clock.set_slope(0.0625);
  clock.set_age(1.5);
  clock.set_precision(-25);
  EXPECT_NE(status_text(reply, 0).find("\nclock: by chrony, stratum 2, 192.0.2.1, root delay 0.250000 s, dispersion "
                                       "0.125000 s, correction -0.500000000 s, 1.5 s ago\n"),
            std::string::npos)
      << status_text(reply, 0);
  EXPECT_EQ(nlohmann::json::parse(status_json(reply))["clock"], nlohmann::json::parse(R"({
    "source": "chrony", "synchronised": true, "reason": "", "leap": 1, "stratum": 2, "refid": "192.0.2.1",
    "root_delay": 0.25, "root_dispersion": 0.125, "correction": -0.5, "slope": 0.0625, "age": 1.5, "precision": -25})"));
}

struct RefidCase {
  const char* name;
  uint32_t stratum;
  std::string bytes;
  const char* text;
};

class ClockRefid : public testing::TestWithParam<RefidCase> {};

TEST_P(ClockRefid, IsAnAddressOrAtStratum1AName) {
  v1::StatusReply reply;
  reply.mutable_clock()->set_stratum(GetParam().stratum);
  reply.mutable_clock()->set_refid(GetParam().bytes);
  EXPECT_EQ(nlohmann::json::parse(status_json(reply))["clock"]["refid"], GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(, ClockRefid,
                         testing::Values(RefidCase{"name", 1, std::string("GPS\0", 4), "GPS"},
                                         RefidCase{"longest_name", 1, "DCFa", "DCFa"},
                                         RefidCase{"no_name", 1, std::string("G\x01S\0", 4), "47015300"},
                                         RefidCase{"address", 3, std::string("GPS\0", 4), "71.80.83.0"},
                                         RefidCase{"none", 0, "", "-"}),
                         [](const auto& each) { return each.param.name; });

} // namespace
} // namespace anytick::control::test
