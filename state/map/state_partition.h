// SPDX-License-Identifier: Apache-2.0
//
// StatePartition: one slice of one state, whatever its value type. The life of a change in it:
//
//     Stage: a txid's new values lie over the committed ones, unseen by readers (MapPartition<V>)
//     AppendRedo: its part of the redo record
//     Apply: the txid is decided, and its values are the committed ones
//     Fold: long after, the committed values go to the base (state/fold.h)
//
// or Abort instead of Apply. Txids are staged and applied in ascending order.
//
// Threads: the owner's calls come from one thread at a time, the executor that owns the partition.
// The fold now and then takes the owner's turn for some microseconds. Readers may be on any thread.
#ifndef TRIDENT_STATE_MAP_STATE_PARTITION_H_
#define TRIDENT_STATE_MAP_STATE_PARTITION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "state/disk/store_layout.h"

namespace trident {

class PartitionFold;

class StatePartition {
 public:
  virtual ~StatePartition() = default;

  virtual StateId state() const = 0;
  virtual PartitionId partition() const = 0;

  // ---- owner ----

  // Appends the changes of t as the content of one redo section (state/map/change_rows.h), and
  // returns the number of rows. Deterministic: the same Stage calls give the same bytes, whatever
  // is cached. REQUIRES: t has staged a change here; every Stage call of t was made; called once,
  // in txid order.
  virtual uint32_t AppendRedo(TxId t, std::string& out) = 0;
  // The staged changes of t become the committed ones. Does nothing if t staged nothing here.
  // REQUIRES: t is newer than all applied before, older than all else that is staged, and was
  // staged by this attempt.
  virtual void Apply(TxId t, Attempt attempt) = 0;
  // Forgets the staged changes of txid `from` and of later ones.
  virtual void Abort(TxId from) = 0;
  // At restart: stages and applies a decided section. DataLoss when it is not well-formed.
  virtual Status ReplayRedo(TxId t, Attempt attempt, std::string_view section) = 0;

  // ---- fold ----

  // How far the base of this partition is.
  virtual Marker marker() const = 0;
  // At the start, before anything else: one of the two.
  virtual void StartFrom(const Marker& marker) = 0;
  // The base has nothing of this partition, which came to be after txid `since`.
  virtual void StartEmpty(TxId since) = 0;
  // Bytes of committed changes that wait to be folded. Any thread.
  virtual uint64_t DirtyBytes() const = 0;
  // Everything that is needed to fold this partition up to `txid`, which must stay pinned until the
  // fold has collected. One at a time.
  virtual std::unique_ptr<PartitionFold> BeginFold(TxId txid, Attempt attempt) = 0;
  // The marker of this partition at `txid`, if nothing changed since that of the base: a fold need
  // write no more of it. Else nullopt. REQUIRES: as BeginFold.
  virtual std::optional<Marker> MarkerIfUnchanged(TxId txid, Attempt attempt) = 0;
  // The base has this marker, which MarkerIfUnchanged gave, by now.
  virtual void AdvanceTo(const Marker& marker) = 0;
  // Releases previous values that no reader can ask for any more and, while the budget is exceeded,
  // clean entries that were not used of late. Partitions do so themselves as they are used; this is
  // for those that are not.
  virtual void Trim() = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_STATE_PARTITION_H_
