// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, third part: readers of keys. A reader looks at memory under the read lock, and at
// the base without any lock, so both may change between the two looks. Therefore it looks at memory
// once more after the base. Each key is then in one of three cases:
//
// - Its value is known. Then the base does not matter. This covers a base that is newer than `at`:
// a
//   key that was changed after `at` is in memory with the value that was replaced, for as long as
//   `at` is readable. Whether it still is readable, is asked at the end.
// - Its value lies over the same base in both looks. An earlier base does not change. The present
//   one changes for a key only when a fold ends, and by then the key's value is known or lies over
//   an earlier base. So the answer of the base is the right one if no fold has ended in between.
// - Else the key is asked for again.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_READ_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_READ_H_

#include <algorithm>
#include <optional>
#include <utility>

#include "base/codec.h"
#include "base/guard.h"
#include "base/hash.h"
#include "state/map/map_partition.h"

namespace trident {

template <class V>
uint32_t MapPartition<V>::ChangeAfter(uint32_t slot, TxId at) const {
  uint32_t first = kNone;
  uint32_t p = table_.entry(slot).version;
  if (!log_.IsApplied(p, slot)) return first;
  for (; p != kNone && log_.at(p).txid.IsAfter(at); p = log_.OlderApplied(p)) first = p;
  return first;
}

template <class V>
Known<V> MapPartition<V>::At(uint32_t slot, TxId at) const {
  const uint32_t after = ChangeAfter(slot, at);
  if (after != kNone) return {log_.at(after).presence, &log_.at(after).value};
  const Entry& e = table_.entry(slot);
  return {e.presence, &e.value};
}

template <class V>
StatusOr<std::optional<V>> MapPartition<V>::Get(TxId at, const HashedKey& key) const {
  std::optional<V> out;
  TRIDENT_RETURN_IF_ERROR(GetAll(at, {&key, 1}, [&](size_t, const V* value) {
    if (value != nullptr) out = *value;
  }));
  return out;
}

template <class V>
template <class Found, class Failed>
Status MapPartition<V>::GetAll(TxId at, std::span<const HashedKey> keys, Found&& found,
                               Failed&& failed) const {
  TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
  // The keys that the base must be asked for: index, name, and the base to ask.
  std::vector<uint32_t> unknown;
  std::vector<std::string_view> names;
  std::vector<BaseRef> unders;
  const auto ask_base = [&](uint32_t i, BaseRef under) {
    unknown.push_back(i);
    names.push_back(keys[i].key);
    unders.push_back(std::move(under));
  };
  TxId folded;
  {
    ReaderLock read(locks_);
    folded = marker_.txid;
    for (uint32_t i = 0; i < keys.size(); ++i) {
      Seen seen = Look(keys[i], at);
      if (!IsKnown(seen.known.presence)) {
        ask_base(i, std::move(seen.under));
      } else {
        found(i, seen.known.presence == Presence::kPresent ? seen.known.value : nullptr);
      }
    }
  }
  while (!unknown.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(const BaseValues base, ReadBase(names, unders));
    const std::vector<uint32_t> asked = std::exchange(unknown, {});
    const std::vector<BaseRef> asked_in = std::exchange(unders, {});
    names.clear();
    ReaderLock read(locks_);
    const bool fold_ended = std::exchange(folded, marker_.txid) != folded;
    for (size_t a = 0; a < asked.size(); ++a) {
      Seen seen = Look(keys[asked[a]], at);
      const bool over_the_same =
          seen.under == asked_in[a] && (seen.under != nullptr || !fold_ended);
      if (!IsKnown(seen.known.presence) && !over_the_same) {
        ask_base(asked[a], std::move(seen.under));
        continue;
      }
      const HashedKey& key = keys[asked[a]];
      Status read = IsKnown(seen.known.presence) ? absl::OkStatus() : base.WhyNot(a);
      if (read.ok()) {
        read = ReportCombined(key.key, seen.known, base.At(a),
                              [&](const V* value) { found(asked[a], value); });
      }
      NoteRead(key, at, read);
      if (!read.ok()) failed(asked[a], read);
    }
  }
  return context_.timeline->CheckReadable(at);
}

template <class V>
template <class Reported>
Status MapPartition<V>::ReportCombined(std::string_view key, const Known<V>& known, const V* base,
                                       Reported&& report) const {
  const Status combined =
      Guarded("the combiner", [&] { ReportOverBase(known, base, options_.Summing(), report); });
  if (combined.ok()) return combined;
  return Annotate(combined, "the value of " + base_.Describe(key) + " cannot be read");
}

template <class V>
void MapPartition<V>::NoteRead(const HashedKey& key, TxId at, const Status& read) const {
  if (!read.ok()) return NoteUnreadable(key);
  if (unreadable_.empty()) return;
  const uint32_t slot = table_.Find(key.hash, key.key);
  if (slot == kNone || ChangeAfter(slot, at) == kNone) unreadable_.Remove(key.hash);
}

template <class V>
void MapPartition<V>::NoteUnreadable(const HashedKey& key) const {
  const uint32_t slot = table_.Find(key.hash, key.key);
  if (slot == kNone || !IsKnown(table_.entry(slot).presence)) unreadable_.Add(key.hash);
}

template <class V>
auto MapPartition<V>::Look(const HashedKey& key, TxId at) const -> Seen {
  const uint32_t slot = table_.Find(key.hash, key.key);
  if (slot == kNone) {
    return {{base_is_empty_ ? Presence::kAbsent : Presence::kUnread, nullptr}, nullptr};
  }
  const Known<V> known = At(slot, at);
  return {known, IsKnown(known.presence) ? nullptr : BaseUnder(slot, at)};
}

template <class V>
BaseRef MapPartition<V>::BaseUnder(uint32_t slot, TxId at) const {
  const uint32_t after = ChangeAfter(slot, at);
  if (after != kNone) {
    BaseRef stuck = stuck_bases_.UnderReplaced(slot, log_.at(after).txid);
    if (stuck != nullptr) return stuck;
    BaseRef earlier = earlier_bases_.UnderReplaced(log_.at(after).txid);
    if (earlier != nullptr) return earlier;
  }
  return BaseUnderNewest(slot);
}

template <class V>
BaseRef MapPartition<V>::BaseUnderNewest(uint32_t slot) const {
  BaseRef stuck = stuck_bases_.UnderNewest(slot);
  if (stuck != nullptr) return stuck;
  const Entry& e = table_.entry(slot);
  const bool over_fold = earlier_bases_.IsAppending() && (e.dirty & kFolding) != 0;
  return over_fold ? earlier_bases_.BeforeFold() : nullptr;
}

template <class V>
auto MapPartition<V>::ReadBase(std::span<const std::string_view> keys,
                               std::span<const BaseRef> unders) const -> StatusOr<BaseValues> {
  BaseValues base;
  base.values.resize(keys.size());
  Status damaged;
  TRIDENT_RETURN_IF_ERROR(base_.ReadEach(keys, unders, base_keys_.load(std::memory_order_relaxed),
                                         [&](size_t i, std::string_view encoded) {
                                           Status failed;
                                           base.values[i] = Decode(keys[i], encoded, failed);
                                           if (failed.ok()) return;
                                           if (!IsOfProgram(failed)) return damaged.Update(failed);
                                           base.unreadable.emplace(i, std::move(failed));
                                         }));
  TRIDENT_RETURN_IF_ERROR(damaged);
  return base;
}

template <class V>
Status MapPartition<V>::ChangesOf(TxId at, const KeyRange& range,
                                  std::vector<StateChange>& out) const {
  // The changes of `at` are there while the txid before it is readable.
  const TxId before = at == TxId(0) ? at : at.Prev();
  TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(before));
  std::vector<std::string> changed;
  {
    ReaderLock read(locks_);
    const TxChanges* tx = AppliedUpTo(at);
    if (tx == nullptr || tx->txid != at) return context_.timeline->CheckReadable(before);
    for (uint32_t p = tx->begin; p != tx->end; ++p) {
      if (log_.at(p).slot == kNone) continue;
      const std::string_view key = table_.entry(log_.at(p).slot).key();
      if (range.Contains(key)) changed.emplace_back(key);
    }
  }
  std::vector<HashedKey> keys;
  keys.reserve(changed.size());
  for (const std::string& key : changed) keys.push_back({key, HashBytes(key)});
  const size_t first = out.size();
  for (std::string& key : changed) out.push_back({key, std::nullopt});
  TRIDENT_RETURN_IF_ERROR(GetAll(
      at, keys,
      [&](size_t i, const V* value) {
        if (value == nullptr) return;
        StatusOr<std::string> encoded = EncodeToRead(*value);
        out[first + i].error = encoded.status();
        out[first + i].value = encoded.ok() ? *std::move(encoded) : std::string();
      },
      [&](size_t i, const Status& why) {
        out[first + i].error = why;
        out[first + i].value.emplace();
      }));
  return context_.timeline->CheckReadable(before);
}

template <class V>
uint64_t MapPartition<V>::UnreadableKeys() const {
  ReaderLock read(locks_);
  return unreadable_.size();
}

template <class V>
uint64_t MapPartition<V>::ApproximateKeys() const {
  ReaderLock read(locks_);
  return keys_ < 0 ? 0 : static_cast<uint64_t>(keys_);
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_READ_H_
