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
#include <string>
#include <vector>

#include "state/disk/rocks_store_testing.h"
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

// Notes the directories that are synced.
class SyncedDirectories : public rocksdb::EnvWrapper {
 public:
  SyncedDirectories() : EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewDirectory(const std::string& name,
                               std::unique_ptr<rocksdb::Directory>* out) override {
    class Noting : public rocksdb::Directory {
     public:
      Noting(std::string name, std::vector<std::string>& synced)
          : name_(std::move(name)), synced_(synced) {}
      rocksdb::Status Fsync() override {
        synced_.push_back(name_);
        return rocksdb::Status::OK();
      }

     private:
      const std::string name_;
      std::vector<std::string>& synced_;
    };
    *out = std::make_unique<Noting>(name, synced);
    return rocksdb::Status::OK();
  }
  std::vector<std::string> synced;
};

TEST_F(RocksDirectoryTest, TheParentOfANewOneIsSynced) {
  for (const std::string& name : {dir_, temp_.path() + "/other/", temp_.path() + "/./third//"}) {
    SyncedDirectories env;
    ASSERT_TRUE(RocksDirectory::Enter(name, RocksStoreOptions::Access::kReadWrite, env).ok());
    ASSERT_EQ(env.synced.size(), 1u) << name;
    EXPECT_TRUE(fs::equivalent(env.synced.front(), temp_.path())) << env.synced.front();
    env.synced.clear();
    ASSERT_TRUE(RocksDirectory::Enter(name, RocksStoreOptions::Access::kReadWrite, env).ok());
    EXPECT_EQ(env.synced.size(), 0u) << "it was there";
  }
}

TEST_F(RocksDirectoryTest, OneThatIsMovedOrDeletedOrReplacedIsNoticed) {
  const auto made = [&] {
    auto directory = Enter();
    EXPECT_TRUE(directory->BeginMaking().ok());
    EXPECT_TRUE(directory->FinishMaking().ok());
    EXPECT_TRUE(directory->CheckPlace().ok());
    EXPECT_TRUE(directory->CheckPlace().ok());
    return directory;
  };
  {
    const auto directory = made();
    fs::rename(dir_, dir_ + ".away");
    const Status gone = directory->CheckPlace();
    EXPECT_EQ(gone.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(gone.message()), testing::HasSubstr(dir_ + " is gone: it was moved"));
    fs::create_directories(dir_);
    EXPECT_THAT(std::string(directory->CheckPlace().message()),
                testing::HasSubstr(", and the directory that is there now has no database. What"));
    fs::create_directories(dir_ + "/db");
    EXPECT_THAT(std::string(directory->CheckPlace().message()),
                testing::HasSubstr(dir_ + " is another one now: it was moved"));
    fs::remove_all(dir_);
    fs::rename(dir_ + ".away", dir_);
    EXPECT_TRUE(directory->CheckPlace().ok());
  }
  fs::remove_all(dir_);
  const auto directory = made();
  fs::remove_all(dir_ + "/db");
  EXPECT_FALSE(directory->CheckPlace().ok());
}

// Deletes the directory when its database is about to be read.
class DeletingEnv : public rocksdb::EnvWrapper {
 public:
  explicit DeletingEnv(std::string dir)
      : EnvWrapper(rocksdb::Env::Default()), dir_(std::move(dir)) {}
  rocksdb::Status NewSequentialFile(const std::string& name,
                                    std::unique_ptr<rocksdb::SequentialFile>* out,
                                    const rocksdb::EnvOptions& options) override {
    fs::remove_all(dir_);
    return EnvWrapper::NewSequentialFile(name, out, options);
  }

 private:
  const std::string dir_;
};

TEST_F(RocksDirectoryTest, OneThatIsDeletedDuringTheStartIsGoneAndNotDamaged) {
  RocksStoreOptions options;
  options.dir = dir_;
  ASSERT_TRUE(OpenRocksStoreOn(*rocksdb::Env::Default(), options).ok());
  DeletingEnv env(dir_);
  const Status gone = OpenRocksStoreOn(env, options).status();
  EXPECT_EQ(gone.code(), StatusCode::kFailedPrecondition) << gone;
  EXPECT_THAT(std::string(gone.message()), testing::HasSubstr(dir_ + " is gone: it was moved"));
}

TEST_F(RocksDirectoryTest, NotEvenALockIsLeftInADirectoryOfOtherFiles) {
  fs::create_directories(dir_);
  std::ofstream(dir_ + "/notes") << "mine\n";
  const auto refused =
      RocksDirectory::Enter(dir_, RocksStoreOptions::Access::kReadWrite, *rocksdb::Env::Default());
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(dir_ + "/LOCK"));
}

}  // namespace
}  // namespace trident
