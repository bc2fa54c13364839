// SPDX-License-Identifier: Apache-2.0
//
// FoldRow<V>: a changed key and its value on the way into the base. Rows are sorted and then walked
// in key order, which is no order at all in memory. So a row holds the first 16 bytes of its key as
// numbers, and only a longer key is looked up in its entry.
#ifndef TRIDENT_STATE_MAP_FOLD_ROW_H_
#define TRIDENT_STATE_MAP_FOLD_ROW_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/key_words.h"
#include "state/map/hot_table.h"
#include "state/map/known_value.h"

namespace trident {

template <class V>
struct FoldRow {
  // Room for a key that a row holds.
  using KeyBuffer = char[KeyWords::kBytes];
  static constexpr uint8_t kLongKey = 255;

  uint64_t head;  // the first 16 bytes of the key, filled up with zeros; they compare as bytes do
  uint64_t tail;
  const HotEntry<V>* entry;
  uint32_t slot;
  uint8_t key_size;  // or kLongKey: more than 16
  Presence presence;
  V value;

  // `entry` must keep its key and its place while the row is used.
  static FoldRow Of(const HotEntry<V>& entry, uint32_t slot, const Known<V>& known) {
    const std::string_view key = entry.key();
    const KeyWords words = KeyWords::Of(key.substr(0, KeyWords::kBytes));
    const bool is_long = key.size() > KeyWords::kBytes;
    return {__builtin_bswap64(words.head),
            __builtin_bswap64(words.tail),
            &entry,
            slot,
            is_long ? kLongKey : static_cast<uint8_t>(key.size()),
            known.presence,
            *known.value};
  }

  // Good while the entry and `buffer` are there and unchanged.
  std::string_view Key(KeyBuffer& buffer) const {
    if (key_size == kLongKey) return entry->key();
    const uint64_t words[2] = {__builtin_bswap64(head), __builtin_bswap64(tail)};
    std::memcpy(buffer, words, sizeof words);
    return {buffer, key_size};
  }

  static bool KeyIsLess(const FoldRow& a, const FoldRow& b) {
    if (a.head != b.head) return a.head < b.head;
    if (a.tail != b.tail) return a.tail < b.tail;
    if (a.key_size == kLongKey || b.key_size == kLongKey) return a.entry->key() < b.entry->key();
    return a.key_size < b.key_size;
  }
};
static_assert(sizeof(FoldRow<int64_t>) == 40, "a fold holds one row for each changed key");

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_FOLD_ROW_H_
