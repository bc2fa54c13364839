// SPDX-License-Identifier: Apache-2.0
//
// Who is not let in, and messages that cannot be: refused, counted, and nobody else is the worse.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "coordinator/cluster/control_client.h"
#include "coordinator/cluster/control_codec.h"
#include "coordinator/cluster/control_server.h"
#include "proto/control.grpc.pb.h"
#include "tests/coordinator/cluster/control_ends.h"
#include "tests/coordinator/cluster/raw_worker.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ControlServerOptions WithToken(const std::string& token) {
  return {.token = token, .timing = PatientTiming()};
}

// A worker that was there before still hears and is heard.
class ControlRefusalTest : public ::testing::Test {
 protected:
  ControlRefusalTest() : good_(Dialling(leader_.server->address(), 1)) {
    EXPECT_EQ(good_.notes.Await("open"), "open");
  }
  ~ControlRefusalTest() override {
    leader_.server->Tell(WorkerId(1), Down(99));
    EXPECT_EQ(good_.notes.Await("word 99"), "word 99");
    good_.client->Tell(Up(1, 98));
    EXPECT_EQ(leader_.notes.Await("word 1.1 98"), "word 1.1 98");
    EXPECT_EQ(good_.notes.Count("gone"), 0U);
  }

  // How the leader ends the stream of worker 3, which said its hello and then `bytes`.
  std::string EndAfter(const std::string& bytes) {
    RawWorker worker(leader_.server->address());
    worker.Say(EncodeMessage(HelloOf(3)));
    EXPECT_TRUE(worker.Hear()) << "it was let in";
    worker.Say(bytes);
    return TextOfEnd(worker.AwaitEnd());
  }
  std::string EndOf(const std::string& first) {
    RawWorker worker(leader_.server->address());
    worker.Say(first);
    return TextOfEnd(worker.AwaitEnd());
  }
  static std::string TextOfEnd(const grpc::Status& status) {
    return std::to_string(status.error_code()) + " " + status.error_message();
  }

  LeaderEnd leader_;
  WorkerEnd good_;
};

// gRPC's numbers of codes, as TextOfEnd shows them.
constexpr char kInvalidArgument[] = "3 ";
constexpr char kFailedPrecondition[] = "9 ";

TEST(ControlTokenRefusalTest, AWrongTokenIsRefusedAndTheRightOneIsNot) {
  LeaderEnd leader(WithToken(std::string("right\0token", 11)));
  for (const std::string& token :
       {std::string("right\0tokem", 11), std::string("right"), std::string()}) {
    ControlClientOptions options = Dialling(leader.server->address(), 3);
    options.token = token;
    WorkerEnd worker(options);
    EXPECT_THAT(worker.notes.Await("refused"),
                StartsWith("refused UNAUTHENTICATED: the token of the topology is missing"));
  }
  EXPECT_GE(leader.server->counts().refused_streams, 3);
  EXPECT_TRUE(leader.notes.all().empty()) << "nobody was asked about them";

  ControlClientOptions options = Dialling(leader.server->address(), 3);
  options.token = std::string("right\0token", 11);
  WorkerEnd worker(options);
  EXPECT_EQ(worker.notes.Await("open"), "open");
}

TEST_F(ControlRefusalTest, AWorkerOfAnotherTopologyIsToldWhy) {
  leader_.judge = [](const WorkerHello& hello) {
    if (hello.topology == "wordcount") return Status();
    return FailedPrecondition("this leader leads wordcount, not ", hello.topology);
  };
  ControlClientOptions options = Dialling(leader_.server->address(), 3);
  options.hello.topology = "billing";
  WorkerEnd worker(options);
  EXPECT_EQ(worker.notes.Await("refused"),
            "refused FAILED_PRECONDITION: this leader leads wordcount, not billing");
  EXPECT_NE(worker.notes.Await("refused", 3), "") << "it asks again";
  EXPECT_GE(leader_.server->counts().refused_streams, 3);
  EXPECT_EQ(leader_.notes.Count("open 3"), 0U);
  EXPECT_EQ(leader_.notes.Count("gone 3"), 0U);
}

TEST_F(ControlRefusalTest, AnOlderLifeIsRefusedAlsoWhenTheLaterOneHasGone) {
  const std::string refusal =
      std::string(kFailedPrecondition) + "life 4 of worker 3 is over: life 5 has come";
  {
    WorkerEnd worker(Dialling(leader_.server->address(), 3, 5));
    ASSERT_EQ(worker.notes.Await("open"), "open");
    EXPECT_EQ(EndOf(EncodeMessage(HelloOf(3, 4))), refusal);
    EXPECT_EQ(worker.notes.Count("gone"), 0U);
  }
  ASSERT_NE(leader_.notes.Await("gone 3.5"), "");
  EXPECT_EQ(EndOf(EncodeMessage(HelloOf(3, 4))), refusal);
  EXPECT_EQ(leader_.server->counts().refused_streams, 2);
}

TEST_F(ControlRefusalTest, ALaterLifeTakesThePlaceOfTheEarlierOne) {
  WorkerEnd earlier(Dialling(leader_.server->address(), 3, 4));
  ASSERT_EQ(earlier.notes.Await("open"), "open");
  WorkerEnd later(Dialling(leader_.server->address(), 3, 5));
  ASSERT_EQ(later.notes.Await("open"), "open");
  EXPECT_EQ(earlier.notes.Await("gone"),
            "gone ABORTED: a later stream of worker 3 has taken the place of this one");
  EXPECT_EQ(earlier.notes.Await("refused"),
            "refused FAILED_PRECONDITION: life 4 of worker 3 is over: life 5 has come");
  leader_.server->Tell(WorkerId(3), Down(7));
  EXPECT_EQ(later.notes.Await("word"), "word 7");
  EXPECT_EQ(earlier.notes.Count("word"), 0U);
  std::vector<std::string> of_3;
  for (const std::string& note : leader_.notes.all()) {
    if (note.find(" 3.") != std::string::npos) of_3.push_back(note.substr(0, 9));
  }
  EXPECT_EQ(of_3, (std::vector<std::string>{"hello 3.4", "open 3.4", "hello 3.5", "gone 3.4 ",
                                            "open 3.5"}));
}

TEST_F(ControlRefusalTest, AStreamThatTheSameLifeDialsAgainTakesThePlaceOfItsFirst) {
  RawWorker first(leader_.server->address());
  first.Say(EncodeMessage(HelloOf(3)));
  ASSERT_TRUE(first.Hear());
  RawWorker second(leader_.server->address());
  second.Say(EncodeMessage(HelloOf(3)));
  ASSERT_TRUE(second.Hear());
  EXPECT_THAT(TextOfEnd(first.AwaitEnd()), HasSubstr("a later stream of worker 3"));
  second.Say(EncodeMessage(Up(3, 5)));
  EXPECT_EQ(leader_.notes.Await("word 3.1"), "word 3.1 5");
  EXPECT_EQ(leader_.notes.Count("open 3.1"), 2U);
  EXPECT_EQ(leader_.notes.Count("gone 3.1"), 1U);
}

TEST_F(ControlRefusalTest, AnotherVersionIsRefused) {
  WorkerHello hello = HelloOf(3);
  hello.protocol_version = 77;
  EXPECT_THAT(EndOf(EncodeMessage(hello)),
              AllOf(StartsWith(kFailedPrecondition), HasSubstr("found 77")));
  EXPECT_EQ(leader_.server->counts().refused_streams, 1);
}

TEST_F(ControlRefusalTest, GarbageInThePlaceOfAHelloIsRefused) {
  EXPECT_THAT(EndOf(std::string(100, '\xff')),
              AllOf(StartsWith(kInvalidArgument), HasSubstr("100 bytes that are none")));
  EXPECT_THAT(EndOf(""), HasSubstr("expected a hello first, found 0 words"));
  EXPECT_THAT(EndOf(EncodeMessage(Up(3, 1))), HasSubstr("expected a hello first, found 1 words"));
  EXPECT_EQ(leader_.server->counts().refused_messages, 3);
  EXPECT_EQ(leader_.notes.Count("hello 3"), 0U);
}

TEST_F(ControlRefusalTest, AHelloThatIsTooLongIsRefused) {
  WorkerHello hello = HelloOf(3);
  hello.store = std::string(kControlHelloBytesMax, 's');
  EXPECT_THAT(EndOf(EncodeMessage(hello)),
              AllOf(StartsWith(kInvalidArgument), HasSubstr("a hello of at most 65536 bytes")));
}

TEST_F(ControlRefusalTest, GarbageInThePlaceOfWordsEndsThatStreamAlone) {
  EXPECT_THAT(EndAfter("\xff\xff\xff"), StartsWith(kInvalidArgument));
  EXPECT_THAT(leader_.notes.Await("gone 3.1"),
              HasSubstr("INVALID_ARGUMENT: expected a message of the control stream, found 3"));
  EXPECT_EQ(leader_.server->counts().refused_messages, 1);
}

TEST_F(ControlRefusalTest, ASecondHelloIsRefused) {
  EXPECT_THAT(EndAfter(EncodeMessage(HelloOf(3))), HasSubstr("found a second hello"));
}

TEST_F(ControlRefusalTest, WordsInTheNameOfAnotherAreRefused) {
  EXPECT_THAT(EndAfter(EncodeMessage(Up(1, 5))),
              HasSubstr("expected words of worker 3, found one of worker 1"));
  const WorkerWord of_another_life = word::LogWritten{Epoch(1), WorkerId(3), Incarnation(2)};
  EXPECT_THAT(EndAfter(EncodeMessage(of_another_life)),
              HasSubstr("expected words of life 1 of worker 3, found one of life 2"));
  const WorkerWord vote = GroupWordToLeader{
      Epoch(1), GroupId(0),
      word::Voted{{GroupId(0), TxId(1), {Epoch(1), 0}}, WorkerId(1), Incarnation(1)}};
  EXPECT_THAT(EndAfter(EncodeMessage(vote)),
              HasSubstr("expected words of worker 3, found one of worker 1"));
  EXPECT_EQ(leader_.server->counts().refused_messages, 3);
  EXPECT_EQ(leader_.notes.Count("word 3"), 0U);
}

// A leader that says what no leader says, to everyone who dials.
class BadLeader final : public control::v1::Control::Service {
 public:
  BadLeader() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~BadLeader() override { server_->Shutdown(); }
  const std::string& address() const { return address_; }

 private:
  using Words = grpc::ServerReaderWriter<control::v1::ToWorker, control::v1::ToLeader>;
  grpc::Status Stream(grpc::ServerContext*, Words* stream) override {
    control::v1::ToLeader said;
    stream->Read(&said);
    control::v1::ToWorker message;
    message.add_words()->set_epoch(1);
    stream->Write(message);
    while (stream->Read(&said)) {
    }
    return grpc::Status::OK;
  }

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

TEST(ControlClientTest, GarbageOfALeaderEndsTheStreamAndItIsDialledAgain) {
  BadLeader leader;
  WorkerEnd worker(Dialling(leader.address(), 3));
  EXPECT_THAT(worker.notes.Await("gone", 2),
              StartsWith("gone INVALID_ARGUMENT: a message of the leader: word 0 (unknown)"));
  EXPECT_EQ(worker.notes.Count("word"), 0U);
}

}  // namespace
}  // namespace trident
