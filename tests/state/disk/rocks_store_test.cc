// SPDX-License-Identifier: Apache-2.0
//
// What RocksStore makes of a directory: new, made, foreign, locked, read-only, damaged. What every
// DurableStore must do is tested in durable_store_test.cc, faults of the disk in
// disk_fault_test.cc.
#include "state/disk/rocks_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using Access = RocksStoreOptions::Access;

StatusOr<std::unique_ptr<RocksStore>> Open(const std::string& dir,
                                           Access access = Access::kReadWrite) {
  return RocksStore::Open(
      {.dir = dir, .access = access, .cache_bytes = 4 << 20, .write_buffer_bytes = 4 << 20});
}

Status PutSynced(RocksStore& store, const std::string& key, const std::string& value = "v") {
  WriteSet changes;
  changes.Put(Table::kMeta, key, value);
  return store.Write(changes, Durability::kSynced);
}

void WriteFile(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> FilesWith(const std::string& dir, const std::string& extension) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The directory holds a store with one key, and is closed.
void MakeStore(const std::string& dir) {
  StatusOr<std::unique_ptr<RocksStore>> store = Open(dir);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE(PutSynced(**store, "a").ok());
}

bool Mentions(const Status& status, std::string_view text) {
  return Message(status).find(text) != std::string_view::npos;
}

TEST(RocksStoreTest, MakesTheDirectoryForItsOwnerOnlyAndFindsItAgain) {
  TempDir parent;
  const std::string dir = parent.path() + "/state";
  MakeStore(dir);
  for (const char* part : {"", "/db", "/ingest"}) {
    EXPECT_EQ(fs::status(dir + part).permissions(), fs::perms::owner_all) << part;
  }
  EXPECT_EQ(Open(dir).value()->Get(Table::kMeta, "a").value(), "v");
}

TEST(RocksStoreTest, AParentThatIsMissingIsNotMade) {
  TempDir parent;
  const std::string dir = parent.path() + "/no/state";
  const Status refused = Open(dir).status();
  EXPECT_EQ(refused.code(), StatusCode::kNotFound);
  EXPECT_EQ(Message(refused),
            "cannot make the state directory " + dir +
                ": its parent does not exist. Make the parent, or check the path");
  EXPECT_FALSE(fs::exists(parent.path() + "/no"));
}

TEST(RocksStoreTest, AFileIsNoStateDirectory) {
  TempDir parent;
  const std::string file = parent.path() + "/file";
  WriteFile(file, "text");
  const Status refused = Open(file).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(refused), "expected a state directory at " + file + ", found a file");
}

TEST(RocksStoreTest, ADirectoryOfOtherFilesIsLeftAlone) {
  TempDir dir;
  WriteFile(dir.path() + "/thesis.txt", "text");
  const Status refused = Open(dir.path()).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(refused, "found 'thesis.txt' in it. Choose another directory")) << refused;
  EXPECT_FALSE(fs::exists(dir.path() + "/db"));
  EXPECT_EQ(ReadFile(dir.path() + "/thesis.txt"), "text");
}

TEST(RocksStoreTest, ASecondOpeningIsRefusedAndNamesTheProcess) {
  TempDir dir;
  StatusOr<std::unique_ptr<RocksStore>> first = Open(dir.path());
  ASSERT_TRUE(first.ok());
  for (Access access : {Access::kReadWrite, Access::kReadOnly}) {
    const Status refused = Open(dir.path(), access).status();
    EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
    EXPECT_EQ(Message(refused), Concat(dir.path(), " is in use by process ", ::getpid()));
  }
  EXPECT_TRUE(PutSynced(**first, "a").ok()) << "the refused opening took nothing from the first";
  first->reset();
  EXPECT_TRUE(Open(dir.path()).ok());
}

TEST(RocksStoreTest, AReaderChangesNoByteAndExcludesWritersOnly) {
  TempDir dir;
  MakeStore(dir.path());
  auto fingerprint = [&] {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
      all += entry.path().string() + (entry.is_regular_file() ? ReadFile(entry.path()) : "/");
    }
    return all;
  };
  const std::string before = fingerprint();
  {
    StatusOr<std::unique_ptr<RocksStore>> reader = Open(dir.path(), Access::kReadOnly);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_TRUE(Open(dir.path(), Access::kReadOnly).ok());
    const Status writer = Open(dir.path()).status();
    EXPECT_EQ(writer.code(), StatusCode::kUnavailable);
    EXPECT_TRUE(Mentions(writer, " is in use by another process that reads it")) << writer;
    EXPECT_EQ((*reader)->Get(Table::kMeta, "a").value(), "v");
    EXPECT_EQ(PutSynced(**reader, "b").code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ((*reader)->NewBulkLoad(Table::kBase).status().code(),
              StatusCode::kFailedPrecondition);
    EXPECT_TRUE((*reader)->VerifyChecksums().ok());
    for (const RocksStore::CheckedFile& file : (*reader)->CheckFiles()) {
      EXPECT_TRUE(file.status.ok()) << file.status;
      EXPECT_EQ(file.bytes, fs::file_size(file.path));
    }
  }
  EXPECT_EQ(fingerprint(), before);
}

TEST(RocksStoreTest, AReaderMakesNothing) {
  TempDir dir;
  const Status none = Open(dir.path() + "/none", Access::kReadOnly).status();
  EXPECT_EQ(none.code(), StatusCode::kNotFound);
  const Status empty = Open(dir.path(), Access::kReadOnly).status();
  EXPECT_EQ(empty.code(), StatusCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

// Root may everything, so while it lives root is another user.
class AsAnOrdinaryUser {
 public:
  explicit AsAnOrdinaryUser(const std::string& dir) {
    if (!is_root_) return;
    EXPECT_EQ(::chown(dir.c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(::setresuid(kNobody, kNobody, 0), 0);
  }
  ~AsAnOrdinaryUser() {
    if (is_root_) {
      EXPECT_EQ(::setresuid(0, 0, 0), 0);
    }
  }

 private:
  static constexpr uid_t kNobody = 65534;
  const bool is_root_ = ::geteuid() == 0;
};

TEST(RocksStoreTest, ADirectoryWithoutPermissionIsRefused) {
  TempDir dir;
  const AsAnOrdinaryUser user(dir.path());
  MakeStore(dir.path());
  for (const fs::perms perms : {fs::perms::none, fs::perms::owner_read | fs::perms::owner_exec}) {
    fs::permissions(dir.path(), perms);
    const Status refused = Open(dir.path()).status();
    fs::permissions(dir.path(), fs::perms::owner_all);
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused;
    EXPECT_TRUE(Mentions(refused, dir.path())) << refused;
  }
}

TEST(RocksStoreTest, ANewerFormatIsRefusedBeforeItsFilesAreTouched) {
  TempDir dir;
  MakeStore(dir.path());
  WriteFile(dir.path() + "/FORMAT", "trident state directory, format 2\n");
  fs::remove_all(dir.path() + "/db");
  fs::create_directory(dir.path() + "/db");
  const Status refused = Open(dir.path()).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused), dir.path() +
                                  " has format 2, this program reads and writes format 1. "
                                  "Use the release that wrote it");
  EXPECT_TRUE(fs::is_empty(dir.path() + "/db"));
}

TEST(RocksStoreTest, AFormatFileThatSaysSomethingElseIsDamage) {
  for (const char* text :
       {"", "trident state directory, format ", "trident state directory, format 0\n",
        "trident state directory, format 1", "trident state directory, format 2", "gibberish"}) {
    TempDir dir;
    MakeStore(dir.path());
    WriteFile(dir.path() + "/FORMAT", text);
    EXPECT_EQ(Open(dir.path()).status().code(), StatusCode::kDataLoss) << "'" << text << "'";
  }
}

TEST(RocksStoreTest, ACrashWhileTheDirectoryIsMadeIsNoDamage) {
  // What there is at each point of making it, beginning with nothing.
  const std::vector<std::vector<std::string>> points = {
      {"LOCK"},
      {"LOCK", "db.new"},
      {"LOCK", "db.new", "HIGHWATER"},
      {"LOCK", "db.new", "HIGHWATER", "FORMAT"},
  };
  for (const std::vector<std::string>& point : points) {
    TempDir made;
    MakeStore(made.path());
    TempDir crashed;
    for (const std::string& name : point) {
      const std::string from = name == "db.new" ? "/db" : "/" + name;
      fs::copy(made.path() + from, crashed.path() + "/" + name, fs::copy_options::recursive);
    }
    StatusOr<std::unique_ptr<RocksStore>> store = Open(crashed.path());
    ASSERT_TRUE(store.ok()) << store.status() << " after " << point.back();
    EXPECT_EQ((*store)->Get(Table::kMeta, "a").value(), std::nullopt) << "it is new";
    EXPECT_FALSE(fs::exists(crashed.path() + "/db.new"));
  }
}

TEST(RocksStoreTest, WhatUnfinishedBulkLoadsLeftIsRemoved) {
  TempDir dir;
  MakeStore(dir.path());
  WriteFile(dir.path() + "/ingest/7.sst", "half a file");
  const std::unique_ptr<RocksStore> store = Open(dir.path()).value();
  EXPECT_TRUE(fs::is_empty(dir.path() + "/ingest"));
  std::unique_ptr<BulkLoad> load = store->NewBulkLoad(Table::kBase).value();
  ASSERT_TRUE(load->Put("k", "v").ok());
  EXPECT_FALSE(fs::is_empty(dir.path() + "/ingest"));
  ASSERT_TRUE(load->Install().ok());
  EXPECT_TRUE(fs::is_empty(dir.path() + "/ingest")) << "moved, not copied";
  load = store->NewBulkLoad(Table::kBase).value();
  load.reset();
  EXPECT_TRUE(fs::is_empty(dir.path() + "/ingest"));
}

TEST(RocksStoreTest, EveryMissingFileThatHoldsSomethingIsNoticed) {
  TempDir made;
  {
    StatusOr<std::unique_ptr<RocksStore>> store = Open(made.path());
    ASSERT_TRUE(store.ok());
    std::unique_ptr<BulkLoad> load = (*store)->NewBulkLoad(Table::kBase).value();
    ASSERT_TRUE(load->Put("k", "v").ok());
    ASSERT_TRUE(load->Install().ok());
    ASSERT_TRUE(PutSynced(**store, "flushed at the next open").ok());
  }
  ASSERT_TRUE(PutSynced(*Open(made.path()).value(), "in the log").ok());
  int tried = 0;
  for (const auto& entry : fs::recursive_directory_iterator(made.path())) {
    const std::string file = fs::relative(entry.path(), made.path());
    // What RocksDB and this store make again.
    if (file.starts_with("db/OPTIONS") || file == "db/LOCK" || file == "db/IDENTITY" ||
        file == "LOCK" || file == "HIGHWATER" || file == "ingest") {
      continue;
    }
    TempDir damaged;
    fs::copy(made.path(), damaged.path(), fs::copy_options::recursive);
    fs::remove_all(damaged.path() + "/" + file);
    for (Access access : {Access::kReadOnly, Access::kReadWrite}) {
      const Status refused = Open(damaged.path(), access).status();
      EXPECT_EQ(refused.code(), StatusCode::kDataLoss) << file << ": " << refused;
      EXPECT_TRUE(Mentions(refused, damaged.path() + " is damaged")) << refused;
    }
    ++tried;
  }
  EXPECT_GE(tried, 7) << "FORMAT, db, CURRENT, MANIFEST, log, two tables";
}

TEST(RocksStoreTest, FilesThatHoldNothingMayBeMissing) {
  TempDir dir;
  MakeStore(dir.path());
  for (const auto& entry : fs::directory_iterator(dir.path() + "/db")) {
    const std::string name = entry.path().filename();
    if (name.starts_with("OPTIONS") || name == "IDENTITY") {
      fs::remove(entry.path());
    }
  }
  for (const char* file : {"/LOCK", "/HIGHWATER", "/ingest", "/db/LOCK"}) {
    fs::remove_all(dir.path() + file);
  }
  StatusOr<std::unique_ptr<RocksStore>> store = Open(dir.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Get(Table::kMeta, "a").value(), "v");
}

TEST(RocksStoreTest, ALogThatLostAcknowledgedWritesIsNoticed) {
  TempDir dir;
  MakeStore(dir.path());
  {
    StatusOr<std::unique_ptr<RocksStore>> store = Open(dir.path());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(PutSynced(**store, std::to_string(i)).ok());
  }
  const std::string log = FilesWith(dir.path() + "/db", ".log").back();
  const std::string whole = ReadFile(log);
  for (size_t lost = 1; lost <= whole.size(); ++lost) {
    TempDir damaged;
    fs::copy(dir.path(), damaged.path(), fs::copy_options::recursive);
    fs::resize_file(damaged.path() + log.substr(dir.path().size()), whole.size() - lost);
    const Status refused = Open(damaged.path()).status();
    ASSERT_EQ(refused.code(), StatusCode::kDataLoss) << lost << " bytes lost: " << refused;
    ASSERT_TRUE(Mentions(refused, damaged.path() + " is damaged")) << refused;
  }
}

TEST(RocksStoreTest, AHighWaterThatIsOlderOrUnreadableRefusesNothing) {
  TempDir dir;
  MakeStore(dir.path());
  const std::string file = dir.path() + "/HIGHWATER";
  const std::string old = ReadFile(file);
  ASSERT_TRUE(PutSynced(*Open(dir.path()).value(), "b").ok());
  for (const std::string& text : {old, std::string(16, 'x'), std::string(), old.substr(3)}) {
    WriteFile(file, text);
    StatusOr<std::unique_ptr<RocksStore>> store = Open(dir.path());
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE(PutSynced(**store, "c").ok());
    EXPECT_NE(ReadFile(file), text) << "it is raised again";
  }
}

TEST(RocksStoreTest, BufferedWritesDoNotRaiseTheHighWater) {
  TempDir dir;
  StatusOr<std::unique_ptr<RocksStore>> store = Open(dir.path());
  ASSERT_TRUE(PutSynced(**store, "a").ok());
  const std::string before = ReadFile(dir.path() + "/HIGHWATER");
  WriteSet changes;
  changes.Put(Table::kMeta, "b", "v");
  ASSERT_TRUE((*store)->Write(changes, Durability::kBuffered).ok());
  EXPECT_EQ(ReadFile(dir.path() + "/HIGHWATER"), before);
}

TEST(RocksStoreTest, MemoryStaysNearWhatWasGiven) {
  TempDir dir;
  StatusOr<std::unique_ptr<RocksStore>> store = Open(dir.path());
  ASSERT_TRUE(store.ok());
  const std::string value(100'000, 'x');
  for (int i = 0; i < 400; ++i) {
    WriteSet changes;
    changes.Put(Table::kRedo, std::to_string(i), value);
    ASSERT_TRUE((*store)->Write(changes, Durability::kBuffered).ok());
  }
  EXPECT_LT((*store)->MemoryBytes(), 2u * (8 << 20));
}

}  // namespace
}  // namespace trident
