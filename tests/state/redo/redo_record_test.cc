// SPDX-License-Identifier: Apache-2.0
#include "state/redo/redo_record.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/hash.h"
#include "base/rng.h"

namespace trident {
namespace {

constexpr RedoHeader kHeader = {
    .group = GroupId(3), .txid = TxId(77), .attempt = {Epoch(5), 2}, .previous = {Epoch(4), 9}};

std::string SmallRecord() {
  RedoRecordBuilder builder(kHeader);
  builder.BeginSection(StateSection(StateId(1), PartitionId(0))) += "changes of one";
  builder.EndSection(2);
  builder.AddSection({RedoSectionId::Kind::kSink, 8, PartitionId(63)}, 1, "a row");
  builder.AddSection(StateSection(StateId(2), PartitionId(5)), 0, "");
  return std::move(builder).Finish();
}

// What a writer with a bug would have written: sealed, but not well-formed.
std::string Resealed(std::string record) {
  record.resize(record.size() - kRedoChecksumBytes);
  PutFixed64(record, HashBytes(record));
  return record;
}

TEST(RedoRecordTest, ReadsBackWhatWasWritten) {
  const std::string bytes = SmallRecord();
  const StatusOr<RedoRecord> record = ParseRedoRecord(bytes);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->header, kHeader);
  ASSERT_EQ(record->sections.size(), 3u);
  EXPECT_EQ(record->sections[0].id, StateSection(StateId(1), PartitionId(0)));
  EXPECT_EQ(record->sections[0].count, 2u);
  EXPECT_EQ(record->sections[0].bytes, "changes of one");
  EXPECT_EQ(record->sections[1].id.kind, RedoSectionId::Kind::kSink);
  EXPECT_EQ(record->sections[1].id.owner, 8u);
  EXPECT_EQ(record->sections[1].bytes, "a row");
  EXPECT_EQ(record->sections[2].count, 0u);
  EXPECT_EQ(record->sections[2].bytes, "");
}

TEST(RedoRecordTest, ARecordWithoutSectionsIsARecord) {
  const std::string bytes = RedoRecordBuilder(kHeader).Finish();
  EXPECT_EQ(bytes.size(), kRedoHeaderBytes + kRedoChecksumBytes);
  EXPECT_TRUE(ParseRedoRecord(bytes).value().sections.empty());
}

TEST(RedoRecordTest, RandomRecordsReturn) {
  Rng rng(1);
  std::string buffer;
  for (int round = 0; round < 2'000; ++round) {
    const RedoHeader header{GroupId(static_cast<uint32_t>(rng())),
                            TxId(rng()),
                            {Epoch(rng()), static_cast<uint32_t>(rng())},
                            {Epoch(rng()), static_cast<uint32_t>(rng())}};
    RedoRecordBuilder builder(header, std::move(buffer));
    std::vector<std::pair<RedoSectionId, std::string>> expected;
    for (uint64_t n = rng.Below(6); expected.size() < n;) {
      const RedoSectionId id{RedoSectionId::Kind(1 + rng.Below(2)), static_cast<uint32_t>(rng()),
                             PartitionId(static_cast<uint32_t>(rng()))};
      std::string content(rng.Below(300), '\0');
      for (char& c : content) c = static_cast<char>(rng());
      builder.AddSection(id, static_cast<uint32_t>(expected.size()), content);
      expected.emplace_back(id, std::move(content));
    }
    const std::string bytes = std::move(builder).Finish();
    const StatusOr<RedoRecord> record = ParseRedoRecord(bytes);
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_EQ(record->header, header);
    ASSERT_EQ(record->sections.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(record->sections[i].id, expected[i].first);
      ASSERT_EQ(record->sections[i].count, i);
      ASSERT_EQ(record->sections[i].bytes, expected[i].second);
    }
    buffer = bytes;
  }
}

TEST(RedoRecordTest, AUsedBufferKeepsItsMemoryAndNothingElse) {
  std::string used = SmallRecord() + std::string(10'000, 'x');
  const char* memory = used.data();
  RedoRecordBuilder builder(kHeader, std::move(used));
  const std::string bytes = std::move(builder).Finish();
  EXPECT_EQ(bytes.data(), memory);
  EXPECT_EQ(bytes, RedoRecordBuilder(kHeader).Finish());
}

TEST(RedoRecordTest, EveryFlippedBitIsRefused) {
  const std::string good = SmallRecord();
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] ^= static_cast<char>(1 << (i % 8));
    const Status refused = ParseRedoRecord(bad).status();
    ASSERT_EQ(refused.code(), StatusCode::kDataLoss) << "bit " << i;
  }
}

TEST(RedoRecordTest, EveryCutAndEveryAppendedByteIsRefused) {
  const std::string good = SmallRecord();
  for (size_t cut = 0; cut < good.size(); ++cut) {
    const std::string part = good.substr(0, cut);
    ASSERT_EQ(ParseRedoRecord(part).status().code(), StatusCode::kDataLoss) << cut;
  }
  for (char c : {'\0', 'x'}) {
    EXPECT_EQ(ParseRedoRecord(good + c).status().code(), StatusCode::kDataLoss);
  }
}

TEST(RedoRecordTest, SealedButMalformedRecordsAreRefused) {
  const std::string good = SmallRecord();
  auto with = [&](size_t at, uint64_t v, size_t size) {
    std::string bad = good;
    std::memcpy(bad.data() + at, &v, size);
    return ParseRedoRecord(Resealed(bad)).status();
  };
  EXPECT_TRUE(with(52, 3, 4).ok()) << "the resealing itself must do no harm";
  EXPECT_EQ(with(52, 2, 4).code(), StatusCode::kDataLoss) << "a section fewer";
  EXPECT_EQ(with(52, 4, 4).code(), StatusCode::kDataLoss) << "a section more";
  EXPECT_EQ(with(52, 0xffffffff, 4).code(), StatusCode::kDataLoss) << "absurdly many";
  EXPECT_EQ(with(44, 1, 8).code(), StatusCode::kDataLoss) << "what is kept for later";
  EXPECT_EQ(with(kRedoHeaderBytes, 3, 4).code(), StatusCode::kDataLoss) << "unknown kind";
  for (uint64_t length : {uint64_t{13}, uint64_t{15}, uint64_t{1} << 40, ~uint64_t{0}}) {
    EXPECT_EQ(with(kRedoHeaderBytes + 16, length, 8).code(), StatusCode::kDataLoss) << length;
  }
}

TEST(RedoRecordTest, ANewerVersionIsNotCalledDamage) {
  std::string newer = SmallRecord();
  newer[4] = 2;
  const Status refused = ParseRedoRecord(Resealed(newer)).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused),
            "redo record has version 2, this program reads version 1: use the release that wrote "
            "it");
}

TEST(RedoRecordTest, ARecordUnderAForeignKeyIsRefused) {
  const std::string bytes = SmallRecord();
  EXPECT_TRUE(ParseRedoRecordOf(GroupId(3), TxId(77), bytes).ok());
  for (const auto& [group, txid] : {std::pair(4, 77), std::pair(3, 78)}) {
    const Status refused = ParseRedoRecordOf(GroupId(group), TxId(txid), bytes).status();
    EXPECT_EQ(refused.code(), StatusCode::kDataLoss);
    EXPECT_NE(Message(refused).find("the record of group 3, txid 77"), std::string_view::npos);
  }
}

TEST(RedoRecordDeathTest, SectionsDoNotNest) {
  RedoRecordBuilder builder(kHeader);
  builder.BeginSection({});
  EXPECT_DEATH(builder.BeginSection({}), "still open");
  EXPECT_DEATH((void)std::move(builder).Finish(), "still open");
  builder.EndSection(0);
  EXPECT_DEATH(builder.EndSection(0), "no section is open");
}

}  // namespace
}  // namespace trident
