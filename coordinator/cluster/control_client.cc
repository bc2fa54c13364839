// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/control_client.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>
#include <utility>

#include "base/logging.h"
#include "base/mutex.h"
#include "base/ports/channel_security.h"
#include "coordinator/cluster/control_codec.h"
#include "coordinator/cluster/control_token.h"
#include "coordinator/cluster/grpc_stream.h"
#include "proto/control.grpc.pb.h"

namespace trident {
namespace {

constexpr Nanos kRedialMin = kControlRedialMsMin * kMillisecond;
constexpr Nanos kRedialMax = kControlRedialMsMax * kMillisecond;

std::shared_ptr<grpc::Channel> NewChannel(const ControlClientOptions& options) {
  grpc::ChannelArguments arguments;
  for (const auto& [name, value] : ChannelArguments(options.timing)) arguments.SetInt(name, value);
  // A connection of its own: rows of other streams would hold up its words.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kControlRedialMsMin);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kControlRedialMsMax);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kControlConnectMsMax);
  return grpc::CreateCustomChannel(options.leader, ChannelSecurity(options.tls), arguments);
}

}  // namespace

class ControlClient::Dialler {
 public:
  Dialler(const ControlClientOptions& options, ControlClientEvents events)
      : options_(options),
        events_(std::move(events)),
        method_(std::string("/") + control::v1::Control::service_full_name() + "/Stream"),
        hello_(EncodeMessage(options.hello)),
        stub_(NewChannel(options)) {
    stop_.done = [this](bool) {
      may_shut_queue_ = true;
      if (call_ != nullptr) call_->Cut(Unavailable("this end of the control stream was stopped"));
      ShutQueueIfIdle();
    };
    Dial();
    thread_ = std::thread([this] {
      Poll(queue_, {.look_every = options_.timing.heartbeat,
                    .look = [this](Nanos now) { Look(now); },
                    .after = [this] { over_ = nullptr; }});
    });
  }
  ~Dialler() { Stop(); }

  void Tell(const WorkerWord& word) {
    std::shared_ptr<Call> call;
    {
      MutexLock lock(mutex_);
      call = open_;
    }
    if (call != nullptr) call->Send(EncodeMessage(word));
  }

  void Stop() {
    if (stopping_.exchange(true)) return;
    // The thread shuts the queue down itself, so that it never starts anything on one that is shut.
    grpc::Alarm alarm;
    alarm.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), &stop_);
    thread_.join();
    over_ = nullptr;
  }

 private:
  class Call final : public GrpcStream {
   public:
    explicit Call(Dialler& dialler)
        : GrpcStream({.timing = dialler.options_.timing,
                      .queue_bytes_max = dialler.options_.queue_bytes_max}),
          dialler_(dialler) {
      started_.done = [this](bool ok) { Started(ok); };
      context_.set_wait_for_ready(true);
      if (!dialler_.options_.token.empty()) {
        context_.AddMetadata(kControlTokenKey, dialler_.options_.token);
      }
      reader_writer_ = dialler_.stub_.PrepareCall(&context_, dialler_.method_, &dialler_.queue_);
      reader_writer_->StartCall(&started_);
    }

    // How it ended, once it is over.
    Status Cause() const {
      const bool leader_said_it =
          !status_.ok() && status_.error_code() != grpc::StatusCode::CANCELLED;
      return leader_said_it ? FromGrpc(status_) : reason();
    }

    bool is_let_in = false;

   private:
    void Started(bool ok) {
      if (!ok) return Close(Unavailable("the leader cannot be reached"));
      Open();
      Send(dialler_.hello_);
      BeHeard();
    }

    void StartWrite(const grpc::ByteBuffer& message, void* tag) override {
      reader_writer_->Write(message, tag);
    }
    void StartRead(grpc::ByteBuffer* message, void* tag) override {
      reader_writer_->Read(message, tag);
    }
    void StartFinish(const Status&, void* tag) override { reader_writer_->Finish(&status_, tag); }
    void Cancel() override { context_.TryCancel(); }
    void OnMessage(std::string_view bytes) override { dialler_.Heard(*this, bytes); }
    void OnClosed() override {}
    void OnOver() override { dialler_.Ended(*this); }

    Dialler& dialler_;
    GrpcTag started_;
    grpc::ClientContext context_;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> reader_writer_;
    grpc::Status status_;
  };

  // ---- the polling thread; Dial also before it starts ----

  void Dial() { call_ = std::make_shared<Call>(*this); }

  void Heard(Call& call, std::string_view bytes) {
    if (!call.is_let_in) {
      call.is_let_in = true;
      redial_delay_ = kRedialMin;
      {
        MutexLock lock(mutex_);
        open_ = call_;
      }
      if (events_.on_open) events_.on_open();
    }
    auto words = DecodeMessageToWorker(bytes);
    if (!words.ok()) return call.Cut(Annotate(words.status(), "a message of the leader"));
    if (!words->empty()) events_.on_words(*std::move(words));
  }

  void Ended(Call& call) {
    {
      MutexLock lock(mutex_);
      open_ = nullptr;
    }
    over_ = std::move(call_);
    const Nanos now = RealClock().MonotonicNanos();
    next_dial_ = now;
    if (stopping_) return ShutQueueIfIdle();
    const Status cause = call.Cause();
    if (call.is_let_in) {
      events_.on_gone(cause);
    } else if (IsRefusal(cause)) {
      next_dial_ = now + redial_delay_;
      redial_delay_ = std::min(2 * redial_delay_, kRedialMax);
      if (events_.on_refused) events_.on_refused(cause);
    }
    if (complaint_pace_.IsDue(now)) {
      TRIDENT_LOG(WARN) << "worker " << options_.hello.worker.value()
                        << " waits for the leader of topology " << options_.hello.topology << " at "
                        << options_.leader << ": " << cause;
    }
  }

  // Whether somebody answered.
  static bool IsRefusal(const Status& cause) {
    return cause.code() != StatusCode::kUnavailable &&
           cause.code() != StatusCode::kDeadlineExceeded;
  }

  void Look(Nanos now) {
    if (call_ != nullptr) return call_->Look(now);
    if (!stopping_ && now >= next_dial_) Dial();
  }

  void ShutQueueIfIdle() {
    if (!may_shut_queue_ || call_ != nullptr) return;
    may_shut_queue_ = false;
    queue_.Shutdown();
  }

  const ControlClientOptions options_;
  const ControlClientEvents events_;
  const std::string method_;
  const std::string hello_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::atomic<bool> stopping_ = false;
  GrpcTag stop_;
  std::thread thread_;

  // The polling thread's.
  std::shared_ptr<Call> call_;  // null: none is under way
  std::shared_ptr<Call> over_;  // since the last tag
  Nanos next_dial_ = 0;
  Nanos redial_delay_ = kRedialMin;
  bool may_shut_queue_ = false;
  LinePace complaint_pace_{kControlComplaintMs * kMillisecond};

  Mutex mutex_;
  std::shared_ptr<Call> open_ TRIDENT_GUARDED_BY(mutex_);  // in which the leader let this worker
};

ControlClient::ControlClient(const ControlClientOptions& options, ControlClientEvents events)
    : dialler_(std::make_unique<Dialler>(options, std::move(events))) {}

ControlClient::~ControlClient() = default;

void ControlClient::Tell(const WorkerWord& word) { dialler_->Tell(word); }

void ControlClient::Stop() { dialler_->Stop(); }

}  // namespace trident
