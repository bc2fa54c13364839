// SPDX-License-Identifier: Apache-2.0
//
// What a worker reads of a spout that several processes read.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/field.h"
#include "engine/worker.h"

namespace trident {
namespace {

constexpr Field<int64_t> kNumber{"number"};

// Lists what it was given, and one name more each time it looks again.
class ListedSpout final : public Spout {
 public:
  explicit ListedSpout(std::vector<std::vector<std::string>> lists) : lists_(std::move(lists)) {}
  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    const size_t look = looks_ < lists_.size() ? looks_++ : lists_.size() - 1;
    return lists_[look];
  }
  bool ReadsInOneProcess() const override { return in_one_process; }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& name, WakeUp) override {
    opened.insert(name);
    return std::make_unique<Reader>();
  }
  std::string Describe() const override { return "listed"; }
  size_t looks() const { return looks_; }

  bool in_one_process = false;
  std::set<std::string> opened;

 private:
  class Reader final : public SourceReader {
   public:
    StatusOr<ReadResult> Read(const ReadRequest& request, Output&) override {
      return ReadResult{request.start, 0, 0, ReadResult::Next::kIdle};
    }
    StatusOr<Availability> Poll(const Position&) override { return Availability{}; }
  };
  const std::vector<std::vector<std::string>> lists_;
  size_t looks_ = 0;
  const SchemaRef schema_ =
      std::make_shared<const Schema>(*Schema::Make(Fields(kNumber).Describe()));
};

class NoEvents final : public ExecutorEvents {
 public:
  void OnWord(GroupId, WordToLeader) override {}
  void OnStaged(uint32_t, const BatchId&, std::string) override {}
  void OnApplied(uint32_t, const BatchId&) override {}
};

// Builds the process that has the odd tasks of four, or the even ones.
Status Build(const std::shared_ptr<Spout>& spout, uint32_t odd, std::vector<std::string> agreed) {
  NoEvents events;
  WorkerOptions options;
  options.events = &events;
  options.has_task = [odd](const StageSpec&, uint32_t task) { return task % 2 == odd; };
  options.agreed = [agreed = std::move(agreed)](SpoutId) { return agreed; };
  Worker worker(std::move(options));
  StageSpec stage;
  stage.name = "numbers";
  stage.group = GroupId(1);
  stage.tasks = 4;
  stage.make_chain = [](TaskAddress, FrameSender*) { return std::make_unique<Chain>(); };
  stage.spout = spout;
  return worker.Build({std::move(stage)});
}

using Names = std::set<std::string>;

TEST(WorkerSourcesTest, AProcessReadsWhatIsAgreedOnForItsTasks) {
  const std::vector<std::string> agreed = {"a", "b", "c", "d", "e"};
  auto spout = std::make_shared<ListedSpout>(
      std::vector<std::vector<std::string>>{{"e", "d", "c", "b", "a"}});
  ASSERT_TRUE(Build(spout, 1, agreed).ok());
  EXPECT_EQ(spout->opened, (Names{"b", "d"}));
  spout->opened.clear();
  ASSERT_TRUE(Build(spout, 0, agreed).ok());
  EXPECT_EQ(spout->opened, (Names{"a", "c", "e"}));
}

TEST(WorkerSourcesTest, WhatIsNewerThanItsListIsLookedForAgain) {
  auto spout =
      std::make_shared<ListedSpout>(std::vector<std::vector<std::string>>{{"a"}, {"a", "b"}});
  const Status built = Build(spout, 1, {"a", "b"});
  ASSERT_TRUE(built.ok()) << built;
  EXPECT_EQ(spout->opened, (Names{"b"}));
}

TEST(WorkerSourcesTest, WhatItIsToReadAndDoesNotFindEndsTheStart) {
  auto spout = std::make_shared<ListedSpout>(std::vector<std::vector<std::string>>{{"a"}});
  const Status built = Build(spout, 1, {"a", "b"});
  ASSERT_TRUE(absl::IsFailedPrecondition(built)) << built;
  EXPECT_NE(Message(built).find("spout \"numbers\""), std::string::npos) << built;
  EXPECT_NE(Message(built).find("source partition \"b\""), std::string::npos) << built;
  // It is another process that reads it.
  EXPECT_TRUE(Build(spout, 0, {"a", "b"}).ok());
}

TEST(WorkerSourcesTest, OneProcessReadsWhatIsKnownThereAlone) {
  auto spout =
      std::make_shared<ListedSpout>(std::vector<std::vector<std::string>>{{"a", "b", "c"}});
  spout->in_one_process = true;
  ASSERT_TRUE(Build(spout, 1, {}).ok());
  EXPECT_EQ(spout->opened, Names());
  EXPECT_EQ(spout->looks(), 0u) << "it need not be there";
  ASSERT_TRUE(Build(spout, 0, {}).ok());
  EXPECT_EQ(spout->opened, (Names{"a", "b", "c"}));
}

}  // namespace
}  // namespace trident
