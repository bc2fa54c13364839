// SPDX-License-Identifier: Apache-2.0
//
// EpochReads: how the states of all workers are reached, epoch by epoch.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_READS_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_READS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "coordinator/cluster/control_words.h"
#include "coordinator/cluster/part_reads.h"

namespace trident {

// Thread-safe.
class EpochReads {
 public:
  // Makes the way to the worker that listens at "host:port".
  using Reach = std::function<std::unique_ptr<PartReads>(const std::string& address)>;
  EpochReads(WorkerId self, std::shared_ptr<PartReads> own, Reach reach)
      : self_(self), own_(std::move(own)), reach_(std::move(reach)) {}

  // The workers of an epoch, and where they listen.
  void Welcomed(const Welcome& welcome);
  // The part of a worker in an epoch; null: no such worker of that epoch is known.
  std::shared_ptr<PartReads> PartOf(Epoch epoch, WorkerId worker);
  // Where a worker listened in the last epoch that was heard of; "": none was.
  std::string AddressOf(WorkerId worker) const;

 private:
  const WorkerId self_;
  const std::shared_ptr<PartReads> own_;
  const Reach reach_;

  mutable Mutex mutex_;
  Welcome welcome_ TRIDENT_GUARDED_BY(mutex_);
  std::map<WorkerId, std::shared_ptr<PartReads>> far_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_READS_H_
