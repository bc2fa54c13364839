// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_merge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"

namespace trident {
namespace {

// Room for keys that are not spread evenly: an even part and half as much again.
PageLimits PerPartition(const PageLimits& whole, uint32_t partitions) {
  if (partitions == 1) return whole;
  const uint64_t divisor = uint64_t{2} * partitions;
  return {std::min(whole.rows, whole.rows * 3 / divisor + 8),
          std::min(whole.bytes, whole.bytes * 3 / divisor + 1)};
}

uint64_t BytesOf(const StateRow& row) {
  return row.key.size() + row.value.size() + row.error.message().size();
}

}  // namespace

ScanMerge::ScanMerge(PageLimits limits, uint32_t partitions)
    : limits_{std::max<uint64_t>(1, std::min<uint64_t>(limits.rows, kScanPageRowsMax)),
              std::min<uint64_t>(limits.bytes, kScanPageBytesMax)},
      per_partition_(PerPartition(limits_, partitions)) {}

KeyRange ScanMerge::Open(const KeyRange& range) const {
  if (!resume_.has_value()) return range;
  return {range.begin, *resume_};
}

void ScanMerge::Add(std::vector<StateRow> rows, std::optional<std::string> resume) {
  for (const StateRow& row : rows) bytes_ += BytesOf(row);
  rows_.insert(rows_.end(), std::make_move_iterator(rows.begin()),
               std::make_move_iterator(rows.end()));
  if (resume.has_value() && (!resume_.has_value() || *resume < *resume_)) {
    resume_ = std::move(resume);
  }
  // An even page comes to 1.5 times its limits, and is cut once.
  if (bytes_ > 2 * limits_.bytes && rows_.size() > 1) Cut();
}

StatePage ScanMerge::Page() && {
  Cut();
  return {.rows = std::move(rows_), .resume = std::move(resume_)};
}

void ScanMerge::Cut() {
  std::sort(rows_.begin(), rows_.end(),
            [](const StateRow& a, const StateRow& b) { return a.key < b.key; });
  size_t kept = 0;
  uint64_t bytes = 0;
  for (; kept < rows_.size() && kept < limits_.rows; ++kept) {
    if (resume_.has_value() && rows_[kept].key >= *resume_) break;
    const uint64_t with_it = bytes + BytesOf(rows_[kept]);
    if (kept > 0 && with_it > limits_.bytes) break;
    bytes = with_it;
  }
  if (kept < rows_.size() && (!resume_.has_value() || rows_[kept].key < *resume_)) {
    resume_ = rows_[kept].key;
  }
  rows_.resize(kept);
  bytes_ = bytes;
}

}  // namespace trident
