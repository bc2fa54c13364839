// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, third part: readers. They look at memory under read_ and at the base without any
// lock, so memory may change between the two looks. What makes the answer right all the same:
//
// A key that was changed after `at` is in memory for as long as `at` is readable, with its previous
// value. So a second look at memory, after the base, finds it if the base was already newer; and
// the window is asked once more at the end.
//
// A value that is a delta over the base becomes a whole value before its fold is installed, and a
// folded key leaves memory only after it. Both move generation_, so an unchanged one means that
// what memory and base said belongs together.
#ifndef TRIDENT_STATE_MAP_PARTITION_READ_H_
#define TRIDENT_STATE_MAP_PARTITION_READ_H_

#include <algorithm>
#include <optional>
#include <utility>

#include "state/map_partition.h"

namespace trident {

template <class V>
auto MapPartition<V>::At(uint32_t slot, TxId at) const -> Known {
  const Entry& e = table_.entry(slot);
  Known known{e.presence, &e.value};
  const uint32_t low = static_cast<uint32_t>(at.value());
  if (!log_.IsApplied(e.version, slot)) return known;
  for (uint32_t p = e.version; p != kNone; p = log_.OlderApplied(p)) {
    const Change<V>& change = log_.at(p);
    if (static_cast<int32_t>(change.txid_low - low) <= 0) break;
    known = {change.presence, &change.value};
  }
  return known;
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
template <class Found>
Status MapPartition<V>::GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const {
  TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
  std::vector<uint32_t> unknown;  // indices of keys that the base must be asked for
  uint64_t generation = 0;
  {
    MutexLock read(read_);
    generation = generation_;
    for (uint32_t i = 0; i < keys.size(); ++i) {
      const Known known = Look(keys[i], at);
      if (!IsKnown(known.presence)) {
        unknown.push_back(i);
      } else {
        found(i, known.presence == Presence::kPresent ? known.value : nullptr);
      }
    }
  }
  while (!unknown.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<std::optional<V>> base, ReadBase(keys, unknown));
    MutexLock read(read_);
    const bool together = generation == generation_;
    generation = generation_;
    size_t kept = 0;
    for (size_t u = 0; u < unknown.size(); ++u) {
      const Known known = Look(keys[unknown[u]], at);
      if (!IsKnown(known.presence) && !together) {
        unknown[kept++] = unknown[u];
        continue;
      }
      ReportOverBase(known, base[u], [&](const V* value) { found(unknown[u], value); });
    }
    unknown.resize(kept);
  }
  return context_.timeline->CheckReadable(at);
}

template <class V>
auto MapPartition<V>::Look(const HashedKey& key, TxId at) const -> Known {
  const uint32_t slot = table_.Find(key.hash, key.key);
  if (slot != kNone) return At(slot, at);
  return {base_is_empty_ ? Presence::kAbsent : Presence::kUnread, nullptr};
}

template <class V>
template <class Visit>
void MapPartition<V>::ReportOverBase(const Known& known, const std::optional<V>& base,
                                     Visit&& report) const {
  switch (known.presence) {
    case Presence::kPresent:
      return report(known.value);
    case Presence::kDelta: {
      const V value = base.has_value() ? options_.combine(*base, *known.value) : *known.value;
      return report(&value);
    }
    case Presence::kUnread:
      return report(base.has_value() ? &*base : nullptr);
    default:
      return report(nullptr);
  }
}

template <class V>
StatusOr<std::vector<std::optional<V>>> MapPartition<V>::ReadBase(
    std::span<const HashedKey> keys, const std::vector<uint32_t>& which) const {
  std::vector<std::string_view> wanted;
  wanted.reserve(which.size());
  for (uint32_t i : which) wanted.push_back(keys[i].key);
  std::vector<std::optional<V>> values(which.size());
  Status failed;
  TRIDENT_RETURN_IF_ERROR(base_.Read(
      wanted, base_keys_.load(std::memory_order_relaxed), [&](size_t i, std::string_view encoded) {
        values[i] = DecodeStored<V>(base_, wanted[i], encoded, failed);
      }));
  TRIDENT_RETURN_IF_ERROR(failed);
  return values;
}

// What memory has of a range: everything in which the base may differ from txid `at`, and maybe
// more.
template <class V>
struct MapPartition<V>::Overlay {
  struct Row {
    std::string key;
    Presence presence;
    V value;
  };
  std::vector<Row> rows;               // in key order, each key once
  std::optional<std::string> horizon;  // rows beyond it were left out
  uint64_t generation = 0;
};

template <class V>
auto MapPartition<V>::ReadOverlay(TxId at, const KeyRange& range, uint64_t limit) const -> Overlay {
  constexpr size_t kStep = 256;
  Overlay overlay;
  std::vector<uint32_t> slots;
  {
    MutexLock read(read_);
    overlay.generation = generation_;
    slots.reserve(dirty_.size() + folding_.size() + log_.applied_changes());
    slots.insert(slots.end(), dirty_.begin(), dirty_.end());
    slots.insert(slots.end(), folding_.begin(), folding_.end());
    for (uint32_t p = log_.front(); p != log_.border(); ++p) {
      if (log_.at(p).slot != kNone) slots.push_back(log_.at(p).slot);
    }
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  auto by_key = [](const auto& a, const auto& b) { return a.key < b.key; };
  for (size_t begin = 0; begin < slots.size(); begin += kStep) {
    MutexLock read(read_);
    for (size_t i = begin; i < std::min(begin + kStep, slots.size()); ++i) {
      // The slot may have another key by now; that one is as good as any.
      if (slots[i] >= table_.slots_end()) continue;
      const Entry& e = table_.entry(slots[i]);
      if (e.presence == Presence::kFree || !range.Contains(e.key())) continue;
      if (overlay.horizon.has_value() && e.key() > *overlay.horizon) continue;
      const Known known = At(slots[i], at);
      overlay.rows.push_back({std::string(e.key()), known.presence, *known.value});
    }
    if (overlay.rows.size() <= 2 * limit + kStep) continue;
    std::nth_element(overlay.rows.begin(), overlay.rows.begin() + limit, overlay.rows.end(),
                     by_key);
    overlay.rows.resize(limit + 1);
    overlay.horizon = overlay.rows.back().key;
  }
  std::sort(overlay.rows.begin(), overlay.rows.end(), by_key);
  auto same = [](const auto& a, const auto& b) { return a.key == b.key; };
  overlay.rows.erase(std::unique(overlay.rows.begin(), overlay.rows.end(), same),
                     overlay.rows.end());
  return overlay;
}

template <class V>
StatusOr<PartitionPage<V>> MapPartition<V>::Scan(TxId at, const KeyRange& range,
                                                 uint64_t rows) const {
  TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
  rows = std::max<uint64_t>(rows, 1);
  for (;;) {
    const Overlay overlay = ReadOverlay(at, range, rows);
    BaseCursor base = base_.Walk(range, CursorOptions::Pattern::kSeeks);
    {
      MutexLock read(read_);
      if (generation_ != overlay.generation) continue;
    }
    TRIDENT_ASSIGN_OR_RETURN(PartitionPage<V> page, MergeOverBase(overlay, base, rows));
    TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
    return page;
  }
}

template <class V>
StatusOr<PartitionPage<V>> MapPartition<V>::MergeOverBase(const Overlay& overlay, BaseCursor& base,
                                                          uint64_t rows) const {
  PartitionPage<V> page;
  auto over = overlay.rows.begin();
  while (over != overlay.rows.end() || base.Valid()) {
    // Beyond the horizon, memory may have more than it told.
    if (over == overlay.rows.end() && overlay.horizon.has_value()) break;
    const int side = over == overlay.rows.end() ? -1
                     : !base.Valid()            ? 1
                                                : base.key().compare(over->key);
    if (page.rows.size() == rows) {
      page.resume = side < 0 ? std::string(base.key()) : over->key;
      return page;
    }
    std::optional<V> stored;
    if (side <= 0) {
      Status failed;
      stored = DecodeStored<V>(base_, base.key(), base.value(), failed);
      TRIDENT_RETURN_IF_ERROR(failed);
    }
    const Known known =
        side < 0 ? Known{Presence::kUnread, nullptr} : Known{over->presence, &over->value};
    std::string key = side < 0 ? std::string(base.key()) : over->key;
    ReportOverBase(known, stored, [&](const V* value) {
      if (value != nullptr) page.rows.emplace_back(std::move(key), *value);
    });
    if (side <= 0) base.Next();
    if (side >= 0) ++over;
  }
  TRIDENT_RETURN_IF_ERROR(base.status());
  if (overlay.horizon.has_value()) page.resume = *overlay.horizon + '\0';
  return page;
}

template <class V>
Status MapPartition<V>::ChangesOf(TxId at, const KeyRange& range,
                                  std::vector<StateChange>& out) const {
  // The changes of `at` are there while the txid before it is readable.
  const TxId before = at == TxId(0) ? at : at.Prev();
  TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(before));
  std::vector<std::string> changed;
  {
    MutexLock read(read_);
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
  TRIDENT_RETURN_IF_ERROR(GetAll(at, keys, [&](size_t i, const V* value) {
    if (value == nullptr) return;
    std::string encoded;
    Codec<V>::Encode(*value, encoded);
    out[first + i].value = std::move(encoded);
  }));
  return context_.timeline->CheckReadable(before);
}

template <class V>
uint64_t MapPartition<V>::ApproximateKeys() const {
  MutexLock read(read_);
  return keys_ < 0 ? 0 : static_cast<uint64_t>(keys_);
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_PARTITION_READ_H_
