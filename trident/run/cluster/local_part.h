// SPDX-License-Identifier: Apache-2.0
//
// LocalPart: the partitions of this worker's states, for readers in any worker. It answers in the
// epoch in which the worker works, and keeps what other workers hold.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_LOCAL_PART_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_LOCAL_PART_H_

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/cluster/part_reads.h"
#include "trident/run/cluster/cluster_worker.h"

namespace trident {

// Thread-safe.
class LocalPart final : public PartReads {
 public:
  // What the worker works in now; any thread asks.
  using WorkingNow = std::function<ClusterWorker::Working()>;
  LocalPart(WorkerId self, WorkingNow now, const Clock& clock = RealClock())
      : self_(self), now_(std::move(now)), clock_(clock) {}

  StatusOr<ReadableState::Answers> Get(const PartRead& read,
                                       std::span<const std::string_view> keys) override;
  StatusOr<StatePage> Scan(const PartRead& read, const KeyRange& range, PageLimits limits) override;
  StatusOr<ChangesAt> FirstChanges(const PartRead& read, TxId after,
                                   const KeyRange& range) override;
  StatusOr<PartCounts> Counts(const PartRead& read) override;
  Status Hold(const PartRead& read) override;

  // Lets go of what is held for workers that have said nothing for kPartHoldMs, or in an epoch that
  // is over.
  void DropStaleHolds();

 private:
  // What is held for another worker.
  struct Held {
    ClusterWorker::Working in;    // what the cut is of; goes after it
    std::optional<Snapshot> cut;  // null: nothing is held
    uint64_t said = 0;            // the last word about it
    Nanos said_at = 0;
  };
  // Reads at the txid, in the epoch of the read, and not beyond it.
  template <class Read>
  auto At(const PartRead& read, Read answer) -> decltype(answer(std::declval<ReadableState&>()));
  StatusOr<ClusterWorker::Working> Enter(const PartRead& read) const;
  Status AwaitTxId(const PartRead& read, const WorkerParts& parts) const;
  Status Keep(const PartRead& read, const ClusterWorker::Working& working);

  const WorkerId self_;
  const WorkingNow now_;
  const Clock& clock_;

  Mutex mutex_;
  std::map<std::pair<WorkerId, GroupId>, Held> held_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_LOCAL_PART_H_
