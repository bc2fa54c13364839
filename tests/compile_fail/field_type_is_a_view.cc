// SPDX-License-Identifier: Apache-2.0
// EXPECT: Field<T>: T is no type of a field. Use int64_t, double, bool, Text, Bytes
#include <string>

#include "trident/topology.h"

#ifdef TRIDENT_FIXED
constexpr trident::Field<trident::Text> kWord{"word"};
#else
constexpr trident::Field<std::string> kWord{"word"};
#endif
