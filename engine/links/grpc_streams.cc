// SPDX-License-Identifier: Apache-2.0
#include "engine/links/grpc_streams.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/ports/channel_security.h"
#include "base/same_token.h"

namespace trident {
namespace {

constexpr char kMethod[] = "/trident.Peer/Exchange";
constexpr int kBesideLookMs = 200;
constexpr char kTokenKey[] = "trident-token-bin";  // any bytes may be one

// What the queue gives back when an operation is done; it lives until then.
struct Tag {
  std::function<void(bool ok)> done;
};

// A frame goes to the network from where it is; the slice holds on to it.
grpc::Slice SliceOf(const std::shared_ptr<const EncodedFrame>& frame) {
  const std::string_view bytes = frame->bytes();
  auto* held = new std::shared_ptr<const EncodedFrame>(frame);
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* p) { delete static_cast<std::shared_ptr<const EncodedFrame>*>(p); }, held);
}

grpc::ByteBuffer BufferOf(const BundleBytes& message) {
  std::vector<grpc::Slice> slices;
  slices.reserve(message.frames.size() + 1);
  slices.emplace_back(message.head.data(), message.head.size());
  for (const auto& frame : message.frames) slices.push_back(SliceOf(frame));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

// Memory for messages of the usual size. Fresh memory of that size comes from the system, page by
// page, and that costs as much as to fill it. Thread-safe; buffers come back from any thread.
class Buffers : public std::enable_shared_from_this<Buffers> {
 public:
  ~Buffers() {
    for (char* buffer : free_) delete[] buffer;
  }
  // Room for `bytes`. A small message gets no more than that, as rows may hold on to it for long.
  std::shared_ptr<char> Take(size_t bytes) {
    if (bytes > kBytes || bytes < kBytes / 2) return std::shared_ptr<char>(new char[bytes], Delete);
    return std::shared_ptr<char>(Pop(), [pool = shared_from_this()](char* p) { pool->Push(p); });
  }

 private:
  static constexpr size_t kBytes = kBundleBytes + 16 * kKiB;
  static constexpr size_t kKept = 32;

  static void Delete(char* buffer) { delete[] buffer; }
  char* Pop() {
    MutexLock lock(mutex_);
    if (free_.empty()) return new char[kBytes];
    char* buffer = free_.back();
    free_.pop_back();
    return buffer;
  }
  void Push(char* buffer) {
    {
      MutexLock lock(mutex_);
      if (free_.size() < kKept) return free_.push_back(buffer);
    }
    delete[] buffer;
  }

  Mutex mutex_;
  std::vector<char*> free_ TRIDENT_GUARDED_BY(mutex_);
};

// The bytes of a message in one piece: what holds on to some of them holds on to no buffer of the
// network.
struct OnePiece {
  std::string_view bytes;
  BufferRef keep;
};
OnePiece OnePieceOf(const grpc::ByteBuffer& message, Buffers& buffers) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) return {};
  size_t size = 0;
  for (const grpc::Slice& slice : slices) size += slice.size();
  const std::shared_ptr<char> piece = buffers.Take(size);
  char* to = piece.get();
  for (const grpc::Slice& slice : slices) {
    std::memcpy(to, slice.begin(), slice.size());
    to += slice.size();
  }
  return {{piece.get(), size}, piece};
}

Status StatusOf(const grpc::Status& status) {
  if (status.ok()) return Unavailable("the other worker ended the link");
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message());
}

grpc::Status GrpcStatusOf(const Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(Message(status)));
}

// Nothing comes to gRPC's own log: that a port cannot be had, the error says in our words.
class SilentGrpc {
 public:
  SilentGrpc() {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  ~SilentGrpc() { gpr_set_log_function(nullptr); }
  SilentGrpc(const SilentGrpc&) = delete;
  SilentGrpc& operator=(const SilentGrpc&) = delete;
};

}  // namespace

// The parts that all streams share.
class GrpcStreams::Running {
 public:
  Running(const Options& options, StreamEvents* events) : options_(options), events_(events) {}
  ~Running() { Stop(); }

  Status Start();
  void Open(StreamId id, const std::string& address, std::string first);
  void Write(StreamId id, BundleBytes message);

  void Stop();

  uint16_t port() const { return static_cast<uint16_t>(port_); }
  const std::string& token() const { return options_.token; }
  const std::optional<TlsContent>& tls() const { return options_.tls; }
  StreamEvents& events() { return *events_; }
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  grpc::AsyncGenericService& service() { return service_; }
  Buffers& buffers() { return *buffers_; }

  // Waits for the next incoming stream.
  void Accept();
  void Remove(Incoming* stream);
  void Remove(StreamId outgoing);

 private:
  void Poll();

  const Options options_;
  StreamEvents* const events_;
  const std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
  int port_ = 0;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;

  Mutex mutex_;
  CondVar gone_;  // a stream was removed
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;
  StreamId next_incoming_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::map<StreamId, std::shared_ptr<Outgoing>> outgoing_ TRIDENT_GUARDED_BY(mutex_);
  std::map<Incoming*, std::unique_ptr<Incoming>> incoming_ TRIDENT_GUARDED_BY(mutex_);
};

// A stream to another process. Its call is read too: the other end answers the first message, and
// says nothing more until the call ends. Done with when the call has ended and no operation is
// under way.
class GrpcStreams::Outgoing {
 public:
  Outgoing(Running* running, StreamId id, std::string first)
      : running_(running), id_(id), first_(std::move(first)) {
    context_.AddMetadata(kTokenKey, running_->token());
    started_.done = [this](bool ok) { Started(ok); };
    wrote_.done = [this](bool ok) { Wrote(ok); };
    read_.done = [this](bool ok) { Read(ok); };
    finished_.done = [this](bool) { Finished(); };
  }

  void Start(const std::string& address) {
    grpc::ChannelArguments arguments;
    // Else channels to one address share a connection, and words would wait behind rows.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLinkConnectMsMax);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kLinkPingMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kLinkPingTimeoutMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLinkPingIntervalMsMin);
    arguments.SetMaxSendMessageSize(kLinkMessageBytesMax);
    const std::shared_ptr<grpc::Channel> channel =
        grpc::CreateCustomChannel(address, ChannelSecurity(running_->tls()), arguments);
    stub_ = std::make_unique<grpc::GenericStub>(channel);
    call_ = stub_->PrepareCall(&context_, kMethod, running_->queue());
    call_->StartCall(&started_);
  }
  // REQUIRES: no write is under way; see BeginWrite.
  void Write(const BundleBytes& message) { call_->Write(BufferOf(message), &wrote_); }
  void Cancel() { context_.TryCancel(); }

  // Who says that it writes holds the call until the write is done. False: it has ended.
  bool BeginWrite() {
    MutexLock lock(mutex_);
    if (ended_) return false;
    TRIDENT_CHECK(!writing_) << "two messages are written at once";
    writing_ = true;
    return true;
  }

 private:
  void Started(bool ok) {
    if (!ok) return End();
    call_->Read(&incoming_, &read_);
    if (BeginWrite()) Write({.head = std::move(first_), .frames = {}});
  }
  void Wrote(bool ok) {
    bool is_last = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      is_last = finished_called_;
    }
    if (is_last) return Remove();
    if (ok) running_->events().OnWritable(id_);
  }
  void Read(bool ok) {
    if (!ok) return End();
    if (!std::exchange(accepted_, true)) running_->events().OnAccepted(id_);
    call_->Read(&incoming_, &read_);
  }
  void End() {
    {
      MutexLock lock(mutex_);
      ended_ = true;
    }
    call_->Finish(&status_, &finished_);
  }
  void Finished() {
    bool is_last = false;
    {
      MutexLock lock(mutex_);
      finished_called_ = true;
      is_last = !writing_;
    }
    if (is_last) Remove();
  }
  void Remove() {
    running_->events().OnOutgoingEnded(id_, StatusOf(status_));
    running_->Remove(id_);
  }

  Running* const running_;
  const StreamId id_;
  std::string first_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  Tag started_, wrote_, read_, finished_;
  bool accepted_ = false;  // of the thread of the streams

  Mutex mutex_;
  bool writing_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool ended_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool finished_called_ TRIDENT_GUARDED_BY(mutex_) = false;
};

// A stream from another process. Only the thread of the streams knows it.
class GrpcStreams::Incoming {
 public:
  Incoming(Running* running, StreamId id) : running_(running), id_(id), call_(&context_) {
    accepted_.done = [this](bool ok) { Accepted(ok); };
    read_.done = [this](bool ok) { Read(ok); };
    answered_.done = [this](bool ok) { Answered(ok); };
    finished_.done = [this](bool) { running_->Remove(this); };
    running_->service().RequestCall(&context_, &call_, running_->queue(), running_->queue(),
                                    &accepted_);
  }

 private:
  void Accepted(bool ok) {
    if (!ok) return running_->Remove(this);  // the port is closed
    running_->Accept();
    if (context_.method() != kMethod)
      return Refuse(grpc::StatusCode::UNIMPLEMENTED, "no such call");
    const auto [first, last] = context_.client_metadata().equal_range(kTokenKey);
    const bool may = first != last && std::next(first) == last &&
                     IsSameToken({first->second.data(), first->second.size()}, running_->token());
    if (!may) {
      return Refuse(grpc::StatusCode::UNAUTHENTICATED,
                    "this worker has another token; does it belong to the same topology?");
    }
    call_.Read(&incoming_, &read_);
  }
  void Refuse(grpc::StatusCode code, const char* why) {
    call_.Finish(grpc::Status(code, why), &finished_);
  }
  void Read(bool ok) {
    if (!ok) return End(Unavailable("the link was broken, or the other worker ended"));
    const OnePiece message = OnePieceOf(incoming_, running_->buffers());
    incoming_.Clear();
    const Status status = running_->events().OnMessage(id_, message.bytes, message.keep);
    if (!status.ok()) return End(status);
    if (!std::exchange(is_answered_, true)) return Answer();
    call_.Read(&incoming_, &read_);
  }
  void Answer() {
    const grpc::Slice nothing;
    call_.Write(grpc::ByteBuffer(&nothing, 1), &answered_);
  }
  void Answered(bool ok) {
    if (!ok) return End(Unavailable("the link was broken, or the other worker ended"));
    call_.Read(&incoming_, &read_);
  }
  void End(const Status& status) {
    running_->events().OnIncomingEnded(id_, status);
    call_.Finish(GrpcStatusOf(status), &finished_);
  }

  Running* const running_;
  const StreamId id_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_;
  grpc::ByteBuffer incoming_;
  Tag accepted_, read_, answered_, finished_;
  bool is_answered_ = false;
};

Status GrpcStreams::Running::Start() {
  grpc::ServerBuilder builder;
  const std::string address = options_.address.ToListenOn();
  builder.AddListeningPort(address, ServerSecurity(options_.tls), &port_);
  builder.RegisterAsyncGenericService(&service_);
  if (options_.beside != nullptr) {
    builder.RegisterService(options_.beside);
    grpc::ResourceQuota threads;
    threads.SetMaxThreads(kLinkThreadsBesideMax);
    builder.SetResourceQuota(threads);
    // Now and then a thread of the service sleeps through the end of the server, and an epoch waits
    // for the server to end.
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::CQ_TIMEOUT_MSEC,
                                kBesideLookMs);
  }
  builder.SetMaxReceiveMessageSize(kLinkMessageBytesMax);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kLinksPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kRpcMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kRpcHandshakeMsMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kLinkPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kLinkPingTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLinkPingIntervalMsMin);
  const SilentGrpc silent;
  queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ <= 0) {
    queue_->Shutdown();
    Poll();
    server_ = nullptr;
    return Unavailable("cannot listen on ", address,
                       " for other workers: another process may have the port; choose another "
                       "one, or port 0 for any that is free");
  }
  Accept();
  thread_ = std::thread([this] { Poll(); });
  return absl::OkStatus();
}

void GrpcStreams::Running::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Tag*>(tag)->done(ok);
}

// The queue may end only when no operation is under way, and so when no stream is left.
void GrpcStreams::Running::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [id, stream] : outgoing_) stream->Cancel();
  }
  server_->Shutdown(gpr_now(GPR_CLOCK_REALTIME));
  {
    MutexLock lock(mutex_);
    while (!outgoing_.empty() || !incoming_.empty()) gone_.Wait(mutex_);
  }
  queue_->Shutdown();
  thread_.join();
}

void GrpcStreams::Running::Accept() {
  MutexLock lock(mutex_);
  if (stopping_) return;
  auto stream = std::make_unique<Incoming>(this, next_incoming_++);
  incoming_.emplace(stream.get(), std::move(stream));
}

void GrpcStreams::Running::Remove(Incoming* stream) {
  MutexLock lock(mutex_);
  incoming_.erase(stream);
  gone_.NotifyAll();
}

void GrpcStreams::Running::Remove(StreamId outgoing) {
  std::shared_ptr<Outgoing> ended;  // who still holds it lets go of it later
  MutexLock lock(mutex_);
  ended = std::move(outgoing_.extract(outgoing).mapped());
  gone_.NotifyAll();
}

void GrpcStreams::Running::Open(StreamId id, const std::string& address, std::string first) {
  auto stream = std::make_shared<Outgoing>(this, id, std::move(first));
  MutexLock lock(mutex_);
  if (stopping_) return;
  TRIDENT_CHECK(outgoing_.emplace(id, stream).second) << "stream " << id << " is open";
  stream->Start(address);
}

void GrpcStreams::Running::Write(StreamId id, BundleBytes message) {
  std::shared_ptr<Outgoing> stream;
  {
    MutexLock lock(mutex_);
    const auto found = outgoing_.find(id);
    if (found == outgoing_.end() || !found->second->BeginWrite()) return;
    stream = found->second;
  }
  stream->Write(message);
}

GrpcStreams::GrpcStreams(std::unique_ptr<Running> running) : running_(std::move(running)) {}
GrpcStreams::~GrpcStreams() = default;

void GrpcStreams::Stop() { running_->Stop(); }

StatusOr<std::unique_ptr<GrpcStreams>> GrpcStreams::Start(const Options& options,
                                                          StreamEvents* events) {
  auto running = std::make_unique<Running>(options, events);
  TRIDENT_RETURN_IF_ERROR(running->Start());
  return std::unique_ptr<GrpcStreams>(new GrpcStreams(std::move(running)));
}

uint16_t GrpcStreams::port() const { return running_->port(); }

void GrpcStreams::Open(StreamId outgoing, const std::string& address, std::string first) {
  running_->Open(outgoing, address, std::move(first));
}

void GrpcStreams::Write(StreamId outgoing, BundleBytes message) {
  running_->Write(outgoing, std::move(message));
}

}  // namespace trident
