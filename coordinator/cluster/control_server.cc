// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/control_server.h"
#include "base/ports/channel_security.h"
#include "base/same_token.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "base/logging.h"
#include "base/mutex.h"
#include "coordinator/cluster/control_codec.h"
#include "coordinator/cluster/control_token.h"
#include "coordinator/cluster/grpc_stream.h"
#include "proto/control.grpc.pb.h"

namespace trident {
namespace {

using Service = control::v1::Control::WithRawMethod_Stream<control::v1::Control::Service>;

// Whether every word that names a worker names this one, in this life.
Status CheckSpeaker(const std::vector<WorkerWord>& words, const WorkerHello& speaker) {
  Status status;
  const auto check = [&](const auto& word) {
    if constexpr (requires { word.worker; }) {
      if (word.worker != speaker.worker) {
        status = InvalidArgument("expected words of worker ", speaker.worker.value(),
                                 ", found one of worker ", word.worker.value());
      } else if constexpr (requires { word.incarnation; }) {
        if (word.incarnation == speaker.incarnation) return;
        status = InvalidArgument("expected words of life ", speaker.incarnation.value(),
                                 " of worker ", speaker.worker.value(), ", found one of life ",
                                 word.incarnation.value());
      }
    }
  };
  for (const WorkerWord& word : words) {
    std::visit(
        [&](const auto& w) {
          if constexpr (std::is_same_v<std::decay_t<decltype(w)>, GroupWordToLeader>) {
            std::visit(check, w.word);
          } else {
            check(w);
          }
        },
        word);
  }
  return status;
}

// "host:" of "host:port".
std::string UpToPort(const std::string& address) {
  return address.substr(0, address.rfind(':') + 1);
}

}  // namespace

class ControlServer::Port {
 public:
  Port(const ControlServerOptions& options, ControlServerEvents events)
      : options_(options), events_(std::move(events)) {
    stop_.done = [this](bool) {
      may_shut_queue_ = true;
      ShutQueueIfIdle();
    };
  }
  ~Port() { Stop(); }

  Status Listen() {
    grpc::ServerBuilder builder;
    for (const auto& [name, value] : ChannelArguments(options_.timing)) {
      builder.AddChannelArgument(name, value);
    }
    // Two servers on one port would share its workers between them, and nobody would notice.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kControlStreamsPerConnectionMax);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kRpcMetadataBytesMax);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kRpcHandshakeMsMax);
    int port = 0;
    builder.AddListeningPort(options_.address, ServerSecurity(options_.tls), &port);
    builder.RegisterService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port <= 0) {
      // Nothing was started; what the queue holds is drained, as gRPC asks for.
      server_ = nullptr;
      queue_->Shutdown();
      Poll(*queue_, {.look_every = kSecond, .look = [](Nanos) {}, .after = [] {}});
      return Unavailable("cannot listen for workers on ", options_.address,
                         ": another process may have the port, or this machine not the address; "
                         "choose another one, or port 0 for any that is free");
    }
    address_ = UpToPort(options_.address) + std::to_string(port);
    Await();
    thread_ = std::thread([this] {
      Poll(*queue_, {.look_every = options_.timing.heartbeat,
                     .look = [this](Nanos now) { Look(now); },
                     .after = [this] { over_.clear(); }});
    });
    return {};
  }

  const std::string& address() const { return address_; }

  void Tell(WorkerId worker, const LeaderWord& word) {
    std::shared_ptr<Stream> stream;
    {
      MutexLock lock(mutex_);
      const auto it = workers_.find(worker);
      if (it == workers_.end()) return;
      stream = it->second;
    }
    stream->Send(EncodeMessage(word));
  }

  ControlServerCounts counts() const {
    MutexLock lock(mutex_);
    ControlServerCounts out = counts_;
    out.open = static_cast<int64_t>(workers_.size());
    return out;
  }

  void Stop() {
    if (server_ == nullptr) return;
    stopping_ = true;
    {
      // A stream that is held here would keep its connection, for which gRPC waits.
      MutexLock lock(mutex_);
      workers_.clear();
    }
    server_->Shutdown(gpr_time_0(GPR_TIMESPAN));
    // The thread shuts the queue down itself, so that it never starts anything on one that is shut.
    grpc::Alarm alarm;
    alarm.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC), &stop_);
    thread_.join();
    over_.clear();
    server_ = nullptr;
  }

 private:
  class Stream final : public GrpcStream {
   public:
    explicit Stream(Port& port)
        : GrpcStream(
              {.timing = port.options_.timing, .queue_bytes_max = port.options_.queue_bytes_max}),
          port_(port),
          reader_writer_(&context_) {
      accepted_.done = [this](bool ok) { port_.Accepted(*this, ok); };
    }

    void Await() {
      port_.service_.RequestStream(&context_, &reader_writer_, port_.queue_.get(),
                                   port_.queue_.get(), &accepted_);
    }

    std::string_view token() const {
      const auto it = context_.client_metadata().find(kControlTokenKey);
      if (it == context_.client_metadata().end()) return "";
      return {it->second.data(), it->second.size()};
    }

    // Set once the worker was let in.
    std::optional<WorkerHello> hello;

   private:
    void StartWrite(const grpc::ByteBuffer& message, void* tag) override {
      reader_writer_.Write(message, tag);
    }
    void StartRead(grpc::ByteBuffer* message, void* tag) override {
      reader_writer_.Read(message, tag);
    }
    void StartFinish(const Status& reason, void* tag) override {
      reader_writer_.Finish(ToGrpcStatus(reason), tag);
    }
    void Cancel() override { context_.TryCancel(); }
    void OnMessage(std::string_view bytes) override { port_.Heard(*this, bytes); }
    void OnClosed() override { port_.Closed(*this); }
    void OnOver() override { port_.Forget(*this); }

    Port& port_;
    GrpcTag accepted_;
    grpc::ServerContext context_;
    grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> reader_writer_;
  };

  // ---- the polling thread; Await also before it starts ----

  void Await() {
    awaited_ = std::make_shared<Stream>(*this);
    awaited_->Await();
  }

  void Accepted(Stream& stream, bool ok) {
    if (!ok) {
      over_.push_back(std::move(awaited_));
      return ShutQueueIfIdle();
    }
    streams_.emplace(&stream, std::move(awaited_));
    if (!stopping_) Await();
    if (static_cast<int64_t>(streams_.size()) > kControlStreamsMax) {
      return Refuse(stream, ResourceExhausted("too many workers: expected at most ",
                                              kControlStreamsMax, " streams at once"));
    }
    if (!options_.token.empty() && !IsSameToken(options_.token, stream.token())) {
      return Refuse(stream, Status(StatusCode::kUnauthenticated,
                                   "the token of the topology is missing or wrong"));
    }
    stream.Open();
  }

  void Refuse(Stream& stream, const Status& cause) {
    Count(&ControlServerCounts::refused_streams);
    if (refusal_pace_.IsDue(RealClock().MonotonicNanos())) {
      TRIDENT_LOG(WARN) << "a worker was not let in: " << cause;
    }
    stream.Close(cause);
  }

  void RefuseMessage(Stream& stream, const Status& cause) {
    Count(&ControlServerCounts::refused_messages);
    if (message_pace_.IsDue(RealClock().MonotonicNanos())) {
      TRIDENT_LOG(WARN) << "a message of a worker was refused: " << cause;
    }
    stream.Close(cause);
  }

  void Heard(Stream& stream, std::string_view bytes) {
    if (!stream.hello) return HeardHello(stream, bytes);
    auto message = DecodeMessageToLeader(bytes);
    if (!message.ok()) return RefuseMessage(stream, message.status());
    if (message->hello) {
      return RefuseMessage(stream, InvalidArgument("expected words, found a second hello"));
    }
    HeardWords(stream, std::move(message->words));
  }

  void HeardHello(Stream& stream, std::string_view bytes) {
    if (static_cast<int64_t>(bytes.size()) > kControlHelloBytesMax) {
      return RefuseMessage(stream,
                           InvalidArgument("expected a hello of at most ", kControlHelloBytesMax,
                                           " bytes, found a message of ", bytes.size()));
    }
    auto message = DecodeMessageToLeader(bytes);
    if (!message.ok()) return RefuseMessage(stream, message.status());
    if (!message->hello) {
      return RefuseMessage(stream, InvalidArgument("expected a hello first, found ",
                                                   message->words.size(), " words"));
    }
    if (Status status = CheckHello(*message->hello); !status.ok()) return Refuse(stream, status);
    LetIn(stream, *std::move(message->hello));
    HeardWords(stream, std::move(message->words));
  }

  Status CheckHello(const WorkerHello& hello) {
    if (hello.protocol_version != kControlVersion) {
      return FailedPrecondition("expected version ", kControlVersion,
                                " of the control stream, found ", hello.protocol_version,
                                "; leader and workers must run the same release");
    }
    const auto newest = newest_life_.find(hello.worker);
    if (newest != newest_life_.end() && hello.incarnation < newest->second) {
      return FailedPrecondition("life ", hello.incarnation.value(), " of worker ",
                                hello.worker.value(), " is over: life ", newest->second.value(),
                                " has come");
    }
    return events_.on_hello(hello.worker, hello);
  }

  void LetIn(Stream& stream, WorkerHello hello) {
    const WorkerId worker = hello.worker;
    newest_life_[worker] = hello.incarnation;
    if (const std::shared_ptr<Stream> before = Take(worker)) {
      before->Close(
          Aborted("a later stream of worker ", worker.value(), " has taken the place of this one"));
      events_.on_gone(worker, before->hello->incarnation, before->reason());
    }
    stream.hello = std::move(hello);
    {
      MutexLock lock(mutex_);
      if (stopping_) return;  // nobody would take it out again
      workers_[worker] = streams_.at(&stream);
    }
    stream.BeHeard();
    if (events_.on_open) events_.on_open(worker, *stream.hello);
  }

  void HeardWords(Stream& stream, std::vector<WorkerWord> words) {
    if (words.empty()) return;
    if (Status status = CheckSpeaker(words, *stream.hello); !status.ok()) {
      return RefuseMessage(stream, status);
    }
    events_.on_words(stream.hello->worker, stream.hello->incarnation, std::move(words));
  }

  void Closed(Stream& stream) {
    const Status cause = stream.reason();
    if (stopping_) return;
    if (cause.code() == StatusCode::kDeadlineExceeded) Count(&ControlServerCounts::silent);
    if (cause.code() == StatusCode::kResourceExhausted) Count(&ControlServerCounts::overflowed);
    if (!stream.hello || !IsCurrent(stream)) return;
    Take(stream.hello->worker);
    events_.on_gone(stream.hello->worker, stream.hello->incarnation, cause);
  }

  void Forget(Stream& stream) {
    const auto it = streams_.find(&stream);
    over_.push_back(std::move(it->second));
    streams_.erase(it);
    ShutQueueIfIdle();
  }

  void Look(Nanos now) {
    for (const auto& [stream, owner] : streams_) stream->Look(now);
  }

  void ShutQueueIfIdle() {
    if (!may_shut_queue_ || !streams_.empty() || awaited_ != nullptr) return;
    may_shut_queue_ = false;
    queue_->Shutdown();
  }

  // ---- any thread ----

  // The stream of the worker, which has none any more; null: it had none.
  std::shared_ptr<Stream> Take(WorkerId worker) {
    MutexLock lock(mutex_);
    const auto it = workers_.find(worker);
    if (it == workers_.end()) return nullptr;
    std::shared_ptr<Stream> out = std::move(it->second);
    workers_.erase(it);
    return out;
  }

  bool IsCurrent(const Stream& stream) const {
    MutexLock lock(mutex_);
    const auto it = workers_.find(stream.hello->worker);
    return it != workers_.end() && it->second.get() == &stream;
  }

  void Count(int64_t ControlServerCounts::*what) {
    MutexLock lock(mutex_);
    ++(counts_.*what);
  }

  const ControlServerOptions options_;
  const ControlServerEvents events_;
  std::string address_;
  Service service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::atomic<bool> stopping_ = false;
  GrpcTag stop_;
  std::thread thread_;

  // The polling thread's.
  std::shared_ptr<Stream> awaited_;                     // for the next worker that dials
  std::map<Stream*, std::shared_ptr<Stream>> streams_;  // every one that is not over
  std::vector<std::shared_ptr<Stream>> over_;           // since the last tag
  std::map<WorkerId, Incarnation> newest_life_;         // that was let in
  bool may_shut_queue_ = false;
  LinePace refusal_pace_{kControlComplaintMs * kMillisecond};
  LinePace message_pace_{kControlComplaintMs * kMillisecond};

  mutable Mutex mutex_;
  std::map<WorkerId, std::shared_ptr<Stream>> workers_ TRIDENT_GUARDED_BY(mutex_);
  ControlServerCounts counts_ TRIDENT_GUARDED_BY(mutex_);
};

StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(const ControlServerOptions& options,
                                                              ControlServerEvents events) {
  auto port = std::make_unique<Port>(options, std::move(events));
  TRIDENT_RETURN_IF_ERROR(port->Listen());
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(port)));
}

ControlServer::ControlServer(std::unique_ptr<Port> port) : port_(std::move(port)) {}

ControlServer::~ControlServer() = default;

const std::string& ControlServer::address() const { return port_->address(); }

void ControlServer::Tell(WorkerId worker, const LeaderWord& word) { port_->Tell(worker, word); }

ControlServerCounts ControlServer::counts() const { return port_->counts(); }

void ControlServer::Stop() { port_->Stop(); }

}  // namespace trident
