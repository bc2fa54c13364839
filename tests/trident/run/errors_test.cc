// SPDX-License-Identifier: Apache-2.0
//
// What Run::Start and Run answer to mistakes of the program or its surroundings. Mistakes in the
// topology itself: tests/trident/topology_test.cc.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "base/limits.h"
#include "base/mutex.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kFirst{"first"};
constexpr Field<Text> kSecond{"second"};

Topology CountOf(const std::string& name, const std::vector<std::string>& sentences,
                 StateKind kind = StateKind::kOpaque, uint32_t partitions = 8) {
  Topology topology(name);
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(sentences)))
      .Each(kSentence, Split(), kWord)
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts", .kind = kind, .partitions = partitions}, Count(),
                           kCount);
  return topology;
}

void ExpectSays(const Status& status, StatusCode code, const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status;
  for (const std::string& part : parts) {
    EXPECT_NE(Message(status).find(part), std::string_view::npos)
        << "\"" << part << "\" in " << status;
  }
}

WordCounts CountsIn(const std::string& dir, const std::vector<std::string>& sentences) {
  auto run = RunToEnd(CountOf("count", sentences), {.state_dir = dir, .sync = CommitSync::kNone});
  return run == nullptr ? WordCounts() : LatestState(*run, "counts");
}

TEST(RunErrorsTest, NoExecutors) {
  ExpectSays(Run::Start(CountOf("count", {"a"}), {.executors = 0}).status(),
             StatusCode::kInvalidArgument, {"1 to 256 executors", "found 0", "cores"});
}

TEST(RunErrorsTest, MoreExecutorsThanTheMaximum) {
  ExpectSays(Run::Start(CountOf("count", {"a"}), {.executors = kExecutorsMax + 1}).status(),
             StatusCode::kInvalidArgument, {"1 to 256 executors", "found 257", "cores"});
}

TEST(RunErrorsTest, TheTopologysOwnErrorComesBeforeAnythingIsOpened) {
  TempDir dir;
  Topology topology("broken");
  topology
      .NewStream("s", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows({"a"})))
      .Project(kWord);
  ExpectSays(Run::Start(topology, {.state_dir = dir.path() + "/state"}).status(),
             StatusCode::kInvalidArgument, {"no field \"word\"", "[sentence:text]"});
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/state"));
}

TEST(RunErrorsTest, AStateDirectoryOfAnotherTopologyIsRefusedAndStaysAsItIs) {
  TempDir dir;
  std::string state = dir.path() + "/state";
  WordCounts counts = CountsIn(state, {"a b a"});
  ExpectSays(Run::Start(CountOf("other", {"c"}), {.state_dir = state}).status(),
             StatusCode::kFailedPrecondition, {"count", "other", state});
  EXPECT_EQ(CountsIn(state, {"a b a"}), counts);
}

TEST(RunErrorsTest, AStateOfAnotherKindOrPartitionNumberIsRefused) {
  TempDir dir;
  std::string state = dir.path() + "/state";
  WordCounts counts = CountsIn(state, {"a b a"});
  for (const Topology& topology : {CountOf("count", {"a b a"}, StateKind::kTransactional),
                                   CountOf("count", {"a b a"}, StateKind::kOpaque, 9)}) {
    auto run = Run::Start(topology, {.state_dir = state});
    ASSERT_FALSE(run.ok());
    EXPECT_NE(Message(run.status()).find("counts"), std::string_view::npos) << run.status();
  }
  EXPECT_EQ(CountsIn(state, {"a b a"}), counts);
}

TEST(RunErrorsTest, AStateDirectoryThatIsInUseIsRefusedToTheSecond) {
  TempDir dir;
  RunOptions options{.state_dir = dir.path() + "/state", .sync = CommitSync::kNone};
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  auto make = [&] {
    Topology topology("count");
    topology.NewStream("feed", feeder)
        .GroupBy(kSentence)
        .PersistentAggregate({.name = "counts"}, Count(), kCount);
    return topology;
  };
  auto first = Run::Start(make(), options);
  ASSERT_TRUE(first.ok()) << first.status();
  ExpectSays(Run::Start(make(), options).status(), StatusCode::kUnavailable,
             {"in use", std::to_string(::getpid()), "another directory"});
  ASSERT_TRUE(feeder->Append(AsRows({"still works"}), WaitFor::kCommit).ok());
  first->reset();
  EXPECT_TRUE(Run::Start(make(), options).ok());
}

TEST(RunErrorsTest, AStateDirectoryWhoseParentIsMissingOrThatIsAFile) {
  TempDir dir;
  Topology topology = CountOf("count", {"a"});
  std::string deep = dir.path() + "/missing/state";
  ExpectSays(Run::Start(topology, {.state_dir = deep}).status(), StatusCode::kNotFound,
             {deep, "parent"});
  std::string file = dir.path() + "/file";
  std::ofstream(file) << "text";
  ExpectSays(Run::Start(topology, {.state_dir = file}).status(), StatusCode::kInvalidArgument,
             {file, "a file"});
  std::string taken = dir.path() + "/taken";
  std::filesystem::create_directory(taken);
  std::ofstream(taken + "/photo.jpg") << "not ours";
  ExpectSays(Run::Start(topology, {.state_dir = taken}).status(), StatusCode::kInvalidArgument,
             {taken, "photo.jpg"});
}

TEST(RunErrorsTest, AnInputFileThatIsMissingIsNamedWithTheStream) {
  TempDir dir;
  Topology topology("files");
  topology.NewStream("lines", TextFileSpout::Make({.paths = {dir.path() + "/nowhere.txt"}}))
      .Peek(kLine, [](Text) {});
  ExpectSays(Run::Start(topology, {}).status(), StatusCode::kNotFound, {"nowhere.txt", "lines"});
}

TEST(RunErrorsTest, ASpoutThatCouldNotBeMadeIsTheTopologysError) {
  Topology topology("files");
  topology.NewStream("lines", TextFileSpout::Make({})).Peek(kLine, [](Text) {});
  ExpectSays(Run::Start(topology, {}).status(), StatusCode::kInvalidArgument, {"lines"});
}

TEST(RunErrorsTest, ACallWhoseTimeIsOverStopsBetweenTheStepsOfItsFunction) {
  constexpr Nanos kPatience = 20 * kMillisecond;
  Topology topology = CountOf("count", {"a"});
  std::atomic<int> second_steps = 0;
  topology.NewDrpcStream("slow")
      .Each(
          kArgs,
          [](Text args) -> Text {
            Mutex mutex;
            CondVar never;
            MutexLock lock(mutex);
            if (args == "slow") never.WaitFor(mutex, 5 * kPatience);
            return args;
          },
          kFirst)
      .Each(
          kFirst,
          [&](Text first) -> Text {
            ++second_steps;
            return first;
          },
          kSecond)
      .Project(kSecond);
  auto run = RunToEnd(topology);
  ExpectSays(run->Drpc("slow", "slow", kPatience).status(), StatusCode::kDeadlineExceeded,
             {"given up between two steps"});
  EXPECT_EQ(second_steps, 0);
  EXPECT_TRUE(run->Drpc("slow", "quick").ok());
  EXPECT_EQ(second_steps, 1);
}

TEST(RunErrorsTest, AnUnknownFunctionIsRefusedAndThoseThereAreAreNamed) {
  Topology topology = CountOf("count", {"a"});
  topology.NewDrpcStream("echo").Project(kArgs);
  auto run = RunToEnd(topology);
  ExpectSays(run->Drpc("ecko", "x").status(), StatusCode::kNotFound, {"ecko", "echo"});
}

TEST(RunErrorsTest, AnUnknownStateIsRefusedAndThoseThereAreAreNamed) {
  auto run = RunToEnd(CountOf("count", {"a"}));
  ExpectSays(run->states().Find("count").status(), StatusCode::kNotFound, {"count", "counts"});
}

TEST(RunErrorsTest, ATxidOutsideTheReadableWindowIsRefused) {
  std::vector<std::string> sentences(60, "a");
  auto run = RunToEnd(CountOf("count", sentences), {.readable_versions = 4});
  TxId last = run->states().Published(GroupId(1));
  ASSERT_EQ(last, TxId(20));
  EXPECT_EQ(StateAt(*run, "counts", last), (WordCounts{{"a", 60}}));
  EXPECT_EQ(StateAt(*run, "counts", TxId(18)), (WordCounts{{"a", 54}}));
  EXPECT_EQ(run->states().Pin(GroupId(1), ReadAt::Exactly(TxId(1))).status().code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(run->states().Pin(GroupId(1), ReadAt::Exactly(last.Next())).status().code(),
            StatusCode::kOutOfRange);
}

TEST(RunErrorsTest, StopMakesAwaitEndReturnCancelled) {
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  Topology topology("feed");
  topology.NewStream("feed", feeder).Peek(kSentence, [](Text) {});
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  (*run)->Stop();
  EXPECT_EQ((*run)->AwaitEnd().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace trident
