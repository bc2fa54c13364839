// SPDX-License-Identifier: Apache-2.0
//
// Known: how much memory knows of a key's value. It becomes the whole value once the base is read:
// a delta 2 over a base 5 becomes 7.
#ifndef TRIDENT_STATE_MAP_KNOWN_VALUE_H_
#define TRIDENT_STATE_MAP_KNOWN_VALUE_H_

#include "state/map/hot_table.h"

namespace trident {

// `value` counts if the presence is kPresent or kDelta; it is not owned.
template <class V>
struct Known {
  Presence presence;
  const V* value;
};

// Calls report(value) once with the whole value; null: the key has none. `base` is the value that
// the base has, or null; a known value does not ask for it. combine(base, delta) gives a value. The
// reported value is good during the call.
template <class V, class Combine, class Report>
void ReportOverBase(const Known<V>& known, const V* base, Combine&& combine, Report&& report) {
  switch (known.presence) {
    case Presence::kPresent:
      return report(known.value);
    case Presence::kDelta: {
      if (base == nullptr) return report(known.value);
      const V value = combine(*base, *known.value);
      return report(&value);
    }
    case Presence::kUnread:
      return report(base);
    default:
      return report(static_cast<const V*>(nullptr));
  }
}

// The same in place: makes a value known that is not. A known one stays as it is, and so does any
// if combine throws.
template <class V, class Combine>
void ResolveOverBase(Presence& presence, V& value, const V* base, Combine&& combine) {
  if (presence == Presence::kUnread) {
    if (base != nullptr) value = *base;
    presence = base == nullptr ? Presence::kAbsent : Presence::kPresent;
  } else if (presence == Presence::kDelta) {
    if (base != nullptr) value = combine(*base, value);
    presence = Presence::kPresent;
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_KNOWN_VALUE_H_
