// SPDX-License-Identifier: Apache-2.0
//
// ScanMerge: one page of a scan out of the pages of all partitions.
#ifndef TRIDENT_STATE_MAP_SCAN_MERGE_H_
#define TRIDENT_STATE_MAP_SCAN_MERGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "state/view/readable_state.h"

namespace trident {

// Each partition is asked for somewhat more than its even part of the page. The page then reaches
// as far as the partition that got the least far, so it may come out shorter than its limits. Where
// rows are so large that one of each partition is too much, the page is full before all are asked;
// the others are then asked for what comes before its end, which most of them do not have.
class ScanMerge {
 public:
  ScanMerge(PageLimits limits, uint32_t partitions);

  PageLimits per_partition() const { return per_partition_; }
  // The part of `range` that the page may still have rows of.
  KeyRange Open(const KeyRange& range) const;
  // Takes the page of one partition, in any order.
  void Add(std::vector<StateRow> rows, std::optional<std::string> resume);
  StatePage Page() &&;

 private:
  // Brings the rows into key order, and leaves out those behind the page's end.
  void Cut();

  const PageLimits limits_;
  const PageLimits per_partition_;
  std::vector<StateRow> rows_;
  uint64_t bytes_ = 0;                 // of these
  std::optional<std::string> resume_;  // the least
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_SCAN_MERGE_H_
