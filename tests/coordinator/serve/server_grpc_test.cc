// SPDX-License-Identifier: Apache-2.0
//
// The port itself: who may connect, and what becomes of bytes that no client of ours would send.
#include "base/check.h"
#include "base/limits.h"
#include "coordinator/serve/server.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <grpc/grpc.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/ports/listen_address.h"
#include "base/rng.h"
#include "coordinator/cli/client.h"
#include "tests/coordinator/serve/served_topology.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string StartRefusal(ServerOptions options) {
  FakeControl control;
  auto server = Server::Start(options, {.control = &control});
  return server.status().ToString();
}

TEST(ServerTest, AnAddressThatIsNotLoopbackNeedsTls) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:7411", "example.org:7411"}) {
    EXPECT_THAT(StartRefusal({.address = address, .tls = {}}),
                AllOf(StartsWith("INVALID_ARGUMENT: refusing to listen on"),
                      HasSubstr("without TLS"), HasSubstr("127.0.0.1")))
        << address;
  }
}

TEST(ServerTest, LoopbackIsServedByItsNameAndNumbers) {
  for (const char* address : {"127.0.0.1:0", "localhost:0", "127.8.8.8:0"}) {
    FakeControl control;
    auto server = Server::Start({.address = address, .tls = {}}, {.control = &control});
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_THAT((*server)->address(), testing::Not(testing::EndsWith(":0")));
  }
}

TEST(ServerTest, AddressesThatCannotBeAreRefused) {
  for (const char* address : {"", "7411", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", ":7411",
                              "127.0.0.1:70000", "127.0.0.1:-1", "::1:7411", "a/b:1"}) {
    EXPECT_THAT(StartRefusal({.address = address, .tls = {}}),
                StartsWith("INVALID_ARGUMENT: expected an address like 127.0.0.1:7411"))
        << address;
  }
}

TEST(ServerTest, ATakenPortIsRefusedNotShared) {
  ServedTopology topology;
  testing::internal::CaptureStderr();
  const std::string refusal = StartRefusal({.address = topology.server->address(), .tls = {}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "gRPC's own log says nothing of it";
  EXPECT_THAT(refusal, AllOf(StartsWith("UNAVAILABLE: cannot listen on 127.0.0.1:"),
                             HasSubstr("another process may have the port")));
}

TEST(ServerTest, APartThatIsNotServedIsUnimplemented) {
  FakeControl control;
  auto server = Server::Start({}, {.control = &control});
  ASSERT_TRUE(server.ok());
  auto channel = grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials());
  v1::GetResponse response;
  EXPECT_EQ(v1::Query::NewStub(channel)->Get(Within().get(), {}, &response).error_code(),
            grpc::UNIMPLEMENTED);
}

TEST(ServerTest, ShutdownIsIdempotentAndTheNextCallFindsNobody) {
  ServedTopology topology;
  topology.server->Shutdown();
  topology.server->Shutdown();
  v1::VersionResponse response;
  EXPECT_EQ(topology.admin->Version(Within().get(), {}, &response).error_code(), grpc::UNAVAILABLE);
}

TEST(HostPortTest, WhatIsLoopback) {
  for (const char* host : {"127.0.0.1", "127.255.0.1", "::1", "localhost"}) {
    EXPECT_TRUE((HostPort{host, 1}.IsLoopback())) << host;
  }
  for (const char* host : {"128.0.0.1", "0.0.0.0", "::", "fe80::1", "127.0.0.1.example.org",
                           "localhost.example.org", "2130706433", "0x7f.1", "::ffff:127.0.0.1"}) {
    EXPECT_FALSE((HostPort{host, 1}.IsLoopback())) << host;
  }
  EXPECT_EQ(ParseHostPort("[::1]:7411")->ToListenOn(), "[::1]:7411");
  EXPECT_EQ(ParseHostPort("localhost:7411")->ToListenOn(), "127.0.0.1:7411");
  EXPECT_EQ(ParseHostPort("localhost:7411")->ToString(), "localhost:7411");
}

// ---- bytes on the wire ----

class WireTest : public ::testing::Test {
 protected:
  // Sends `bytes` as the one message of a call.
  grpc::Status Send(const std::string& method, const std::string& bytes,
                    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    auto context = Within();
    context->set_compression_algorithm(compression);
    grpc::GenericStub stub(topology_.channel);
    grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1), response;
    grpc::CompletionQueue queue;
    auto call = stub.PrepareUnaryCall(context.get(), method, request, &queue);
    grpc::Status status;
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status;
  }

  ServedTopology topology_;
};

constexpr const char* kMethods[] = {
    "/trident.v1.Query/Get",          "/trident.v1.Query/MultiGet",   "/trident.v1.Query/Scan",
    "/trident.v1.Query/Watch",        "/trident.v1.Query/ListStates", "/trident.v1.Drpc/Execute",
    "/trident.v1.Drpc/ListFunctions", "/trident.v1.Admin/Batches",    "/trident.v1.Admin/Explain",
    "/trident.v1.Admin/Pause",        "/trident.v1.Admin/Resume",     "/trident.v1.Admin/Version",
    "/trident.v1.Admin/Metrics"};

TEST_F(WireTest, BytesThatAreNoMessageAreInvalidArgumentsWithAText) {
  for (const char* method : kMethods) {
    // A length-delimited field that says it is longer than what there is.
    EXPECT_THAT(Said(Send(method, "\x0a\xff\x01x")),
                AllOf(StartsWith("INVALID_ARGUMENT: expected a message trident.v1."),
                      HasSubstr("found 4 bytes")))
        << method;
  }
  EXPECT_EQ(topology_.control.pauses, 0) << "nothing was done";
}

TEST_F(WireTest, AStringThatIsNotUtf8IsRefused) {
  EXPECT_THAT(Said(Send("/trident.v1.Query/Get", "\x0a\x02\xff\xfe")),
              StartsWith("INVALID_ARGUMENT: expected a message trident.v1.GetRequest"));
}

TEST_F(WireTest, ListsNestedWithoutEndAreRefused) {
  v1::Value value;
  value.set_bool_value(true);
  for (int i = 0; i < 120; ++i) {
    v1::Value outer;
    *outer.mutable_list()->add_elements() = std::move(value);
    value = std::move(outer);
  }
  v1::GetRequest request;
  request.set_state("counts");
  *request.mutable_key()->add_values() = std::move(value);
  EXPECT_THAT(Said(Send("/trident.v1.Query/Get", request.SerializeAsString())),
              StartsWith("INVALID_ARGUMENT"));
}

TEST_F(WireTest, ArbitraryBytesNeverGetMoreThanAnError) {
  topology_.counts.Commit({{"the", 1}});
  Rng rng(20240131);
  for (int i = 0; i < 400; ++i) {
    std::string bytes(rng.Below(64), '\0');
    for (char& byte : bytes) byte = static_cast<char>(rng());
    const char* method = kMethods[rng.Below(std::size(kMethods))];
    if (std::string_view(method).find("Watch") != std::string_view::npos) continue;  // may succeed
    const grpc::Status status = Send(method, bytes);
    EXPECT_THAT(status.error_code(),
                AnyOf(grpc::OK, grpc::INVALID_ARGUMENT, grpc::NOT_FOUND, grpc::OUT_OF_RANGE))
        << method << ": " << Said(status);
  }
  v1::VersionResponse version;
  EXPECT_TRUE(topology_.admin->Version(Within().get(), {}, &version).ok());
}

TEST_F(WireTest, AMessageOverTheLimitIsRefused) {
  v1::ExecuteRequest request;
  request.set_function("words");
  request.set_args(std::string(kRpcMessageBytesMax + 1, 'x'));
  EXPECT_THAT(Said(Send("/trident.v1.Drpc/Execute", request.SerializeAsString())),
              AllOf(StartsWith("RESOURCE_EXHAUSTED"), HasSubstr("16777216")));
}

TEST_F(WireTest, CompressedMessagesAreRefusedUnopened) {
  // 8 MiB of one letter, which gzip makes 8 KiB of: under the limit of size on both sides of gzip.
  v1::ExecuteRequest request;
  request.set_function("words");
  request.set_args(std::string(8 << 20, 'x'));
  for (auto compression : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    EXPECT_EQ(
        Send("/trident.v1.Drpc/Execute", request.SerializeAsString(), compression).error_code(),
        grpc::UNIMPLEMENTED);
  }
}

TEST_F(WireTest, UnknownMethodsAndServicesAreUnimplemented) {
  EXPECT_EQ(Send("/trident.v1.Query/Put", "").error_code(), grpc::UNIMPLEMENTED);
  EXPECT_EQ(Send("/nobody/knows", "").error_code(), grpc::UNIMPLEMENTED);
}

TEST_F(WireTest, HealthIsAnswered) { EXPECT_TRUE(Send("/grpc.health.v1.Health/Check", "").ok()); }

// ---- TLS ----

// A fresh folder with a copy of the test keys, so that their modes can be set.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("tls_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::copy(InSourceTree("tests/coordinator/serve/tls"), folder_,
                          std::filesystem::copy_options::overwrite_existing |
                              std::filesystem::copy_options::recursive);
    for (const char* key : {"server.key", "client.key", "stranger.key", "expired.key"}) {
      ::chmod(Path(key).c_str(), 0600);
    }
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string Content(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // To the server; soon over with, as nothing waits to connect again.
  std::shared_ptr<grpc::Channel> Connect(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    return grpc::CreateCustomChannel(server_->address(), credentials, arguments);
  }
  TlsFiles Files() const { return {Path("server.pem"), Path("server.key"), Path("ca.pem")}; }

  // What a client with that certificate ("" for none) hears when it trusts `ca`.
  grpc::Status CallAs(const std::string& client, const std::string& ca) {
    grpc::SslCredentialsOptions ssl{
        .pem_root_certs = Content(ca), .pem_private_key = {}, .pem_cert_chain = {}};
    if (!client.empty()) {
      ssl.pem_private_key = Content(client + ".key");
      ssl.pem_cert_chain = Content(client + ".pem");
    }
    auto channel = Connect(grpc::SslCredentials(ssl));
    v1::VersionResponse response;
    return v1::Admin::NewStub(channel)->Version(Within(10'000).get(), {}, &response);
  }
  void Start() {
    auto server = Server::Start({.address = "0.0.0.0:0", .tls = Files()}, {.control = &control_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::filesystem::path folder_;
  FakeControl control_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, AClientWithACertificateOfTheCaIsServed) {
  Start();
  const grpc::Status status = CallAs("client", "ca.pem");
  EXPECT_TRUE(status.ok()) << Said(status);
}

TEST_F(TlsTest, ClientsWithoutAGoodCertificateAreNotServed) {
  Start();
  for (const char* client : {"", "stranger", "expired"}) {
    EXPECT_EQ(CallAs(client, "ca.pem").error_code(), grpc::UNAVAILABLE) << client;
  }
}

TEST_F(TlsTest, PlaintextIsNotServed) {
  Start();
  auto channel = Connect(grpc::InsecureChannelCredentials());
  v1::VersionResponse response;
  EXPECT_EQ(v1::Admin::NewStub(channel)->Version(Within(10'000).get(), {}, &response).error_code(),
            grpc::UNAVAILABLE);
}

TEST_F(TlsTest, AClientThatTrustsAnotherCaDoesNotTalkToUs) {
  Start();
  EXPECT_EQ(CallAs("client", "stranger_ca.pem").error_code(), grpc::UNAVAILABLE);
}

TEST_F(TlsTest, AKeyThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0644, 0660, 0604}) {
    ::chmod(Path("server.key").c_str(), mode);
    EXPECT_THAT(StartRefusal({.address = "0.0.0.0:0", .tls = Files()}),
                AllOf(StartsWith("INVALID_ARGUMENT: the private key"), HasSubstr("chmod 0600")))
        << mode;
  }
}

// As a supervisor of containers hands keys out.
TEST_F(TlsTest, TheGroupMayReadAKeyThatRootOwns) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ::chmod(Path("server.key").c_str(), 0640);
  EXPECT_TRUE(Server::Start({.address = "0.0.0.0:0", .tls = Files()}, {.control = &control_}).ok());
  ASSERT_EQ(::chown(Path("server.key").c_str(), 1234, 0), 0);
  EXPECT_THAT(StartRefusal({.address = "0.0.0.0:0", .tls = Files()}),
              StartsWith("INVALID_ARGUMENT: the private key"));
}

TEST_F(TlsTest, FilesThatAreMissingOrNoPemAreNamed) {
  TlsFiles files = Files();
  files.peer_ca = Path("nowhere.pem");
  EXPECT_THAT(StartRefusal({.address = "127.0.0.1:0", .tls = files}),
              AllOf(HasSubstr("cannot read the CA of the peers"), HasSubstr("nowhere.pem"),
                    HasSubstr("No such file")));
  std::ofstream(Path("server.pem")) << "not a certificate";
  EXPECT_THAT(StartRefusal({.address = "127.0.0.1:0", .tls = Files()}),
              HasSubstr("expected the certificate in PEM form"));
}

// ---- the end of a process that spoke TLS ----

std::atomic<bool> g_exiting{false};
constexpr int kGrpcHadEnded = 98;
constexpr int kGrpcWasThere = 99;

// Has OpenSSL, which nothing has used yet, end the process as it cleans up, and say what it saw.
void SayAsOpenSslEnds() {
  using Atexit = int (*)(void (*)());
  auto* at_exit = reinterpret_cast<Atexit>(::dlsym(RTLD_DEFAULT, "OPENSSL_atexit"));
  TRIDENT_CHECK(at_exit != nullptr);
  TRIDENT_CHECK_EQ(
      at_exit([] { std::_Exit(grpc_is_initialized() == 0 ? kGrpcHadEnded : kGrpcWasThere); }), 1);
}

// As when one of gRPC's threads is the last to let go of it, and is slow: long enough that an exit
// which does not wait is over before.
void LetGoOfGrpcAfterTheExitBegins() {
  grpc_init();
  std::thread([] {
    while (!g_exiting) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    grpc_shutdown();
  }).detach();
  std::atexit([] { g_exiting = true; });
}

class TlsDeathTest : public TlsTest {
 protected:
  TlsDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  void ServeAndExit() {
    SayAsOpenSslEnds();
    Start();
    server_.reset();
    Exit();
  }
  void AskAndExit() {
    SayAsOpenSslEnds();
    const TlsFiles tls{Path("client.pem"), Path("client.key"), Path("ca.pem")};
    auto client = Client::Create({.address = "127.0.0.1:1", .tls = tls});
    TRIDENT_CHECK_OK(client);
    TRIDENT_CHECK(!(*client)->Pause().ok());
    client->reset();
    Exit();
  }

 private:
  void Exit() {
    std::filesystem::remove_all(folder_);
    LetGoOfGrpcAfterTheExitBegins();
    std::exit(0);
  }
};

TEST_F(TlsDeathTest, AServersProcessIsThereUntilGrpcHasEnded) {
  EXPECT_EXIT(ServeAndExit(), testing::ExitedWithCode(kGrpcHadEnded), "");
}

TEST_F(TlsDeathTest, AClientsProcessIsThereUntilGrpcHasEnded) {
  EXPECT_EXIT(AskAndExit(), testing::ExitedWithCode(kGrpcHadEnded), "");
}

}  // namespace
}  // namespace trident
