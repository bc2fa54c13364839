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

}  // namespace

ScanMerge::ScanMerge(PageLimits limits, uint32_t partitions)
    : limits_{std::max<uint64_t>(1, std::min<uint64_t>(limits.rows, kScanPageRowsMax)),
              std::min<uint64_t>(limits.bytes, kScanPageBytesMax)},
      per_partition_(PerPartition(limits_, partitions)) {}

void ScanMerge::Add(std::vector<StateRow> rows, std::optional<std::string> resume) {
  rows_.insert(rows_.end(), std::make_move_iterator(rows.begin()),
               std::make_move_iterator(rows.end()));
  if (resume.has_value() && (!resume_.has_value() || *resume < *resume_)) {
    resume_ = std::move(resume);
  }
}

StatePage ScanMerge::Page() && {
  std::sort(rows_.begin(), rows_.end(),
            [](const StateRow& a, const StateRow& b) { return a.key < b.key; });
  size_t kept = 0;
  uint64_t bytes = 0;
  for (; kept < rows_.size() && kept < limits_.rows; ++kept) {
    const StateRow& row = rows_[kept];
    if (resume_.has_value() && row.key >= *resume_) break;
    bytes += row.key.size() + row.value.size();
    if (kept > 0 && bytes > limits_.bytes) break;
  }
  StatePage page;
  page.resume = std::move(resume_);
  if (kept < rows_.size() && (!page.resume.has_value() || rows_[kept].key < *page.resume)) {
    page.resume = rows_[kept].key;
  }
  rows_.resize(kept);
  page.rows = std::move(rows_);
  return page;
}

}  // namespace trident
