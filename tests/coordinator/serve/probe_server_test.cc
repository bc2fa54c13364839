// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/probe_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/support/http_ask.h"

namespace trident {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Nanos kLong = 600 * kSecond;

class ProbeServerTest : public testing::Test {
 protected:
  void Start(Nanos request_max = kLong) {
    auto server = ProbeServer::Start(
        "127.0.0.1:0", request_max,
        {.live = [] { return Health{}; },
         .ready =
             [this] {
               return is_ready_ ? Health{} : Health{false, "waits for\nworker 2"};
             }});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  const std::string& address() const { return server_->address(); }

  std::atomic<bool> is_ready_ = false;
  std::unique_ptr<ProbeServer> server_;
};

TEST_F(ProbeServerTest, TellsWhetherTheProcessLivesAndWhyItIsNotReady) {
  Start();
  EXPECT_EQ(AskPath(address(), "/livez"), "200 ok");
  EXPECT_EQ(AskPath(address(), "/readyz"), "503 waits for worker 2");
  is_ready_ = true;
  EXPECT_EQ(AskPath(address(), "/readyz"), "200 ok");
}

TEST_F(ProbeServerTest, ShowsNothingElse) {
  Start();
  for (const char* path : {"/", "/livez/", "/metrics", "/livez?x", "//livez"}) {
    EXPECT_EQ(AskPath(address(), path), "404 not found") << path;
  }
  EXPECT_THAT(AskBytes(address(), "POST /livez HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
              testing::AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("\r\nAllow: GET, HEAD\r\n")));
}

TEST_F(ProbeServerTest, AHeadHasTheLengthAndNoBody) {
  Start();
  EXPECT_THAT(AskBytes(address(), "HEAD /livez HTTP/1.0\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 3\r\n"),
                             EndsWith("\r\n\r\n")));
}

TEST_F(ProbeServerTest, BadBytesAreRefused) {
  Start();
  for (const std::string& bad :
       {std::string("\0\xff\r\n\r\n", 6), std::string("\r\n\r\n"),
        std::string("GET /livez\r\n\r\n"), std::string("GET \r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\n"), std::string("get /livez HTTP/1.1\r\n\r\n")}) {
    EXPECT_THAT(AskBytes(address(), bad), StartsWith("HTTP/1.1 400 ")) << bad;
  }
  EXPECT_EQ(AskPath(address(), "/livez"), "200 ok");
}

TEST_F(ProbeServerTest, AHeadThatIsTooLongIsRefused) {
  Start();
  EXPECT_THAT(AskBytes(address(), "GET /livez HTTP/1.1\r\nx: " + std::string(5000, 'x')),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(
      AskBytes(address(), "GET /livez HTTP/1.1\r\nx: " + std::string(4000, 'x') + "\r\n\r\n"),
      StartsWith("HTTP/1.1 200 "));
}

TEST_F(ProbeServerTest, ARequestMayComeInPieces) {
  Start();
  const ProbeClient client(address());
  for (const char* piece : {"GE", "T /livez HT", "TP/1.1\r\n", "\r", "\n"}) {
    client.Send(piece);
    EXPECT_EQ(AskPath(address(), "/livez"), "200 ok") << "others go on meanwhile";
  }
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ProbeServerTest, ASlowClientIsCutOff) {
  Start(50 * kMillisecond);
  const ProbeClient client(address());
  client.Send("GET /livez HTTP/1.1\r\n");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(ProbeServerTest, ManySlowClientsKeepNobodyOut) {
  Start();
  std::vector<std::unique_ptr<ProbeClient>> clients;
  for (size_t i = 0; i < 3 * kProbeConnectionsMax; ++i) {
    clients.push_back(std::make_unique<ProbeClient>(address()));
    clients.back()->Send("GET ");
  }
  EXPECT_EQ(AskPath(address(), "/livez"), "200 ok");
  EXPECT_EQ(clients.front()->ReadToEnd(), "") << "the oldest was cut off";
}

TEST_F(ProbeServerTest, EndsWithConnectionsOpen) {
  Start();
  const ProbeClient client(address());
  client.Send("GET ");
  EXPECT_EQ(AskPath(address(), "/livez"), "200 ok");
  server_.reset();
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(ProbeServerTest, AnAddressThatIsTakenIsNamed) {
  Start();
  const auto second = ProbeServer::Start(address(), kLong, {});
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address()));
  EXPECT_EQ(ProbeServer::Start("nothing", kLong, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ProbeServer::Start("0.0.0.0:0", kLong, {}).ok());
}

}  // namespace
}  // namespace trident
