// SPDX-License-Identifier: Apache-2.0
//
// Positions of sources in a directory at rest: listed, forgotten and set, with their cost, and what
// a start makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "base/codec.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/decision_log.h"
#include "state/disk/store_layout.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/served_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};

Stream Add(Topology& topology, const std::string& name, int rows) {
  std::vector<OwnedRow<Text>> words;
  for (int i = 0; i < rows; ++i) words.emplace_back(name);
  return topology.NewStream(name, FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 2}, words));
}

struct Named {
  std::string name;
  int rows;
};

// Every stream has a state of its own, named "of-" and its name; or all of them one, "all".
Topology Counting(const std::vector<Named>& streams) {
  Topology topology("words");
  for (const Named& stream : streams) {
    Add(topology, stream.name, stream.rows)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "of-" + stream.name, .partitions = 4}, Count(), kCount);
  }
  return topology;
}
Topology CountingMerged(const std::vector<Named>& streams) {
  Topology topology("words");
  std::vector<Stream> merged;
  for (const Named& stream : streams) merged.push_back(Add(topology, stream.name, stream.rows));
  (merged.size() == 1 ? merged[0] : topology.Merge(merged))
      .GroupBy(kWord)
      .PersistentAggregate({.name = "all", .partitions = 4}, Count(), kCount);
  return topology;
}

class SourcesTest : public testing::Test {
 protected:
  std::string state() const { return dir_.path() + "/state"; }
  Status Go(const Topology& topology) {
    auto run = Run::Start(
        topology, {.state_dir = state(), .memory_bytes = 64 * kMiB, .sync = CommitSync::kNone});
    return run.ok() ? (*run)->AwaitEnd() : run.status();
  }
  Ended Ask(std::vector<std::string> words) const {
    words.insert(words.begin(), {"sources", state()});
    return RunTrident(words);
  }
  std::string Dump(const std::string& name) const {
    return RunTrident({"state", "dump", state(), name}).out;
  }
  void ExpectSound() const {
    const Ended verified = RunTrident({"state", "verify", state()});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }

  TempDir dir_;
};

TEST_F(SourcesTest, EachPartitionIsListedWithWhereItStands) {
  ASSERT_TRUE(Go(Counting({{"a", 5}, {"b", 0}})).ok());
  const std::string before = FingerprintOf(state());
  const Ended list = Ask({"list"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_EQ(list.out,
            "STREAM  PARTITION  POSITION            HOW\n"
            "a       rows       5                   read\n"
            "b       -          (nothing was read)  \n");
  EXPECT_EQ(Ask({}).out, list.out);
  EXPECT_EQ(Ask({"-o", "json"}).out,
            R"({"stream":"a","group":1,"partition":"rows","position":"5","how":"read"})"
            "\n");
  EXPECT_TRUE(FingerprintOf(state()) == before) << "something of it has changed";
}

TEST_F(SourcesTest, WithoutYesOnlyTheCostIsSaid) {
  ASSERT_TRUE(Go(Counting({{"a", 6}})).ok());
  const std::string before = FingerprintOf(state());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"set", "a", "rows", "2"},
                                                {"forget", "a", "rows"},
                                                {"forget", "a"}}) {
    const Ended asked = Ask(words);
    EXPECT_EQ(asked.code, 2);
    EXPECT_THAT(asked.out, StartsWith("stream a, partition rows: "));
    EXPECT_THAT(asked.err, HasSubstr("nothing was changed; with --yes it is done"));
  }
  EXPECT_TRUE(FingerprintOf(state()) == before) << "something of it has changed";
  EXPECT_THAT(Ask({"set", "a", "rows", "2"}).out, HasSubstr(": 4 rows will be read again\n"));
  EXPECT_THAT(Ask({"set", "a", "rows", "3"}).out, HasSubstr("how many is unknown"));
  EXPECT_THAT(Ask({"set", "a", "rows", "9"}).out, HasSubstr("how many is unknown"));
  EXPECT_THAT(Ask({"set", "a", "rows", "6"}).out, HasSubstr(": nothing: it stands there already"));
  EXPECT_THAT(Ask({"forget", "a"}).out, HasSubstr(": 6 rows will be read again\n"));
}

TEST_F(SourcesTest, APartitionGoesOnFromWhereItWasSet) {
  ASSERT_TRUE(Go(Counting({{"a", 6}, {"b", 3}})).ok());
  EXPECT_EQ(Ask({"set", "a", "rows", "2", "--yes"}).code, 0);
  ExpectSound();
  EXPECT_THAT(Ask({}).out, HasSubstr("a       rows       2         set after txid 3\n"));
  ASSERT_TRUE(Go(Counting({{"a", 6}, {"b", 3}})).ok());
  ExpectSound();
  EXPECT_EQ(Dump("of-a"), "a\t10\n") << "four of them again";
  EXPECT_EQ(Dump("of-b"), "b\t3\n");
  EXPECT_THAT(Ask({}).out, HasSubstr("a       rows       6         read\n"));

  EXPECT_EQ(Ask({"set", "a", "rows", "8", "--yes"}).code, 0);
  ASSERT_TRUE(Go(Counting({{"a", 9}, {"b", 3}})).ok());
  ExpectSound();
  EXPECT_EQ(Dump("of-a"), "a\t11\n") << "two are skipped";
}

TEST_F(SourcesTest, AForgottenPartitionIsReadFromItsBeginning) {
  ASSERT_TRUE(Go(Counting({{"a", 6}, {"b", 3}})).ok());
  EXPECT_EQ(Ask({"forget", "a", "rows", "--yes"}).code, 0);
  ExpectSound();
  EXPECT_THAT(Ask({}).out,
              HasSubstr("a       rows       (its beginning)  forgotten after txid 3\n"));
  ASSERT_TRUE(Go(Counting({{"a", 7}, {"b", 3}})).ok());
  ExpectSound();
  EXPECT_EQ(Dump("of-a"), "a\t13\n");
  EXPECT_EQ(Dump("of-b"), "b\t3\n");
}

TEST_F(SourcesTest, AForgottenStreamMayHaveAnotherName) {
  ASSERT_TRUE(Go(CountingMerged({{"a", 6}})).ok());
  const Status refused = Go(CountingMerged({{"b", 4}}));
  EXPECT_THAT(std::string(Message(refused)),
              HasSubstr("`trident sources " + state() + " forget a`"));
  EXPECT_EQ(Ask({"forget", "a", "--yes"}).code, 0);
  ExpectSound();
  ASSERT_TRUE(Go(CountingMerged({{"b", 4}})).ok());
  ExpectSound();
  EXPECT_EQ(Dump("all"), "a\t6\nb\t4\n");
  EXPECT_EQ(Ask({}).out.find("\na "), std::string::npos);
}

TEST_F(SourcesTest, AForgottenStreamOfAMergeIsNotMissed) {
  ASSERT_TRUE(Go(CountingMerged({{"a", 6}, {"b", 4}})).ok());
  EXPECT_THAT(std::string(Message(Go(CountingMerged({{"b", 4}})))), HasSubstr(" forget a`"));
  EXPECT_EQ(Ask({"forget", "a", "--yes"}).code, 0);
  ASSERT_TRUE(Go(CountingMerged({{"b", 5}})).ok());
  ExpectSound();
  EXPECT_EQ(Dump("all"), "a\t6\nb\t5\n");
  ASSERT_TRUE(Go(CountingMerged({{"b", 5}, {"a", 6}})).ok());
  EXPECT_EQ(Dump("all"), "a\t12\nb\t5\n") << "it is a new stream now";
  ExpectSound();
}

TEST_F(SourcesTest, WhatThereIsNotIsRefused) {
  ASSERT_TRUE(Go(Counting({{"apples", 6}})).ok());
  EXPECT_THAT(Ask({"forget", "aples"}).err,
              HasSubstr("there is no stream 'aples' in " + state() + "; did you mean 'apples'? "));
  EXPECT_EQ(Ask({"forget", "aples"}).code, 1);
  EXPECT_EQ(Ask({"set", "aples", "0", "1"}).code, 1);
  EXPECT_THAT(Ask({"forget", "apples", "1"}).err,
              HasSubstr("stream 'apples' has no source partition '1'"));
  EXPECT_EQ(Ask({"set", "apples", "row", "1", "--yes"}).code, 1);
  EXPECT_EQ(Ask({"set", "apples", "rows", "hex:0"}).code, 2);
  EXPECT_EQ(Ask({"set", "apples", "rows"}).code, 2);
  EXPECT_EQ(RunTrident({"sources", dir_.path() + "/none", "forget", "a", "--yes"}).code, 1);
}

TEST_F(SourcesTest, BytesThatAreNoTextAreTypedInHex) {
  ASSERT_TRUE(Go(Counting({{"a", 6}})).ok());
  EXPECT_EQ(Ask({"set", "a", "rows", "hex:00ff0a", "--yes"}).code, 0);
  EXPECT_THAT(Ask({}).out, HasSubstr("hex:00ff0a"));
  EXPECT_EQ(Ask({"set", "a", "rows", "hex:36", "--yes"}).code, 0);
  EXPECT_THAT(Ask({"-o", "json"}).out, HasSubstr(R"("position":"6","how":"set after txid 3")"));
  ASSERT_TRUE(Go(Counting({{"a", 7}})).ok());
  EXPECT_EQ(Dump("of-a"), "a\t7\n");
}

TEST_F(SourcesTest, ABatchThatMustComeAgainAsItWasKeepsItsSources) {
  ASSERT_TRUE(Go(Counting({{"a", 6}})).ok());
  {
    auto store = OpenToChange(state());
    ASSERT_TRUE(store.ok());
    DecisionLog log(**store);
    WriteSet changes;
    log.AppendCut(GroupId(1), TxId(4), {}, changes);
    ASSERT_TRUE((*store)->Write(changes, Durability::kSynced).ok());
  }
  const Ended refused = Ask({"set", "a", "rows", "2", "--yes"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err, HasSubstr("txid 4, that a state outside of it may have taken already"));
}

// What a hand wrote must not be newer than what was decided, nor older than the newest range.
TEST_F(SourcesTest, ARowThatContradictsTheDecisionsIsDamage) {
  ASSERT_TRUE(Go(Counting({{"a", 6}})).ok());
  for (const uint64_t after : {2, 4}) {
    {
      auto store = OpenToChange(state());
      ASSERT_TRUE(store.ok());
      WriteSet changes;
      changes.Put(Table::kDecision, PositionKey({GroupId(1), SpoutId(0), "rows"}),
                  EncodePosition({PositionRow::By::kHand, TxId(after), "6"}));
      ASSERT_TRUE((*store)->Write(changes, Durability::kSynced).ok());
    }
    const Ended verified = RunTrident({"state", "verify", state()});
    EXPECT_EQ(verified.code, 5);
    EXPECT_THAT(verified.out, HasSubstr("it was changed by hand after txid"));
  }
}

TEST(SourcesInUseTest, ADirectoryThatATopologyRunsOnIsRefused) {
  ServedWords words;
  const Ended refused = RunTrident({"sources", words.state(), "forget", "words", "--yes"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err, HasSubstr("is in use by "));
}

}  // namespace
}  // namespace trident
