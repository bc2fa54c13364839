// SPDX-License-Identifier: Apache-2.0
//
// PeerLinks: the transport between the workers of one epoch. A message for a task of this worker is
// delivered at once; one for another worker waits in the queue of the link to that worker. While a
// link writes a bundle, all that comes meanwhile joins the next one; an idle link writes at once.
//
// Who sends never waits, so no two tasks can wait for each other. What may wait here is bounded
// where batches are cut, and QueuedBytes shows it. Nothing is sent twice: a link that breaks loses
// what it carried, and its owner fails the attempts that were on their way.
#ifndef TRIDENT_ENGINE_LINKS_PEER_LINKS_H_
#define TRIDENT_ENGINE_LINKS_PEER_LINKS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"
#include "engine/links/grpc_streams.h"
#include "engine/links/hello.h"
#include "engine/links/link_queue.h"
#include "engine/transport/transport.h"

namespace trident {

// What links have done so far.
struct LinkCounts {
  uint64_t bundles_sent = 0;
  uint64_t bundles_taken = 0;
  // Messages to a worker without a link, or whose link broke while they waited.
  uint64_t messages_unsent = 0;
  uint64_t peers_refused = 0;     // links that did not say whose they are, or that `accept` refused
  uint64_t bundles_damaged = 0;   // that could not be read; the link ended
  uint64_t bundles_strange = 0;   // of another epoch, or of another worker than the link's
  uint64_t messages_refused = 0;  // that `deliver` refused
};

// Thread-safe. `accept`, `on_broken` and `deliver` of what came run on the one thread of the links;
// they must not block, nor destroy the links, and no lock is held then. `deliver` of what stays in
// the process runs on its sender's thread. `worker_of` and `tasks_of` run on any thread, also under
// a lock, so they must not use the links.
class PeerLinks final : public Transport, private StreamEvents {
 public:
  struct Options {
    PeerLife self;
    // See GrpcStreams; the token is a secret of the topology's workers.
    HostPort address{"127.0.0.1", 0};
    std::optional<TlsContent> tls = std::nullopt;
    std::string token;
    grpc::Service* beside = nullptr;
    // In which worker a task is. The same at all workers.
    std::function<WorkerId(const TaskAddress&)> worker_of;
    // How many tasks a stage has, over all workers; 0: there is no such stage.
    std::function<uint32_t(StageId)> tasks_of;
    // Whether a worker in this life may send. Its token is right already.
    std::function<Status(const PeerLife&)> accept;
    // The other worker takes what the link to it carries. Null: nobody asks.
    std::function<void(WorkerId)> on_connected = nullptr;
    // Takes a message for a task of this worker. Not ok: it is refused, and counted.
    std::function<Status(DataMessage)> deliver;
    // The link to a worker, or from it, has ended; each may be told. What was on its way is lost.
    std::function<void(WorkerId, const Status&)> on_broken;
  };
  // Listens. Unavailable: the port cannot be had.
  static StatusOr<std::unique_ptr<PeerLinks>> Start(Options options);
  // Ends all links, and tells nobody of it. `deliver` may be called meanwhile, but not later.
  // REQUIRES: nobody sends any more.
  ~PeerLinks() override;

  uint16_t port() const { return streams_->port(); }
  // Opens the link to a worker that listens at "host:port", for the first time or after it broke.
  // Failures are told by on_broken. REQUIRES: there is no link to it.
  void Connect(WorkerId worker, const std::string& address);
  // Whether there is a link to it, though it may not be connected yet.
  bool HasLink(WorkerId worker) const { return FindLink(worker) != nullptr; }
  // Whether it takes what the link to it carries. No more, once on_broken tells of this link.
  bool IsConnected(WorkerId worker) const;

  // Transport. REQUIRES: the rows of a frame for another worker are a FramePayload.
  void Send(DataMessage message) override;
  void SendTogether(std::vector<DataMessage> messages) override;
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override;

  // Bytes that wait for the link to a worker, without those that gRPC has taken.
  uint64_t QueuedBytes(WorkerId worker) const;
  LinkCounts counts() const;

 private:
  // The tasks that one worker has. A stage that is not there leaves nothing behind, or strange
  // bundles would fill it.
  class TasksOfWorker {
   public:
    // `options` outlives it.
    TasksOfWorker(const Options* options, WorkerId worker) : options_(options), worker_(worker) {}
    std::span<const uint32_t> Of(StageId stage);

   private:
    const Options* options_;
    WorkerId worker_;
    std::map<StageId, std::vector<uint32_t>> known_;
  };
  // The way to one worker.
  struct Link {
    Link(WorkerId to, StreamId on, LinkQueue waiting)
        : worker(to), stream(on), queue(std::move(waiting)) {}
    const WorkerId worker;
    const StreamId stream;
    Mutex mutex;
    bool is_idle TRIDENT_GUARDED_BY(mutex) = false;  // nothing is being written
    bool is_over TRIDENT_GUARDED_BY(mutex) = false;
    bool is_taken TRIDENT_GUARDED_BY(mutex) = false;  // by the other worker
    LinkQueue queue TRIDENT_GUARDED_BY(mutex);
  };

  explicit PeerLinks(Options options);

  Status OnMessage(StreamId incoming, std::string_view bytes, const BufferRef& keep) override;
  void OnIncomingEnded(StreamId incoming, const Status& status) override;
  void OnAccepted(StreamId outgoing) override;
  void OnWritable(StreamId outgoing) override;
  void OnOutgoingEnded(StreamId outgoing, const Status& status) override;

  void SendTo(WorkerId worker, std::span<DataMessage> messages);
  void Deliver(DataMessage message);
  Status Meet(StreamId incoming, std::string_view hello);
  Status TakeBundle(const PeerLife& peer, std::string_view bytes, const BufferRef& keep);
  void TellBroken(WorkerId worker, const Status& status);
  std::shared_ptr<Link> FindLink(WorkerId worker) const;
  std::shared_ptr<Link> FindStream(StreamId outgoing) const;
  void Count(uint64_t LinkCounts::*what, uint64_t n = 1);

  const Options options_;
  std::atomic<bool> is_ending_ = false;

  mutable Mutex mutex_;
  StreamId next_stream_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::map<WorkerId, std::shared_ptr<Link>> links_ TRIDENT_GUARDED_BY(mutex_);
  LinkCounts counts_ TRIDENT_GUARDED_BY(mutex_);

  // Of the thread of the links alone.
  std::map<StreamId, PeerLife> peers_;
  TasksOfWorker tasks_here_;

  std::unique_ptr<GrpcStreams> streams_;  // last, so that it ends first
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_PEER_LINKS_H_
