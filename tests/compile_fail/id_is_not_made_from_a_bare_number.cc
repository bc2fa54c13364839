// SPDX-License-Identifier: Apache-2.0
// EXPECT: could not convert '7' from 'int' to 'trident::TxId'
#include "base/ids.h"

#ifdef TRIDENT_FIXED
trident::TxId Seventh() { return trident::TxId(7); }
#else
trident::TxId Seventh() { return 7; }
#endif
