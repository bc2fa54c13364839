// SPDX-License-Identifier: Apache-2.0
//
// ScanOverlay<V>: the rows of memory for one page of a scan, to be laid over a walk through the
// base.
#ifndef TRIDENT_STATE_MAP_SCAN_OVERLAY_H_
#define TRIDENT_STATE_MAP_SCAN_OVERLAY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/value_size.h"
#include "state/map/earlier_bases.h"
#include "state/map/hot_table.h"
#include "state/view/readable_state.h"

namespace trident {

// Rows of the keys that memory knows, up to a horizon. Belongs to one thread.
template <class V>
class ScanOverlay {
 public:
  struct Row {
    std::string key;
    Presence presence;
    V value;
    BaseRef under;           // the base that the value lies over, unless it is known
    Status unreadable = {};  // not ok: the program's code threw for the value
  };

  // `generation` is that of the partition when its memory is looked at.
  explicit ScanOverlay(uint64_t generation) : generation_(generation) {}
  uint64_t generation() const { return generation_; }

  // True if the key's row would be left out.
  bool IsBeyondHorizon(std::string_view key) const {
    return horizon_.has_value() && key > *horizon_;
  }
  void Add(Row row) {
    bytes_ += BytesOf(row);
    rows_.push_back(std::move(row));
  }
  size_t size() const { return rows_.size(); }
  // Of keys and values, about.
  uint64_t bytes() const { return bytes_; }
  static uint64_t BytesOf(const Row& row) {
    uint64_t bytes = row.key.size() + sizeof(V);
    if constexpr (kHoldsHeap<V>) bytes += HeapBytes(row.value);
    return bytes;
  }

  // Leaves out all but the rows with the least keys: as many as `limits` allow, and one more. The
  // greatest key of these is the horizon from now on. Leaves them all if the limits allow that.
  void KeepLeast(PageLimits limits);
  // Rows beyond the last one that was added are left out. REQUIRES: rows were added in key order.
  void EndAtLast() { horizon_ = rows_.back().key; }
  // Brings the rows into key order, and leaves one of each key.
  void Sort();

  std::vector<Row>& rows() { return rows_; }
  const std::vector<Row>& rows() const { return rows_; }
  // Memory may have more rows than these beyond this key. nullopt: these are all.
  const std::optional<std::string>& horizon() const { return horizon_; }

 private:
  static bool KeyIsLess(const Row& a, const Row& b) { return a.key < b.key; }

  uint64_t generation_;
  std::vector<Row> rows_;
  std::optional<std::string> horizon_;
  uint64_t bytes_ = 0;
};

template <class V>
void ScanOverlay<V>::KeepLeast(PageLimits limits) {
  if (rows_.size() > limits.rows) {
    const auto greatest = rows_.begin() + static_cast<std::ptrdiff_t>(limits.rows);
    std::nth_element(rows_.begin(), greatest, rows_.end(), &KeyIsLess);
    rows_.erase(greatest + 1, rows_.end());
    horizon_ = rows_.back().key;
  }
  bytes_ = 0;
  for (const Row& row : rows_) bytes_ += BytesOf(row);
  if (bytes_ <= limits.bytes) return;
  std::sort(rows_.begin(), rows_.end(), &KeyIsLess);
  uint64_t kept = 0;
  size_t count = 0;
  while (count < rows_.size() && kept <= limits.bytes) kept += BytesOf(rows_[count++]);
  if (count == rows_.size()) return;
  rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(count), rows_.end());
  bytes_ = kept;
  horizon_ = rows_.back().key;
}

template <class V>
void ScanOverlay<V>::Sort() {
  std::sort(rows_.begin(), rows_.end(), &KeyIsLess);
  const auto same_key = [](const Row& a, const Row& b) { return a.key == b.key; };
  rows_.erase(std::unique(rows_.begin(), rows_.end(), same_key), rows_.end());
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_SCAN_OVERLAY_H_
