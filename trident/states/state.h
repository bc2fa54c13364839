// SPDX-License-Identifier: Apache-2.0
//
// State: a state that a program keeps wherever it likes, one object per partition. An updater
// (Stream::PartitionPersist) changes it, a query function (Stream::StateQuery) reads it.
//
// For each batch, in txid order, every partition gets
//
//   BeginCommit(t)    before anything else of t
//   (the updater)     once, also when the batch has no row here
//   Commit(t)         t is complete here; the state must remember `t` with its data
//
// The calls come before t is decided, and only after t - 1 is, so no other batch is staged over
// such a state meanwhile. If t fails after that, or the process dies, the same calls come again
// with the same txid; whether its rows are the same depends on the spout (see StateKind in the
// guarantee table of README.md). The state is declared with a promise (its StateKind), which says
// how it deals with that. A txid older than the last one that the state committed belongs to
// another run: BeginCommit should return an error.
#ifndef TRIDENT_TRIDENT_STATES_STATE_H_
#define TRIDENT_TRIDENT_STATES_STATE_H_

#include <cstdint>

#include "base/ids.h"
#include "base/status.h"

namespace trident {

// Calls to one object never overlap. Those for a batch come from an executor thread, those for
// queries from any thread. An error, or an exception, fails the batch, which is then made again.
class State {
 public:
  virtual ~State() = default;
  virtual Status BeginCommit(TxId txid) = 0;
  virtual Status Commit(TxId txid) = 0;
};

// The partition of a state that an object is for.
struct StateSlice {
  PartitionId partition;
  uint32_t partitions;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_STATE_H_
