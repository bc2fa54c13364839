// SPDX-License-Identifier: Apache-2.0
#include "state/view/readable_state.h"

#include <utility>

#include "base/key_encoding.h"

namespace trident {

KeyRange KeyRange::Prefix(std::string_view prefix) {
  return {std::string(prefix), PrefixEnd(prefix)};
}

KeyRange KeyRange::Just(std::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return {std::string(key), std::move(after)};
}

StatusOr<ChangesAt> ReadableState::FirstChanges(TxId after, TxId last,
                                                const KeyRange& range) const {
  for (TxId t = after.Next(); t <= last; t = t.Next()) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<StateChange> changes, ChangesOf(t, range));
    if (!changes.empty()) return ChangesAt{t, std::move(changes)};
  }
  return ChangesAt{last, {}};
}

}  // namespace trident
