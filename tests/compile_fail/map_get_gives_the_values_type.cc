// SPDX-License-Identifier: Apache-2.0
// EXPECT: StateQuery: the query must be callable, as const, with a const V* of the state's value
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"};
#ifdef TRIDENT_FIXED
constexpr trident::Field<int64_t> kFound{"found"};
#else
constexpr trident::Field<double> kFound{"found"};
#endif

trident::Stream Found(const trident::Stream& stream) {
  const auto counts = stream.PersistentAggregate({.name = "counts"}, trident::Count(), kCount);
  return stream.StateQuery(counts, trident::FieldList<>{}, trident::MapGet(), kFound);
}
