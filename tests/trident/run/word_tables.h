// SPDX-License-Identifier: Apache-2.0
//
// Case 5.1 of tests/README.md: word counts of both sentence lists after the commit of each txid,
// when batches hold three sentences at most and never wrap around the list.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_WORD_TABLES_H_
#define TRIDENT_TESTS_TRIDENT_RUN_WORD_TABLES_H_

#include <string>
#include <vector>

#include "tests/trident/run/words.h"

namespace trident {

struct TableRow {
  uint64_t txid;
  int64_t sentences;  // in the batch
  int64_t tuples;     // in the batch
  int64_t total;
  size_t distinct;
  int64_t the, man, and_, jumped, be, to;
};

inline const std::vector<TableRow> kTutorialRows = {{1, 3, 22, 22, 18, 4, 1, 2, 1, 0, 1},
                                                    {2, 1, 6, 28, 24, 4, 1, 2, 1, 0, 1},
                                                    {3, 3, 22, 50, 24, 8, 2, 4, 2, 0, 2},
                                                    {4, 1, 6, 56, 24, 8, 2, 4, 2, 0, 2},
                                                    {6, 1, 6, 84, 24, 12, 3, 6, 3, 0, 3}};
inline const std::vector<TableRow> kStarterRows = {{1, 3, 22, 22, 18, 4, 1, 2, 1, 0, 1},
                                                   {2, 2, 14, 36, 28, 5, 1, 2, 1, 2, 3},
                                                   {3, 3, 22, 58, 28, 9, 2, 4, 2, 2, 4},
                                                   {4, 2, 14, 72, 28, 10, 2, 4, 2, 4, 6},
                                                   {6, 2, 14, 108, 28, 15, 3, 6, 3, 6, 9}};

inline int64_t TotalOf(const WordCounts& counts) {
  int64_t total = 0;
  for (const auto& [word, count] : counts) total += count;
  return total;
}

inline void ExpectRow(const WordCounts& counts, const TableRow& row) {
  SCOPED_TRACE("txid " + std::to_string(row.txid));
  auto of = [&](const char* word) {
    auto found = counts.find(word);
    return found == counts.end() ? 0 : found->second;
  };
  EXPECT_EQ(TotalOf(counts), row.total);
  EXPECT_EQ(counts.size(), row.distinct);
  EXPECT_EQ(of("the"), row.the);
  EXPECT_EQ(of("man"), row.man);
  EXPECT_EQ(of("and"), row.and_);
  EXPECT_EQ(of("jumped"), row.jumped);
  EXPECT_EQ(of("be"), row.be);
  EXPECT_EQ(of("to"), row.to);
}

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_WORD_TABLES_H_
