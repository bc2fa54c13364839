// SPDX-License-Identifier: Apache-2.0
//
// EarlierBases: the base of a partition as it was before recent folds, for values that nobody has
// read.
//
// A value in memory may be known only as a delta over the base, or as whatever the base has. A fold
// need not read the base for it: it appends the delta to the base (BulkLoad::Append). But then the
// base changes before the entries in memory do. With base 5 and delta 2, a reader must see 7
// throughout; were the delta still combined with the new base, it would see 9. So a fold that
// appends keeps a view of the base as it was, and each value is combined with the base that it lies
// over:
//
//   while the fold goes on    An entry that the fold is at lies over the view. When the new base is
//                             installed, the fold goes through these entries. One that has not
//                             changed since becomes unread, over the present base. One that has
//                             changed is read in the view; from then on its value is known.
//   after the fold            A previous value that a folded txid replaced still lies over the
//   view.
//                             Readers may ask for it until the last folded txid is the oldest one
//                             that is readable; then the view is released.
//
// Every other value lies over the present base.
#ifndef TRIDENT_STATE_MAP_EARLIER_BASES_H_
#define TRIDENT_STATE_MAP_EARLIER_BASES_H_

#include <memory>
#include <vector>

#include "base/ids.h"
#include "state/disk/durable_store.h"
#include "state/map/short_txid.h"

namespace trident {

// The base that a value lies over: an earlier one, or null: the present one.
using BaseRef = std::shared_ptr<const BaseView>;

// Owned by a MapPartition, whose locks guard it: looked at under either, changed under both.
class EarlierBases {
 public:
  // A fold is going to append the deltas of the txids up to `until`; `before` is the base without
  // them. REQUIRES: no other fold is appending; `until` is not below that of an earlier fold.
  void BeginAppending(TxId until, BaseRef before);
  // The fold has ended and no entry lies over its view any more. Does nothing if none is appending.
  void EndAppending() { appending_ = false; }
  bool IsAppending() const { return appending_; }
  // The view of the fold that is appending. REQUIRES: IsAppending().
  const BaseRef& BeforeFold() const;

  // The base under a previous value that the change of txid `by` replaced: the earliest view that
  // does not have that change. Null: no view is without it, so the value lies over what its entry
  // lies over.
  BaseRef UnderReplaced(ShortTxId by) const;

  // Releases the views that nobody can ask for when `oldest` is the oldest readable txid. That of
  // the fold that is appending stays.
  void Release(TxId oldest);

 private:
  struct View {
    TxId until;
    BaseRef before;
  };
  std::vector<View> views_;  // oldest first
  bool appending_ = false;   // the fold that the newest view belongs to
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_EARLIER_BASES_H_
