// SPDX-License-Identifier: Apache-2.0
//
// ClusterCatalog: the states of a topology of several workers, as one of them shows them. It puts
// together the parts that the workers have, and lives as long as the process: epochs come and go
// below it.
//
// How no reader goes back, through whatever worker. A txid is published anywhere only after every
// worker has said that it has applied it. So who reads the latest takes the newest txid that this
// worker has said so of, and gets the answer when that is published here.
//
// While an epoch begins, reads wait for it, for a while. A cut that is held then, by a scan or a
// watch, is lost (OutOfRange), unless the epoch starts at its txid and a moment passes
// before it commits more.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CATALOG_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CATALOG_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "coordinator/cluster/part_reads.h"
#include "state/view/state_catalog.h"
#include "trident/run/cluster/cluster_worker.h"

namespace trident {

// A state of the topology, and which worker has each of its partitions.
struct PlacedState {
  StateInfo info;
  std::vector<WorkerId> owners;  // by partition
};

class ClusterCatalog final : public StateCatalog {
 public:
  struct Options {
    WorkerId self;
    uint32_t workers = 1;
    std::vector<PlacedState> states;
    // What the worker works in now.
    std::function<ClusterWorker::Working()> now;
    // The part of a worker in an epoch; null: there is no such worker in it, as far as is known.
    std::function<std::shared_ptr<PartReads>(Epoch, WorkerId)> part_of;
    // Called some times a second.
    std::function<void()> on_tick = nullptr;
    // How long a read waits while an epoch begins.
    Nanos epoch_wait = kEpochWaitMsMax * kMillisecond;
  };
  explicit ClusterCatalog(Options options);
  ~ClusterCatalog() override;  // REQUIRES: nothing that it gave out is left

  std::vector<const ReadableState*> List() const override;
  StatusOr<const ReadableState*> Find(std::string_view name) const override;
  TxId Published(GroupId group) const override;
  TxId Newest(GroupId group) const override;
  bool MayWait() const override { return true; }
  // Waits for an epoch, if there is none; for Latest also until the newest txid is published.
  // Unavailable: not in time.
  StatusOr<Snapshot> Pin(GroupId group, const ReadAt& at) const override;
  StatusOr<Snapshot> PinEverywhere(GroupId group, const ReadAt& at) const override;
  StatusOr<Watch> Follow(const ReadableState& state, KeyRange range, TxId after) const override;

  // Whatever waits ends with Unavailable, and so does what would wait.
  void Stop();
  // Tells the other workers what is held here. Its own thread does so now and then.
  void TellHolds() const;

 private:
  class State;
  // A cut that a reader holds, over the epochs.
  class Pinned;

  StatusOr<ClusterWorker::Working> AwaitEpoch(Nanos deadline) const;
  StatusOr<Snapshot> PinIn(const ClusterWorker::Working& working, GroupId group,
                           const ReadAt& at) const;
  StatusOr<Snapshot> PinAtLeast(GroupId group, TxId txid, Nanos wait) const;
  // Calls read(part, which) -> StatusOr<T> with the part of `worker` in the epoch that goes on, and
  // again while that is not there yet; at most until epoch_wait has passed, or `wait`.
  template <class Read>
  auto ReadPart(WorkerId worker, PartRead which, Read read) const
      -> decltype(read(std::declval<PartReads&>(), which)) {
    return ReadPart(worker, std::move(which), options_.epoch_wait, read);
  }
  template <class Read>
  auto ReadPart(WorkerId worker, PartRead which, Nanos wait, Read read) const
      -> decltype(read(std::declval<PartReads&>(), which));
  // Says in `read` what is held here.
  void SayHeld(PartRead& read) const;
  // Lets go of the states of epochs that are over.
  void MovePins() const;
  void Run();

  const Options options_;
  std::map<std::string, std::unique_ptr<State>, std::less<>> states_;  // constant

  mutable Mutex mutex_;
  mutable CondVar stopped_;
  mutable std::set<Pinned*> pinned_ TRIDENT_GUARDED_BY(mutex_);
  mutable std::map<GroupId, std::multiset<TxId>> pins_ TRIDENT_GUARDED_BY(mutex_);
  // The groups of which other workers were told that a txid is held.
  mutable std::set<GroupId> told_ TRIDENT_GUARDED_BY(mutex_);
  mutable uint64_t said_ TRIDENT_GUARDED_BY(mutex_) = 0;  // to other workers, about holds
  mutable std::map<GroupId, TxId> last_published_ TRIDENT_GUARDED_BY(mutex_);
  bool stops_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CATALOG_H_
