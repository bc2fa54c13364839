// SPDX-License-Identifier: Apache-2.0
//
// Plans as Explain shows them, compared with the files in tests/golden/plans. After a wanted
// change:
//   TRIDENT_REWRITE_GOLDEN=1 build/tests/trident_test --gtest_filter='ExplainTest.*'
// and read the difference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "tests/support/paths.h"
#include "trident/functions/aggregators.h"
#include "trident/planner/explain.h"
#include "trident/planner/planner.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kSentence{"sentence"}, kWord{"word"}, kQuery{"query"};
constexpr Field<int64_t> kCount{"count"}, kSum{"sum"}, kLength{"length"};

struct Split {
  void operator()(Text sentence, Emit<Text>& emit) const { emit(sentence); }
};
struct Last {
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, int64_t x) const { value = x; }
};

Stream Sentences(Topology& topology, const std::string& name) {
  return topology.NewStream(name, FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                        {OwnedRow<Text>("the cow")}));
}

void ExpectGolden(const std::string& file, const std::string& found) {
  std::string path = InSourceTree("tests/golden/plans/" + file);
  if (std::getenv("TRIDENT_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << found;
    return;
  }
  std::ifstream in(path);
  ASSERT_TRUE(in.good()) << path << " is missing; TRIDENT_REWRITE_GOLDEN=1 writes it";
  std::ostringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(found, golden.str()) << path;
}

// The plan, as text and as a graph, is that of the files, however often it is made.
void ExpectPlan(const std::string& name, const std::function<void(Topology&)>& make) {
  std::string text, dot;
  for (int i = 0; i < 100; ++i) {
    Topology topology(name);
    make(topology);
    auto explained = topology.Explain();
    auto graph = topology.ExplainDot();
    ASSERT_TRUE(explained.ok()) << explained.status();
    ASSERT_TRUE(graph.ok()) << graph.status();
    if (i == 0) {
      text = *explained;
      dot = *graph;
    }
    ASSERT_EQ(*explained, text) << "build " << i;
    ASSERT_EQ(*graph, dot) << "build " << i;
  }
  ExpectGolden(name + ".txt", text);
  ExpectGolden(name + ".dot", dot);
}

TEST(ExplainTest, WordCountWithRequests) {
  ExpectPlan("word-count", [](Topology& topology) {
    auto counts = Sentences(topology, "sentences")
                      .Each(kSentence, Split(), kWord)
                      .Name("split")
                      .GroupBy(kWord)
                      .PersistentAggregate({.name = "counts"}, Count(), kCount);
    topology.NewDrpcStream("words")
        .Each(kArgs, Split(), kWord)
        .StateQuery(counts, kWord, MapGet(), kCount)
        .Aggregate(kCount, Sum(), kSum)
        .Project(kSum);
  });
}

TEST(ExplainTest, MergeOfTwoStreams) {
  ExpectPlan("merge", [](Topology& topology) {
    Stream queries = topology.NewStream(
        "queries",
        FixedBatchSpout::Make(Fields(kQuery), {.batch_rows = 3}, {OwnedRow<Text>("moon")}));
    topology.Merge({Sentences(topology, "sentences"), queries})
        .GroupBy(kSentence)
        .PersistentAggregate({.name = "seen"}, Count(), kCount);
  });
}

TEST(ExplainTest, TwoAggregationsOneBehindTheOther) {
  ExpectPlan("two-aggregations", [](Topology& topology) {
    Sentences(topology, "sentences")
        .Each(
            kSentence, [](Text s) { return static_cast<int64_t>(s.size()); }, kLength)
        .GroupBy(kSentence)
        .Aggregate(kLength, Max(), kCount)
        .Aggregate(kCount, Sum(), kSum)
        .PersistentAggregate({.name = "last-sum", .kind = StateKind::kTransactional}, kSum, Last(),
                             kCount);
  });
}

TEST(ExplainTest, GlobalAndOtherRepartitionings) {
  ExpectPlan("repartitionings", [](Topology& topology) {
    Stream stream = Sentences(topology, "sentences");
    stream.Shuffle()
        .Each(kSentence, Split(), kWord)
        .Global()
        .Peek(kWord, [](Text) {})
        .Name("watch");
    stream.PartitionBy(kSentence).PartitionAggregate(Count(), kCount).BatchGlobal().Project(kCount);
    stream.Broadcast()
        .Filter(kSentence, [](Text) { return true; })
        .LocalOrShuffle()
        .Project(kSentence);
  });
}

TEST(ExplainTest, ParallelismAndNewValues) {
  ExpectPlan("parallelism", [](Topology& topology) {
    auto counts = Sentences(topology, "a \"quoted\" name")
                      .Parallelism(4)
                      .Shuffle()
                      .Each(kSentence, Split(), kWord)
                      .Parallelism(3)
                      .GroupBy(kWord)
                      .PersistentAggregate({.name = "counts", .partitions = 8}, Count(), kCount)
                      .Parallelism(16);
    counts.NewValuesStream()
        .Filter(kCount, [](int64_t count) { return count > 2; })
        .Name("popular");
    Sentences(topology, "another group").Shuffle().Project(kSentence).Parallelism(2);
  });
}

// Of processes that find their input at other places.
TEST(ExplainTest, TheShapeOfAPlanIsTheSameWhereverItsSourcesAre) {
  const auto plan_of = [](const std::string& path, Follow follow, LastLine last = LastLine::kNo) {
    Topology topology("lines");
    topology
        .NewStream("lines",
                   *TextFileSpout::Make({.paths = {path}, .follow = follow, .last_line = last}))
        .Project(kLine);
    return *MakePlan(*topology.Build(), {.several_processes = true, .reads_local_sources = false});
  };
  const Plan here = plan_of("/here", Follow::kYes), there = plan_of("/there", Follow::kYes);
  EXPECT_NE(ExplainText(here), ExplainText(there));
  EXPECT_EQ(ExplainShape(here), ExplainShape(there));
  // But not how they are read.
  EXPECT_NE(ExplainShape(here), ExplainShape(plan_of("/here", Follow::kYes, LastLine::kYes)));
}

TEST(ExplainTest, AGraphEscapesTheNamesOfFunctions) {
  Topology topology("names");
  Sentences(topology, "sentences");
  topology.NewDrpcStream("say \"so\" \\");
  EXPECT_THAT(*topology.ExplainDot(), ::testing::HasSubstr("[label=\"drpc say \\\"so\\\" \\\\\","));
}

}  // namespace
}  // namespace trident
