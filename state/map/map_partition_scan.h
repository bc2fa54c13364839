// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, fourth part: scans. A page is what the base has of a range, with what memory has
// over it; see state/map/map_partition_read.h for why the two belong together. What is said there
// of each key, generation_ says of all: it moves before what memory says of any key can change in a
// way that the base takes part in.
//
// The changed keys of a partition stand in no order. The first page at a txid looks through them
// all and keeps the least; for a second one they are sorted once, and the order is kept for those
// that follow.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "state/map/map_partition.h"

namespace trident {

// What memory has of a range: everything in which the base may differ from txid `at`, and maybe
// more.
template <class V>
struct MapPartition<V>::Overlay {
  struct Row {
    std::string key;
    Presence presence;
    V value;
    Under under;  // if the value is not known
  };
  std::vector<Row> rows;               // in key order, each key once
  std::optional<std::string> horizon;  // rows beyond it were left out
  uint64_t generation = 0;
};

// The slots of all keys in which the base of this generation may differ from txid `at`, in key
// order. None of them leaves memory while both stay: it is dirty, or was changed after `at`.
template <class V>
struct MapPartition<V>::ScanOrder {
  TxId at;
  uint64_t generation = 0;
  std::vector<uint32_t> slots;
};

template <class V>
std::vector<uint32_t> MapPartition<V>::SlotsOverBase(TxId at) const {
  std::vector<uint32_t> slots;
  slots.reserve(dirty_.size() + folding_.size());
  slots.insert(slots.end(), dirty_.begin(), dirty_.end());
  slots.insert(slots.end(), folding_.begin(), folding_.end());
  const uint32_t low = static_cast<uint32_t>(at.value());
  for (uint32_t p = log_.front(); p != log_.border(); ++p) {
    const Change<V>& change = log_.at(p);
    if (change.slot == kNone || static_cast<int32_t>(change.txid_low - low) <= 0) continue;
    slots.push_back(change.slot);
  }
  return slots;
}

template <class V>
void MapPartition<V>::AddRow(uint32_t slot, TxId at, Overlay& overlay) const {
  const Known known = At(slot, at);
  overlay.rows.push_back({std::string(table_.entry(slot).key()), known.presence, *known.value,
                          IsKnown(known.presence) ? nullptr : BaseUnder(slot, at)});
}

template <class V>
auto MapPartition<V>::ReadOverlay(TxId at, const KeyRange& range, uint64_t limit) const -> Overlay {
  Overlay overlay;
  std::vector<uint32_t> slots;
  {
    MutexLock read(read_);
    overlay.generation = generation_;
    slots = SlotsOverBase(at);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  auto by_key = [](const auto& a, const auto& b) { return a.key < b.key; };
  for (size_t begin = 0; begin < slots.size(); begin += kScanStep) {
    MutexLock read(read_);
    for (size_t i = begin; i < std::min(begin + kScanStep, slots.size()); ++i) {
      // The slot may have another key by now; that one is as good as any.
      if (!table_.IsAllocated(slots[i])) continue;
      const Entry& e = table_.entry(slots[i]);
      if (e.presence == Presence::kFree || !range.Contains(e.key())) continue;
      if (overlay.horizon.has_value() && e.key() > *overlay.horizon) continue;
      AddRow(slots[i], at, overlay);
    }
    if (overlay.rows.size() <= 2 * limit + kScanStep) continue;
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
auto MapPartition<V>::MakeScanOrder(TxId at) const -> std::shared_ptr<const ScanOrder> {
  auto order = std::make_shared<ScanOrder>();
  order->at = at;
  std::vector<uint32_t> slots;
  {
    MutexLock read(read_);
    order->generation = generation_;
    slots = SlotsOverBase(at);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  // Keys are sorted as copies: entries may be looked at under the lock alone.
  std::vector<std::pair<std::string, uint32_t>> keys;
  keys.reserve(slots.size());
  for (size_t begin = 0; begin < slots.size(); begin += kScanStep) {
    MutexLock read(read_);
    if (!IsCurrent(*order)) return nullptr;
    for (size_t i = begin; i < std::min(begin + kScanStep, slots.size()); ++i) {
      keys.emplace_back(table_.entry(slots[i]).key(), slots[i]);
    }
  }
  std::sort(keys.begin(), keys.end());
  for (size_t i = 0; i < keys.size(); ++i) slots[i] = keys[i].second;
  order->slots = std::move(slots);
  MutexLock read(read_);
  if (!IsCurrent(*order)) return nullptr;
  KeepScanOrder(order);
  return order;
}

template <class V>
bool MapPartition<V>::IsCurrent(const ScanOrder& order) const {
  return order.generation == generation_ && order.at >= context_.timeline->oldest();
}

template <class V>
void MapPartition<V>::KeepScanOrder(std::shared_ptr<const ScanOrder> order) const {
  scan_order_bytes_ = order == nullptr ? 0 : order->slots.capacity() * sizeof(uint32_t);
  scan_order_ = std::move(order);
}

template <class V>
auto MapPartition<V>::ReadInOrder(TxId at, const KeyRange& range, uint64_t limit) const
    -> std::optional<Overlay> {
  std::shared_ptr<const ScanOrder> order;
  {
    MutexLock read(read_);
    order = scan_order_;
    if (order != nullptr && (order->at != at || !IsCurrent(*order))) order = nullptr;
  }
  if (order == nullptr) order = MakeScanOrder(at);
  if (order == nullptr) return std::nullopt;
  Overlay overlay;
  overlay.generation = order->generation;
  const std::vector<uint32_t>& slots = order->slots;
  size_t next = 0;
  for (bool first = true, more = true; more; first = false) {
    MutexLock read(read_);
    if (!IsCurrent(*order)) return std::nullopt;
    if (first) {
      auto is_before = [this](uint32_t slot, const std::string& key) {
        return table_.entry(slot).key() < key;
      };
      next = static_cast<size_t>(
          std::lower_bound(slots.begin(), slots.end(), range.begin, is_before) - slots.begin());
    }
    for (size_t step = 0; step < kScanStep && more; ++step, ++next) {
      more = next < slots.size() && range.Contains(table_.entry(slots[next]).key());
      if (!more) break;
      AddRow(slots[next], at, overlay);
      if (overlay.rows.size() <= limit) continue;
      overlay.horizon = overlay.rows.back().key;
      more = false;
    }
  }
  return overlay;
}

template <class V>
bool MapPartition<V>::IsScannedAgain(TxId at) const {
  MutexLock read(read_);
  return std::exchange(scanned_at_, at) == at;
}

template <class V>
StatusOr<PartitionPage<V>> MapPartition<V>::Scan(TxId at, const KeyRange& range,
                                                 uint64_t rows) const {
  rows = std::max<uint64_t>(rows, 1);
  const bool again = IsScannedAgain(at);
  for (;;) {
    TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
    std::optional<Overlay> overlay =
        again ? ReadInOrder(at, range, rows) : ReadOverlay(at, range, rows);
    if (!overlay.has_value()) continue;
    TRIDENT_RETURN_IF_ERROR(ReadEarlier(*overlay));
    BaseCursor base = base_.Walk(range, CursorOptions::Pattern::kSeeks);
    {
      MutexLock read(read_);
      if (generation_ != overlay->generation) continue;
    }
    TRIDENT_ASSIGN_OR_RETURN(PartitionPage<V> page, MergeOverBase(*overlay, base, rows));
    TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
    return page;
  }
}

// Makes known what stands over another base than the present one, which is the one that is walked.
template <class V>
Status MapPartition<V>::ReadEarlier(Overlay& overlay) const {
  std::vector<typename Overlay::Row*> rows;
  std::vector<std::string_view> keys;
  std::vector<Under> unders;
  for (auto& row : overlay.rows) {
    if (row.under == nullptr) continue;
    rows.push_back(&row);
    keys.push_back(row.key);
    unders.push_back(row.under);
  }
  TRIDENT_ASSIGN_OR_RETURN(const auto base, ReadBase(keys, unders));
  for (size_t i = 0; i < rows.size(); ++i) {
    std::optional<V> value;
    ReportOverBase({rows[i]->presence, &rows[i]->value}, base[i], [&](const V* whole) {
      if (whole != nullptr) value = *whole;
    });
    rows[i]->presence = value.has_value() ? Presence::kPresent : Presence::kAbsent;
    if (value.has_value()) rows[i]->value = *std::move(value);
  }
  return {};
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
      stored = DecodeStored<V>(base_, base.key(), base.value(), options_.combine, failed);
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

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_
