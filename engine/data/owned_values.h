// SPDX-License-Identifier: Apache-2.0
//
// Owned values and the views of them that columns hold: std::string and Text, std::vector and List.
#ifndef TRIDENT_ENGINE_DATA_OWNED_VALUES_H_
#define TRIDENT_ENGINE_DATA_OWNED_VALUES_H_

#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"
#include "engine/data/text_arena.h"

namespace trident {

// A view of an owned value. A list of texts, bytes or bools needs an array of its own, which
// `arena` keeps; all else points into `value`.
template <class T, class U>
T ViewOf(const U& value, TextArena& arena);

namespace owned_internal {

template <class List, class U>
struct ListView;
template <class E, class U>
struct ListView<std::span<const E>, U> {
  static std::span<const E> Of(const U& elements, TextArena& arena) {
    if constexpr (std::is_same_v<std::vector<E>, U> && !std::is_same_v<E, bool>) {
      return std::span<const E>(elements);
    } else {
      ColumnVector<E> views;
      for (const auto& element : elements) views.Append(ViewOf<E>(element, arena));
      return KeepIn(arena, views.view());
    }
  }
};

template <class V>
struct OwnedList {};
template <class E>
struct OwnedList<std::vector<E>> {
  static std::vector<E> Of(const std::span<const Viewed<E>>& list);
};

}  // namespace owned_internal

template <class T, class U>
T ViewOf(const U& value, TextArena& arena) {
  if constexpr (std::is_same_v<T, Bytes>) {
    return Bytes{value.bytes};
  } else if constexpr (kIsView<T> && !std::is_same_v<T, Text>) {
    return owned_internal::ListView<T, U>::Of(value, arena);
  } else {
    return T(value);
  }
}

// The value that owns a copy of what the view points at.
template <class V>
V OwnedOf(const Viewed<V>& view) {
  if constexpr (std::is_same_v<V, OwnedBytes>) {
    return OwnedBytes{std::string(view.view)};
  } else if constexpr (kIsView<Viewed<V>> && !std::is_same_v<V, std::string>) {
    return owned_internal::OwnedList<V>::Of(view);
  } else {
    return V(view);
  }
}

template <class E>
std::vector<E> owned_internal::OwnedList<std::vector<E>>::Of(
    const std::span<const Viewed<E>>& list) {
  std::vector<E> owned;
  owned.reserve(list.size());
  for (const Viewed<E>& element : list) owned.push_back(OwnedOf<E>(element));
  return owned;
}

// Makes a column of the values, which it moves out of `values`.
template <class V>
ColumnRef ColumnOfValues(ColumnVector<V>& values) {
  auto column = std::make_shared<ColumnOf<Viewed<V>>>();
  if constexpr (std::is_same_v<Viewed<V>, V>) {
    column->mutable_values() = std::move(values);
  } else {
    TextArena arena;
    auto held = std::make_shared<ColumnVector<V>>(std::move(values));
    for (const V& value : held->view()) column->Append(ViewOf<Viewed<V>>(value, arena));
    column->Retain(held);
    column->Retain(arena.Release());
  }
  values = ColumnVector<V>();
  return column;
}

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_OWNED_VALUES_H_
