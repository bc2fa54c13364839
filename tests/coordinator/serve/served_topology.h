// SPDX-License-Identifier: Apache-2.0
//
// A server on loopback in front of a fake catalog, a DRPC server with a handler that tests hold,
// and a fake topology; with stubs that speak to it.
#ifndef TRIDENT_TESTS_COORDINATOR_SERVE_SERVED_TOPOLOGY_H_
#define TRIDENT_TESTS_COORDINATOR_SERVE_SERVED_TOPOLOGY_H_

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/server.h"
#include "proto/admin.grpc.pb.h"
#include "proto/drpc.grpc.pb.h"
#include "proto/query.grpc.pb.h"
#include "tests/coordinator/serve/drpc_handlers.h"
#include "tests/coordinator/serve/fake_catalog.h"

namespace trident {

// Shows what a test puts into `view`. Thread-safe but for that.
class FakeControl final : public TopologyControl {
 public:
  TopologyView view{.name = "word-count", .epoch = Epoch(3), .groups = {}};
  std::vector<WorkerView> workers;
  Status pause_answer;
  StatusOr<BackupFiles> backup = FailedPrecondition("there is no directory");
  LetterStanding letter_answer;
  std::vector<std::pair<LetterAction, std::vector<LetterName>>> letters_asked;

  std::string topology() const override { return view.name; }
  StatusOr<TopologyView> View() const override { return view; }
  std::vector<WorkerView> Workers() const override { return workers; }
  StatusOr<std::string> Explain(ExplainFormat format) const override {
    return std::string(format == ExplainFormat::kDot ? "digraph { a -> b }\n"
                                                     : "stage 1: sentences, split\n");
  }
  Status Pause() override {
    ++pauses;
    return pause_answer;
  }
  Status Resume() override {
    ++resumes;
    return {};
  }
  std::string Metrics() const override { return "trident_last_decided 7\n"; }
  StatusOr<BackupFiles> NewBackup() override { return backup; }
  std::vector<LetterStanding> DoWithLetters(LetterAction action,
                                            const std::vector<LetterName>& letters) override {
    letters_asked.emplace_back(action, letters);
    return std::vector<LetterStanding>(letters.size(), letter_answer);
  }

  std::atomic<int> pauses{0};
  std::atomic<int> resumes{0};
};

class ServedTopology {
 public:
  struct Options {
    ServerOptions server;
    DrpcOptions drpc;
    uint64_t window = 4;
  };
  explicit ServedTopology(Options options)
      : catalog(options.window), counts(catalog), drpc(RealClock(), options.drpc) {
    TRIDENT_CHECK_OK(drpc.Register("words", std::make_unique<HeldHandler>(handler)));
    auto started =
        Server::Start(options.server, {.states = &catalog, .drpc = &drpc, .control = &control});
    TRIDENT_CHECK_OK(started);
    server = *std::move(started);
    channel = Connect();
    query = v1::Query::NewStub(channel);
    drpc_stub = v1::Drpc::NewStub(channel);
    admin = v1::Admin::NewStub(channel);
  }
  ServedTopology() : ServedTopology(Options()) {}
  ~ServedTopology() { handler.Open(); }

  // A connection of its own, which takes the largest answers.
  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(kRpcAnswerBytesMax);
    // So that an answer which nobody reads stands still after so much, however fast the machine is.
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 * 1024);
    return grpc::CreateCustomChannel(server->address(), grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  FakeCatalog catalog;
  WordCounts counts;
  HandlerControl handler;
  DrpcServer drpc;
  FakeControl control;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Query::Stub> query;
  std::unique_ptr<v1::Drpc::Stub> drpc_stub;
  std::unique_ptr<v1::Admin::Stub> admin;
};

// A context whose call ends after `ms` at the latest, so that no test hangs.
inline std::unique_ptr<grpc::ClientContext> Within(int64_t ms = 60'000) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN)));
  return context;
}

inline v1::Key TextKey(const std::string& text) {
  v1::Key key;
  key.add_values()->set_text(text);
  return key;
}

// "NOT_FOUND: there is ...", as absl prints it.
inline std::string Said(const grpc::Status& status) {
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message()).ToString();
}

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_SERVE_SERVED_TOPOLOGY_H_
