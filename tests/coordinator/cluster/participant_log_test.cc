// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/participant_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr GroupId kGroup{3};
constexpr SpoutId kSpout{5};

Attempt AttemptAt(uint64_t epoch, uint32_t counter) { return {Epoch(epoch), counter}; }

// Takes the source partition "p" from `from` to `to`.
std::shared_ptr<const BatchCut> CutOf(const std::string& from, const std::string& to,
                                      int64_t time) {
  BatchCut cut;
  SourceRange& range = cut.ranges.emplace_back();
  range.emitter.spout = kSpout;
  range.partition = "p";
  range.start = from;
  range.end = to;
  range.rows = 2;
  cut.rows = 2;
  cut.rows_diverted = 1;
  cut.batch_time_micros = time;
  return std::make_shared<const BatchCut>(cut);
}

PreparedRecord RecordOf(uint64_t txid, Attempt attempt, Attempt previous) {
  return {
      .txid = TxId(txid),
      .attempt = attempt,
      .previous = previous,
      .rows = 7,
      .checksum = 1000 + txid,
      .cut = CutOf(Concat("at ", txid - 1), Concat("at ", txid), static_cast<int64_t>(100 * txid))};
}

// One life of a worker after the other, over one disk.
class ParticipantLogTest : public testing::Test {
 protected:
  void Restart() {
    log_ = std::make_unique<ParticipantLog>(*disk_);
    auto loaded = log_->Load({kGroup});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    remembered_ = *std::move(loaded);
  }
  void SetUp() override { Restart(); }

  void Write(WriteSet changes) { ASSERT_TRUE(disk_->Write(changes, Durability::kSynced).ok()); }
  void Prepare(const PreparedRecord& record) {
    WriteSet redo, changes;
    redo.Put(Table::kRedo, RedoKey(kGroup, record.txid), Concat("redo ", record.txid.value()));
    log_->AddRecord({kGroup, record.txid, record.attempt}, record, std::move(redo), changes);
    Write(std::move(changes));
  }
  void Decide(uint64_t txid, Attempt attempt) {
    WriteSet changes;
    const Status added = log_->AddDecision({kGroup, TxId(txid), attempt}, changes);
    ASSERT_TRUE(added.ok()) << added;
    Write(std::move(changes));
  }
  bool HasRedo(uint64_t txid) {
    return disk_->Get(Table::kRedo, RedoKey(kGroup, TxId(txid)))->has_value();
  }
  const GroupReport& report() const { return remembered_.groups.at(0); }
  std::string PositionInLog() const {
    const std::optional<LogReport> log = log_->LogOf(kGroup);
    if (!log) return "none";
    if (log->positions.empty()) return "";
    return log->positions.at(0).at.position;
  }

  std::unique_ptr<MemoryStore> disk_ = std::make_unique<MemoryStore>();
  std::unique_ptr<ParticipantLog> log_;
  Remembered remembered_;
};

TEST_F(ParticipantLogTest, AStartFindsThePromiseTheRecordsAndWhatIsDecided) {
  WriteSet changes;
  ParticipantLog::AddPromise(Epoch(4), changes);
  Write(std::move(changes));
  const Attempt first = AttemptAt(4, 1), second = AttemptAt(4, 9);
  Prepare(RecordOf(1, first, Attempt()));
  Prepare(RecordOf(2, second, first));
  Decide(1, first);
  Restart();
  EXPECT_EQ(remembered_.promised, Epoch(4));
  EXPECT_EQ(report().known, TxId(1));
  EXPECT_EQ(report().known_attempt, first);
  ASSERT_EQ(report().records.size(), 1u);
  const PreparedRecord& record = report().records[0];
  EXPECT_EQ(record.txid, TxId(2));
  EXPECT_EQ(record.attempt, second);
  EXPECT_EQ(record.previous, first);
  EXPECT_EQ(record.rows, 7u);
  EXPECT_EQ(record.checksum, 1002u);
  ASSERT_NE(record.cut, nullptr);
  EXPECT_EQ(*record.cut, *CutOf("at 1", "at 2", 200));
  EXPECT_EQ(PositionInLog(), "at 1");
  EXPECT_EQ(log_->LogOf(kGroup)->after, TxId(1));
  EXPECT_EQ(log_->LogOf(kGroup)->batch_time_micros, 100);
  EXPECT_EQ(log_->AttemptOf(kGroup, TxId(1)), first);
  EXPECT_EQ(log_->RedoChecksumOf(kGroup, TxId(1)), 1001u);
}

TEST_F(ParticipantLogTest, ARecordTakesThePlaceOfItsTxidAndOfLaterOnes) {
  const Attempt first = AttemptAt(1, 1), old = AttemptAt(1, 2), fresh = AttemptAt(1, 3);
  Prepare(RecordOf(1, first, Attempt()));
  Prepare(RecordOf(2, old, first));
  Prepare(RecordOf(3, old, old));
  Prepare(RecordOf(2, fresh, first));
  EXPECT_TRUE(HasRedo(2));
  EXPECT_FALSE(HasRedo(3));
  Restart();
  ASSERT_EQ(report().records.size(), 2u);
  EXPECT_EQ(report().records[1].attempt, fresh);
}

TEST_F(ParticipantLogTest, RecordsThatAreDroppedAreGoneWithTheirRedo) {
  const Attempt first = AttemptAt(1, 1);
  Prepare(RecordOf(1, first, Attempt()));
  Prepare(RecordOf(2, first, first));
  WriteSet changes;
  log_->AddDrop({kGroup, TxId(2), Attempt()}, changes);
  Write(std::move(changes));
  EXPECT_TRUE(HasRedo(1));
  EXPECT_FALSE(HasRedo(2));
  Restart();
  EXPECT_EQ(report().records.size(), 1u);
}

TEST_F(ParticipantLogTest, WhatHasNoRecordCannotBeDecided) {
  WriteSet changes;
  const BatchId id{kGroup, TxId(1), AttemptAt(1, 1)};
  EXPECT_TRUE(absl::IsInternal(log_->AddDecision(id, changes)));
  Prepare(RecordOf(1, AttemptAt(1, 2), Attempt()));
  EXPECT_TRUE(absl::IsInternal(log_->AddDecision(id, changes)));
  EXPECT_TRUE(changes.empty());
}

TEST_F(ParticipantLogTest, DecisionsOfThisLifeAreKnownUntilTheyAreTrimmed) {
  Attempt before;
  for (uint64_t txid = 1; txid <= 5; ++txid) {
    const Attempt attempt = AttemptAt(2, static_cast<uint32_t>(txid));
    Prepare(RecordOf(txid, attempt, before));
    Decide(txid, attempt);
    before = attempt;
  }
  EXPECT_EQ(log_->LastDecided(kGroup), TxId(5));
  EXPECT_EQ(log_->RedoChecksumOf(kGroup, TxId(3)), 1003u);
  ASSERT_TRUE(log_->Trim(kGroup, TxId(4)).ok());
  EXPECT_EQ(log_->AttemptOf(kGroup, TxId(3)), std::nullopt);
  EXPECT_EQ(log_->AttemptOf(kGroup, TxId(4)), AttemptAt(2, 4));
  Restart();
  EXPECT_EQ(report().known, TxId(5));
  EXPECT_EQ(PositionInLog(), "at 5");
}

// Positions that are given as of a txid that is decided here later are not moved twice, whenever
// the process ends.
TEST_F(ParticipantLogTest, AGivenLogHoldsAlsoForWhatIsDecidedAfterIt) {
  for (const bool dies : {false, true}) {
    const Attempt first = AttemptAt(1, 1);
    Prepare(RecordOf(1, first, Attempt()));
    Prepare(RecordOf(2, first, first));
    word::WriteLog given{Epoch(2), {{kGroup, {}}}};
    LogReport& log = given.groups[0].log;
    log.after = TxId(2);
    log.positions = {{kSpout, {"p", "given"}}, {kSpout, {"q", "other"}}};
    log.batch_time_micros = 777;
    WriteSet changes;
    log_->AddLog(given, changes);
    Write(std::move(changes));
    if (dies) Restart();
    EXPECT_EQ(log_->LogOf(kGroup)->after, TxId(2));
    Decide(1, first);
    Decide(2, first);
    EXPECT_EQ(PositionInLog(), "given");
    EXPECT_EQ(log_->LogOf(kGroup)->positions.size(), 2u);
    EXPECT_EQ(log_->LogOf(kGroup)->batch_time_micros, 777);
    Prepare(RecordOf(3, first, first));
    Decide(3, first);
    EXPECT_EQ(PositionInLog(), "at 3");
    log_.reset();
    disk_ = std::make_unique<MemoryStore>();
    Restart();
  }
}

TEST_F(ParticipantLogTest, AWorkerThatMissedACutHasNoLogUntilItIsGivenOne) {
  const Attempt first = AttemptAt(1, 1);
  PreparedRecord without = RecordOf(1, first, Attempt());
  without.cut = nullptr;
  Prepare(without);
  EXPECT_EQ(PositionInLog(), "");
  Decide(1, first);
  EXPECT_EQ(PositionInLog(), "none");
  Restart();
  EXPECT_EQ(PositionInLog(), "none");
  word::WriteLog given{Epoch(2), {{kGroup, {}}}};
  given.groups[0].log.after = TxId(1);
  given.groups[0].log.positions = {{kSpout, {"p", "given"}}};
  WriteSet changes;
  log_->AddLog(given, changes);
  Write(std::move(changes));
  Restart();
  EXPECT_EQ(PositionInLog(), "given");
}

TEST_F(ParticipantLogTest, LivesGoUp) {
  EXPECT_EQ(*ParticipantLog::NextLife(*disk_), Incarnation(1));
  for (uint64_t life = 1; life < 4; ++life) {
    WriteSet changes;
    ParticipantLog::AddLife(Incarnation(life), changes);
    Write(std::move(changes));
    EXPECT_EQ(*ParticipantLog::NextLife(*disk_), Incarnation(life + 1));
  }
}

TEST_F(ParticipantLogTest, ADamagedRowIsSaidToBeDamaged) {
  const Attempt first = AttemptAt(1, 1);
  WriteSet changes;
  ParticipantLog::AddPromise(Epoch(4), changes);
  PreparedRecord without = RecordOf(1, first, Attempt());
  without.cut = nullptr;
  Write(std::move(changes));
  Prepare(without);
  Decide(1, first);
  Prepare(RecordOf(2, first, first));
  Rng rng(9);
  std::vector<std::pair<std::string, std::string>> rows;
  auto cursor = disk_->NewCursor(Table::kMeta);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    rows.emplace_back(cursor->key(), cursor->value());
  }
  ASSERT_EQ(rows.size(), 3u);
  for (const auto& [key, value] : rows) {
    for (size_t at = 0; at < value.size(); ++at) {
      std::string damaged = value;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 + rng.Below(255)));
      WriteSet damage, mend;
      damage.Put(Table::kMeta, key, damaged);
      Write(std::move(damage));
      ParticipantLog log(*disk_);
      const auto loaded = log.Load({kGroup});
      ASSERT_FALSE(loaded.ok()) << key << " at " << at;
      EXPECT_TRUE(absl::IsDataLoss(loaded.status()) || absl::IsFailedPrecondition(loaded.status()))
          << loaded.status();
      mend.Put(Table::kMeta, key, value);
      Write(std::move(mend));
    }
  }
}

}  // namespace
}  // namespace trident
