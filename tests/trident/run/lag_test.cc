// SPDX-License-Identifier: Apache-2.0
//
// What a run says that waits in its sources. A gate in the topology keeps every batch from being
// committed until the test has looked.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/trident/run/words.h"
#include "trident/spouts/pull_spout.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

// Nobody passes until it is open.
class Gate {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    opened_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    while (!open_) opened_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar opened_;
  bool open_ TRIDENT_GUARDED_BY(mutex_) = false;
};

void CountThroughGate(Stream stream, Field<Text> field, Gate& gate) {
  stream.Peek(field, [&gate](Text) { gate.Pass(); })
      .GroupBy(field)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
}

Lag LagOf(const Run& run, size_t group = 0) { return run.progress().at(group).lag; }
Lag Rows(uint64_t rows) { return {.rows = rows, .bytes = {}}; }
Lag Bytes(uint64_t bytes) { return {.rows = {}, .bytes = bytes}; }

// A directory of its own that is empty.
std::string EmptyDirectory(const std::string& name) {
  const std::string dir = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(dir);
  std::filesystem::create_directory(dir);
  return dir;
}

TEST(LagTest, RowsOfAFeederWaitUntilTheyAreCommitted) {
  Gate gate;
  auto feeder = *FeederSpout<Text>::Make(Fields(kWord));
  Topology topology("lag");
  CountThroughGate(topology.NewStream("words", feeder), kWord, gate);
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(LagOf(**run), Rows(0));
  ASSERT_TRUE(feeder->Append({{"a"}, {"b"}, {"c"}}).ok());
  EXPECT_EQ(LagOf(**run), Rows(3));
  ASSERT_TRUE(feeder->Append({{"d"}}).ok());
  EXPECT_EQ(LagOf(**run), Rows(4)) << "what is being read is not committed";
  gate.Open();
  ASSERT_TRUE(feeder->Append({{"e"}}, WaitFor::kCommit).ok());
  EXPECT_EQ(LagOf(**run), Rows(0));
}

TEST(LagTest, BytesOfFilesWaitUntilTheyAreCommitted) {
  const std::string dir = EmptyDirectory("lag_files");
  std::ofstream(dir + "/a") << "one\ntwo\n";
  std::ofstream(dir + "/b") << "three\n";
  Gate gate;
  Topology topology("lag");
  CountThroughGate(topology.NewStream("lines", TextFileSpout::Make({.paths = {dir}})), kLine, gate);
  auto run = Run::Start(topology, {.executors = 2});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(LagOf(**run), Bytes(14));
  gate.Open();
  ASSERT_TRUE((*run)->AwaitEnd().ok());
  EXPECT_EQ(LagOf(**run), Bytes(0));
}

TEST(LagTest, ARestartBeginsBehindWhatWasCommitted) {
  const std::string dir = EmptyDirectory("lag_state");
  for (const uint64_t rows : {6, 10}) {
    Gate gate;
    Topology topology("lag");
    CountThroughGate(topology.NewStream(
                         "words", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 4},
                                                        std::vector<OwnedRow<Text>>(rows, {"w"}))),
                     kWord, gate);
    auto run = Run::Start(topology, {.state_dir = dir});
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(LagOf(**run), Rows(rows == 6 ? 6 : 4));
    gate.Open();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ(LagOf(**run), Rows(0));
  }
}

TEST(LagTest, EachGroupHasItsOwnAndSaysWhatItDoesNotKnow) {
  Gate gate;
  Topology topology("lag");
  const auto list = [](size_t rows) {
    return FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 4},
                                 std::vector<OwnedRow<Text>>(rows, {"w"}));
  };
  auto pull = PullSpout::Make(Fields(kWord), {}, [](Emit<Text>& /*emit*/) { return Pulled::kEnd; });
  auto merged = topology.Merge({topology.NewStream("two", list(2)), topology.NewStream("p", pull)});
  merged.Peek(kWord, [&gate](Text) { gate.Pass(); });
  topology.NewStream("five", list(5)).Peek(kWord, [&gate](Text) { gate.Pass(); });
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(LagOf(**run, 0), (Lag{.rows = 2, .bytes = {}, .unknown_partitions = 1}));
  EXPECT_EQ(LagOf(**run, 1), Rows(5));
  gate.Open();
  ASSERT_TRUE((*run)->AwaitEnd().ok());
  EXPECT_EQ(LagOf(**run, 0), (Lag{.rows = 0, .bytes = {}, .unknown_partitions = 1}));
  EXPECT_EQ(LagOf(**run, 1), Rows(0));
}

}  // namespace
}  // namespace trident
