// SPDX-License-Identifier: Apache-2.0
//
// A process can be killed at any step of making a state directory, and again while it makes up for
// that: the next start goes on.
#include "state/disk/rocks_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

class RocksDirectoryTest : public testing::Test {
 protected:
  std::unique_ptr<RocksDirectory> Enter() {
    auto entered = RocksDirectory::Enter(dir_, RocksStoreOptions::Access::kReadWrite,
                                         *rocksdb::Env::Default());
    EXPECT_TRUE(entered.ok()) << entered.status();
    return *std::move(entered);
  }
  // Killed when FORMAT was written and db.new not yet renamed.
  void LeaveAnUnfinishedOne() {
    auto directory = Enter();
    ASSERT_TRUE(directory->BeginMaking().ok());
    std::ofstream(dir_ + "/FORMAT") << "trident state directory, format 1\n";
  }

  const TempDir temp_;
  const std::string dir_ = temp_.path() + "/state";
};

TEST_F(RocksDirectoryTest, AKillBeforeTheDatabaseHasItsNameLeavesANewOne) {
  LeaveAnUnfinishedOne();
  const auto age = Enter()->FindAge();
  ASSERT_TRUE(age.ok()) << age.status();
  EXPECT_EQ(*age, RocksDirectory::Age::kNew);
}

TEST_F(RocksDirectoryTest, AKillWhileTheUnfinishedDatabaseIsRemovedLeavesANewOne) {
  LeaveAnUnfinishedOne();
  ASSERT_TRUE(Enter()->BeginMaking().ok());
  fs::remove_all(dir_ + "/db.new");  // what it does between its steps
  const auto age = Enter()->FindAge();
  ASSERT_TRUE(age.ok()) << age.status();
  EXPECT_EQ(*age, RocksDirectory::Age::kNew);
}

TEST_F(RocksDirectoryTest, ADatabaseThatIsGoneIsDamage) {
  auto directory = Enter();
  ASSERT_TRUE(directory->BeginMaking().ok());
  ASSERT_TRUE(directory->FinishMaking().ok());
  fs::remove_all(dir_ + "/db");
  const auto age = directory->FindAge();
  EXPECT_EQ(age.status().code(), StatusCode::kDataLoss) << age.status();
}

}  // namespace
}  // namespace trident
