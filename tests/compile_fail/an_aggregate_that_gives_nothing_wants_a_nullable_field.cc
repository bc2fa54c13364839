// SPDX-License-Identifier: Apache-2.0
// EXPECT: a std::optional of it for a std::optional
#include <optional>

#include "trident/topology.h"

constexpr trident::Field<int64_t> kAmount{"amount"};
#ifdef TRIDENT_FIXED
constexpr trident::Field<std::optional<int64_t>> kLast{"last"};
#else
constexpr trident::Field<int64_t> kLast{"last"};
#endif

struct Last {
  using Value = std::optional<int64_t>;
  Value Init() const { return std::nullopt; }
  void Reduce(Value& last, int64_t amount) const { last = amount; }
};

void Lasts(const trident::Stream& stream) { stream.Aggregate(kAmount, Last(), kLast); }
