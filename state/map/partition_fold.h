// SPDX-License-Identifier: Apache-2.0
//
// PartitionFold: the way of one partition's committed changes into the base. The fold
// (state/fold.h) calls, on its own thread and in this order:
//
//     Collect until it says that nothing is left: reads each changed key's value at exactly txid()
//     Merge: sorts; looks up the base under deltas, or decides to append them unread
//     WriteTo(load): the marker, then every row, in key order
//     ... the load is installed ...
//     Finish: entries that have not changed since are clean now
//
// Dropping it before Merge leaves the partition as if the fold had not been tried. After an error,
// or when it is dropped later, the base may have the rows or not: the partition stays right, but
// must not be folded again.
#ifndef TRIDENT_STATE_MAP_PARTITION_FOLD_H_
#define TRIDENT_STATE_MAP_PARTITION_FOLD_H_

#include <cstdint>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/store_layout.h"

namespace trident {

class PartitionFold {
 public:
  virtual ~PartitionFold() = default;

  // Reads up to `entries` changed keys, holding the owner up meanwhile. False: there are no more.
  virtual bool Collect(uint32_t entries) = 0;
  // DataLoss when a value in the base cannot be read.
  virtual Status Merge() = 0;
  // Bytes of rows between Collect and Finish.
  virtual uint64_t bytes() const = 0;
  // The marker that the base will have.
  virtual const Marker& marker() const = 0;
  virtual Status WriteTo(BulkLoad& load) = 0;
  // The rows are written: gives their memory back.
  virtual void ReleaseRows() = 0;
  // DataLoss when a value in the base cannot be read.
  virtual Status Finish() = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_PARTITION_FOLD_H_
