// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/mark_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/letter_partition.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

constexpr GroupId kGroup(3);
constexpr Epoch kEpoch(5);

BatchId Id(uint64_t txid) { return {kGroup, TxId(txid), Attempt{kEpoch, 1}}; }

// A thread's mark as it is when the process ends there.
void LeaveBusy(WorkMark& mark, const WorkMark::Call& call) {
  WorkMark::UseOnThisThread(mark);
  // Never destroyed, as by the end of a process.
  alignas(WorkMark::Scope) static char place[sizeof(WorkMark::Scope)];
  new (place) WorkMark::Scope(call);
  static WorkMark after;
  WorkMark::UseOnThisThread(after);
}

class MarkFileTest : public testing::Test {
 protected:
  std::unique_ptr<MarkFile> Open(uint32_t executors = 2) {
    auto file = MarkFile::Open(dir_.path(), executors);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  TempDir dir_;
};

TEST_F(MarkFileTest, TheNextProcessSeesWhatThisOneWasDoing) {
  {
    auto file = Open();
    ASSERT_TRUE(file->Begin({}).ok());
    LeaveBusy(file->marks()[1], {"take", Id(7), 4});
    file->marks()[1].row() = 12;
    file->marks()[1].NoteRow(Id(7), {SpoutId(1), 2}, "file", std::string("at\0there", 8));
  }
  const LastProcess last = Open(1)->LastOf(kGroup, kEpoch, TxId(6));
  EXPECT_EQ(last.steps, std::vector<std::string>{"take"});
  EXPECT_EQ(last.cause, "while step \"take\" worked (txid 7, partition 4, row 12 of its slice)");
  ASSERT_TRUE(last.the_row);
  EXPECT_EQ(last.the_row->emitter, (EmitterId{SpoutId(1), 2}));
  EXPECT_EQ(last.the_row->at.partition, "file");
  EXPECT_EQ(last.the_row->at.position, std::string("at\0there", 8));
}

// No later process reads its row again, so it is no row to be tried alone.
TEST_F(MarkFileTest, ADeadLetterThatWasTriedAgainInTheBatchIsNamed) {
  for (const uint64_t tried_in : {6, 7}) {
    {
      auto file = Open();
      ASSERT_TRUE(file->Begin({}).ok());
      LeaveBusy(file->marks()[1], {"take", Id(7), 4});
      file->marks()[0].NoteRow(Id(tried_in), {SpoutId(1), 0}, kLetterPartition, "lines 3 0");
    }
    const LastProcess last = Open(1)->LastOf(kGroup, kEpoch, TxId(6));
    EXPECT_FALSE(last.the_row);
    EXPECT_EQ(last.cause,
              Concat("while step \"take\" worked (txid 7, partition 4, row 0 of its slice)",
                     tried_in == 6 ? ""
                                   : ", in whose batch dead letters were tried again, the last of "
                                     "them lines 3 0 (stream, txid, row)"));
  }
}

TEST_F(MarkFileTest, DecidedBatchesOtherGroupsAndOtherEpochsAreNothingToFear) {
  {
    auto file = Open();
    ASSERT_TRUE(file->Begin({}).ok());
    LeaveBusy(file->marks()[0], {"take", Id(7), 4});
    file->marks()[0].NoteRow(Id(7), {}, "file", "at");
  }
  auto file = Open();
  for (const LastProcess& last :
       {file->LastOf(kGroup, kEpoch, TxId(7)), file->LastOf(GroupId(1), kEpoch, TxId(6)),
        file->LastOf(kGroup, Epoch(4), TxId(6))}) {
    EXPECT_TRUE(last.steps.empty());
    EXPECT_FALSE(last.the_row);
  }
}

// A worker of several does not know what is decided.
TEST_F(MarkFileTest, ALifeEndedAtTheFirstBatchOfTheNewestEpoch) {
  constexpr Epoch kBefore(kEpoch.value() - 1);
  {
    auto file = Open(3);
    ASSERT_TRUE(file->Begin({}).ok());
    EXPECT_FALSE(file->LifeOf(kGroup));
    LeaveBusy(file->marks()[0], {"take", Id(9), 4});
    LeaveBusy(file->marks()[1], {"give", Id(8), 0});
    LeaveBusy(file->marks()[2], {"old", {kGroup, TxId(3), {kBefore, 1}}, 0});
    file->marks()[1].NoteRow(Id(8), {SpoutId(1), 2}, "file", "at");
    file->marks()[2].NoteRow({kGroup, TxId(11), {kBefore, 1}}, {SpoutId(1), 0}, "old", "at");
  }
  const std::optional<LastLife> life = Open(1)->LastLifeOf(kGroup);
  ASSERT_TRUE(life);
  EXPECT_EQ(life->epoch, kEpoch);
  EXPECT_EQ(life->process.last_decided, TxId(7));
  EXPECT_EQ(life->process.steps, (std::vector<std::string>{"give", "take"}));
  ASSERT_TRUE(life->process.the_row);
  EXPECT_EQ(life->process.the_row->at.partition, "file");
  EXPECT_FALSE(Open(1)->LastLifeOf(GroupId(77)));
}

// The row may have ended the worker to which it went.
TEST_F(MarkFileTest, AProcessThatGoesOnTellsOfTheRowThatItReadAlone) {
  auto file = Open();
  ASSERT_TRUE(file->Begin({}).ok());
  file->marks()[0].NoteRow(Id(8), {SpoutId(1), 0}, "file", "here");
  file->marks()[1].NoteRow(Id(9), {SpoutId(1), 1}, "file", "there");
  std::optional<LastLife> life = file->LifeOf(kGroup);
  ASSERT_TRUE(life && life->process.the_row);
  EXPECT_TRUE(life->process.steps.empty());
  EXPECT_EQ(life->process.cause, "");
  EXPECT_EQ(life->process.last_decided, TxId(8));
  EXPECT_EQ(life->process.the_row->at.position, "there");
  file->marks()[0].NoteRow(Id(8), {SpoutId(1), 0}, kLetterPartition, "lines 3 0");
  file->marks()[1].NoteRow(Id(9), {SpoutId(1), 0}, kLetterPartition, "lines 3 0");
  EXPECT_FALSE(file->LifeOf(kGroup));
}

TEST_F(MarkFileTest, CallsOfOtherThreadsAreToldAndAreNoBatchs) {
  {
    auto file = Open();
    const SideMarks::Claim too_early(&file->sides());
    ASSERT_TRUE(file->Begin({}).ok());
    {
      const SideMarks::Claim over(&file->sides());
      WorkMark::OfThisThread().NoteRow({}, {}, "other", "something");
      const WorkMark::Scope call({"step", {}, 0});
    }
    const SideMarks::Claim requests(&file->sides());
    WorkMark::OfThisThread().NoteRow({}, {}, "echo", "a request with an argument of 5 bytes");
    LeaveBusy(WorkMark::OfThisThread(), {"split", {}, 0});
    const SideMarks::Claim fold(&file->sides());
    LeaveBusy(WorkMark::OfThisThread(), {"the fold of state counts", {}, 3});
  }
  const auto next = Open(5);
  EXPECT_EQ(next->CallsBesideBatches(),
            (std::vector<std::string>{
                "while DRPC function \"echo\" worked in step \"split\" on a request with an "
                "argument of 5 bytes",
                "while the fold of state counts worked (partition 3)"}));
  EXPECT_TRUE(next->LastOf(kGroup, kEpoch, TxId(6)).steps.empty());
  EXPECT_TRUE(Open()->CallsBesideBatches().size() == 2) << "until there is a new file";
  ASSERT_TRUE(next->Begin({}).ok());
  EXPECT_TRUE(Open()->CallsBesideBatches().empty());
}

TEST_F(MarkFileTest, WhatAStartJudgedIsThereForTheNextOne) {
  EarlierDeaths deaths;
  deaths.txid = TxId(9);
  deaths.deaths = 3;
  deaths.rows_max = 24;
  deaths.steps = {"take", "give"};
  deaths.the_row = RowPlace{{SpoutId(1), 2}, {"file", "at"}};
  deaths.row_deaths = 2;
  deaths.divert_deaths = 1;
  deaths.cause = "while it worked";
  deaths.fate = EarlierDeaths::Fate::kDivert;
  ASSERT_TRUE(Open()->Begin({{kGroup, deaths}}).ok());
  const std::optional<EarlierDeaths> read = Open()->DeathsBefore(kGroup);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->txid, deaths.txid);
  EXPECT_EQ(read->deaths, deaths.deaths);
  EXPECT_EQ(read->rows_max, deaths.rows_max);
  EXPECT_EQ(read->steps, deaths.steps);
  EXPECT_EQ(read->the_row, deaths.the_row);
  EXPECT_EQ(read->row_deaths, deaths.row_deaths);
  EXPECT_EQ(read->divert_deaths, deaths.divert_deaths);
  EXPECT_EQ(read->cause, deaths.cause);
  EXPECT_EQ(read->fate, deaths.fate);
  EXPECT_FALSE(Open()->DeathsBefore(GroupId(1)));
}

TEST_F(MarkFileTest, AFileThatIsDamagedOrCutCountsAsEmpty) {
  const std::string path = dir_.path() + "/MARKS";
  EarlierDeaths deaths;
  deaths.txid = TxId(9);
  ASSERT_TRUE(Open()->Begin({{kGroup, deaths}}).ok());
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(33).put('x');
  EXPECT_FALSE(Open()->DeathsBefore(kGroup));
  std::filesystem::resize_file(path, 100);
  EXPECT_FALSE(Open()->DeathsBefore(kGroup));
  std::filesystem::remove(path);
  EXPECT_FALSE(Open()->DeathsBefore(kGroup));
}

TEST_F(MarkFileTest, OpeningChangesNothing) {
  Open();
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(MarkFileTest, AFolderThatIsGoneIsAnErrorAndTheMarksWorkOn) {
  auto file = Open();
  std::filesystem::remove_all(dir_.path());
  EXPECT_FALSE(file->Begin({}).ok());
  LeaveBusy(file->marks()[0], {"take", Id(7), 4});
  EXPECT_TRUE(file->marks()[0].Look().busy);
}

}  // namespace
}  // namespace trident
