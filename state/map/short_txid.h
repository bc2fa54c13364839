// SPDX-License-Identifier: Apache-2.0
//
// ShortTxId: the low half of a txid. A change has no room for the whole one.
#ifndef TRIDENT_STATE_MAP_SHORT_TXID_H_
#define TRIDENT_STATE_MAP_SHORT_TXID_H_

#include <cstdint>

#include "base/ids.h"

namespace trident {

// REQUIRES of all comparisons: the two txids are less than 2^31 apart.
class ShortTxId {
 public:
  ShortTxId() = default;
  explicit ShortTxId(TxId t) : low_(static_cast<uint32_t>(t.value())) {}

  bool IsAfter(TxId t) const {
    return static_cast<int32_t>(low_ - static_cast<uint32_t>(t.value())) > 0;
  }
  friend bool operator==(const ShortTxId&, const ShortTxId&) = default;

 private:
  uint32_t low_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_SHORT_TXID_H_
