// SPDX-License-Identifier: Apache-2.0
// EXPECT: StateQuery: the query must be callable, as const, with a const V* of the state's value
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kTwice{"twice"};

trident::Stream Twice(const trident::Stream& stream) {
  const auto counts = stream.PersistentAggregate({.name = "counts"}, trident::Count(), kCount);
#ifdef TRIDENT_FIXED
  const auto query = [](const int64_t* count, trident::Emit<int64_t>& emit) {
    if (count != nullptr) emit(2 * *count);
  };
#else
  const auto query = [](int64_t count) { return 2 * count; };
#endif
  return stream.StateQuery(counts, trident::FieldList<>{}, query, kTwice);
}
