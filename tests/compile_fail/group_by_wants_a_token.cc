// SPDX-License-Identifier: Apache-2.0
// EXPECT: fields are named by tokens: give a constexpr Field<T> kName{"name"}, or several by Fields
#include "trident/topology.h"

constexpr trident::Field<trident::Text> kWord{"word"};

trident::GroupedStream ByWord(const trident::Stream& stream) {
#ifdef TRIDENT_FIXED
  return stream.GroupBy(kWord);
#else
  return stream.GroupBy("word");
#endif
}
