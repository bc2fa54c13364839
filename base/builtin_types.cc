// SPDX-License-Identifier: Apache-2.0
#include "base/codec.h"
#include "base/types.h"

namespace trident {
namespace {

template <class T>
const TypeInfo* TypeOrListOf(std::string_view name) {
  if (name == TypeOf<T>().name) return &TypeOf<T>();
  if (name == TypeOf<std::vector<T>>().name) return &TypeOf<std::vector<T>>();
  return nullptr;
}

template <class... Ts>
const TypeInfo* FirstOf(std::string_view name) {
  const TypeInfo* found = nullptr;
  ((found = found != nullptr ? found : TypeOrListOf<Ts>(name)), ...);
  return found;
}

}  // namespace

const TypeInfo* BuiltinTypeNamed(std::string_view name) {
  return FirstOf<bool, int64_t, double, std::string, OwnedBytes, Timestamp>(name);
}

}  // namespace trident
