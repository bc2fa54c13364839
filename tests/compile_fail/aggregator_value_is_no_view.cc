// SPDX-License-Identifier: Apache-2.0
// EXPECT: Aggregate: the aggregator's Value is a view (Text, Bytes, List) into a batch that
#include <string>

#include "trident/topology.h"

constexpr trident::Field<trident::Text> kWord{"word"}, kFirst{"first"};

struct First {
#ifdef TRIDENT_FIXED
  using Value = std::string;
#else
  using Value = trident::Text;
#endif
  Value Zero() const { return {}; }
  Value Init(trident::Text word) const { return Value(word); }
  Value Combine(Value a, Value b) const { return b < a ? b : a; }
};

trident::Stream FirstWord(const trident::Stream& stream) {
  return stream.Aggregate(kWord, First(), kFirst);
}
