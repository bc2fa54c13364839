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

#include "state/map/earlier_bases.h"
#include "state/map/hot_table.h"

namespace trident {

// Rows of the keys that memory knows, up to a horizon. Belongs to one thread.
template <class V>
class ScanOverlay {
 public:
  struct Row {
    std::string key;
    Presence presence;
    V value;
    BaseRef under;  // the base that the value lies over, unless it is known
  };

  // `generation` is that of the partition when its memory is looked at.
  explicit ScanOverlay(uint64_t generation) : generation_(generation) {}
  uint64_t generation() const { return generation_; }

  // True if the key's row would be left out.
  bool IsBeyondHorizon(std::string_view key) const {
    return horizon_.has_value() && key > *horizon_;
  }
  void Add(Row row) { rows_.push_back(std::move(row)); }
  size_t size() const { return rows_.size(); }

  // Leaves out all but the `count` + 1 rows with the least keys; the greatest key of these is the
  // horizon from now on. REQUIRES: size() > count.
  void KeepLeast(uint64_t count);
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
};

template <class V>
void ScanOverlay<V>::KeepLeast(uint64_t count) {
  const auto greatest = rows_.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(rows_.begin(), greatest, rows_.end(), &KeyIsLess);
  rows_.erase(greatest + 1, rows_.end());
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
