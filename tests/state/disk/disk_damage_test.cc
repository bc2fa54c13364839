// SPDX-License-Identifier: Apache-2.0
//
// Damage at rest: a log torn at every byte of its last record, and flipped bits in every kind of
// file. A store must answer what was written, or refuse to open. Missing files:
// rocks_store_test.cc.
//
// TRIDENT_SOAK=1 flips every bit.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "state/disk/rocks_store.h"
#include "tests/state/disk/store_script.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using Access = RocksStoreOptions::Access;

// What there is to read, or why it cannot be.
StatusOr<std::string> Open(const std::string& dir, Access access) {
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<RocksStore> store,
                           RocksStore::Open(SmallStoreOptions(dir, access)));
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

TEST(DiskDamageTest, ALogTornAtEveryByteOfItsLastRecordEndsBeforeIt) {
  TempDir dir;
  PlainTables tables;
  std::string high_water_before;
  uintmax_t size_before = 0;
  {
    const auto store = RocksStore::Open(SmallStoreOptions(dir.path())).value();
    const StoreStep first = CommitStep(TxId(1), 60);
    ASSERT_TRUE(first.run(*store).ok());
    first.apply(tables);
    size_before = fs::file_size(NewestLog(dir.path()));
    high_water_before = ReadWholeFile(dir.path() + "/HIGHWATER");
    ASSERT_TRUE(CommitStep(TxId(2), 100).run(*store).ok());
  }
  const std::string before = ContentOf(tables);
  const std::string log = NewestLog(dir.path());
  const std::string whole = ReadWholeFile(log);
  const std::string high_water_after = ReadWholeFile(dir.path() + "/HIGHWATER");
  for (size_t cut = size_before; cut < whole.size(); ++cut) {
    WriteWholeFile(log, std::string_view(whole).substr(0, cut));
    // The write was never acknowledged: its torn record is as if it had not been.
    WriteWholeFile(dir.path() + "/HIGHWATER", high_water_before);
    const StatusOr<std::string> found = Open(dir.path(), Access::kReadOnly);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(*found, before) << "cut at " << cut;
    // It was acknowledged: then the disk lost it.
    WriteWholeFile(dir.path() + "/HIGHWATER", high_water_after);
    ASSERT_EQ(Open(dir.path(), Access::kReadOnly).status().code(), StatusCode::kDataLoss);
    if (cut % 16 != 0) continue;
    TempDir copy;
    CopyTree(dir.path(), copy.path());
    WriteWholeFile(copy.path() + "/HIGHWATER", high_water_before);
    ASSERT_EQ(Open(copy.path(), Access::kReadWrite).value(), before);
    ASSERT_EQ(Open(copy.path(), Access::kReadWrite).value(), before) << "and it stays so";
  }
}

// Small, and with a file of each kind: two tables of each sort, a log with content, leftovers.
class SmallLife {
 public:
  SmallLife() {
    PlainTables tables;
    const auto live = [&](const std::vector<StoreStep>& steps) {
      const auto store = RocksStore::Open(SmallStoreOptions(dir_.path())).value();
      for (const StoreStep& step : steps) {
        TRIDENT_CHECK_OK(step.run(*store));
        step.apply(tables);
      }
    };
    live({CommitStep(TxId(1), 60), FoldStep(TxId(1))});
    // Opening flushed the log.
    WriteSet meta;
    meta.Put(Table::kMeta, "epoch", "3");
    live({FoldStep(TxId(2)), CommitStep(TxId(2), 60), WriteStep(meta, Durability::kSynced),
          CommitStep(TxId(3), 60)});
    content_ = ContentOf(tables);
    WriteWholeFile(dir_.path() + "/ingest/9.sst", RandomBytes(9, 100));
  }

  const std::string& dir() const { return dir_.path(); }
  const std::string& content() const { return content_; }
  // Relative paths, by kind of file: "log", "table", "MANIFEST" and so on.
  std::multimap<std::string, std::string> Files() const {
    std::multimap<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      const std::string name = entry.path().filename();
      if (!entry.is_regular_file() || name == "LOCK") continue;
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
  const std::string good = ReadWholeFile(path);
  const size_t step = stride == 0 ? 1 : stride * 8;
  for (size_t bit = stride == 0 ? 0 : good.size() % step; bit < good.size() * 8; bit += step + 1) {
    std::string bad = good;
    bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    WriteWholeFile(path, bad);
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
  WriteWholeFile(path, good);
}

TEST(DiskDamageTest, AFlippedBitInAnyKindOfFileIsNoticedOrHarmless) {
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

TEST(DiskDamageTest, AWriterNoticesWhatAReaderNotices) {
  const SmallLife life;
  Rng rng(1);
  for (const auto& [kind, file] : life.Files()) {
    for (int round = 0; round < (Soak() ? 200 : 4); ++round) {
      TempDir copy;
      CopyTree(life.dir(), copy.path());
      std::string bytes = ReadWholeFile(copy.path() + "/" + file);
      bytes[rng.Below(bytes.size())] ^= static_cast<char>(1 << rng.Below(8));
      WriteWholeFile(copy.path() + "/" + file, bytes);
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
