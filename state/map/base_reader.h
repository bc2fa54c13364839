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
#include "base/guard.h"
#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/store_layout.h"
#include "state/map/appended_values.h"
#include "state/map/earlier_bases.h"
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
  // Called with the index of a key and its encoded value, which is good during the call.
  using Found = std::function<void(size_t, std::string_view)>;

  explicit BaseReader(const PartitionContext& context);

  // Where to read: the base as it was in `view`, or null: as it is now. `keys` is the approximate
  // number of keys that the partition has there. It decides whether keys are read by sorted
  // MultiGets or by one walk.
  struct In {
    uint64_t keys;
    const BaseView* view = nullptr;
  };
  // Reads each key in the base that it lies over: keys[i] in bases[i], or all of them in the
  // present base if `bases` is empty. Calls found(i, encoded value) for each key that is there.
  // Keys may repeat and come in any order. `base_keys` is as In::keys, for each of the bases.
  // Errors: those of the store.
  Status ReadEach(std::span<const std::string_view> keys, std::span<const BaseRef> bases,
                  uint64_t base_keys, const Found& found) const;
  // Reads the keys 0 .. count-1, which are ascending and distinct, in one base. key_at(i) gives the
  // i-th key, good until it is called again; found(i, encoded value) is called in ascending order.
  template <class KeyAt, class FoundAt>
  Status ReadSorted(size_t count, In base, KeyAt&& key_at, FoundAt&& found) const;
  // A cursor that stands at the first key of `range` and ends with the range.
  BaseCursor Walk(const KeyRange& range, CursorOptions::Pattern pattern,
                  const BaseView* view = nullptr) const;
  // For errors: "key [the, 5] of state counts, partition 7".
  std::string Describe(std::string_view key) const;
  // The name of the state.
  std::string StateName() const;
  // The key under which the base has `key`.
  std::string StoredKey(std::string_view key) const { return prefix_ + std::string(key); }
  const std::string& prefix() const { return prefix_; }

 private:
  // Reads keys that may repeat and come in any order, in one base.
  Status Read(std::span<const std::string_view> keys, In base, const Found& found) const;

  // A walk over all keys is cheaper than looking up more than one in so many.
  static constexpr uint64_t kWalkOneIn = 25;
  static constexpr size_t kWalkKeysMin = 64;
  // The keys of one MultiGet, so that its memory stays small.
  static constexpr size_t kMultiGetKeys = 4096;

  const DurableStore* durable_;
  StateId state_;
  PartitionId partition_;
  const StateSpec* spec_;
  std::string prefix_;
};

template <class KeyAt, class FoundAt>
Status BaseReader::ReadSorted(size_t count, In base, KeyAt&& key_at, FoundAt&& found) const {
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

// True for an error of the program's code (base/guard.h). It costs a key; other errors are the
// store's.
inline bool IsOfProgram(const Status& error) { return error.code() == StatusCode::kAborted; }

// A value out of the base. nullopt: the bytes are no V, or the program's combiner or codec threw,
// and `failed` says which key has them.
template <class V>
std::optional<V> DecodeStored(const BaseReader& base, std::string_view key,
                              std::string_view encoded, const MapOptions<V>& options,
                              Status& failed) {
  std::optional<V> value;
  const Status read =
      Guarded("the combiner or codec", [&] { value = DecodeAppended<V>(encoded, options); });
  if (value.has_value()) return value;
  if (!read.ok()) {
    failed = Annotate(read, "the value of " + base.Describe(key) + " cannot be read");
    return std::nullopt;
  }
  failed =
      DataLoss("the value of ", base.Describe(key), " is no ", options.codec.type().name, ": its ",
               encoded.size(), " bytes do not decode; restore the state from a backup");
  return std::nullopt;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_BASE_READER_H_
