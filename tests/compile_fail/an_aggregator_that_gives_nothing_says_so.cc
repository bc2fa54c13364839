// SPDX-License-Identifier: Apache-2.0
// EXPECT: One that may give nothing, to remove a key, has a std::optional as its Value
#include <optional>

#include "trident/topology.h"

constexpr trident::Field<int64_t> kAmount{"amount"}, kSum{"sum"};

struct Balance {
#ifdef TRIDENT_FIXED
  using Value = std::optional<int64_t>;
#else
  using Value = int64_t;
#endif
  std::optional<int64_t> Zero() const { return std::nullopt; }
  std::optional<int64_t> Init(int64_t amount) const { return amount; }
  std::optional<int64_t> Combine(std::optional<int64_t> a, std::optional<int64_t> b) const {
    const int64_t sum = a.value_or(0) + b.value_or(0);
    return sum == 0 ? std::nullopt : std::optional(sum);
  }
};

void Balances(const trident::Stream& stream) {
  stream.PersistentAggregate({.name = "balances"}, kAmount, Balance(), kSum);
}
