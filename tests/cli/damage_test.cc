// SPDX-License-Identifier: Apache-2.0
//
// A bit is flipped in every kind of file of a directory, a file is lost, records are changed behind
// the store's back. After each, `verify` says that the directory is damaged or refuses it, or
// nothing that was remembered has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>

#include "base/hash.h"
#include "base/rng.h"
#include "coordinator/decision_log.h"
#include "state/disk/rocks_store.h"
#include "state/disk/store_layout.h"
#include "state/map/change_rows.h"
#include "state/redo/redo_record.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/folded_directory.h"
#include "tests/cli/served_words.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kSeed = 7;
constexpr int kFlipsPerFile = 6;

const FoldedDirectory& Folded() { return FoldedDirectory::Get(); }

// "sst", "log", "MANIFEST", "FORMAT", ...
std::string KindOf(const fs::path& file) {
  if (file.has_extension()) return file.extension().string().substr(1);
  const std::string name = file.filename();
  return name.substr(0, name.find('-'));
}

enum class Outcome { kDamaged, kRefused, kUnharmed };

// A start of the program on a copy of `dir`, which has all of its input: refused and said to be
// damaged, refused for another reason, or done.
Ended RunOnCopyOf(const std::string& dir) {
  const std::string copy = dir + ".run";
  fs::copy(dir, copy, fs::copy_options::recursive);
  Ended ended = RunProgramToEnd({"wordcount", "run", "--input", Folded().input(), "--state", copy,
                                 "--sync", "none", "--memory-mib", "64", "--quiet"});
  if (ended.code == 0) {
    const Ended dump = RunTrident({"state", "dump", copy, "counts"});
    ended.out = dump.out;
  }
  fs::remove_all(copy);
  return ended;
}

// `verify` and a start judge alike: what a start refuses, verify does not call whole.
void ExpectOneJudgement(const std::string& dir, int verified) {
  const Ended run = RunOnCopyOf(dir);
  if (run.code == 0) {
    // A start does not read every byte. What it does not read may be damaged all the same.
    EXPECT_TRUE(verified == 5 || run.out == Folded().counts());
    return;
  }
  EXPECT_NE(verified, 0) << run.err;
}

// Anything else is a wrong answer that nobody notices.
Outcome OutcomeOf(const std::string& dir) {
  const Ended verified = RunTrident({"state", "verify", dir});
  const Ended dump = RunTrident({"state", "dump", dir, "counts"});
  ExpectOneJudgement(dir, verified.code);
  switch (verified.code) {
    case 5:
      EXPECT_THAT(verified.err, HasSubstr(dir + " is damaged in "));
      EXPECT_THAT(verified.out, HasSubstr("damaged: "));
      EXPECT_TRUE(dump.code == 5 || dump.out == Folded().counts()) << dump.code << dump.err;
      return Outcome::kDamaged;
    case 4:
      EXPECT_EQ(dump.code, 4);
      return Outcome::kRefused;
    default:
      EXPECT_EQ(verified.code, 0) << verified.err;
      EXPECT_EQ(dump.code, 0) << dump.err;
      EXPECT_EQ(dump.out, Folded().counts());
      return Outcome::kUnharmed;
  }
}

TEST(DamageTest, ABitThatFlipsInAnyFileIsNoticedOrHarmless) {
  Rng rng(kSeed);
  std::map<std::string, int> noticed;
  for (const fs::path& file : FilesOf(Folded().path())) {
    const uint64_t bits = 8 * fs::file_size(file);
    for (int flip = 0; bits > 0 && flip < kFlipsPerFile; ++flip) {
      const uint64_t bit = rng.Below(bits);
      SCOPED_TRACE(Concat(file.string(), " bit ", bit));
      TempDir temp;
      const std::string copy = temp.path() + "/copy";
      Folded().CopyTo(copy);
      FlipBit(copy / fs::relative(file, Folded().path()), bit);
      noticed[KindOf(file)] += OutcomeOf(copy) != Outcome::kUnharmed ? 1 : 0;
      if (testing::Test::HasFailure()) return;
    }
  }
  for (const char* kind : {"sst", "log", "MANIFEST", "CURRENT", "FORMAT"}) {
    EXPECT_GT(noticed[kind], 0) << kind << ": no flip of its bits was noticed";
  }
}

TEST(DamageTest, AFileThatIsLostIsNoticedOrHarmless) {
  std::map<std::string, int> noticed;
  for (const fs::path& file : FilesOf(Folded().path())) {
    SCOPED_TRACE(file.string());
    TempDir temp;
    const std::string copy = temp.path() + "/copy";
    Folded().CopyTo(copy);
    fs::remove(copy / fs::relative(file, Folded().path()));
    noticed[KindOf(file)] += OutcomeOf(copy) != Outcome::kUnharmed ? 1 : 0;
  }
  for (const char* kind : {"sst", "log", "MANIFEST", "CURRENT", "FORMAT"}) {
    EXPECT_GT(noticed[kind], 0) << kind << " was lost and nobody noticed";
  }
}

TEST(DamageTest, EveryTableFileWithABadBlockIsNamed) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  Folded().CopyTo(copy);
  std::vector<std::string> damaged;
  for (const fs::path& file : FilesOf(copy)) {
    if (file.extension() != ".sst") continue;
    FlipBit(file, 8 * 20);
    damaged.push_back(file);
  }
  ASSERT_GE(damaged.size(), 2u);
  const Ended verified = RunTrident({"state", "verify", copy});
  EXPECT_EQ(verified.code, 5);
  for (const std::string& file : damaged) EXPECT_THAT(verified.out + verified.err, HasSubstr(file));
}

// ---- records that are whole, and wrong ----

// Changes a directory through the store, as a bug or a bad backup would.
class Tampered {
 public:
  Tampered() : dir_(temp_.path() + "/copy") { Folded().CopyTo(dir_); }

  void Change(const std::function<void(RocksStore&)>& change) {
    const auto store = RocksStore::Open({.dir = dir_});
    ASSERT_TRUE(store.ok()) << store.status();
    change(**store);
  }
  void ExpectDamage(const std::string& what) {
    const Ended verified = RunTrident({"state", "verify", dir_});
    EXPECT_EQ(verified.code, 5);
    EXPECT_THAT(verified.out, HasSubstr(what));
    EXPECT_THAT(verified.err, StartsWith("trident: " + dir_ + " is damaged in "));
    EXPECT_THAT(verified.err, EndsWith("restore it from a backup, whole\n"));
    const Ended json = RunTrident({"state", "verify", dir_, "-o", "json"});
    EXPECT_EQ(json.code, 5);
    EXPECT_THAT(json.out, testing::Not(HasSubstr("\"damage_count\":0")));
  }
  const std::string& path() const { return dir_; }
  int DumpCode() { return RunTrident({"state", "dump", dir_, "counts"}).code; }

 private:
  TempDir temp_;
  const std::string dir_;
};

constexpr GroupId kGroup(1);

TxId LastOf(RocksStore& store, Table table) {
  TxId last;
  const auto cursor = store.NewCursor(table);
  for (cursor->Seek(table == Table::kRedo ? "" : "d"); cursor->Valid(); cursor->Next()) {
    const auto key =
        table == Table::kRedo ? ParseRedoKey(cursor->key()) : ParseDecisionKey(cursor->key());
    if (key) last = key->txid;
  }
  return last;
}

void Write(RocksStore& store, const WriteSet& changes) {
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
}

void Load(RocksStore& store, const std::string& key, const std::string& value) {
  auto load = store.NewBulkLoad(Table::kBase);
  ASSERT_TRUE(load.ok());
  ASSERT_TRUE((*load)->Put(key, value).ok());
  ASSERT_TRUE((*load)->Install().ok());
}

TEST(DamageTest, RedoThatIsMissingIsNamedAndNothingIsDumped) {
  Tampered directory;
  TxId lost;
  directory.Change([&](RocksStore& store) {
    lost = LastOf(store, Table::kRedo).Prev();
    WriteSet changes;
    changes.Delete(Table::kRedo, RedoKey(kGroup, lost));
    Write(store, changes);
  });
  directory.ExpectDamage(Concat("damaged: redo of group 1: txid ", lost.value(),
                                " was decided, but neither the base nor the redo has all of it\n"));
  EXPECT_EQ(directory.DumpCode(), 5);
}

TEST(DamageTest, ADecisionThatIsMissingIsNamed) {
  Tampered directory;
  TxId lost;
  directory.Change([&](RocksStore& store) {
    lost = LastOf(store, Table::kDecision).Prev();
    WriteSet changes;
    changes.Delete(Table::kDecision, DecisionKey(kGroup, lost));
    Write(store, changes);
  });
  directory.ExpectDamage(Concat("damaged: decisions of group 1: txid ", lost.Prev().value(),
                                " is followed by txid ", lost.Next().value(),
                                "; those between are missing\n"));
  EXPECT_EQ(directory.DumpCode(), 5);
}

TEST(DamageTest, ARecordUnderAForeignKeyIsNamed) {
  Tampered directory;
  TxId last;
  directory.Change([&](RocksStore& store) {
    last = LastOf(store, Table::kRedo);
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, last),
                **store.Get(Table::kRedo, RedoKey(kGroup, last.Prev())));
    Write(store, changes);
  });
  directory.ExpectDamage(Concat("damaged: redo of txid ", last.value(),
                                ", group 1: under the redo "
                                "key of group 1, txid ",
                                last.value(), " stands the record of "));
}

TEST(DamageTest, ABaseAheadOfTheDecisionsIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    Load(store, MarkerKey(StateId(1), PartitionId(3)),
         EncodeMarker(
             {.txid = TxId(1'000'000), .attempt = {Epoch(1), 1}, .checksum = 0, .keys = 1}));
  });
  directory.ExpectDamage(
      "damaged: state counts, partition 3: its base holds everything up to txid "
      "1000000, but the decisions of group 1 end at txid ");
  EXPECT_EQ(directory.DumpCode(), 5);
}

TEST(DamageTest, ADamagedMarkerIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    const std::string key = MarkerKey(StateId(1), PartitionId(3));
    std::string marker = **store.Get(Table::kBase, key);
    marker[3] ^= 1;
    Load(store, key, marker);
  });
  directory.ExpectDamage("damaged: state counts, partition 3: partition marker is damaged: ");
  EXPECT_EQ(directory.DumpCode(), 5);
}

TEST(DamageTest, RowsOfTheBaseThatCannotBeAreNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    Load(store, BaseKey(StateId(77), PartitionId(0), "x"), "y");
    Load(store, BaseKey(StateId(1), PartitionId(0), "not-of-this-partition-0"), "\x02");
    Load(store, BaseKey(StateId(1), PartitionId(1), "not-of-this-partition-1"), "\x02");
  });
  directory.ExpectDamage(
      "damaged: base: it holds a row of state number 77, partition 0, which the "
      "directory does not have\n");
  directory.ExpectDamage(" belongs to another partition\n");
}

TEST(DamageTest, AValueOfTheBaseThatIsNoneIsNamed) {
  Tampered directory;
  std::string word;
  directory.Change([&](RocksStore& store) {
    const auto cursor = store.NewCursor(Table::kBase);
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      const auto row = ParseBaseKey(cursor->key());
      if (!row || row->is_marker || row->state != StateId(1)) continue;
      word = row->key;
      Load(store, std::string(cursor->key()), "\xff\xff");
      return;
    }
  });
  ASSERT_NE(word, "");
  directory.ExpectDamage(Concat("value of [", word,
                                "]: expected one value of type int64, found 2 "
                                "bytes that are none\n"));
}

TEST(DamageTest, ADumpGivesAllRowsButThoseThatAreNone) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    const auto cursor = store.NewCursor(Table::kBase);
    for (cursor->Seek(BasePrefix(StateId(1), PartitionId(0))); cursor->Valid(); cursor->Next()) {
      const auto row = ParseBaseKey(cursor->key());
      if (!row || row->is_marker) continue;
      Load(store, std::string(cursor->key()), "\xff\xff");
      return;
    }
  });
  const Ended dump = RunTrident({"state", "dump", directory.path(), "counts"});
  EXPECT_EQ(dump.code, 5);
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(dump.out), lines(Folded().counts()) - 1);
  EXPECT_THAT(dump.err, HasSubstr("trident: state counts, key ["));
  EXPECT_THAT(dump.err, HasSubstr("; 1 more that cannot be read, see above)\n"));
}

// ---- a base that differs from the redo that it was made of ----

// A row of counts in the base.
struct BaseWord {
  PartitionId partition;
  std::string word;
};

BaseWord FirstWordOf(RocksStore& store) {
  const auto cursor = store.NewCursor(Table::kBase);
  for (cursor->Seek(BasePrefix(StateId(1), PartitionId(0))); cursor->Valid(); cursor->Next()) {
    const auto row = ParseBaseKey(cursor->key());
    if (row && !row->is_marker) return {row->partition, std::string(row->key)};
  }
  return {};
}

// A redo record of the txid up to which the partition is folded, with one change of `word`.
void PutFoldedRedo(RocksStore& store, PartitionId partition, RowOperation operation,
                   const std::string& word, int64_t value) {
  const auto marker = DecodeMarker(**store.Get(Table::kBase, MarkerKey(StateId(1), partition)));
  ASSERT_TRUE(marker.ok());
  RedoHeader header{kGroup, marker->txid, marker->attempt, {}};
  const auto before = store.Get(Table::kDecision, DecisionKey(kGroup, marker->txid.Prev()));
  if (before.ok() && *before) header.previous = DecodeDecision(**before)->attempt;
  std::string rows;
  ChangeRowWriter<int64_t>(rows).Write(operation, word, value);
  RedoRecordBuilder record(header);
  record.AddSection(StateSection(StateId(1), partition), 1, rows);
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, marker->txid), std::move(record).Finish());
  Write(store, changes);
}

TEST(DamageTest, AValueOfTheBaseThatDiffersFromItsRedoIsNamed) {
  Tampered directory;
  BaseWord row;
  directory.Change([&](RocksStore& store) {
    row = FirstWordOf(store);
    PutFoldedRedo(store, row.partition, RowOperation::kReplace, row.word, -77);
  });
  directory.ExpectDamage(Concat("damaged: state counts, partition ", row.partition.value(),
                                ": the key [", row.word, "] has "));
  directory.ExpectDamage(", but the redo that was folded gives -77\n");
}

TEST(DamageTest, AKeyThatTheBaseHasAlthoughItsRedoRemovedItIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    const BaseWord row = FirstWordOf(store);
    PutFoldedRedo(store, row.partition, RowOperation::kRemove, row.word, 0);
  });
  directory.ExpectDamage(", but the redo that was folded gives none\n");
}

TEST(DamageTest, AKeyThatTheBaseHasNotAlthoughItsRedoWasFoldedIsNamed) {
  Tampered directory;
  std::string word;
  directory.Change([&](RocksStore& store) {
    const PartitionId partition = FirstWordOf(store).partition;
    // Of the words that are in no line, one that belongs there.
    for (int i = 0; word.empty(); ++i) {
      const std::string candidate = Concat("absent", i);
      if (PartitionOfHash(HashBytes(candidate), 64) == partition.value()) word = candidate;
    }
    PutFoldedRedo(store, partition, RowOperation::kAdd, word, 5);
  });
  directory.ExpectDamage(Concat(": the key [", word, "] is missing, although its redo was folded"));
}

// ---- decisions that contradict what else there is ----

// Changes the decision before the last one, and returns its txid.
TxId ChangeDecision(RocksStore& store, const std::function<void(DecisionRecord&)>& change) {
  const TxId txid = LastOf(store, Table::kDecision).Prev();
  const std::string key = DecisionKey(kGroup, txid);
  DecisionRecord record = *DecodeDecision(**store.Get(Table::kDecision, key));
  change(record);
  WriteSet changes;
  changes.Put(Table::kDecision, key, EncodeDecision(record));
  Write(store, changes);
  return txid;
}

TEST(DamageTest, ADecisionOfAnotherAttemptThanTheRedoIsNamedForBothTxIdsThatSawIt) {
  Tampered directory;
  TxId txid;
  directory.Change([&](RocksStore& store) {
    txid = ChangeDecision(store, [](DecisionRecord& record) { record.attempt.counter += 1000; });
  });
  directory.ExpectDamage(Concat("damaged: redo of txid ", txid.value(), ", group 1: it is of "));
  directory.ExpectDamage(
      Concat("damaged: redo of txid ", txid.Next().value(), ", group 1: it was computed over "));
  EXPECT_EQ(directory.DumpCode(), 5);
}

TEST(DamageTest, RedoThatIsNotTheOneThatWasDecidedIsNamed) {
  Tampered directory;
  TxId txid;
  directory.Change([&](RocksStore& store) {
    txid = ChangeDecision(store, [](DecisionRecord& record) { ++record.votes.front().checksum; });
  });
  directory.ExpectDamage(
      Concat("damaged: redo of txid ", txid.value(), ", group 1: its checksum is "));
}

TEST(DamageTest, ADecisionOfAnEpochThatNeverBeganIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    ChangeDecision(store, [](DecisionRecord& record) { record.attempt.epoch = Epoch(4711); });
  });
  directory.ExpectDamage(": it is of epoch 4711, but the newest epoch that began here is ");
}

TEST(DamageTest, ADecisionWhoseRowsDoNotAddUpIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    ChangeDecision(store, [](DecisionRecord& record) { record.rows += 5; });
  });
  directory.ExpectDamage(": it counts 6 rows, its source ranges 1\n");
}

TEST(DamageTest, ASourcePositionThatContradictsTheDecisionsIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    const auto cursor = store.NewCursor(Table::kDecision);
    cursor->Seek("p");
    ASSERT_TRUE(cursor->Valid());
    WriteSet changes;
    changes.Put(Table::kDecision, std::string(cursor->key()), Seal(1, "elsewhere"));
    Write(store, changes);
  });
  directory.ExpectDamage(": it says 'elsewhere', but the newest range ends at '");
}

TEST(DamageTest, AnIdentityThatIsDamagedIsNamed) {
  Tampered directory;
  directory.Change([&](RocksStore& store) {
    WriteSet changes;
    changes.Put(Table::kMeta, "owner", "nonsense without a checksum");
    Write(store, changes);
  });
  directory.ExpectDamage("damaged: directory: the record 'owner' in ");
  EXPECT_EQ(directory.DumpCode(), 5);
}

// ---- whatever else may be lost ----

// One record of one table, by its place in the order of keys.
struct Place {
  Table table;
  std::string key, value;
  std::string next;  // the key behind it; "" at the end
};
Place RandomPlace(RocksStore& store, Rng& rng) {
  std::vector<Place> places;
  for (const Table table : {Table::kMeta, Table::kRedo, Table::kDecision}) {
    const auto cursor = store.NewCursor(table);
    std::vector<Place> of_table;
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      const std::string key(cursor->key());
      if (!of_table.empty()) of_table.back().next = key;
      of_table.push_back({table, key, std::string(cursor->value()), ""});
    }
    // So that the few of the meta table have their turn as often.
    for (int i = 0; i < 20; ++i) places.push_back(of_table[rng.Below(of_table.size())]);
  }
  return places[rng.Below(places.size())];
}

std::string ChangeAtRandom(RocksStore& store, Rng& rng) {
  const Place place = RandomPlace(store, rng);
  WriteSet changes;
  std::string what;
  switch (rng.Below(4)) {
    case 0:
      what = "lost";
      changes.Delete(place.table, place.key);
      break;
    case 1:
      what = "lost with all behind it";
      if (place.table == Table::kMeta) {
        changes.Delete(place.table, place.key);
      } else {
        changes.DeleteRange(place.table, place.key, "\xff");
      }
      break;
    case 2:
      what = "also at the next place";
      changes.Put(place.table, place.next.empty() ? place.key + "x" : place.next, place.value);
      break;
    default:
      what = "with a byte changed";
      std::string value = place.value;
      if (!value.empty()) value[rng.Below(value.size())] ^= 0x10;
      changes.Put(place.table, place.key, value);
  }
  Write(store, changes);
  std::string hex;
  for (const char c : place.key) {
    hex += c >= ' ' && c <= '~' ? std::string(1, c)
                                : Concat("\\", static_cast<int>(static_cast<uint8_t>(c)));
  }
  return Concat("table ", static_cast<int>(place.table), ", key ", hex, ": ", what);
}

TEST(DamageTest, AStartRefusesNothingThatVerifyCallsWhole) {
  constexpr uint64_t kSeeds = 60;
  int refused = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rng rng(seed);
    Tampered directory;
    std::string what;
    directory.Change([&](RocksStore& store) { what = ChangeAtRandom(store, rng); });
    SCOPED_TRACE(Concat("seed ", seed, ", ", what));
    const Ended verified = RunTrident({"state", "verify", directory.path()});
    refused += verified.code != 0;
    ExpectOneJudgement(directory.path(), verified.code);
  }
  EXPECT_GT(refused, static_cast<int>(kSeeds / 3));
}

}  // namespace
}  // namespace trident
