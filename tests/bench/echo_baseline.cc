// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/echo_baseline.h"

#include <google/protobuf/empty.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "base/mutex.h"
#include "proto/drpc.grpc.pb.h"
#include "proto/query.grpc.pb.h"

namespace trident::bench {
namespace {

using google::protobuf::Empty;

constexpr char kEchoMethod[] = "/trident.bench.Echo/Echo";

// Makes one call, the i-th of its client.
using Call = std::function<grpc::Status(uint64_t i)>;
using MakeCall = std::function<Call(const std::shared_ptr<grpc::Channel>&)>;

std::shared_ptr<grpc::Channel> OwnConnection(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// What one client measured.
struct ClientResult {
  std::vector<Nanos> latencies;
  uint64_t failures = 0;
  std::string first_failure;
  Nanos counted = 0;  // time over which the calls were made
};

ClientResult RunClient(const Call& call, const LoadOptions& options) {
  const Clock& clock = RealClock();
  ClientResult out;
  out.latencies.reserve(1 << 16);
  const Nanos begin = clock.MonotonicNanos() + options.warmup;
  const Nanos end = begin + options.duration;
  Nanos now = clock.MonotonicNanos();
  Nanos first = 0;
  for (uint64_t i = 0; now < end; ++i) {
    const Nanos start = now;
    const grpc::Status status = call(i);
    now = clock.MonotonicNanos();
    if (!status.ok() && out.failures++ == 0) out.first_failure = status.error_message();
    if (start < begin || !status.ok()) continue;
    if (first == 0) first = start;
    out.latencies.push_back(now - start);
  }
  out.counted = now - first;
  return out;
}

double MicrosAt(const std::vector<Nanos>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[rank]) / kMicrosecond;
}

LoadResult Merge(const std::vector<ClientResult>& clients) {
  LoadResult out;
  std::vector<Nanos> all;
  for (const ClientResult& client : clients) {
    all.insert(all.end(), client.latencies.begin(), client.latencies.end());
    if (client.failures > 0 && out.failures == 0) out.first_failure = client.first_failure;
    out.failures += client.failures;
    if (client.latencies.empty()) continue;
    out.calls_per_second += static_cast<double>(client.latencies.size()) * kSecond /
                            static_cast<double>(client.counted);
  }
  std::sort(all.begin(), all.end());
  out.calls = all.size();
  out.p50_us = MicrosAt(all, 0.5);
  out.p99_us = MicrosAt(all, 0.99);
  return out;
}

LoadResult Measure(const std::string& address, const LoadOptions& options, const MakeCall& make) {
  std::vector<ClientResult> results(options.clients);
  std::vector<std::thread> threads;
  std::atomic<int> connected{0};
  for (int c = 0; c < options.clients; ++c) {
    threads.emplace_back([&, c] {
      const Call call = make(OwnConnection(address));
      call(c);  // connects
      ++connected;
      while (connected < options.clients) std::this_thread::yield();
      results[c] = RunClient([&](uint64_t i) { return call(i + c); }, options);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return Merge(results);
}

}  // namespace

struct EchoServer::Service final : grpc::Service {
  // What the generated code of an empty method does.
  Service() {
    AddMethod(new grpc::internal::RpcServiceMethod(kEchoMethod,
                                                   grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodCallback(0, new grpc::internal::CallbackUnaryHandler<Empty, Empty>(
                              [](grpc::CallbackServerContext* context, const Empty*, Empty*) {
                                grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
                                reactor->Finish(grpc::Status::OK);
                                return reactor;
                              }));
  }
};

struct EchoServer::Running {
  Service service;
  std::unique_ptr<grpc::Server> server;
  ~Running() { server->Shutdown(); }
};

EchoServer::EchoServer() : running_(std::make_unique<Running>()) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&running_->service);
  running_->server = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

EchoServer::~EchoServer() = default;

LoadResult MeasureEcho(const std::string& address, const LoadOptions& options) {
  return Measure(address, options, [](const std::shared_ptr<grpc::Channel>& channel) -> Call {
    auto method = std::make_shared<grpc::internal::RpcMethod>(
        kEchoMethod, grpc::internal::RpcMethod::NORMAL_RPC, channel);
    return [channel, method](uint64_t) {
      grpc::ClientContext context;
      Empty request, response;
      return grpc::internal::BlockingUnaryCall(channel.get(), *method, &context, request,
                                               &response);
    };
  });
}

LoadResult MeasureGet(const std::string& address, const std::string& state,
                      const std::vector<std::string>& keys, const LoadOptions& options) {
  return Measure(address, options, [&](const std::shared_ptr<grpc::Channel>& channel) -> Call {
    std::shared_ptr<v1::Query::Stub> stub = v1::Query::NewStub(channel);
    return [stub, &state, &keys](uint64_t i) {
      grpc::ClientContext context;
      v1::GetRequest request;
      v1::GetResponse response;
      request.set_state(state);
      request.mutable_key()->add_values()->set_text(keys[i % keys.size()]);
      return stub->Get(&context, request, &response);
    };
  });
}

LoadResult MeasureExecute(const std::string& address, const std::string& function,
                          const std::vector<std::string>& args, const LoadOptions& options) {
  return Measure(address, options, [&](const std::shared_ptr<grpc::Channel>& channel) -> Call {
    std::shared_ptr<v1::Drpc::Stub> stub = v1::Drpc::NewStub(channel);
    return [stub, &function, &args](uint64_t i) {
      grpc::ClientContext context;
      v1::ExecuteRequest request;
      v1::ExecuteResponse response;
      request.set_function(function);
      request.set_args(args[i % args.size()]);
      return stub->Execute(&context, request, &response);
    };
  });
}

}  // namespace trident::bench
