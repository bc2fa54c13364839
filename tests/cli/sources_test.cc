// SPDX-License-Identifier: Apache-2.0
//
// Positions of sources in a directory at rest: listed, forgotten and set, with their cost, and what
// a start makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <memory>
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
#include "trident/run/start_check.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/log_spout.h"
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
    EXPECT_THAT(asked.out, StartsWith("stream a, partition rows, from 6 to "));
    EXPECT_THAT(asked.err, HasSubstr("nothing was changed; add --yes to do it"));
  }
  EXPECT_TRUE(FingerprintOf(state()) == before) << "something of it has changed";
  EXPECT_THAT(Ask({"set", "a", "rows", "2"}).out, HasSubstr(": 4 rows will be read again\n"));
  EXPECT_THAT(Ask({"set", "a", "rows", "3"}).out,
              HasSubstr(", from 6 to 3: 3 rows will be read again\n"));
  EXPECT_THAT(Ask({"set", "a", "rows", "9"}).out,
              HasSubstr(", from 6 to 9: 3 rows will be skipped\n"));
  EXPECT_THAT(Ask({"set", "a", "rows", "6"}).out, HasSubstr(": nothing: it stands there already"));
  EXPECT_THAT(Ask({"forget", "a"}).out,
              HasSubstr(", from 6 to its beginning: 6 rows will be read again\n"));
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

// A program's own source, whose positions mean nothing to others.
class Letters final : public LogSource<std::string, Text> {
 public:
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{"all"};
  }
  StatusOr<std::unique_ptr<Reader>> Open(const std::string&, WakeUp) override {
    return std::make_unique<LetterReader>();
  }

 private:
  class LetterReader final : public Reader {
   public:
    Status Seek(const std::string& at) override {
      at_ = at;
      return absl::OkStatus();
    }
    StatusOr<Step> Next(Emit<Text>& emit) override {
      if (at_.size() >= 3) return Step::Ended();
      at_ += 'a';
      emit("a");
      return Step::MovedTo(at_);
    }

   private:
    std::string at_;
  };
};

Topology CountingLetters() {
  Topology topology("words");
  topology
      .NewStream("letters",
                 LogSpout::Make(Fields(kWord), {.name = "letters"}, std::make_shared<Letters>()))
      .GroupBy(kWord)
      .PersistentAggregate({.name = "letters", .partitions = 4}, Count(), kCount);
  return topology;
}

TEST_F(SourcesTest, BytesThatAreNoTextAreTypedInHex) {
  ASSERT_TRUE(Go(CountingLetters()).ok());
  EXPECT_EQ(Ask({"set", "letters", "all", "hex:00ff0a", "--yes"}).code, 0);
  EXPECT_THAT(Ask({}).out, HasSubstr("hex:00ff0a"));
  const Ended set = Ask({"set", "letters", "all", "hex:61", "--yes"});
  EXPECT_THAT(set.out, HasSubstr(", from hex:00ff0a to a: "));
  EXPECT_THAT(set.err, HasSubstr("is not known here; `explain --against` of its program tells"));
  EXPECT_THAT(Ask({"-o", "json"}).out, HasSubstr(R"("position":"a","how":"set after txid )"));
  ASSERT_TRUE(Go(CountingLetters()).ok());
  EXPECT_EQ(Dump("letters"), "a\t5\n");
}

TEST_F(SourcesTest, APositionThatTheSourceCannotHaveIsRefused) {
  ASSERT_TRUE(Go(Counting({{"a", 6}})).ok());
  const std::string before = FingerprintOf(state());
  for (const std::string to : {"banana", "-1", "3x", "hex:00", "18446744073709551616"}) {
    const Ended refused = Ask({"set", "a", "rows", to, "--yes"});
    EXPECT_EQ(refused.code, 2) << to;
    EXPECT_THAT(refused.err, HasSubstr("stream 'a' has no position '"));
    EXPECT_THAT(refused.err, HasSubstr("': expected a whole number, such as '6'; nothing was "));
  }
  EXPECT_TRUE(FingerprintOf(state()) == before) << "something of it has changed";
}

// Where only the start can judge, its check says the same, and both say who set it.
TEST_F(SourcesTest, AStartAndItsCheckJudgePositionsAlike) {
  ASSERT_TRUE(Go(Counting({{"a", 6}, {"b", 3}})).ok());
  {
    auto store = OpenToChange(state());
    ASSERT_TRUE(store.ok());
    WriteSet changes;
    changes.Put(Table::kDecision, PositionKey({GroupId(1), SpoutId(0), "rows"}),
                EncodePosition({PositionRow::By::kHand, TxId(3), "banana"}));
    ASSERT_TRUE((*store)->Write(changes, Durability::kSynced).ok());
  }
  const StartCheck check = CheckStart(Counting({{"a", 6}, {"b", 3}}), {.state_dir = state()});
  EXPECT_THAT(check.report, HasSubstr("  partition rows: refused: its source has no such position "
                                      "as banana\n"));
  EXPECT_THAT(check.report, HasSubstr("  partition rows: carries over from 3\n"));
  const Status started = Go(Counting({{"a", 6}, {"b", 3}}));
  EXPECT_EQ(started, check.verdict);
  EXPECT_THAT(std::string(Message(started)),
              HasSubstr("it was set by hand after txid 3. Set another one: `trident sources " +
                        state() + " set a rows POSITION`"));
  EXPECT_EQ(Ask({"set", "a", "rows", "6", "--yes"}).code, 0);
  EXPECT_TRUE(Go(Counting({{"a", 6}, {"b", 3}})).ok());
}

// It cannot go back, so nothing comes again.
TEST_F(SourcesTest, APipeThatIsForgottenGivesNoRowAgain) {
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto count = [&](const std::string& text) {
    Background program({"wordcount", "run", "--input", pipe, "--state", state(), "--quiet"});
    WriteText(pipe, text);
    EXPECT_EQ(program.End(0), 0);
  };
  count("a b\n");
  const Ended forget = Ask({"forget", "lines", "--yes"});
  EXPECT_EQ(forget.code, 0) << forget.err;
  EXPECT_EQ(forget.out,
            "stream lines, partition pipe, from 4 to its beginning: no row is read again or "
            "skipped: its source cannot go back, and gives what comes next; only the count goes "
            "on from there\n");
  EXPECT_EQ(forget.err, "");
  count("b\n");
  EXPECT_EQ(Dump("counts"), "a\t1\nb\t2\n");
}

TEST_F(SourcesTest, BytesOfAFileAreSaidWhereRowsAreNot) {
  const std::string text = dir_.path() + "/text";
  WriteText(text, "a\nb\nc\n");
  const std::vector<std::string> run = {"wordcount", "run",   "--input", text,
                                        "--state",   state(), "--quiet"};
  ASSERT_EQ(RunProgramToEnd(run).code, 0);
  const std::string partition = text + "#0";
  const Ended list = Ask({"-o", "json"});
  const size_t at = list.out.find(R"("position":"6/)");
  ASSERT_NE(at, std::string::npos) << list.out;
  std::string position = list.out.substr(at + 12);
  position = position.substr(0, position.find('"'));
  // Half a line is none: the start, which can look at the file, refuses it, and so does its check.
  for (const auto& [byte, says] : std::vector<std::pair<char, std::string>>{
           {'3', "set by hand to byte 3, which lies within a line"},
           {'9', "set by hand to byte 9, behind its end"}}) {
    position[0] = byte;
    ASSERT_EQ(Ask({"set", "lines", partition, position, "--yes"}).code, 0);
    const Ended refused = RunProgramToEnd(run);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr(says));
    const Ended check =
        RunProgramToEnd({"wordcount", "explain", "--input", text, "--against", state()});
    EXPECT_EQ(check.code, 2);
    EXPECT_THAT(check.err, HasSubstr(says));
  }
  position[0] = '6';
  ASSERT_EQ(Ask({"set", "lines", partition, position, "--yes"}).code, 0);
  position[0] = '2';
  EXPECT_THAT(Ask({"set", "lines", partition, position, "--yes"}).out,
              HasSubstr("up to 4 bytes will be read again; how many rows is unknown"));
  EXPECT_EQ(Ask({"set", "lines", partition, "2", "--yes"}).code, 2);
  ASSERT_EQ(RunProgramToEnd(run).code, 0);
  EXPECT_EQ(Dump("counts"), "a\t1\nb\t2\nc\t2\n");
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
