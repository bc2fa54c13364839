// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/stream_baseline.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"

namespace trident::bench {
namespace {

constexpr char kMethod[] = "/trident.bench.Stream/Drop";

class DroppedStream final : public grpc::ServerGenericBidiReactor {
 public:
  DroppedStream() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    message_.Clear();
    StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class DroppingService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new DroppedStream;
  }
};

// Writes one message after the other.
class SentStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  SentStream(const std::shared_ptr<grpc::Channel>& channel,
             const std::vector<grpc::Slice>& messages)
      : stub_(channel), messages_(messages) {
    stub_.PrepareBidiStreamingCall(&context_, kMethod, {}, this);
    Next();
    StartCall();
  }
  void OnWriteDone(bool ok) override {
    if (ok) Next();
  }
  void OnDone(const grpc::Status& status) override {
    MutexLock lock(mutex_);
    status_ = status;
    done_ = true;
    ended_.NotifyAll();
  }
  grpc::Status Await() {
    MutexLock lock(mutex_);
    while (!done_) ended_.Wait(mutex_);
    return status_;
  }

 private:
  void Next() {
    if (next_ == messages_.size()) return StartWritesDone();
    message_ = grpc::ByteBuffer(&messages_[next_++], 1);
    StartWrite(&message_);
  }

  grpc::ClientContext context_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  const std::vector<grpc::Slice>& messages_;
  size_t next_ = 0;
  grpc::ByteBuffer message_;
  Mutex mutex_;
  CondVar ended_;
  bool done_ TRIDENT_GUARDED_BY(mutex_) = false;
  grpc::Status status_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace

struct DroppingServer::Running {
  DroppingService service;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
  ~Running() { server->Shutdown(); }
};

DroppingServer::DroppingServer() : running_(std::make_unique<Running>()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &running_->port);
  builder.RegisterCallbackGenericService(&running_->service);
  builder.SetMaxReceiveMessageSize(kLinkMessageBytesMax);
  running_->server = builder.BuildAndStart();
}
DroppingServer::~DroppingServer() = default;
int DroppingServer::port() const { return running_->port; }

struct RawStream::Connection {
  std::shared_ptr<grpc::Channel> channel;
};

RawStream::RawStream(const std::string& address) : connection_(std::make_unique<Connection>()) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  connection_->channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  connection_->channel->WaitForConnected(gpr_time_from_seconds(5, GPR_TIMESPAN));
}
RawStream::~RawStream() = default;

StatusOr<double> RawStream::SendAll(const std::vector<std::string>& messages) {
  std::vector<grpc::Slice> slices;
  for (const std::string& message : messages) {
    slices.emplace_back(message.data(), message.size(), grpc::Slice::STATIC_SLICE);
  }
  const Nanos start = RealClock().MonotonicNanos();
  SentStream stream(connection_->channel, slices);
  const grpc::Status status = stream.Await();
  const Nanos took = RealClock().MonotonicNanos() - start;
  if (!status.ok()) return Unavailable("the raw stream: ", status.error_message());
  return static_cast<double>(took) / kSecond;
}

}  // namespace trident::bench
