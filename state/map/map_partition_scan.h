// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, fourth part: readers of ranges. A page of a scan is a walk through the present
// base, with the rows of memory laid over it. Memory is looked at first, then the walk
// begins. The two belong together if no generation has passed in between (state/map/scan_orders.h),
// for the reasons that state/map/map_partition_read.h gives for one key; else both are done again.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guard.h"
#include "state/map/map_partition.h"

namespace trident {

template <class V>
StatusOr<PartitionPage<V>> MapPartition<V>::Scan(TxId at, const KeyRange& range,
                                                 PageLimits limits) const {
  limits.rows = std::max<uint64_t>(limits.rows, 1);
  const bool in_order = NotePage(at);
  for (;;) {
    TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
    std::optional<ScanOverlay<V>> overlay =
        in_order ? ReadInOrder(at, range, limits) : ReadOverlay(at, range, limits);
    if (!overlay.has_value()) continue;
    TRIDENT_RETURN_IF_ERROR(ReadEarlier(*overlay));
    BaseCursor base = base_.Walk(range, CursorOptions::Pattern::kSeeks);
    {
      ReaderLock read(locks_);
      if (scan_orders_.generation() != overlay->generation()) continue;
    }
    TRIDENT_ASSIGN_OR_RETURN(PartitionPage<V> page, MergeOverBase(*overlay, base, limits));
    TRIDENT_RETURN_IF_ERROR(context_.timeline->CheckReadable(at));
    if (!page.unreadable.empty()) NoteUnreadable(page);
    return page;
  }
}

template <class V>
bool MapPartition<V>::NotePage(TxId at) const {
  ReaderLock read(locks_);
  return scan_orders_.NotePage(at);
}

template <class V>
ScanOverlay<V> MapPartition<V>::ReadOverlay(TxId at, const KeyRange& range,
                                            PageLimits limits) const {
  uint64_t generation;
  std::vector<uint32_t> slots;
  {
    ReaderLock read(locks_);
    generation = scan_orders_.generation();
    slots = SlotsOverBase(at);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  ScanOverlay<V> overlay(generation);
  const auto is_large = [&] { return overlay.bytes() / 2 > limits.bytes; };
  for (size_t i = 0; i < slots.size();) {
    ReaderLock read(locks_);
    const size_t step_end = std::min(i + kScanStep, slots.size());
    for (bool more = true; more; more = ++i < step_end && !is_large()) {
      // The slot may have another key by now; that one is as good as any.
      if (!table_.IsAllocated(slots[i])) continue;
      const Entry& e = table_.entry(slots[i]);
      if (e.presence == Presence::kFree || !range.Contains(e.key())) continue;
      if (!overlay.IsBeyondHorizon(e.key())) AddRow(slots[i], at, overlay);
    }
    const bool many = overlay.size() > 2 * limits.rows + kScanStep;
    if (many || is_large()) overlay.KeepLeast(limits);
  }
  overlay.Sort();
  return overlay;
}

template <class V>
auto MapPartition<V>::ReadInOrder(TxId at, const KeyRange& range, PageLimits limits) const
    -> std::optional<ScanOverlay<V>> {
  std::shared_ptr<const ScanOrder> order = FindScanOrder(at);
  if (order == nullptr) order = MakeScanOrder(at);
  if (order == nullptr) return std::nullopt;
  ScanOverlay<V> overlay(order->generation);
  const std::vector<uint32_t>& slots = order->slots;
  size_t next = 0;
  for (bool first = true, more = true; more; first = false) {
    ReaderLock read(locks_);
    if (!IsCurrent(*order)) return std::nullopt;
    if (first) {
      const auto is_before = [table = &table_](uint32_t slot, const std::string& key) {
        return table->entry(slot).key() < key;
      };
      next = static_cast<size_t>(
          std::lower_bound(slots.begin(), slots.end(), range.begin, is_before) - slots.begin());
    }
    for (size_t step = 0; step < kScanStep && more; ++step, ++next) {
      more = next < slots.size() && range.Contains(table_.entry(slots[next]).key());
      if (!more) break;
      AddRow(slots[next], at, overlay);
      if (overlay.size() <= limits.rows && overlay.bytes() <= limits.bytes) continue;
      overlay.EndAtLast();
      more = false;
    }
  }
  return overlay;
}

template <class V>
std::shared_ptr<const ScanOrder> MapPartition<V>::FindScanOrder(TxId at) const {
  ReaderLock read(locks_);
  return scan_orders_.Find(at, context_.timeline->oldest());
}

template <class V>
std::shared_ptr<const ScanOrder> MapPartition<V>::MakeScanOrder(TxId at) const {
  auto order = std::make_shared<ScanOrder>();
  order->at = at;
  std::vector<uint32_t> slots;
  {
    ReaderLock read(locks_);
    order->generation = scan_orders_.generation();
    slots = SlotsOverBase(at);
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  // Keys are sorted as copies: entries may be looked at under a lock only.
  std::vector<std::pair<std::string, uint32_t>> keys;
  keys.reserve(slots.size());
  for (size_t begin = 0; begin < slots.size(); begin += kScanStep) {
    ReaderLock read(locks_);
    if (!IsCurrent(*order)) return nullptr;
    for (size_t i = begin; i < std::min(begin + kScanStep, slots.size()); ++i) {
      keys.emplace_back(table_.entry(slots[i]).key(), slots[i]);
    }
  }
  std::sort(keys.begin(), keys.end());
  for (size_t i = 0; i < keys.size(); ++i) slots[i] = keys[i].second;
  order->slots = std::move(slots);
  ReaderLock read(locks_);
  if (!IsCurrent(*order)) return nullptr;
  scan_orders_.Keep(order);
  return order;
}

template <class V>
bool MapPartition<V>::IsCurrent(const ScanOrder& order) const {
  return scan_orders_.IsCurrent(order, context_.timeline->oldest());
}

template <class V>
std::vector<uint32_t> MapPartition<V>::SlotsOverBase(TxId at) const {
  std::vector<uint32_t> slots;
  slots.reserve(dirty_.size() + folding_.size());
  slots.insert(slots.end(), dirty_.begin(), dirty_.end());
  slots.insert(slots.end(), folding_.begin(), folding_.end());
  for (uint32_t p = log_.front(); p != log_.border(); ++p) {
    const Change<V>& change = log_.at(p);
    if (change.slot != kNone && change.txid.IsAfter(at)) slots.push_back(change.slot);
  }
  return slots;
}

template <class V>
void MapPartition<V>::AddRow(uint32_t slot, TxId at, ScanOverlay<V>& overlay) const {
  const Known<V> known = At(slot, at);
  overlay.Add({std::string(table_.entry(slot).key()), known.presence, *known.value,
               IsKnown(known.presence) ? nullptr : BaseUnder(slot, at)});
}

template <class V>
Status MapPartition<V>::ReadEarlier(ScanOverlay<V>& overlay) const {
  std::vector<typename ScanOverlay<V>::Row*> rows;
  std::vector<std::string_view> keys;
  std::vector<BaseRef> unders;
  for (auto& row : overlay.rows()) {
    if (row.under == nullptr) continue;
    rows.push_back(&row);
    keys.push_back(row.key);
    unders.push_back(row.under);
  }
  TRIDENT_ASSIGN_OR_RETURN(const BaseValues base, ReadBase(keys, unders));
  for (size_t i = 0; i < rows.size(); ++i) {
    auto& row = *rows[i];
    row.unreadable = base.WhyNot(i);
    if (!row.unreadable.ok()) continue;
    const Status known = Guarded("the combiner", [&] {
      ResolveOverBase(row.presence, row.value, base.At(i), options_.Summing());
    });
    if (known.ok()) continue;
    row.unreadable = Annotate(known, "the value of " + base_.Describe(row.key) + " cannot be read");
  }
  return {};
}

template <class V>
void MapPartition<V>::NoteUnreadable(const PartitionPage<V>& page) const {
  ReaderLock read(locks_);
  for (const auto& [key, why] : page.unreadable) NoteUnreadable({key, HashBytes(key)});
}

template <class V>
StatusOr<PartitionPage<V>> MapPartition<V>::MergeOverBase(const ScanOverlay<V>& overlay,
                                                          BaseCursor& base,
                                                          PageLimits limits) const {
  PartitionPage<V> page;
  uint64_t bytes = 0;
  auto over = overlay.rows().begin();
  const auto over_end = overlay.rows().end();
  while (over != over_end || base.Valid()) {
    if (over == over_end && overlay.horizon().has_value()) break;
    // Negative: the base alone has the next key. Positive: memory alone has it.
    const int side = over == over_end ? -1 : !base.Valid() ? 1 : base.key().compare(over->key);
    const bool asks_base =
        side < 0 || (side == 0 && over->unreadable.ok() && !IsKnown(over->presence));
    // Sizes are known before a value of the base is decoded.
    uint64_t size = side < 0 ? base.key().size() : ScanOverlay<V>::BytesOf(*over);
    if (asks_base) size += base.value().size();
    const size_t rows = page.rows.size() + page.unreadable.size();
    if (rows == limits.rows || (rows > 0 && bytes + size > limits.bytes)) {
      page.resume = side < 0 ? std::string(base.key()) : over->key;
      return page;
    }
    std::string key = side < 0 ? std::string(base.key()) : over->key;
    std::optional<V> stored;
    Status read = side < 0 ? absl::OkStatus() : over->unreadable;
    if (asks_base) stored = Decode(key, base.value(), read);
    if (!read.ok() && !IsOfProgram(read)) return read;
    const Known<V> known =
        side < 0 ? Known<V>{Presence::kUnread, nullptr} : Known<V>{over->presence, &over->value};
    if (read.ok()) {
      read =
          ReportCombined(key, known, stored.has_value() ? &*stored : nullptr, [&](const V* value) {
            if (value == nullptr) return;
            bytes += size;
            page.rows.emplace_back(key, *value);
          });
    }
    if (!read.ok()) {
      bytes += key.size() + read.message().size();
      page.unreadable.emplace_back(std::move(key), std::move(read));
    }
    if (side <= 0) base.Next();
    if (side >= 0) ++over;
  }
  TRIDENT_RETURN_IF_ERROR(base.status());
  if (overlay.horizon().has_value()) page.resume = *overlay.horizon() + '\0';
  return page;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_SCAN_H_
