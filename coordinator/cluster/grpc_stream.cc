// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/grpc_stream.h"

#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/support/slice.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/limits.h"

namespace trident {
namespace {

// A trailer of more than 8 KiB is refused, and a byte may take three there.
constexpr size_t kReasonBytesMax = 2 * 1024;

grpc::ByteBuffer ToBuffer(std::string bytes) {
  // The slice owns the string, so that nothing is copied.
  auto owned = std::make_unique<std::string>(std::move(bytes));
  std::string& text = *owned;
  const grpc::Slice slice(
      text.data(), text.size(), [](void* held) { delete static_cast<std::string*>(held); },
      owned.release());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Slice InOnePiece(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok()) buffer.DumpToSingleSlice(&slice);
  return slice;
}

}  // namespace

void Poll(grpc::CompletionQueue& queue, const PollSteps& steps) {
  const Clock& clock = RealClock();
  Nanos next_look = clock.MonotonicNanos() + steps.look_every;
  while (true) {
    const Nanos wait = std::max<Nanos>(next_look - clock.MonotonicNanos(), 0);
    void* tag = nullptr;
    bool ok = false;
    const auto status = queue.AsyncNext(
        &tag, &ok,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(wait, GPR_TIMESPAN)));
    if (status == grpc::CompletionQueue::SHUTDOWN) return;
    if (status == grpc::CompletionQueue::GOT_EVENT) static_cast<GrpcTag*>(tag)->done(ok);
    if (const Nanos now = clock.MonotonicNanos(); now >= next_look) {
      steps.look(now);
      next_look = now + steps.look_every;
    }
    steps.after();
  }
}

std::vector<std::pair<std::string, int>> ChannelArguments(const ControlTiming& timing) {
  const auto keepalive_ms = static_cast<int>(timing.keepalive / kMillisecond);
  return {
      {GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      // Who is pinged more often than this ends the connection.
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, keepalive_ms / 3},
      {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, static_cast<int>(kControlMessageBytesMax)},
      {GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, static_cast<int>(kControlMessageBytesMax)},
      // A few bytes of gzip could become any amount of memory.
      {GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE},
  };
}

Status FromGrpc(const grpc::Status& status) {
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message());
}

grpc::Status ToGrpcStatus(const Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(Message(status).substr(0, kReasonBytesMax)));
}

GrpcStream::GrpcStream(const Options& options)
    : options_(options),
      watch_({.look_every = options.timing.heartbeat, .silence_max = options.timing.silence_max}),
      outgoing_(options.queue_bytes_max) {
  watch_.Start(RealClock().MonotonicNanos());
  wrote_.done = [this](bool ok) { Wrote(ok); };
  read_.done = [this](bool ok) { HaveRead(ok); };
  finished_.done = [this](bool) { Finished(); };
}

void GrpcStream::Send(std::string message) {
  const auto size = static_cast<int64_t>(message.size());
  Status refusal;
  {
    MutexLock lock(mutex_);
    if (!open_) return;
    if (size > kControlMessageBytesMax) {
      refusal = ResourceExhausted("a word of ", size, " bytes is too long for a control stream, ",
                                  "which takes ", kControlMessageBytesMax);
    } else if (!writing_) {
      return Write(std::move(message));
    } else if (outgoing_.Add(std::move(message))) {
      return;
    } else {
      refusal = ResourceExhausted("the other end of the control stream does not read: ",
                                  outgoing_.bytes(), " bytes wait for it, and ", size,
                                  " more would be over the limit of ", options_.queue_bytes_max);
    }
  }
  Cut(std::move(refusal));
}

void GrpcStream::Cut(Status reason) {
  MutexLock lock(mutex_);
  if (finish_ == Finish::kDone) return;
  open_ = false;
  outgoing_.Clear();
  if (reason_.ok()) reason_ = std::move(reason);
  Cancel();
}

void GrpcStream::Open() {
  watch_.Start(RealClock().MonotonicNanos());
  {
    MutexLock lock(mutex_);
    open_ = reason_.ok();  // it may have been cut before
  }
  reading_ = true;
  StartRead(&incoming_, &read_);
}

void GrpcStream::Close(Status reason) {
  MutexLock lock(mutex_);
  open_ = false;
  outgoing_.Clear();
  if (reason_.ok()) reason_ = std::move(reason);
  if (finish_ == Finish::kNotAsked) finish_ = Finish::kAsked;
  FinishIfIdle();
}

void GrpcStream::BeHeard() {
  is_heard_ = true;
  Send("");
}

void GrpcStream::Look(Nanos now) {
  if (watch_.IsSilent(now)) {
    return Cut(DeadlineExceeded("nothing was heard from the other end of the control stream for ",
                                options_.timing.silence_max / kMillisecond, " ms"));
  }
  MutexLock lock(mutex_);
  if (is_heard_ && open_ && !writing_) Write("");
}

bool GrpcStream::IsOpen() const {
  MutexLock lock(mutex_);
  return open_;
}

Status GrpcStream::reason() const {
  MutexLock lock(mutex_);
  return reason_;
}

void GrpcStream::Write(std::string message) {
  writing_ = true;
  // gRPC has its own reference to the bytes when this returns.
  StartWrite(ToBuffer(std::move(message)), &wrote_);
}

void GrpcStream::Wrote(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    // A write that failed ends the reads too, and those say so.
    if (ok && open_ && !outgoing_.empty()) return Write(outgoing_.Take());
    FinishIfIdle();
  }
  EndIfOver();
}

void GrpcStream::HaveRead(bool ok) {
  reading_ = false;
  if (ok && IsOpen()) {
    watch_.Heard(RealClock().MonotonicNanos());
    {
      const grpc::Slice slice = InOnePiece(incoming_);
      incoming_.Clear();
      OnMessage({reinterpret_cast<const char*>(slice.begin()), slice.size()});
    }
    if (IsOpen()) {
      reading_ = true;
      StartRead(&incoming_, &read_);
      return;
    }
  }
  Close(ok ? Status() : Unavailable("the other end of the control stream has gone"));
  if (!std::exchange(closed_is_told_, true)) OnClosed();
  EndIfOver();
}

void GrpcStream::FinishIfIdle() {
  if (finish_ != Finish::kAsked || writing_) return;
  finish_ = Finish::kStarted;
  StartFinish(reason_, &finished_);
}

void GrpcStream::Finished() {
  {
    MutexLock lock(mutex_);
    finish_ = Finish::kDone;
  }
  EndIfOver();
}

void GrpcStream::EndIfOver() {
  {
    MutexLock lock(mutex_);
    if (reading_ || writing_ || finish_ != Finish::kDone) return;
  }
  if (!std::exchange(over_is_told_, true)) OnOver();
}

}  // namespace trident
