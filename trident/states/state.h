// SPDX-License-Identifier: Apache-2.0
//
// State: a state that a program keeps wherever it likes, one object per partition. An updater
// (Stream::PartitionPersist) changes it, a query function (Stream::StateQuery) reads it.
//
// For each batch, in txid order, every partition gets
//
//   BeginCommit(t)    before anything else of t
//   (the updater)     once, also when the batch has no row here
//   Commit(t)         t is complete here; `t` is to be remembered with it
//
// The calls come before t is decided, and only after t - 1 is: a batch is staged over such a state
// alone. When t fails after that, or the process dies, the same calls come again with the same
// txid; whether its rows are the same depends on the spout (see StateKind in the guarantee table of
// README.md). What the state makes of that is the promise that it is declared with. It must never
// see a txid older than the last one it committed: then it belongs to another run, and BeginCommit
// should return an error.
#ifndef TRIDENT_TRIDENT_STATES_STATE_H_
#define TRIDENT_TRIDENT_STATES_STATE_H_

#include <cstdint>

#include "base/ids.h"
#include "base/status.h"

namespace trident {

// The calls to one object never overlap; they come from an executor thread, and queries from any.
// An error, or an exception, fails the batch, which is then made again.
class State {
 public:
  virtual ~State() = default;
  virtual Status BeginCommit(TxId txid) = 0;
  virtual Status Commit(TxId txid) = 0;
};

// Which slice of a state an object is for.
struct StateSlice {
  PartitionId partition;
  uint32_t partitions;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_STATE_H_
