// SPDX-License-Identifier: Apache-2.0
//
// Maps of numbers and timestamps.
#include "trident/plan/map_in_store.h"

namespace trident::state_internal {

template std::shared_ptr<MapDeclaration<int64_t>> NewLibraryMap(StateSpec, CombineValues<int64_t>);
template std::shared_ptr<MapDeclaration<Timestamp>> NewLibraryMap(StateSpec,
                                                                  CombineValues<Timestamp>);
template std::shared_ptr<MapDeclaration<double>> NewLibraryMap(StateSpec, CombineValues<double>);

}  // namespace trident::state_internal
