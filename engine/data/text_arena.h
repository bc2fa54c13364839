// SPDX-License-Identifier: Apache-2.0
//
// TextArena: memory for the bytes of the views that an operator makes. The bytes live as long as
// somebody holds them. And the way between views and the values that own what they point at:
// std::string and Text, std::vector and List. A value that may be missing is a std::optional, and a
// null in its column.
#ifndef TRIDENT_ENGINE_DATA_TEXT_ARENA_H_
#define TRIDENT_ENGINE_DATA_TEXT_ARENA_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"

namespace trident {

template <class V>
struct ViewedForm<std::optional<V>> {
  using type = std::optional<Viewed<V>>;
};

// Grows by chunks that never move. Not thread-safe while it grows.
class TextArena {
 public:
  TextArena() = default;
  TextArena(const TextArena&) = delete;
  TextArena& operator=(const TextArena&) = delete;

  std::string_view Copy(std::string_view bytes) {
    char* to = Allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }
  char* Allocate(size_t n) {
    if (n > left_) NewChunk(n);
    char* out = next_;
    next_ += n;
    left_ -= n;
    return out;
  }
  // Gives the reference that keeps the bytes handed out so far alive; null if there are none. Bytes
  // that are handed out later are in new chunks, which it does not cover.
  BufferRef Release() {
    if (chunks_.empty()) return nullptr;
    auto held = std::make_shared<std::vector<std::unique_ptr<char[]>>>(std::move(chunks_));
    chunks_.clear();
    next_ = nullptr;
    left_ = 0;
    return held;
  }
  bool empty() const { return chunks_.empty(); }

 private:
  static constexpr size_t kChunkBytes = 16 * 1024;

  void NewChunk(size_t least) {
    size_t n = std::max(least, kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(n));
    next_ = chunks_.back().get();
    left_ = n;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// Copies a value into `arena`; the views of the result point there.
template <class T>
T KeepIn(TextArena& arena, const T& value) {
  if constexpr (std::is_same_v<T, Text>) {
    return arena.Copy(value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return Bytes{arena.Copy(value.view)};
  } else {
    return value;
  }
}
template <class T>
std::span<const T> KeepIn(TextArena& arena, std::span<const T> list) {
  static_assert(alignof(T) <= 16 && std::is_trivially_copyable_v<T>);
  char* raw = arena.Allocate(list.size() * sizeof(T) + alignof(T));
  auto at = reinterpret_cast<uintptr_t>(raw);
  T* to = reinterpret_cast<T*>((at + alignof(T) - 1) / alignof(T) * alignof(T));
  for (size_t i = 0; i < list.size(); ++i) new (to + i) T(KeepIn(arena, list[i]));
  return {to, list.size()};
}

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
// The same of values that may be missing: they are null.
template <class V>
ColumnRef ColumnOfValues(ColumnVector<std::optional<V>>& values) {
  auto column = std::make_shared<ColumnOf<Viewed<V>>>();
  TextArena arena;
  auto held = std::make_shared<ColumnVector<std::optional<V>>>(std::move(values));
  for (const std::optional<V>& value : held->view()) {
    value.has_value() ? column->Append(ViewOf<Viewed<V>>(*value, arena)) : column->AppendNull();
  }
  column->Retain(held);
  column->Retain(arena.Release());
  values = ColumnVector<std::optional<V>>();
  return column;
}

// Reads the values of a column as owned ones. The column must outlive it.
template <class V>
class OwnedValues {
 public:
  explicit OwnedValues(const Column& column) : values_(As<Viewed<V>>(column).values()) {}
  V operator[](size_t row) const { return OwnedOf<V>(values_[row]); }

 private:
  const std::span<const Viewed<V>> values_;
};
template <class V>
class OwnedValues<std::optional<V>> {
 public:
  explicit OwnedValues(const Column& column) : column_(As<Viewed<V>>(column)) {}
  std::optional<V> operator[](size_t row) const {
    if (column_.IsNull(row)) return std::nullopt;
    return OwnedOf<V>(column_.values()[row]);
  }

 private:
  const ColumnOf<Viewed<V>>& column_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_TEXT_ARENA_H_
