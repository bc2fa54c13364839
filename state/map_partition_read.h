// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, third part: readers of keys. They look at memory under read_ and at the base
// without any lock, so memory may change between the two looks. What makes the answer right all the
// same:
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
