// SPDX-License-Identifier: Apache-2.0
#include "state/map/short_txid.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace trident {
namespace {

TEST(ShortTxIdTest, ComparesAsTheWholeTxidDoesAlsoWhereTheLowHalfWrapsAround) {
  constexpr uint64_t kWrap = uint64_t{7} << 32;
  for (const uint64_t a : {kWrap - 2, kWrap - 1, kWrap, kWrap + 1, kWrap + 1'000'000}) {
    for (const uint64_t b : {kWrap - 2, kWrap - 1, kWrap, kWrap + 1, kWrap + 1'000'000}) {
      EXPECT_EQ(ShortTxId(TxId(a)).IsAfter(TxId(b)), a > b) << a - kWrap << ' ' << b - kWrap;
      EXPECT_EQ(ShortTxId(TxId(a)) == ShortTxId(TxId(b)), a == b);
    }
  }
}

}  // namespace
}  // namespace trident
