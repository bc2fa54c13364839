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
// as far as the partition that got the least far, so it may come out shorter than its limits.
class ScanMerge {
 public:
  ScanMerge(PageLimits limits, uint32_t partitions);

  PageLimits per_partition() const { return per_partition_; }
  // Takes the page of one partition, in key order.
  void Add(std::vector<StateRow> rows, std::optional<std::string> resume);
  StatePage Page() &&;

 private:
  const PageLimits limits_;
  const PageLimits per_partition_;
  std::vector<StateRow> rows_;
  std::optional<std::string> resume_;  // the least
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_SCAN_MERGE_H_
