// SPDX-License-Identifier: Apache-2.0
//
// A scripted life of a RocksStore (redo, decisions, folds, trims, flushes, compactions) against a
// disk that fails at every operation, loses power at every operation, tears the log at every byte,
// and flips bits in every kind of file. After each fault the store must hold what the script had
// done after some allowed step, byte for byte in all tables, or refuse to open. Nothing else is
// right.
//
// TRIDENT_SOAK=1 tries every bit and many more losses of power.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "state/rocks_store.h"
#include "state/rocks_store_testing.h"
#include "state/store_layout.h"
#include "tests/state/faulty_file_system.h"
#include "tests/state/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using Access = RocksStoreOptions::Access;
using Fault = FaultyDisk::Fault;

constexpr GroupId kGroup(1);
constexpr StateId kState(1);

bool Soak() { return std::getenv("TRIDENT_SOAK") != nullptr; }

// Write buffers so small that the script flushes, and switches logs, many times.
RocksStoreOptions Options(const std::string& dir, Access access = Access::kReadWrite) {
  return {.dir = dir, .access = access, .cache_bytes = 1 << 20, .write_buffer_bytes = 256 << 10};
}

// Everything that a store holds, as one string. Not ok where it cannot be read.
StatusOr<std::string> ContentOf(const DurableStore& store) {
  std::string content;
  for (int table = 0; table < kTableCount; ++table) {
    const std::unique_ptr<Cursor> cursor = store.NewCursor(static_cast<Table>(table));
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      content += Concat(table, ":", cursor->key(), "=", cursor->value(), ";");
    }
    TRIDENT_RETURN_IF_ERROR(cursor->status());
  }
  return content;
}

// One call that changes the store.
struct Step {
  std::function<Status(DurableStore&)> run;
  bool is_durable;  // once it was acknowledged, it and all before it survive a loss of power
};

Step WriteStep(WriteSet changes, Durability durability) {
  return {[=](DurableStore& store) { return store.Write(changes, durability); },
          durability == Durability::kSynced};
}

std::string Payload(uint64_t seed, size_t bytes) {
  Rng rng(seed);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(rng());
  return out;
}

Step CommitStep(TxId t) {
  WriteSet commit;
  commit.Put(Table::kRedo, RedoKey(kGroup, t), Payload(t.value(), 15'000));
  commit.Put(Table::kDecision, DecisionKey(kGroup, t), Payload(t.value(), 100));
  return WriteStep(std::move(commit), Durability::kSynced);
}

Step FoldStep(TxId t) {
  return {[t](DurableStore& store) -> Status {
            TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BulkLoad> load,
                                     store.NewBulkLoad(Table::kBase));
            const PartitionId partition(0);
            TRIDENT_RETURN_IF_ERROR(
                load->Put(MarkerKey(kState, partition), EncodeMarker({t, {Epoch(1), 1}, 0, 20})));
            for (int i = 0; i < 20; ++i) {
              const std::string key = BaseKey(kState, partition, Concat("key", 10 + i));
              TRIDENT_RETURN_IF_ERROR((i + t.value()) % 5 == 0
                                          ? load->Delete(key)
                                          : load->Put(key, std::to_string(t.value())));
            }
            return load->Install();
          },
          true};
}

Step TrimStep(TxId t) {
  WriteSet trim;
  trim.DeleteRange(Table::kRedo, RedoKey(kGroup, TxId(0)), RedoKey(kGroup, t.Next()));
  return WriteStep(std::move(trim), Durability::kBuffered);
}

std::vector<Step> Script(uint64_t first, uint64_t last) {
  std::vector<Step> script;
  for (TxId t(first); t <= TxId(last); t = t.Next()) {
    script.push_back(CommitStep(t));
    if (t.value() % 2 != 0) continue;
    script.push_back(WriteStep({}, Durability::kSynced));
    script.push_back(FoldStep(t));
    script.push_back(TrimStep(t));
  }
  return script;
}

// A directory with some life behind it, the script that continues it, and what the store holds
// after each step of it.
class Life {
 public:
  Life() : script_(Script(13, 24)) {
    std::unique_ptr<RocksStore> store = RocksStore::Open(Options(dir_.path())).value();
    for (const Step& step : Script(1, 12)) TRIDENT_CHECK_OK(step.run(*store));
    store.reset();
    TempDir copy;
    CopyTo(copy.path());
    store = RocksStore::Open(Options(copy.path())).value();
    contents_.push_back(ContentOf(*store).value());
    for (const Step& step : script_) {
      TRIDENT_CHECK_OK(step.run(*store));
      contents_.push_back(ContentOf(*store).value());
    }
  }

  const std::vector<Step>& script() const { return script_; }
  const std::string& content_after(size_t steps) const { return contents_[steps]; }
  const std::string& dir() const { return dir_.path(); }
  void CopyTo(const std::string& dir) const {
    fs::copy(dir_.path(), dir, fs::copy_options::recursive);
  }
  // How many steps lead to `content`; the trim of nothing leads nowhere, so there may be several.
  bool IsAfter(const std::string& content, size_t least, size_t most) const {
    for (size_t steps = least; steps <= std::min(most, script_.size()); ++steps) {
      if (content == contents_[steps]) return true;
    }
    return false;
  }

 private:
  TempDir dir_;
  std::vector<Step> script_;
  std::vector<std::string> contents_;
};

const Life& TheLife() {
  static const Life* const life = new Life();
  return *life;
}

// One run of the script over a disk with a fault, and what came of it.
class FaultyRun {
 public:
  FaultyRun(const Life& life, uint64_t fail_at, Fault fault) : life_(life) {
    life.CopyTo(dir_.path());
    disk_.FailAt(fail_at, fault);
    StatusOr<std::unique_ptr<RocksStore>> store =
        OpenRocksStoreOn(disk_.env(), Options(dir_.path()));
    if (!store.ok()) {
      error_ = store.status();
      return;
    }
    for (const Step& step : life.script()) {
      error_ = step.run(**store);
      if (!error_.ok()) break;
      ++acknowledged_;
      if (step.is_durable) durable_ = acknowledged_;
    }
    if (!error_.ok()) CheckRefusesWritesAndReads(**store);
  }

  bool failed() const { return disk_.failed(); }
  uint64_t operations() const { return disk_.operations(); }
  FaultyDisk& disk() { return disk_; }
  size_t acknowledged() const { return acknowledged_; }
  size_t durable() const { return durable_; }
  const Status& error() const { return error_; }

  // Opens again without faults; the store must be between two steps.
  void CheckFinds(size_t least, size_t most) {
    disk_.Repair();
    StatusOr<std::unique_ptr<RocksStore>> store =
        OpenRocksStoreOn(disk_.env(), Options(dir_.path()));
    ASSERT_TRUE(store.ok()) << store.status();
    const StatusOr<std::string> content = ContentOf(**store);
    ASSERT_TRUE(content.ok()) << content.status();
    ASSERT_TRUE(life_.IsAfter(*content, least, most))
        << "not as after any of the steps " << least << " to " << most;
    ASSERT_TRUE((*store)->VerifyChecksums().ok());
    WriteSet more;
    more.Put(Table::kMeta, "more", "");
    ASSERT_TRUE((*store)->Write(more, Durability::kSynced).ok());
  }

 private:
  void CheckRefusesWritesAndReads(RocksStore& store) {
    WriteSet more;
    more.Put(Table::kMeta, "more", "");
    EXPECT_EQ(store.Write(more, Durability::kSynced).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(store.Health().code(), StatusCode::kFailedPrecondition);
    const StatusOr<std::string> content = ContentOf(store);
    ASSERT_TRUE(content.ok()) << "what was committed stays readable: " << content.status();
    EXPECT_TRUE(life_.IsAfter(*content, acknowledged_, acknowledged_ + 1));
  }

  const Life& life_;
  TempDir dir_;
  FaultyDisk disk_;
  Status error_;
  size_t acknowledged_ = 0;
  size_t durable_ = 0;
};

uint64_t OperationsOfAWholeRun() {
  const FaultyRun run(TheLife(), 0, Fault::kInputOutput);
  EXPECT_TRUE(run.error().ok()) << run.error();
  EXPECT_EQ(run.acknowledged(), TheLife().script().size());
  return run.operations();
}

// ---- every operation fails ----

void FailEveryOperation(Fault fault, StatusCode expected) {
  const uint64_t operations = OperationsOfAWholeRun();
  ASSERT_GT(operations, 100u);
  uint64_t noticed = 0;
  for (uint64_t n = 1; n <= operations; ++n) {
    SCOPED_TRACE(Concat("operation ", n, " of ", operations));
    FaultyRun run(TheLife(), n, fault);
    if (!run.error().ok()) {
      ++noticed;
      EXPECT_TRUE(run.error().code() == expected ||
                  run.error().code() == StatusCode::kFailedPrecondition)
          << run.error();
    }
    run.CheckFinds(run.acknowledged(), run.acknowledged() + 1);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(noticed, operations / 2);
}

TEST(DiskFaultTest, AnInputOutputErrorAtEveryOperationLosesNothingAcknowledged) {
  FailEveryOperation(Fault::kInputOutput, StatusCode::kUnavailable);
}

TEST(DiskFaultTest, AFullDiskAtEveryOperationLosesNothingAcknowledged) {
  FailEveryOperation(Fault::kDiskFull, StatusCode::kResourceExhausted);
}

// ---- the power fails at every operation ----

TEST(DiskFaultTest, APowerLossAtEveryOperationKeepsWhatWasAcknowledgedAsDurable) {
  const uint64_t operations = OperationsOfAWholeRun();
  const uint64_t seeds = Soak() ? 40 : 1;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    for (uint64_t n = 1; n <= operations; ++n) {
      SCOPED_TRACE(Concat("operation ", n, " of ", operations, ", seed ", seed));
      FaultyRun run(TheLife(), n, Fault::kPowerCut);
      Rng rng(seed * operations + n);
      run.disk().LosePower(rng);
      run.CheckFinds(run.durable(), run.acknowledged() + 1);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// ---- damage at rest ----

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void WriteAll(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// What there is to read, or why it cannot be.
StatusOr<std::string> Open(const std::string& dir, Access access) {
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<RocksStore> store,
                           RocksStore::Open(Options(dir, access)));
  TRIDENT_RETURN_IF_ERROR(store->VerifyChecksums());
  return ContentOf(*store);
}

std::string NewestLog(const std::string& dir) {
  std::string newest;
  for (const auto& entry : fs::directory_iterator(dir + "/db")) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
  }
  return newest;
}

TEST(DiskFaultTest, ALogTornAtEveryByteOfItsLastRecordEndsBeforeIt) {
  TempDir dir;
  std::string before;
  std::string high_water_before;
  uintmax_t size_before = 0;
  {
    const std::unique_ptr<RocksStore> store = RocksStore::Open(Options(dir.path())).value();
    WriteSet first;
    first.Put(Table::kRedo, RedoKey(kGroup, TxId(1)), "redo");
    ASSERT_TRUE(store->Write(first, Durability::kSynced).ok());
    before = ContentOf(*store).value();
    size_before = fs::file_size(NewestLog(dir.path()));
    high_water_before = ReadAll(dir.path() + "/HIGHWATER");
    WriteSet second;
    second.Put(Table::kRedo, RedoKey(kGroup, TxId(2)), std::string(100, 'r'));
    second.Put(Table::kDecision, DecisionKey(kGroup, TxId(2)), "decision");
    ASSERT_TRUE(store->Write(second, Durability::kSynced).ok());
  }
  const std::string log = NewestLog(dir.path());
  const std::string whole = ReadAll(log);
  const std::string high_water_after = ReadAll(dir.path() + "/HIGHWATER");
  for (size_t cut = size_before; cut < whole.size(); ++cut) {
    WriteAll(log, std::string_view(whole).substr(0, cut));
    // The write was never acknowledged: its torn record is as if it had not been.
    WriteAll(dir.path() + "/HIGHWATER", high_water_before);
    const StatusOr<std::string> found = Open(dir.path(), Access::kReadOnly);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(*found, before) << "cut at " << cut;
    // It was acknowledged: then the disk lost it.
    WriteAll(dir.path() + "/HIGHWATER", high_water_after);
    ASSERT_EQ(Open(dir.path(), Access::kReadOnly).status().code(), StatusCode::kDataLoss);
    if (cut % 16 != 0) continue;
    TempDir copy;
    fs::copy(dir.path(), copy.path(), fs::copy_options::recursive);
    WriteAll(copy.path() + "/HIGHWATER", high_water_before);
    ASSERT_EQ(Open(copy.path(), Access::kReadWrite).value(), before);
    ASSERT_EQ(Open(copy.path(), Access::kReadWrite).value(), before) << "and it stays so";
  }
}

// Small, and with a file of each kind: two tables of each sort, a log with content, leftovers.
class SmallLife {
 public:
  SmallLife() {
    std::unique_ptr<RocksStore> store = RocksStore::Open(Options(dir_.path())).value();
    auto commit = [&](uint64_t t) {
      WriteSet changes;
      changes.Put(Table::kRedo, RedoKey(kGroup, TxId(t)), Payload(t, 60));
      changes.Put(Table::kDecision, DecisionKey(kGroup, TxId(t)), Payload(t, 20));
      changes.Put(Table::kMeta, "epoch", std::to_string(t));
      TRIDENT_CHECK_OK(store->Write(changes, Durability::kSynced));
    };
    commit(1);
    TRIDENT_CHECK_OK(FoldStep(TxId(1)).run(*store));
    store.reset();
    store = RocksStore::Open(Options(dir_.path())).value();  // flushes the log
    TRIDENT_CHECK_OK(FoldStep(TxId(2)).run(*store));
    commit(2);
    commit(3);
    content_ = ContentOf(*store).value();
    store.reset();
    WriteAll(dir_.path() + "/ingest/9.sst", Payload(9, 100));
  }

  const std::string& dir() const { return dir_.path(); }
  const std::string& content() const { return content_; }
  // Relative paths, by kind of file: "log", "table", "MANIFEST" and so on.
  std::multimap<std::string, std::string> Files() const {
    std::multimap<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      const std::string name = entry.path().filename();
      if (!entry.is_regular_file() || name.starts_with("LOG") || name == "LOCK") continue;
      std::string kind = name.substr(0, name.find('-'));
      if (entry.path().extension() == ".sst") kind = "table";
      if (entry.path().extension() == ".log") kind = "log";
      if (entry.path().parent_path().filename() == "ingest") kind = "leftover";
      files.emplace(kind, fs::relative(entry.path(), dir_.path()));
    }
    return files;
  }

 private:
  TempDir dir_;
  std::string content_;
};

struct Outcomes {
  int refused = 0;
  int right = 0;
};

// Flips one bit of every `stride`-th byte (0: every bit of every byte).
void FlipBits(const SmallLife& life, const std::string& file, size_t stride, Outcomes& outcomes) {
  const std::string path = life.dir() + "/" + file;
  const std::string good = ReadAll(path);
  const size_t step = stride == 0 ? 1 : stride * 8;
  for (size_t bit = stride == 0 ? 0 : good.size() % step; bit < good.size() * 8; bit += step + 1) {
    std::string bad = good;
    bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    WriteAll(path, bad);
    const StatusOr<std::string> found = Open(life.dir(), Access::kReadOnly);
    if (found.ok()) {
      ASSERT_EQ(*found, life.content()) << "bit " << bit << " of " << file;
      ++outcomes.right;
    } else {
      ASSERT_TRUE(found.status().code() == StatusCode::kDataLoss ||
                  found.status().code() == StatusCode::kFailedPrecondition)
          << found.status();
      ++outcomes.refused;
    }
  }
  WriteAll(path, good);
}

TEST(DiskFaultTest, AFlippedBitInAnyKindOfFileIsNoticedOrHarmless) {
  const SmallLife life;
  std::map<std::string, Outcomes> outcomes;
  for (const auto& [kind, file] : life.Files()) {
    const bool is_large = kind == "OPTIONS" || kind == "table";
    FlipBits(life, file, Soak() ? 0 : (is_large ? 29 : 3), outcomes[kind]);
    if (HasFatalFailure()) return;
  }
  ASSERT_EQ(Open(life.dir(), Access::kReadOnly).value(), life.content()) << "all bits are back";
  for (const char* kind : {"log", "table", "MANIFEST", "CURRENT", "FORMAT"}) {
    EXPECT_GT(outcomes[kind].refused, 0) << kind;
  }
  for (const char* kind : {"OPTIONS", "IDENTITY", "leftover", "HIGHWATER"}) {
    EXPECT_GT(outcomes[kind].right, 0) << kind;
    EXPECT_EQ(outcomes[kind].refused, 0) << kind;
  }
}

TEST(DiskFaultTest, AWriterNoticesWhatAReaderNotices) {
  const SmallLife life;
  Rng rng(1);
  for (const auto& [kind, file] : life.Files()) {
    for (int round = 0; round < (Soak() ? 200 : 4); ++round) {
      TempDir copy;
      fs::copy(life.dir(), copy.path(), fs::copy_options::recursive);
      std::string bytes = ReadAll(copy.path() + "/" + file);
      bytes[rng.Below(bytes.size())] ^= static_cast<char>(1 << rng.Below(8));
      WriteAll(copy.path() + "/" + file, bytes);
      const StatusOr<std::string> reader = Open(copy.path(), Access::kReadOnly);
      const StatusOr<std::string> writer = Open(copy.path(), Access::kReadWrite);
      ASSERT_EQ(reader.ok(), writer.ok()) << kind << ": " << reader.status() << writer.status();
      if (writer.ok()) {
        ASSERT_EQ(*writer, life.content()) << kind;
      }
    }
  }
}

}  // namespace
}  // namespace trident
