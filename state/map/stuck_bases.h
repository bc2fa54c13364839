// SPDX-License-Identifier: Apache-2.0
//
// StuckBases: the bases under deltas that a fold could not combine, because the program's combiner
// or codec threw. The fold appends such a delta to the base unread (state/map/earlier_bases.h), and
// most of the time the entry then forgets it. But an entry that was changed meanwhile still has its
// delta over the base as it was. So the value that the key had there is kept here, as bytes, until
// the entry has nothing to combine any more, and nobody may ask for what it had.
#ifndef TRIDENT_STATE_MAP_STUCK_BASES_H_
#define TRIDENT_STATE_MAP_STUCK_BASES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "state/map/earlier_bases.h"
#include "state/map/short_txid.h"

namespace trident {

// A base that has one key, under `stored_key`, with `value`.
BaseRef BaseOfOneKey(std::string stored_key, std::string value);

// Owned by a MapPartition, whose locks guard it: looked at under either, changed under both.
class StuckBases {
 public:
  bool empty() const { return slots_.empty(); }
  bool Has(uint32_t slot) const { return !slots_.empty() && slots_.contains(slot); }

  // The values of the slot that are not known lie over `under`, from those on that the txids after
  // `since` replaced. Does nothing if they are stuck already.
  void Stick(uint32_t slot, TxId since, BaseRef under);
  // The fold of the txids up to `until` has written what was stuck: newer values lie over the
  // present base. Does nothing if the slot is not stuck.
  void Unstick(uint32_t slot, TxId until);
  // Forgets what nobody can ask for when `oldest` is the oldest readable txid.
  void Release(TxId oldest);

  // The base under the newest values of the slot. Null: they are not stuck.
  BaseRef UnderNewest(uint32_t slot) const;
  // The base under the value that the change of `by` replaced. Null: that one is not stuck.
  BaseRef UnderReplaced(uint32_t slot, ShortTxId by) const;

 private:
  struct Span {
    TxId since;
    TxId until;  // 0: it is stuck now
    BaseRef under;
  };
  std::unordered_map<uint32_t, std::vector<Span>> slots_;  // oldest first
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_STUCK_BASES_H_
