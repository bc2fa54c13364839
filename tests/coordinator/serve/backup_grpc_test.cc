// SPDX-License-Identifier: Apache-2.0
//
// The Backup call: every byte comes in order, and the files are let go whatever happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "base/hash.h"
#include "tests/coordinator/serve/served_topology.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using ::testing::HasSubstr;

class BackupCallTest : public testing::Test {
 protected:
  // A file of so many bytes, as one of the backup's.
  void AddFile(const std::string& name, size_t bytes) {
    std::string content(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i * 131 + all_.size());
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    files_.push_back({.name = "db/" + name, .path = path, .bytes = bytes});
    all_ += content;
  }
  // The topology gives these files, and nothing else holds them.
  void Offer() {
    auto held = std::make_shared<int>(0);
    held_ = held;
    topology_.control.backup = BackupFiles{.files = files_, .held = std::move(held)};
  }
  // What the topology itself held goes; a call may still hold it.
  void LetGo() { topology_.control.backup = FailedPrecondition("there is no directory"); }

  TempDir dir_;
  std::vector<BackupFile> files_;
  std::string all_;
  std::weak_ptr<int> held_;
  ServedTopology topology_;
};

TEST_F(BackupCallTest, EveryByteComesInOrder) {
  AddFile("empty", 0);
  AddFile("one", 1);
  AddFile("large", 1'300'000);
  AddFile("exact", 512 * 1024);
  AddFile("last", 0);
  Offer();
  grpc::ClientContext context;
  auto parts = topology_.admin->Backup(&context, {});
  v1::BackupPart part;
  ASSERT_TRUE(parts->Read(&part));
  ASSERT_EQ(part.files_size(), 5);
  EXPECT_EQ(part.files(2).name(), "db/large");
  EXPECT_EQ(part.files(2).bytes(), 1'300'000u);
  std::string came;
  while (parts->Read(&part)) {
    EXPECT_EQ(part.files_size(), 0);
    EXPECT_EQ(part.checksum(), HashBytes(part.data()));
    came += part.data();
  }
  EXPECT_TRUE(parts->Finish().ok());
  EXPECT_TRUE(came == all_) << came.size();
  LetGo();
  topology_.server->Shutdown();
  EXPECT_TRUE(held_.expired());
}

TEST_F(BackupCallTest, ATopologyThatHasNoneSaysWhy) {
  grpc::ClientContext context;
  auto parts = topology_.admin->Backup(&context, {});
  v1::BackupPart part;
  EXPECT_FALSE(parts->Read(&part));
  const grpc::Status status = parts->Finish();
  EXPECT_EQ(status.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "there is no directory");
}

TEST_F(BackupCallTest, AFileThatIsShorterOrGoneIsAnError) {
  AddFile("large", 1'000'000);
  files_.front().bytes += 1;
  Offer();
  grpc::ClientContext context;
  auto parts = topology_.admin->Backup(&context, {});
  v1::BackupPart part;
  while (parts->Read(&part)) continue;
  grpc::Status status = parts->Finish();
  EXPECT_EQ(status.error_code(), grpc::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("large for the backup: it is shorter than it was"));

  files_.front().path += ".gone";
  Offer();
  grpc::ClientContext again;
  parts = topology_.admin->Backup(&again, {});
  while (parts->Read(&part)) continue;
  status = parts->Finish();
  EXPECT_THAT(status.error_message(), HasSubstr("No such file or directory"));
}

TEST_F(BackupCallTest, AClientThatGoesAwayAmidOneLetsTheFilesGo) {
  AddFile("large", 8'000'000);
  Offer();
  {
    grpc::ClientContext context;
    auto parts = topology_.admin->Backup(&context, {});
    v1::BackupPart part;
    ASSERT_TRUE(parts->Read(&part));
    ASSERT_TRUE(parts->Read(&part));
    context.TryCancel();
    (void)parts->Finish();
  }
  LetGo();
  topology_.server->Shutdown();
  EXPECT_TRUE(held_.expired());
}

TEST_F(BackupCallTest, OneTooManyIsRefusedAndATopologyThatStopsEndsThem) {
  AddFile("large", 8'000'000);
  Offer();
  grpc::ClientContext contexts[3];
  std::unique_ptr<grpc::ClientReader<v1::BackupPart>> calls[3];
  v1::BackupPart part;
  for (int i = 0; i < 2; ++i) {
    calls[i] = topology_.admin->Backup(&contexts[i], {});
    ASSERT_TRUE(calls[i]->Read(&part));
  }
  calls[2] = topology_.admin->Backup(&contexts[2], {});
  EXPECT_FALSE(calls[2]->Read(&part));
  EXPECT_EQ(calls[2]->Finish().error_code(), grpc::RESOURCE_EXHAUSTED);
  topology_.server->Shutdown();
  for (int i = 0; i < 2; ++i) {
    while (calls[i]->Read(&part)) continue;
    EXPECT_FALSE(calls[i]->Finish().ok());
  }
  LetGo();
  EXPECT_TRUE(held_.expired());
}

}  // namespace
}  // namespace trident
