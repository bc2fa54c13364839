// SPDX-License-Identifier: Apache-2.0
//
// Maps of values that own memory: text, bytes, and what only the program knows.
#include "trident/plan/map_in_store.h"

namespace trident::state_internal {

template std::shared_ptr<MapDeclaration<std::string>> NewLibraryMap(StateSpec,
                                                                    CombineValues<std::string>);
template std::shared_ptr<MapDeclaration<OwnedBytes>> NewLibraryMap(StateSpec,
                                                                   CombineValues<OwnedBytes>);

std::shared_ptr<MapDeclaration<UserValue>> NewUserValueMap(StateSpec spec, const ValueType& type,
                                                           CombineValues<UserValue> combine) {
  MapOptions<UserValue> options;
  options.combine = std::move(combine);
  options.codec.value_type = &type;
  return std::make_shared<MapInStore<UserValue>>(std::move(spec), std::move(options));
}

}  // namespace trident::state_internal
