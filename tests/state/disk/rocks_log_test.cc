// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_log.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "base/logging.h"
#include "base/mutex.h"
#include "state/disk/rocks_store_testing.h"
#include "tests/state/disk/store_script.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using testing::HasSubstr;

// What our log gets, as lines of level INFO and above.
class RocksLogTest : public testing::Test {
 protected:
  RocksLogTest() : level_(MinLogLevel()) {
    SetMinLogLevel(LogLevel::INFO);
    SetLogSink([this](LogLevel level, std::string_view line) {
      MutexLock lock(mutex_);
      if (level > LogLevel::INFO) louder_ += line;
      said_ += std::string(line) + "\n";
    });
  }
  ~RocksLogTest() override {
    SetLogSink({});
    SetMinLogLevel(level_);
  }

  std::string said() const {
    MutexLock lock(mutex_);
    return said_;
  }
  std::string louder() const {
    MutexLock lock(mutex_);
    return louder_;
  }

 private:
  const LogLevel level_;
  mutable Mutex mutex_;
  std::string said_ TRIDENT_GUARDED_BY(mutex_);
  std::string louder_ TRIDENT_GUARDED_BY(mutex_);
};

TEST_F(RocksLogTest, WhatRocksDbWarnsOfIsALineOfOursAndNoFileBesideTheData) {
  TempDir dir;
  FaultyDisk disk;
  const auto store = OpenRocksStoreOn(disk.env(), SmallStoreOptions(dir.path())).value();
  disk.FailAt(1, FaultyDisk::Fault::kDiskFull);
  WriteSet changes;
  changes.Put(Table::kMeta, "a", "b");
  EXPECT_EQ(store->Write(changes, Durability::kSynced).code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(said(), HasSubstr("RocksDB: "));
  EXPECT_THAT(said(), HasSubstr("No space left on device"));
  EXPECT_EQ(louder(), "");
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/db/LOG"));
}

TEST_F(RocksLogTest, ALineThatIsTooLongIsCutAndAQuietOneIsDropped) {
  const auto log = NewRocksLog();
  rocksdb::Warn(log, "%s", std::string(100'000, 'x').c_str());
  EXPECT_THAT(said(), HasSubstr("RocksDB: xxx"));
  EXPECT_LT(said().size(), 2'000u);
  rocksdb::Info(log, "options");
  rocksdb::Header(log, "options");
  EXPECT_EQ(said().find("options"), std::string::npos);
}

}  // namespace
}  // namespace trident
