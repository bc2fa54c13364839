// SPDX-License-Identifier: Apache-2.0
#include "state/redo/redo_fragment.h"

#include <gtest/gtest.h>

#include <vector>

namespace trident {
namespace {

constexpr RedoHeader kHeader = {
    .group = GroupId(3), .txid = TxId(77), .attempt = {Epoch(5), 2}, .previous = {Epoch(4), 9}};

std::string FragmentOf(uint32_t partition, uint32_t count, const std::string& content) {
  std::string fragment;
  RedoFragmentSection section(fragment, StateSection(StateId(1), PartitionId(partition)));
  fragment += content;
  section.End(count);
  return fragment;
}

TEST(RedoFragmentTest, TheRecordOfAllFragmentsHasTheirSectionsInOrder) {
  const std::vector<std::string> fragments = {FragmentOf(0, 2, "a") + FragmentOf(2, 1, ""), "",
                                              FragmentOf(1, 4, "bcd")};
  const BuiltRedo built = BuildRedo(kHeader, fragments);
  const StatusOr<RedoRecord> record = ParseRedoRecord(built.record);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->header, kHeader);
  ASSERT_EQ(record->sections.size(), 3u);
  EXPECT_EQ(record->sections[0].bytes, "a");
  EXPECT_EQ(record->sections[1].bytes, "");
  EXPECT_EQ(record->sections[2].bytes, "bcd");
}

TEST(RedoFragmentTest, ABuiltRecordSaysHowManyChangesItHasAndTellsItselfFromAnyOther) {
  const std::vector<std::string> one = {FragmentOf(0, 2, "a"), FragmentOf(1, 4, "b")};
  const std::vector<std::string> other = {FragmentOf(0, 2, "a"), FragmentOf(1, 4, "c")};
  const BuiltRedo built = BuildRedo(kHeader, one);
  EXPECT_EQ(built.changes, 6u);
  EXPECT_EQ(built.checksum, RedoChecksum(built.record));
  EXPECT_EQ(built.checksum, BuildRedo(kHeader, one).checksum);
  EXPECT_NE(built.checksum, BuildRedo(kHeader, other).checksum);
}

}  // namespace
}  // namespace trident
