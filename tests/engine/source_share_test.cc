// SPDX-License-Identifier: Apache-2.0
#include "engine/source_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/letter_partition.h"
#include "base/rng.h"

namespace trident {
namespace {

using Names = std::vector<std::string>;

TEST(SourceShareTest, OneProcessDealsItsPartitionsOutInTurn) {
  const SourceShare share = SourceShare::InTurn({"a", "b", "c", "d", "e"}, {0, 1, 2});
  EXPECT_EQ(share.Of(0), (Names{"a", "d"}));
  EXPECT_EQ(share.Of(1), (Names{"b", "e"}));
  EXPECT_EQ(share.Of(2), (Names{"c"}));
  EXPECT_TRUE(share.IsOf(2, 5, "f"));
  EXPECT_FALSE(share.IsOf(0, 5, "f"));
}

TEST(SourceShareTest, WhereOtherProcessesReadNoTaskOfThisOneHasAny) {
  const SourceShare share;
  for (uint32_t task = 0; task < 3; ++task) {
    EXPECT_FALSE(share.HasTask(task));
    EXPECT_EQ(share.Of(task), Names());
    EXPECT_FALSE(share.IsOf(task, task, "c"));
  }
}

TEST(SourceShareTest, TheTasksOfOneProcessShareAll) {
  const SourceShare share = SourceShare::InTurn({"a", "b", "c"}, {0, 3});
  EXPECT_EQ(share.Of(0), (Names{"a", "c"}));
  EXPECT_EQ(share.Of(3), (Names{"b"}));
  EXPECT_FALSE(share.HasTask(1));
}

// Whatever each process has seen, and in which order: each partition that its task sees has one
// task.
TEST(SourceShareTest, EachPartitionHasOneTaskOverAllProcesses) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const auto tasks = static_cast<uint32_t>(1 + rng.Below(6));
    Names all;
    for (uint64_t i = 0; i < 1 + rng.Below(30); ++i)
      all.push_back("partition " + std::to_string(i));
    Names agreed;
    for (const std::string& name : all) {
      if (rng.Chance(0.6)) agreed.push_back(name);
    }
    std::map<std::string, int> readers;
    for (uint32_t task = 0; task < tasks; ++task) {  // each in a process of its own
      Names seen = all;
      for (size_t left = seen.size(); left > 0; --left) {
        std::swap(seen[rng.Below(left)], seen[left - 1]);
      }
      const size_t first = rng.Below(seen.size() + 1);
      const SourceShare share =
          SourceShare::Agreed(agreed, Names(seen.begin(), seen.begin() + first), tasks);
      for (const std::string& name : share.Of(task)) ++readers[name];
      for (size_t later = first; later < seen.size(); ++later) {
        if (share.IsOf(task, later, seen[later])) ++readers[seen[later]];
      }
    }
    for (const std::string& name : all) EXPECT_EQ(readers[name], 1) << name;
  }
}

TEST(SourceShareTest, WhatIsAgreedOnIsDealtOutEvenly) {
  const SourceShare share = SourceShare::Agreed({"a", "b", "c", "d"}, {"d", "c", "b", "a"}, 4);
  for (uint32_t task = 0; task < 4; ++task) EXPECT_EQ(share.Of(task).size(), 1u);
}

TEST(SourceShareTest, WhatATaskIsToReadAndDoesNotFindIsNamed) {
  const SourceShare share = SourceShare::Agreed({"a", "b", "c"}, {"a", "c"}, 2);
  EXPECT_EQ(share.FirstMissing(0), std::nullopt);
  EXPECT_EQ(share.FirstMissing(1), "b");
}

class FailingSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kOpaque; }
  const SchemaRef& schema() const override { return schema_; }
  Status Resume(const std::vector<SourcePosition>& committed) override {
    resumed = committed;
    return absl::OkStatus();
  }
  StatusOr<std::vector<std::string>> Partitions() override {
    throw std::runtime_error("the broker is away");
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp) override {
    return Internal("no reader");
  }
  std::string Describe() const override { return "failing"; }

  std::vector<SourcePosition> resumed;

 private:
  const SchemaRef schema_;
};

TEST(SourceShareTest, ASpoutThatThrowsFailsToListAndHearsOfNoLetters) {
  FailingSpout spout;
  const auto listed =
      ListSources(spout, {{"a", "1"}, {std::string(kLetterPartition), "2"}, {"b", "3"}});
  EXPECT_NE(Message(listed.status()).find("the broker is away"), std::string::npos);
  ASSERT_EQ(spout.resumed.size(), 2u);
  EXPECT_EQ(spout.resumed[1].partition, "b");
}

}  // namespace
}  // namespace trident
