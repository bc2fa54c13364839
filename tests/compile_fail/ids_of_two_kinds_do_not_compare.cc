// SPDX-License-Identifier: Apache-2.0
// EXPECT: no match for 'operator=='
#include "base/ids.h"

#ifdef TRIDENT_FIXED
using Other = trident::TxId;
#else
using Other = trident::PartitionId;
#endif

bool Same(trident::TxId txid, Other other) { return txid == other; }
