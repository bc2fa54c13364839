// SPDX-License-Identifier: Apache-2.0
// EXPECT: OutsideTable<T>: T must be derived from trident::KeyedTable<Stored, Keys...>
#include "trident/outside_table.h"

#ifdef TRIDENT_FIXED
class Prices : public trident::KeyedTable<double, trident::Text> {};
#else
class Prices {};
#endif

auto Home() { return trident::OutsideTable<Prices>(nullptr); }
