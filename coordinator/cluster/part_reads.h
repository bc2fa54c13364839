// SPDX-License-Identifier: Apache-2.0
//
// PartReads: reads of those partitions of the states that one worker has, by another worker, which
// puts the parts together.
#ifndef TRIDENT_COORDINATOR_CLUSTER_PART_READS_H_
#define TRIDENT_COORDINATOR_CLUSTER_PART_READS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "state/view/readable_state.h"

namespace trident {

// Who reads what.
struct PartRead {
  Epoch epoch;
  WorkerId reader;
  std::string state;
  GroupId group;  // of the state
  TxId txid;      // that is read
  // The oldest txid of the group that the reader holds; zero: none. The worker keeps it readable
  // until the reader says another one, or nothing for kPartHoldMs.
  TxId held;
  // Grows with each read of this reader in an epoch. Reads may overtake each other; what an earlier
  // one says of `held` means nothing then.
  uint64_t said = 0;
};

// What a worker can say of its part of a state.
struct PartCounts {
  uint64_t keys = 0;
  uint64_t expired = 0;
  uint64_t unreadable = 0;
};

// Thread-safe. A call may wait for the worker, so it is for no thread that must not wait.
//
// Errors of all of them. Unavailable: the worker is not in this epoch, yet or any more, or cannot
// be reached, or does not see the txid within kPartTxIdMsMax. OutOfRange: the txid is not readable
// there any more. NotFound: there is no such state.
class PartReads {
 public:
  virtual ~PartReads() = default;

  // One answer a key, in their order. REQUIRES: the keys are of partitions that the worker has.
  virtual StatusOr<ReadableState::Answers> Get(const PartRead& read,
                                               std::span<const std::string_view> keys) = 0;
  // See ReadableState::Scan.
  virtual StatusOr<StatePage> Scan(const PartRead& read, const KeyRange& range,
                                   PageLimits limits) = 0;
  // See ReadableState::FirstChanges; the last txid is that of the read.
  virtual StatusOr<ChangesAt> FirstChanges(const PartRead& read, TxId after,
                                           const KeyRange& range) = 0;
  virtual StatusOr<PartCounts> Counts(const PartRead& read) = 0;
  // Keeps what `read.held` says, and reads nothing.
  virtual Status Hold(const PartRead& read) = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PART_READS_H_
