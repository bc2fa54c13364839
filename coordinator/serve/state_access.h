// SPDX-License-Identifier: Apache-2.0
//
// Reading states by name and by values whose types are known only at run time: what the query
// service and the offline commands share. No gRPC, no messages; usable in process.
#ifndef TRIDENT_COORDINATOR_SERVE_STATE_ACCESS_H_
#define TRIDENT_COORDINATOR_SERVE_STATE_ACCESS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"
#include "state/view/state_catalog.h"

namespace trident {

// Which keys of a state. Values are those of its key fields, in their order.
struct KeySelection {
  enum class Kind {
    kAll,
    kKey,     // `first` are all fields
    kPrefix,  // `first` are the first fields; a text in the key's last place is itself a prefix
    kRange,   // from `first` up to, not including, `last`; each may be missing or be a prefix
  };
  Kind kind = Kind::kAll;
  std::vector<Datum> first;
  std::vector<Datum> last;
};

// NotFound names the nearest state and those that there are.
StatusOr<const ReadableState*> FindState(const StateCatalog& catalog, std::string_view name);

// InvalidArgument names the state, its key fields and what does not fit; also for a key over
// kKeyBytesMax.
StatusOr<std::string> EncodeStateKey(const StateInfo& state, std::span<const Datum> key);
StatusOr<KeyRange> RangeOf(const StateInfo& state, const KeySelection& keys);

// DataLoss names the state when the bytes are not what its types say.
StatusOr<std::vector<Datum>> DecodeStateKey(const StateInfo& state, std::string_view key);
StatusOr<Datum> DecodeStateValue(const StateInfo& state, std::string_view value);

// "counts[word:text]", as messages name a state with its key.
std::string Describe(const StateInfo& state);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_STATE_ACCESS_H_
