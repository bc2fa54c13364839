// SPDX-License-Identifier: Apache-2.0
//
// TextArena: memory for the bytes of the views that an operator makes. The bytes live as long as
// somebody holds them.
#ifndef TRIDENT_ENGINE_DATA_TEXT_ARENA_H_
#define TRIDENT_ENGINE_DATA_TEXT_ARENA_H_

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"

namespace trident {

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

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_TEXT_ARENA_H_
