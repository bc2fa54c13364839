// SPDX-License-Identifier: Apache-2.0
// EXPECT: Field<T>: T is no type of a field. Use int64_t, double, bool, Text, Bytes
#include "base/codec.h"
#include "trident/topology.h"

struct Money {
  int64_t cents = 0;
};
#ifdef TRIDENT_FIXED
template <>
struct trident::UserCodec<Money> {
  static constexpr std::string_view kName = "money";
  static void Encode(const Money& money, std::string& out) { out = std::to_string(money.cents); }
  static bool Decode(std::string_view bytes, Money& out) {
    out.cents = static_cast<int64_t>(bytes.size());
    return true;
  }
};
#endif

constexpr trident::Field<Money> kPrice{"price"};
