#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/io/control_server.h"
#include "dataplane/io/control_service.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

namespace pb = pop::v1;
using Parts = std::vector<pb::LoadRequest>;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Announced {
  pb::TableKind kind;
  std::string bytes;
};

std::string digest_of(const Announced& table) {
  if (table.kind != pb::TABLE_KIND_POLICY) return table.bytes.substr(16, 32);
  const auto digest = core::policy_digest(std::as_bytes(std::span(table.bytes)));
  return {digest.begin(), digest.end()};
}

pb::LoadRequest begin_of(const std::vector<Announced>& tables, uint32_t protocol = protocol_version) {
  pb::LoadRequest part;
  part.mutable_begin()->set_protocol(protocol);
  for (const Announced& table : tables) {
    pb::TableHead& head = *part.mutable_begin()->add_tables();
    head.set_kind(table.kind);
    head.set_size(table.bytes.size());
    head.set_digest(digest_of(table));
  }
  return part;
}

pb::LoadRequest chunk_of(std::string bytes) {
  pb::LoadRequest part;
  part.set_chunk(std::move(bytes));
  return part;
}

/// The whole stream for `tables`, in chunks of `chunk` bytes.
Parts stream_of(const std::vector<Announced>& tables, size_t chunk = chunk_max) {
  Parts parts{begin_of(tables)};
  std::string all;
  for (const Announced& table : tables) all += table.bytes;
  for (size_t at = 0; at < all.size(); at += chunk) parts.push_back(chunk_of(all.substr(at, chunk)));
  return parts;
}

Announced zone_of(uint32_t serial) {
  return {pb::TABLE_KIND_ZONE, text_of(zone_image(serial))};
}
Announced policy_of(std::string text) {
  return {pb::TABLE_KIND_POLICY, std::move(text)};
}
Announced geo_of(std::string_view country) {
  return {pb::TABLE_KIND_GEO, text_of(geo_map(country))};
}

struct Outcome {
  grpc::Status status;
  pb::LoadReply reply;
};

class ServiceTest : public testing::Test {
 protected:
  static constexpr uint64_t max_table_bytes = 4u << 20;

  ServiceTest() { start(std::chrono::seconds(30)); }

  void start(std::chrono::milliseconds patience, const ControlBounds& bounds = {}) {
    server_.reset();
    service_ = std::make_unique<ControlService>(
        ServiceConfig{"fra1", "1.2.3", max_table_bytes, patience, std::chrono::minutes(5)}, tables_,
        std::vector<WorkerView>{{1, &counters_[0]}, {3, &counters_[1], "sockets"}});
    Result<std::unique_ptr<ControlServer>> server = ControlServer::start(socket(), *service_, {}, bounds);
    ASSERT_TRUE(server) << server.refusal().text();
    server_ = std::move(*server);
  }

  std::filesystem::path socket() const { return directory_.path() / "run" / "pop.sock"; }

  std::unique_ptr<pb::Pop::Stub> connect() const {
    return pb::Pop::NewStub(grpc::CreateChannel("unix:" + socket().string(), grpc::InsecureChannelCredentials()));
  }

  Outcome load(const Parts& parts) const {
    const auto stub = connect();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    Outcome outcome;
    const auto writer = stub->Load(&context, &outcome.reply);
    for (const pb::LoadRequest& part : parts) {
      if (!writer->Write(part)) break; // the POP has its verdict already
    }
    writer->WritesDone();
    outcome.status = writer->Finish();
    return outcome;
  }

  pb::StatusReply status() const {
    grpc::ClientContext context;
    pb::StatusReply reply;
    EXPECT_TRUE(connect()->Status(&context, {}, &reply).ok());
    return reply;
  }

  ScratchDirectory directory_;
  core::Counters counters_[2];
  Tables tables_{1, *TableStore::open(directory_.path() / "state"), {}, {}, policy_compiler()};
  std::unique_ptr<ControlService> service_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ServiceTest, LoadsTablesThatComeInOneStream) {
  const Announced zone = zone_of(7);
  const Announced geo = geo_of("jp");
  const Outcome outcome = load(stream_of({zone, geo}));
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_TRUE(outcome.reply.applied()) << outcome.reply.reason();
  EXPECT_EQ(outcome.reply.generation(), 1u);
  ASSERT_EQ(outcome.reply.tables_size(), 2);
  EXPECT_EQ(outcome.reply.tables(0).kind(), pb::TABLE_KIND_ZONE);
  EXPECT_EQ(outcome.reply.tables(0).serial(), 7u);
  EXPECT_EQ(outcome.reply.tables(0).digest(), zone.bytes.substr(16, 32));
  EXPECT_EQ(outcome.reply.tables(1).digest(), geo.bytes.substr(16, 32));
  EXPECT_EQ(tables_.running()->number, 1u);
}

Parts to_be_confirmed(Parts parts, uint32_t within_seconds = 300) {
  parts[0].mutable_begin()->set_confirm_seconds(within_seconds);
  return parts;
}

TEST_F(ServiceTest, LoadIsConfirmed) {
  ASSERT_EQ(status().features_size(), 1);
  EXPECT_EQ(status().features(0), "confirm");
  ASSERT_TRUE(load(stream_of({zone_of(1)})).reply.applied());
  EXPECT_FALSE(status().has_unconfirmed());
  const pb::LoadReply loaded = load(to_be_confirmed(stream_of({zone_of(2), geo_of("jp")}))).reply;
  ASSERT_TRUE(loaded.applied()) << loaded.reason();
  EXPECT_EQ(loaded.unconfirmed().generation(), 2u);
  EXPECT_EQ(status().unconfirmed().generation(), 2u);
  EXPECT_GT(status().unconfirmed().seconds_left(), 200u);
  EXPECT_LE(status().unconfirmed().seconds_left(), 300u);
  ASSERT_EQ(status().unconfirmed().previous_size(), 1);
  EXPECT_EQ(status().unconfirmed().previous(0).serial(), 1u);

  const pb::LoadReply refused = load(stream_of({zone_of(3)})).reply;
  EXPECT_FALSE(refused.applied());
  EXPECT_EQ(refused.reason().find("load: generation 2 waits for its confirmation"), 0u) << refused.reason();
  EXPECT_EQ(refused.unconfirmed().generation(), 2u);

  const auto confirm = [&](uint64_t generation, const std::string& digest) {
    grpc::ClientContext context;
    pb::ConfirmRequest request;
    request.set_generation(generation);
    request.add_digests(digest);
    pb::ConfirmReply reply;
    const grpc::Status status = connect()->Confirm(&context, request, &reply);
    if (!status.ok()) reply.set_reason(status.error_message());
    return reply;
  };
  EXPECT_EQ(confirm(2, "abc").reason(), "a digest has 32 bytes, not 3");
  EXPECT_EQ(confirm(2, std::string(32, 'x')).reason(), "confirm: generation 2 has other tables");
  const pb::ConfirmReply confirmed = confirm(2, loaded.tables(0).digest());
  EXPECT_TRUE(confirmed.confirmed()) << confirmed.reason();
  EXPECT_EQ(confirmed.generation(), 2u);
  EXPECT_EQ(confirmed.tables_size(), 2);
  EXPECT_EQ(confirmed.not_stored(), "");
  EXPECT_FALSE(status().has_unconfirmed());
}

TEST_F(ServiceTest, LoadIsReverted) {
  ASSERT_TRUE(load(stream_of({zone_of(1)})).reply.applied());
  const auto revert = [&](uint64_t generation) {
    grpc::ClientContext context;
    pb::RevertRequest request;
    request.set_generation(generation);
    pb::RevertReply reply;
    EXPECT_TRUE(connect()->Revert(&context, request, &reply).ok());
    return reply;
  };
  EXPECT_EQ(revert(1).reason(), "revert: no load waits for its confirmation; generation 1 runs");
  ASSERT_TRUE(load(to_be_confirmed(stream_of({zone_of(2)}))).reply.applied());
  const pb::RevertReply reverted = revert(2);
  EXPECT_TRUE(reverted.reverted()) << reverted.reason();
  EXPECT_EQ(reverted.generation(), 3u);
  EXPECT_EQ(reverted.tables(0).serial(), 1u);
  EXPECT_FALSE(status().has_unconfirmed());
  // With the real clock, once.
  ASSERT_TRUE(load(to_be_confirmed(stream_of({zone_of(2)}), 1)).reply.applied());
  EXPECT_TRUE(eventually([&] { return status().tables(0).serial() == 1; }));
  EXPECT_EQ(status().generation(), 5u);
}

constexpr std::string_view two_rules = "[[rule]]\nname = 'a'\naction = 'tag t'\n"
                                       "[[rule]]\nname = 'b'\naction = 'limit 5/s'\nbeyond = 'refuse'\n";

TEST_F(ServiceTest, PolicyComesWithOtherTablesAndStatusShowsItsRules) {
  EXPECT_EQ(status().policy_size(), 0);
  const Announced policy = policy_of(std::string(two_rules));
  const Outcome outcome = load(stream_of({policy, zone_of(7)}, 10));
  ASSERT_TRUE(outcome.reply.applied()) << outcome.reply.reason() << outcome.status.error_message();
  ASSERT_EQ(outcome.reply.tables_size(), 2);
  EXPECT_EQ(outcome.reply.tables(1).kind(), pb::TABLE_KIND_POLICY);
  EXPECT_EQ(outcome.reply.tables(1).size(), two_rules.size());
  EXPECT_EQ(outcome.reply.tables(1).digest(), digest_of(policy));
  core::FoldedName name;
  ASSERT_TRUE(core::read_name(std::array<uint8_t, 3>{1, 'x', 0}, name));
  const geo::Address source = *geo::parse_address("192.0.2.7");
  tables_.running()->view.policy->judge({name, 1, true, true, source, {}}, 0, nullptr, 0);
  const pb::StatusReply reply = status();
  ASSERT_EQ(reply.policy_size(), 2);
  EXPECT_EQ(reply.policy(0).name(), "a");
  EXPECT_EQ(reply.policy(0).matched(), 1u);
  EXPECT_EQ(reply.policy(0).decided(), 0u);
  EXPECT_EQ(reply.policy(1).action(), "limit 5/s, beyond: refuse");
  EXPECT_TRUE(load(stream_of({policy_of("")})).reply.applied());
  EXPECT_EQ(status().policy_size(), 0);
  EXPECT_EQ(status().tables_size(), 2) << "it is still told which text it was";
}

pb::Secrets secrets_of(std::initializer_list<std::pair<char, pb::SecretState>> cookies) {
  pb::Secrets secrets;
  for (const auto& [byte, state] : cookies) {
    pb::CookieSecret& cookie = *secrets.add_cookies();
    cookie.set_key(std::string(16, byte));
    cookie.set_state(state);
  }
  return secrets;
}

TEST_F(ServiceTest, SecretsAreSwappedBesideTheTables) {
  ASSERT_TRUE(load(stream_of({zone_of(7)})).reply.applied());
  const auto load_secrets = [&](const pb::Secrets& secrets) {
    grpc::ClientContext context;
    pb::LoadSecretsRequest request;
    request.set_protocol(protocol_version);
    *request.mutable_secrets() = secrets;
    pb::LoadSecretsReply reply;
    EXPECT_TRUE(connect()->LoadSecrets(&context, request, &reply).ok());
    return reply;
  };
  const auto reply = load_secrets(secrets_of(
      {{'a', pb::SECRET_STATE_ACCEPT_ONLY}, {'b', pb::SECRET_STATE_ACTIVE}, {'c', pb::SECRET_STATE_RETIRED}}));
  EXPECT_TRUE(reply.applied()) << reply.reason();
  EXPECT_EQ(reply.generation(), 2u);
  ASSERT_EQ(reply.cookies_size(), 2) << "a retired one is gone";
  EXPECT_EQ(reply.cookies(0).state(), pb::SECRET_STATE_ACTIVE);
  const auto running = tables_.running();
  EXPECT_EQ(running->cookie_keys.keys[0][0], 'b');
  EXPECT_EQ(running->view.cookie_keys, &running->cookie_keys);
  EXPECT_NE(running->view.join, nullptr) << "tables stay";
  EXPECT_EQ(status().cookie_secrets(0).fingerprint(), reply.cookies(0).fingerprint());
  EXPECT_EQ(reply.not_stored(), "");

  const auto refused = load_secrets(secrets_of({{'d', pb::SECRET_STATE_ACCEPT_ONLY}}));
  EXPECT_FALSE(refused.applied());
  EXPECT_EQ(refused.reason(), "secrets: 0 cookie secrets are active, one must be");
  EXPECT_EQ(tables_.running()->number, 2u);

  const auto file = directory_.path() / "state" / "secrets";
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  Tables again(1, *TableStore::open(directory_.path() / "state"));
  EXPECT_NE(again.running()->cookie_keys.keys[0], running->cookie_keys.keys[0]) << "its own, until the store is read";
  again.load_stored(max_table_bytes);
  EXPECT_EQ(again.running()->cookie_keys.keys, running->cookie_keys.keys);
  std::ofstream(file, std::ios::binary) << "damaged";
  Tables damaged(1, *TableStore::open(directory_.path() / "state"));
  damaged.load_stored(max_table_bytes);
  EXPECT_EQ(damaged.running()->cookie_keys.count, 1u);
  EXPECT_NE(damaged.running()->zone, nullptr);
}

TEST_F(ServiceTest, TellsThatWhatRunsIsNotStored) {
  std::filesystem::remove_all(directory_.path() / "state");
  const pb::LoadReply loaded = load(stream_of({zone_of(7)})).reply;
  EXPECT_TRUE(loaded.applied());
  EXPECT_NE(loaded.not_stored().find("No such file or directory"), std::string::npos) << loaded.not_stored();
  grpc::ClientContext context;
  pb::LoadSecretsRequest request;
  request.set_protocol(protocol_version);
  *request.mutable_secrets() = secrets_of({{'a', pb::SECRET_STATE_ACTIVE}});
  pb::LoadSecretsReply secrets;
  EXPECT_TRUE(connect()->LoadSecrets(&context, request, &secrets).ok());
  EXPECT_TRUE(secrets.applied());
  EXPECT_NE(secrets.not_stored().find("No such file or directory"), std::string::npos) << secrets.not_stored();
  const pb::LoadReply unconfirmed = load(to_be_confirmed(stream_of({zone_of(8)}))).reply;
  EXPECT_TRUE(unconfirmed.applied());
  EXPECT_EQ(unconfirmed.not_stored(), "") << "nobody tried yet";
}

TEST_F(ServiceTest, ChunksMayCutAnywhere) {
  for (const size_t chunk : {size_t{1}, size_t{7}, size_t{100}, size_t{4096}}) {
    SCOPED_TRACE(chunk);
    const Outcome outcome = load(stream_of({geo_of("jp"), zone_of(static_cast<uint32_t>(chunk))}, chunk * 13));
    EXPECT_TRUE(outcome.status.ok() && outcome.reply.applied()) << outcome.reply.reason();
    EXPECT_EQ(tables_.running()->zone->info.serial, chunk);
  }
}

TEST_F(ServiceTest, StatusTellsWhatRuns) {
  counters_[0].add(core::Counter::rx_frames, 5);
  counters_[1].add(core::Counter::rx_frames, 7);
  ASSERT_TRUE(load(stream_of({zone_of(7)})).reply.applied());
  const pb::StatusReply reply = status();
  EXPECT_EQ(reply.protocol(), 1u);
  EXPECT_EQ(reply.name(), "fra1");
  EXPECT_EQ(reply.version(), "1.2.3");
  EXPECT_GT(reply.started(), 0u);
  EXPECT_EQ(reply.generation(), 1u);
  ASSERT_EQ(reply.zones_size(), 1);
  EXPECT_EQ(reply.zones(0).origin(), "pool.test.");
  EXPECT_EQ(reply.zones(0).serial(), 7u);
  EXPECT_EQ(reply.zones(0).names(), tables_.running()->zone->table.nodes().size());
  ASSERT_EQ(reply.counters_size(), static_cast<int>(core::counter_count));
  EXPECT_EQ(reply.counters(0).name(), "rx_frames");
  EXPECT_EQ(reply.counters(0).value(), 12u);
  ASSERT_EQ(reply.workers_size(), 2);
  EXPECT_EQ(reply.workers(1).core(), 3u);
  EXPECT_EQ(reply.workers(1).counters(0).value(), 7u);
  EXPECT_EQ(reply.workers(0).name(), "");
  EXPECT_EQ(reply.workers(1).name(), "sockets");
}

struct StreamCase {
  std::string name;
  Parts (*parts)();
  grpc::StatusCode code;
  std::string text; ///< of the status, or the reply's reason where the code is OK
};

void PrintTo(const StreamCase& c, std::ostream* out) {
  *out << c.name;
}

class BadStreams : public ServiceTest, public testing::WithParamInterface<StreamCase> {};

TEST_P(BadStreams, AreRefusedAndChangeNothing) {
  ASSERT_TRUE(load(stream_of({zone_of(7)})).reply.applied());
  const auto before = tables_.running();
  const Outcome outcome = load(GetParam().parts());
  EXPECT_EQ(outcome.status.error_code(), GetParam().code) << outcome.status.error_message();
  const std::string text = outcome.status.ok() ? outcome.reply.reason() : outcome.status.error_message();
  EXPECT_EQ(text.rfind(GetParam().text, 0), 0u) << text;
  EXPECT_FALSE(outcome.reply.applied());
  if (outcome.status.ok()) {
    EXPECT_EQ(outcome.reply.generation(), before->number);
    EXPECT_EQ(outcome.reply.tables_size(), 1);
  }
  EXPECT_EQ(tables_.running(), before);
}

Parts with_digest(std::string digest) {
  Parts parts = stream_of({zone_of(8)});
  parts[0].mutable_begin()->mutable_tables(0)->set_digest(std::move(digest));
  return parts;
}

Parts with_size(uint64_t size) {
  Parts parts = stream_of({zone_of(8)});
  parts[0].mutable_begin()->mutable_tables(0)->set_size(size);
  return parts;
}

Parts with_damage() {
  Announced zone = zone_of(8);
  zone.bytes[zone.bytes.size() / 2] ^= 1;
  return stream_of({zone});
}

INSTANTIATE_TEST_SUITE_P(
    , BadStreams,
    testing::Values(
        StreamCase{"Empty", [] { return Parts{}; }, grpc::INVALID_ARGUMENT, "a stream without begin"},
        StreamCase{"EmptyPart", [] { return Parts(1); }, grpc::INVALID_ARGUMENT,
                   "a part that is neither begin nor chunk"},
        StreamCase{"ChunkFirst", [] { return Parts{chunk_of("x")}; }, grpc::INVALID_ARGUMENT, "a chunk before begin"},
        StreamCase{"TwoBegins",
                   [] {
                     return Parts{begin_of({zone_of(8)}), begin_of({zone_of(8)})};
                   },
                   grpc::INVALID_ARGUMENT, "a second begin"},
        StreamCase{"OtherProtocol", [] { return Parts{begin_of({zone_of(8)}, 2)}; }, grpc::INVALID_ARGUMENT,
                   "protocol 2 is not spoken here, only 1"},
        StreamCase{"NoTables", [] { return Parts{begin_of({})}; }, grpc::INVALID_ARGUMENT, "no table is announced"},
        StreamCase{"ConfirmationAfterMoreThanADay", [] { return to_be_confirmed({begin_of({zone_of(8)})}, 86'401); },
                   grpc::INVALID_ARGUMENT, "confirm_seconds 86401 is above 86400"},
        StreamCase{"UnknownKind",
                   [] {
                     return stream_of({{static_cast<pb::TableKind>(9), std::string(64, 'x')}});
                   },
                   grpc::INVALID_ARGUMENT, "table kind 9 is not known"},
        StreamCase{"UnspecifiedKind",
                   [] {
                     return stream_of({{pb::TABLE_KIND_UNSPECIFIED, std::string(64, 'x')}});
                   },
                   grpc::INVALID_ARGUMENT, "table kind 0 is not known"},
        StreamCase{"KindTwice",
                   [] {
                     return stream_of({zone_of(8), zone_of(9)});
                   },
                   grpc::INVALID_ARGUMENT, "zone image: announced twice"},
        StreamCase{"ShortDigest", [] { return with_digest("abc"); }, grpc::INVALID_ARGUMENT,
                   "zone image: a digest has 32 bytes, not 3"},
        StreamCase{"OtherDigest", [] { return with_digest(std::string(32, 'd')); }, grpc::OK,
                   "zone image: its digest is not the announced one"},
        StreamCase{"TooLarge", [] { return with_size((4u << 20) + 1); }, grpc::OK,
                   "zone image: 4194305 bytes are more than max_table_bytes, 4194304"},
        StreamCase{"FarTooLarge", [] { return with_size(UINT64_MAX); }, grpc::OK,
                   "zone image: 18446744073709551615 bytes are more than max_table_bytes, 4194304"},
        StreamCase{"TooSmall", [] { return with_size(47); }, grpc::OK, "zone image: 47 bytes are too few for a table"},
        StreamCase{"MoreBytesThanAnnounced", [] { return with_size(48); }, grpc::INVALID_ARGUMENT, ""},
        StreamCase{"FewerBytesThanAnnounced", [] { return with_size(1u << 20); }, grpc::INVALID_ARGUMENT,
                   "zone image: ended after"},
        StreamCase{"EmptyChunk",
                   [] {
                     return Parts{begin_of({zone_of(8)}), chunk_of("")};
                   },
                   grpc::INVALID_ARGUMENT, "an empty chunk"},
        StreamCase{"ChunkAboveOneMiB",
                   [] {
                     return Parts{with_size(3u << 20)[0], chunk_of(std::string(chunk_max + 1, 'x'))};
                   },
                   grpc::INVALID_ARGUMENT, "a chunk of 1048577 bytes, above 1048576"},
        StreamCase{"MessageAboveTheBound",
                   [] {
                     return Parts{with_size(3u << 20)[0], chunk_of(std::string(3u << 20, 'x'))};
                   },
                   grpc::RESOURCE_EXHAUSTED, ""},
        StreamCase{"DamagedTable", with_damage, grpc::OK, "zone image"},
        StreamCase{"PolicyOfAnotherDigest",
                   [] {
                     return Parts{begin_of({policy_of("# a")}), chunk_of("# b")};
                   },
                   grpc::OK, "policy: its digest is not the announced one"},
        StreamCase{"PolicyTooLarge",
                   [] {
                     return Parts{begin_of({policy_of(std::string((1u << 20) + 1, '#'))}), chunk_of("#")};
                   },
                   grpc::OK, "policy: 1048577 bytes are more than a policy may have, 1048576"},
        StreamCase{"PolicyTwice",
                   [] {
                     return stream_of({policy_of("# a"), policy_of("# b")});
                   },
                   grpc::INVALID_ARGUMENT, "policy: announced twice"},
        StreamCase{"GoodZoneWithBadPolicy",
                   [] {
                     return stream_of({zone_of(8), policy_of("[[rule]]")});
                   },
                   grpc::OK, "policy at line 1"},
        StreamCase{"GoodZoneWithBadMap",
                   [] {
                     return stream_of({zone_of(8), {pb::TABLE_KIND_GEO, zone_of(8).bytes}});
                   },
                   grpc::OK, "geo map"}),
    [](const auto& each) { return each.param.name; });

TEST_F(ServiceTest, ClientThatGoesAwayChangesNothing) {
  {
    const auto stub = connect();
    grpc::ClientContext context;
    pb::LoadReply reply;
    const auto writer = stub->Load(&context, &reply);
    ASSERT_TRUE(writer->Write(stream_of({zone_of(8)})[0]));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
  }
  EXPECT_EQ(tables_.running()->number, 0u);
  EXPECT_TRUE(load(stream_of({zone_of(9)})).reply.applied());
}

TEST_F(ServiceTest, StalledUploadIsCancelledAndBlocksNobodyMeanwhile) {
  start(std::chrono::milliseconds(500));
  const auto stub = connect();
  grpc::ClientContext context;
  pb::LoadReply reply;
  const auto writer = stub->Load(&context, &reply);
  ASSERT_TRUE(writer->Write(stream_of({zone_of(8)})[0]));
  EXPECT_TRUE(load(stream_of({zone_of(9)})).reply.applied());
  EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED); // returns because the POP gave up
  EXPECT_EQ(tables_.running()->zone->info.serial, 9u);
}

/// A policy whose compiler begins and does not end; who waits for it, and what came of it.
class SlowPolicyTest : public ServiceTest {
 protected:
  SlowPolicyTest() {
    server_.reset();
    const auto compiler = directory_.path() / "compiler";
    std::ofstream(compiler) << "#!/bin/sh\ntouch " << begun().string() << "\nexec sleep 1000\n";
    ::chmod(compiler.c_str(), 0700);
    slow_ = std::make_unique<Tables>(1, *TableStore::open(directory_.path() / "slow"), std::vector<core::PublicKey>(),
                                     core::Identity(), PolicyCompiler(compiler));
    service_ = std::make_unique<ControlService>(ServiceConfig{"fra1", "1.2.3", max_table_bytes}, *slow_,
                                                std::vector<WorkerView>());
    server_ = std::move(*ControlServer::start(socket(), *service_));
  }
  ~SlowPolicyTest() override { server_.reset(); }

  std::filesystem::path begun() const { return directory_.path() / "begun"; }

  std::unique_ptr<Tables> slow_;
};

TEST_F(SlowPolicyTest, StopDoesNotWaitForIt) {
  Outcome outcome;
  std::jthread client([&] { outcome = load(stream_of({policy_of(std::string(two_rules))})); });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun()); }));
  const auto start = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  client.join();
  EXPECT_FALSE(outcome.status.ok());
  EXPECT_EQ(slow_->running()->number, 0u);
}

TEST_F(SlowPolicyTest, EndsWithItsClient) {
  const auto stub = connect();
  grpc::ClientContext context;
  pb::LoadReply reply;
  const auto writer = stub->Load(&context, &reply);
  for (const pb::LoadRequest& part : stream_of({policy_of(std::string(two_rules))})) ASSERT_TRUE(writer->Write(part));
  writer->WritesDone();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun()); }));
  context.TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
  std::filesystem::remove(begun());
  std::jthread next([&] { load(stream_of({policy_of("")})); }); // which waits for its turn
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(begun()); }));
  server_.reset();
}

TEST_F(ServiceTest, OnlySoManyLoadsAtATime) {
  struct Open {
    std::unique_ptr<pb::Pop::Stub> stub;
    grpc::ClientContext context;
    pb::LoadReply reply;
    std::unique_ptr<grpc::ClientWriter<pb::LoadRequest>> writer;
  };
  std::vector<std::unique_ptr<Open>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(std::make_unique<Open>());
    open.back()->stub = connect();
    open.back()->writer = open.back()->stub->Load(&open.back()->context, &open.back()->reply);
    ASSERT_TRUE(open.back()->writer->Write(stream_of({zone_of(8)})[0]));
  }
  EXPECT_TRUE(
      eventually([&] { return load(stream_of({zone_of(9)})).status.error_code() == grpc::RESOURCE_EXHAUSTED; }));
  EXPECT_EQ(status().name(), "fra1");
  for (const auto& one : open) {
    one->context.TryCancel();
    EXPECT_EQ(one->writer->Finish().error_code(), grpc::CANCELLED);
  }
  EXPECT_TRUE(eventually([&] { return load(stream_of({zone_of(10)})).reply.applied(); }));
}

/// HTTP/2 by hand (RFC 9113), of a client that asks for nothing and does as little as it likes.
class BareClient {
 public:
  explicit BareClient(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = to_sockaddr(path);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const timeval patience{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send(frame(settings, 0, ""));
  }

  /// Reads until the end, or for so long. Pings are answered or not. How many there were, nothing if there is no end.
  std::optional<unsigned> pings_until_end(bool answer, std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    unsigned pings = 0;
    while (std::chrono::steady_clock::now() < until) {
      const std::string head = receive(9);
      if (head.size() < 9) return ended_ ? std::optional(pings) : std::nullopt;
      const auto at = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(head[i])); };
      const std::string rest = receive((at(0) << 16) + (at(1) << 8) + at(2));
      if (head[3] != ping || (head[4] & ack) != 0) continue;
      ++pings;
      if (answer) send(frame(ping, ack, rest));
    }
    return std::nullopt;
  }

 private:
  static constexpr char settings = 4, ping = 6, ack = 1;

  static std::string frame(char type, char flags, const std::string& payload) {
    return std::string{0, 0, static_cast<char>(payload.size()), type, flags, 0, 0, 0, 0} + payload;
  }
  void send(const std::string& bytes) { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  std::string receive(size_t count) {
    std::string bytes(count, 0);
    const ssize_t n = count == 0 ? 0 : ::recv(socket_.get(), bytes.data(), count, MSG_WAITALL);
    ended_ = count > 0 && (n == 0 || (n < 0 && errno != EAGAIN));
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
    return bytes;
  }

  FileDescriptor socket_;
  bool ended_ = false;
};

TEST_F(ServiceTest, ClientThatIsGoneWithoutAWordIsNoticed) {
  start(std::chrono::seconds(30), {.keepalive = std::chrono::seconds(1), .keepalive_reply = std::chrono::seconds(1)});
  EXPECT_EQ(BareClient(socket()).pings_until_end(false, std::chrono::seconds(8)), 1u);
  EXPECT_EQ(BareClient(socket()).pings_until_end(true, std::chrono::milliseconds(4500)), std::nullopt);
}

TEST_F(ServiceTest, ClientThatAsksForNothingIsLetGo) {
  start(std::chrono::seconds(30), {.idle = std::chrono::seconds(1)});
  const auto stub = connect();
  const auto ask = [&] {
    grpc::ClientContext context;
    pb::StatusReply reply;
    return stub->Status(&context, {}, &reply).error_message();
  };
  EXPECT_EQ(ask(), "");
  EXPECT_TRUE(BareClient(socket()).pings_until_end(true, std::chrono::seconds(8)));
  EXPECT_EQ(ask(), "") << "by a connection of its own";
}

TEST_F(ServiceTest, SocketIsForOwnerAndGroup) {
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0660u);
}

TEST_F(ServiceTest, SocketInUseIsNotTaken) {
  const auto second = ControlServer::start(socket(), *service_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.refusal().text(), socket().string() + ": another process listens on it");
  EXPECT_EQ(status().name(), "fra1");
}

TEST_F(ServiceTest, StaleSocketIsReplacedButNoOtherFile) {
  server_.reset();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un address = to_sockaddr(socket());
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd); // leaves the file, as a killed daemon does
  start(std::chrono::seconds(30));
  EXPECT_EQ(status().name(), "fra1");

  server_.reset();
  std::ofstream(socket()) << "precious";
  const auto refused = ControlServer::start(socket(), *service_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.refusal().text(), socket().string() + ": is there and is no socket");
  EXPECT_EQ(std::filesystem::file_size(socket()), 8u);
}

} // namespace
} // namespace anytick::io
