// SPDX-License-Identifier: Apache-2.0
//
// GrpcStream: one control stream over gRPC's completion queues, the part that both of its ends
// have: one write and one read at a time, messages that wait, and an orderly end.
//
// A queue is served by one thread of ours. The threads of gRPC's callbacks would do as well while
// there is work, but sleep for up to 0.1 s after a quiet second.
#ifndef TRIDENT_COORDINATOR_CLUSTER_GRPC_STREAM_H_
#define TRIDENT_COORDINATOR_CLUSTER_GRPC_STREAM_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/cluster/control_timing.h"
#include "coordinator/cluster/outgoing_words.h"
#include "coordinator/cluster/peer_watch.h"

namespace trident {

// The tag of something that was started: `done` is called when it is over.
struct GrpcTag {
  std::function<void(bool ok)> done;
};

struct PollSteps {
  Nanos look_every = 0;
  std::function<void(Nanos now)> look;  // every `look_every`
  std::function<void()> after;          // after each tag and each look
};
// Serves a queue whose tags are GrpcTags, until it is shut down and empty.
void Poll(grpc::CompletionQueue& queue, const PollSteps& steps);

// What both ends set on a channel or server, by the names of gRPC.
std::vector<std::pair<std::string, int>> ChannelArguments(const ControlTiming& timing);

Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpcStatus(const Status& status);  // a message that is too long for a trailer is cut

class GrpcStream {
 public:
  // Times are of RealClock().
  struct Options {
    ControlTiming timing;
    int64_t queue_bytes_max = 0;
  };
  explicit GrpcStream(const Options& options);
  virtual ~GrpcStream() = default;
  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  // ---- any thread ----

  // Writes the message, or keeps it for the next write when one is under way. It is dropped when
  // the stream is not open. Never blocks. More than may wait ends the stream.
  void Send(std::string message);

  // Ends the stream at once, whatever the peer does. The first reason stays.
  void Cut(Status reason);

  // ---- the polling thread ----

  // Messages may be sent from now on, and are read.
  void Open();

  // Ends the stream when the write that is under way is done, and says why where this end can.
  void Close(Status reason);

  // Says that this end lives, now and at every look at which no write is under way.
  void BeHeard();

  // Cuts the stream when the peer is silent.
  void Look(Nanos now);

  bool IsOpen() const;
  Status reason() const;  // ok while it is open

 protected:
  virtual void StartWrite(const grpc::ByteBuffer& message, void* tag) = 0;
  virtual void StartRead(grpc::ByteBuffer* message, void* tag) = 0;
  // The last thing that is started.
  virtual void StartFinish(const Status& reason, void* tag) = 0;
  // Makes all that is under way fail soon. Any thread.
  virtual void Cancel() = 0;

  // While it is open. The bytes are gone afterwards.
  virtual void OnMessage(std::string_view bytes) = 0;
  // The peer sends no more: reason() says why, if this end knows. Once.
  virtual void OnClosed() = 0;
  // Nothing is under way any more, and nothing will be. The object may be destroyed once the tag
  // that is at hand has returned.
  virtual void OnOver() = 0;

 private:
  void Write(std::string message) TRIDENT_REQUIRES(mutex_);
  void Wrote(bool ok);
  void HaveRead(bool ok);
  void Finished();
  void FinishIfIdle() TRIDENT_REQUIRES(mutex_);
  void EndIfOver();

  const Options options_;
  // The polling thread's.
  PeerWatch watch_;
  bool is_heard_ = false;
  bool reading_ = false;
  bool closed_is_told_ = false;
  bool over_is_told_ = false;
  grpc::ByteBuffer incoming_;
  GrpcTag wrote_, read_, finished_;

  mutable Mutex mutex_;
  bool open_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool writing_ TRIDENT_GUARDED_BY(mutex_) = false;
  enum class Finish { kNotAsked, kAsked, kStarted, kDone };
  Finish finish_ TRIDENT_GUARDED_BY(mutex_) = Finish::kNotAsked;
  Status reason_ TRIDENT_GUARDED_BY(mutex_);
  OutgoingWords outgoing_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_GRPC_STREAM_H_
