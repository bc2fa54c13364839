// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"

namespace trident {
namespace {

using Rows = std::map<std::string, std::string>;

// A page of one partition, as a partition makes it.
struct Part {
  std::vector<StateRow> rows;
  std::optional<std::string> resume;
};
Part PageOf(const Rows& rows, const KeyRange& range, const PageLimits& limits) {
  Part part;
  uint64_t bytes = 0;
  for (auto it = rows.lower_bound(range.begin); it != rows.end() && range.Contains(it->first);
       ++it) {
    const uint64_t size = it->first.size() + it->second.size();
    const bool full =
        part.rows.size() == limits.rows || (!part.rows.empty() && bytes + size > limits.bytes);
    if (full) {
      part.resume = it->first;
      return part;
    }
    bytes += size;
    part.rows.push_back({it->first, it->second});
  }
  return part;
}

struct Page {
  StatePage page;
  uint64_t rows_read = 0;
};
Page Merge(const std::vector<Rows>& partitions, const KeyRange& range, const PageLimits& limits) {
  ScanMerge merge(limits, static_cast<uint32_t>(partitions.size()));
  Page out;
  for (const Rows& rows : partitions) {
    Part part = PageOf(rows, merge.Open(range), merge.per_partition());
    out.rows_read += part.rows.size();
    merge.Add(std::move(part.rows), std::move(part.resume));
  }
  out.page = std::move(merge).Page();
  return out;
}

std::string KeyOf(uint64_t n) {
  std::string digits = std::to_string(n);
  return std::string(6 - digits.size(), '0') + digits;
}

// Whatever the sizes of the rows and where they are.
TEST(ScanMergeTest, PagesOfAllPartitionsGiveEachRowOnceInKeyOrderWithinTheirLimits) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::vector<Rows> partitions(1 + rng.Below(9));
    std::vector<StateRow> expected;
    for (uint64_t i = 0; i < 200; ++i) {
      const uint64_t size = rng.Chance(0.1) ? rng.Below(5'000) : rng.Below(30);
      partitions[rng.Below(partitions.size())][KeyOf(i)] = std::string(size, 'v');
      expected.push_back({KeyOf(i), std::string(size, 'v')});
    }
    const PageLimits limits{.rows = 1 + rng.Below(60), .bytes = 1 + rng.Below(3'000)};
    std::vector<StateRow> got;
    KeyRange rest = KeyRange::All();
    for (bool more = true; more;) {
      StatePage page = Merge(partitions, rest, limits).page;
      ASSERT_LE(page.rows.size(), limits.rows);
      uint64_t bytes = 0;
      for (const StateRow& row : page.rows) bytes += row.key.size() + row.value.size();
      if (page.rows.size() > 1) {
        ASSERT_LE(bytes, limits.bytes);
      }
      got.insert(got.end(), page.rows.begin(), page.rows.end());
      more = page.resume.has_value();
      if (more) {
        ASSERT_LT(rest.begin, *page.resume);
        rest.begin = *page.resume;
      }
    }
    ASSERT_EQ(got, expected);
  }
}

// 64 partitions have a row each that fills a page.
TEST(ScanMergeTest, APageOfLargeRowsReadsAFewOfThemAndNotOneOfEachPartition) {
  Rng rng(7);
  std::vector<Rows> partitions(64);
  for (uint64_t i = 0; i < 640; ++i) {
    // Each key once, in an order without meaning.
    partitions[rng.Below(64)][KeyOf(i * 7919 % 1'000'000)] = std::string(100'000, 'v');
  }
  uint64_t read = 0, pages = 0;
  KeyRange rest = KeyRange::All();
  for (bool more = true; more; ++pages) {
    const Page page = Merge(partitions, rest, {.bytes = 100'000});
    read += page.rows_read;
    more = page.page.resume.has_value();
    if (more) rest.begin = *page.page.resume;
  }
  EXPECT_GE(pages, 600u);
  EXPECT_LT(read, 8 * pages) << "the least of 64 in any order changes 4.7 times on the average";
}

TEST(ScanMergeTest, ARowThatCannotBeReadTakesItsPlace) {
  ScanMerge merge({}, 2);
  merge.Add({{"b", "2"}}, std::nullopt);
  merge.Add({{"a", "1"}, {"c", {}, Aborted("it threw")}}, std::nullopt);
  const StatePage page = std::move(merge).Page();
  ASSERT_EQ(page.rows.size(), 3u);
  EXPECT_EQ(page.rows[2].key, "c");
  EXPECT_EQ(page.rows[2].error, Aborted("it threw"));
}

}  // namespace
}  // namespace trident
