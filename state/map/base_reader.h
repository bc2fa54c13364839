// SPDX-License-Identifier: Apache-2.0
//
// BaseReader: the keys of one partition in the base, without the prefix that they are stored under.
#ifndef TRIDENT_STATE_MAP_BASE_READER_H_
#define TRIDENT_STATE_MAP_BASE_READER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/store_layout.h"
#include "state/map/appended_values.h"
#include "state/map/partition_context.h"
#include "state/view/readable_state.h"

namespace trident {

// Walks the keys of a partition in order. Not thread-safe.
class BaseCursor {
 public:
  explicit BaseCursor(std::unique_ptr<Cursor> cursor) : cursor_(std::move(cursor)) {}
  bool Valid() const { return cursor_->Valid(); }
  void Next() { cursor_->Next(); }
  std::string_view key() const { return cursor_->key().substr(kBasePrefixBytes); }
  std::string_view value() const { return cursor_->value(); }
  Status status() const { return cursor_->status(); }

 private:
  friend class BaseReader;
  std::unique_ptr<Cursor> cursor_;
};

// Thread-safe.
class BaseReader {
 public:
  explicit BaseReader(const PartitionContext& context);

  // Where to read: the base as it was in `view`, or null: as it is now. `keys` is about how many
  // the partition has in it: they decide between one sorted, de-duplicated MultiGet and one walk.
  struct In {
    uint64_t keys;
    const BaseView* view = nullptr;
  };
  // Calls found(i, encoded value) for each of `keys` that the base has; keys may repeat and come in
  // any order.
  Status Read(std::span<const std::string_view> keys, In base,
              const std::function<void(size_t, std::string_view)>& found) const;
  // The same for keys 0 .. count-1 that are ascending and distinct. key_at(i) gives the i-th key,
  // good until it is called again; found(i, encoded value) is called in ascending order.
  template <class KeyAt, class Found>
  Status ReadSorted(size_t count, In base, KeyAt&& key_at, Found&& found) const;
  // Stands at the first key of `range`, and ends with it.
  BaseCursor Walk(const KeyRange& range, CursorOptions::Pattern pattern,
                  const BaseView* view = nullptr) const;
  // For errors: "key 666f6f of state 3, partition 7".
  std::string Describe(std::string_view key) const;
  // The key under which the base has `key`.
  std::string StoredKey(std::string_view key) const { return prefix_ + std::string(key); }
  const std::string& prefix() const { return prefix_; }

 private:
  // Where a walk over all keys is cheaper than looking up one in so many.
  static constexpr uint64_t kWalkOneIn = 25;
  static constexpr size_t kWalkKeysMin = 64;
  // Keys of one MultiGet, so that what it needs stays small.
  static constexpr size_t kMultiGetKeys = 4096;

  const DurableStore* durable_;
  StateId state_;
  PartitionId partition_;
  std::string prefix_;
};

template <class KeyAt, class Found>
Status BaseReader::ReadSorted(size_t count, In base, KeyAt&& key_at, Found&& found) const {
  if (count == 0) return absl::OkStatus();
  if (count >= kWalkKeysMin && count * kWalkOneIn > base.keys) {
    BaseCursor cursor =
        Walk({std::string(key_at(0)), {}}, CursorOptions::Pattern::kScan, base.view);
    std::string_view key = key_at(0);
    for (size_t i = 0; cursor.Valid();) {
      const int side = cursor.key().compare(key);
      if (side == 0) found(i, cursor.value());
      if (side <= 0) cursor.Next();
      if (side < 0) continue;
      if (++i == count) break;
      key = key_at(i);
    }
    return cursor.status();
  }
  for (size_t begin = 0; begin < count; begin += kMultiGetKeys) {
    const size_t size = std::min(kMultiGetKeys, count - begin);
    std::string stored;  // all stored keys, one after the other
    std::vector<size_t> ends;
    for (size_t i = 0; i < size; ++i) {
      stored.append(prefix_).append(key_at(begin + i));
      ends.push_back(stored.size());
    }
    std::vector<std::string_view> keys;
    for (size_t i = 0; i < size; ++i) {
      const size_t from = i == 0 ? 0 : ends[i - 1];
      keys.push_back(std::string_view(stored).substr(from, ends[i] - from));
    }
    const auto found_here = [&](size_t i, std::string_view value) { found(begin + i, value); };
    TRIDENT_RETURN_IF_ERROR(base.view != nullptr
                                ? base.view->MultiGet(keys, found_here)
                                : durable_->MultiGet(Table::kBase, keys, found_here));
  }
  return absl::OkStatus();
}

// A value out of the base. nullopt: the bytes are no V, and `failed` says which key has them.
template <class V>
std::optional<V> DecodeStored(const BaseReader& base, std::string_view key,
                              std::string_view encoded,
                              const std::function<V(const V&, const V&)>& combine, Status& failed) {
  std::optional<V> value = DecodeAppended<V>(encoded, combine);
  if (value.has_value()) return value;
  failed = DataLoss("the value of ", base.Describe(key), " is no ", TypeOf<V>().name, ": its ",
                    encoded.size(), " bytes do not decode; restore the state from a backup");
  return std::nullopt;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_BASE_READER_H_
