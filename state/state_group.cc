// SPDX-License-Identifier: Apache-2.0
#include "state/state_group.h"

#include <algorithm>

namespace trident {

TxId StateGroup::FoldedUpTo() const {
  TxId least = timeline_.published();
  for (const StatePartition* partition : partitions_) {
    least = std::min(least, partition->marker().txid);
  }
  return least;
}

}  // namespace trident
