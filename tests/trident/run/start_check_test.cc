// SPDX-License-Identifier: Apache-2.0
//
// What `explain --against` says of a start is what the start does: both are asked about many
// changed programs, and about options.
#include "trident/run/start_check.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/generator_spout.h"
#include "trident/spouts/pull_spout.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

using testing::HasSubstr;

Stream Add(Topology& topology, const std::string& name, int rows = 6) {
  std::vector<std::string> sentences(rows, name + " and " + name);
  return topology.NewStream(
      name, FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 2}, AsRows(sentences)));
}

struct Most {  // of texts
  using Value = std::string;
  static constexpr std::string_view kCombiner = "most";
  Value Zero() const { return {}; }
  Value Init(Text text) const { return Value(text); }
  Value Combine(const Value& a, const Value& b) const { return a < b ? b : a; }
};
constexpr Field<Text> kMost{"most"};

void CountWords(const Stream& stream, const std::string& state, uint32_t partitions = 4) {
  stream.Each(kSentence, Split(), kWord)
      .GroupBy(kWord)
      .PersistentAggregate({.name = state, .partitions = partitions}, Count(), kCount);
}
void KeepMost(const Stream& stream, const std::string& state) {
  stream.Each(kSentence, Split(), kWord)
      .GroupBy(kSentence)
      .PersistentAggregate({.name = state, .partitions = 4}, kWord, Most(), kMost);
}

// Two groups; the first one merges two streams and has two states.
void Old(Topology& t) {
  const Stream merged = t.Merge({Add(t, "a"), Add(t, "b")});
  CountWords(merged, "counts");
  KeepMost(merged, "most");
  CountWords(Add(t, "c"), "others");
}

struct Change {
  const char* name;
  std::function<void(Topology&)> build;
  std::vector<std::string> says = {};  // in the report
  std::string refusal = {};            // empty: accepted
  std::set<std::string> drops = {};
  std::string topology = "checked";
};

std::vector<Change> Changes(const std::string& dir) {
  return {
      {"none",
       Old,
       {"group 1: carries over, decided up to txid ", "group 2: carries over, ",
        "stream a: carries over\n  partition rows: carries over from 6\n",
        "state counts: carries over: key (word text), value int64 (sum), 4 partitions"}},
      {"more of everything",
       [](Topology& t) {
         Old(t);
         CountWords(Add(t, "d"), "of-d");
       },
       {"group 3: new\n", "stream d: new\n  partition rows: new\n",
        "state of-d: new, begins empty\n", "state dead-letters-3: new, begins empty\n"}},
      {"another order",
       [](Topology& t) {
         CountWords(Add(t, "c"), "others");
         const Stream b = Add(t, "b");
         const Stream merged = t.Merge({b, Add(t, "a")});
         KeepMost(merged, "most");
         CountWords(merged, "counts");
       },
       {"state others: carries over", "state most: carries over"}},
      {"a renamed state",
       [](Topology& t) {
         const Stream merged = t.Merge({Add(t, "a"), Add(t, "b")});
         CountWords(merged, "tallies");
         KeepMost(merged, "most");
         CountWords(Add(t, "c"), "others");
       },
       {"state tallies: new", "state counts: orphaned and refused"},
       "holds the state 'counts'"},
      {"a state that is left out and given up",
       [](Topology& t) {
         CountWords(t.Merge({Add(t, "a"), Add(t, "b")}), "counts");
         CountWords(Add(t, "c"), "others");
       },
       {"state most: dropped by this start\n"},
       "",
       {"most"}},
      {"a state that is given up and declared",
       Old,
       {"state most: refused: --drop-state most"},
       "--drop-state most gives up",
       {"most"}},
      {"a state that is given up by a start that is refused",
       [](Topology& t) {
         CountWords(t.Merge({Add(t, "a"), Add(t, "b")}), "counts", 5);
         CountWords(Add(t, "c"), "others");
       },
       {"state most: given up, but this start would drop nothing\n"},
       "5 partitions",
       {"most"}},
      {"several changed states",
       [](Topology& t) {
         const Stream merged = t.Merge({Add(t, "a"), Add(t, "b")});
         CountWords(merged, "counts", 5);
         CountWords(merged, "most");
         CountWords(Add(t, "c"), "others");
       },
       {"state counts: refused: ", "state most: refused: ", "state others: carries over",
        "`trident state repartition "},
       "5 partitions"},
      {"a renamed stream",
       [](Topology& t) {
         const Stream merged = t.Merge({Add(t, "z"), Add(t, "b")});
         CountWords(merged, "counts");
         KeepMost(merged, "most");
         CountWords(Add(t, "c"), "others");
       },
       {"stream z: new", "stream a: orphaned"},
       "knows the stream 'a'"},
      {"a stream of a merge that is left out",
       [](Topology& t) {
         const Stream b = Add(t, "b");
         CountWords(b, "counts");
         KeepMost(b, "most");
         CountWords(Add(t, "c"), "others");
       },
       {"stream a: orphaned"},
       "knows the stream 'a'"},
      {"a group that is left out and given up",
       [](Topology& t) {
         const Stream merged = t.Merge({Add(t, "a"), Add(t, "b")});
         CountWords(merged, "counts");
         KeepMost(merged, "most");
       },
       {"stream c: orphaned: this topology does not declare it; if it comes back, it goes on where "
        "it stood\n  partition rows: carries over from 6\n",
        "state others: dropped by this start\n", "state dead-letters-2: carries over"},
       "",
       {"others"}},
      {"groups that are joined",
       [](Topology& t) {
         const Stream merged = t.Merge({Add(t, "a"), Add(t, "b"), Add(t, "c")});
         CountWords(merged, "counts");
         KeepMost(merged, "most");
         CountWords(merged, "others");
       },
       {"stream a: carries over"},
       "connects them"},
      {"another topology", Old, {}, "belongs to topology 'checked'", {}, "another"},
      {"a source that is missing",
       [=](Topology& t) {
         Old(t);
         t.NewStream("lines", TextFileSpout::Make({.paths = {dir + "/nowhere.txt"}}))
             .Peek(kLine, [](Text) {});
       },
       {},
       "nowhere.txt"},
      {"two states of one name",
       [](Topology& t) {
         Old(t);
         CountWords(Add(t, "d"), "counts");
       },
       {},
       "counts"},
  };
}

std::string FingerprintOf(const std::string& dir) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    all += entry.path().string() + " " +
           std::to_string(entry.last_write_time().time_since_epoch().count());
    if (entry.is_regular_file()) all += " " + std::to_string(entry.file_size());
    all += "\n";
  }
  return all;
}

TEST(StartCheckTest, ItSaysWhatAStartDoesAndChangesNothing) {
  TempDir dir;
  const std::string before = dir.path() + "/before";
  {
    Topology old("checked");
    Old(old);
    ASSERT_NE(RunToEnd(old, {.state_dir = before, .sync = CommitSync::kNone}), nullptr);
  }
  int i = 0;
  for (const Change& change : Changes(dir.path())) {
    SCOPED_TRACE(change.name);
    const std::string state = dir.path() + "/" + std::to_string(++i);
    std::filesystem::copy(before, state, std::filesystem::copy_options::recursive);
    const RunOptions options{
        .state_dir = state, .sync = CommitSync::kNone, .drop_states = change.drops};
    const auto made = [&] {
      Topology topology(change.topology);
      change.build(topology);
      return topology;
    };
    const std::string was = FingerprintOf(state);
    const StartCheck check = CheckStart(made(), options);
    EXPECT_TRUE(FingerprintOf(state) == was) << "something of it has changed";
    const Status started = Run::Start(made(), options).status();
    EXPECT_EQ(check.verdict, started);
    EXPECT_EQ(check.verdict.ok(), change.refusal.empty()) << check.verdict;
    EXPECT_THAT(std::string(Message(check.verdict)), HasSubstr(change.refusal));
    for (const std::string& line : change.says) EXPECT_THAT(check.report, HasSubstr(line));
  }
}

// Keys are deleted by it, so it is no small change.
TEST(StartCheckTest, WhoseKeysExpireIsSaidAndWhatThatWasBefore) {
  TempDir dir;
  const auto made = [](Nanos expire_after) {
    Topology topology("checked");
    Add(topology, "a")
        .Each(kSentence, Split(), kWord)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "counts", .partitions = 4, .expire_after = expire_after},
                             Count(), kCount);
    return topology;
  };
  const RunOptions options{.state_dir = dir.path() + "/state", .sync = CommitSync::kNone};
  const auto line = [&](Nanos expire_after) {
    const std::string report = CheckStart(made(expire_after), options).report;
    const size_t begin = report.find("state counts: ");
    const std::string text = report.substr(begin, report.find('\n', begin) - begin);
    return text.substr(text.find(';') + 1);
  };
  EXPECT_EQ(line(2 * kSecond), " keys that no batch has written for 2 s expire");
  ASSERT_NE(RunToEnd(made(0), options), nullptr);
  EXPECT_THAT(line(0), testing::Not(HasSubstr("expire")));
  EXPECT_EQ(line(3600 * kSecond),
            " from this start on keys that no batch has written for 3600 s expire, which they did "
            "not before");
  ASSERT_NE(RunToEnd(made(3600 * kSecond), options), nullptr);
  EXPECT_EQ(line(3600 * kSecond), " keys that no batch has written for 3600 s expire");
  EXPECT_EQ(line(1500 * kMillisecond),
            " from this start on keys that no batch has written for 1500 ms expire, before it was "
            "3600 s");
  EXPECT_EQ(line(0), " its keys expire no more");
}

TEST(StartCheckTest, FilesThatAreSharedOutOtherwiseAreRefused) {
  TempDir dir;
  std::ofstream(dir.path() + "/a.txt") << "one\ntwo\n";
  const auto made = [&](uint32_t readers) {
    Topology topology("checked");
    CountWords(topology
                   .NewStream("lines", TextFileSpout::Make({.paths = {dir.path() + "/a.txt"},
                                                            .field = "sentence",
                                                            .splits = {.readers = readers}}))
                   .Project(Fields(kSentence)),
               "counts");
    return topology;
  };
  const RunOptions options{.state_dir = dir.path() + "/state", .sync = CommitSync::kNone};
  ASSERT_NE(RunToEnd(made(4), options), nullptr);
  const StartCheck check = CheckStart(made(2), options);
  EXPECT_THAT(std::string(Message(check.verdict)), HasSubstr("by 4 readers"));
  EXPECT_EQ(check.verdict, Run::Start(made(2), options).status());
  EXPECT_TRUE(CheckStart(made(4), options).verdict.ok());
}

// Every pair of spouts that are not the same.
TEST(StartCheckTest, AStreamWhoseSpoutHasBecomeAnotherOneIsRefused) {
  TempDir dir;
  std::ofstream(dir.path() + "/a.txt") << "one\ntwo\n";
  using MadeSpout = StatusOr<std::shared_ptr<Spout>>;
  const std::map<std::string, std::function<MadeSpout()>> spouts = {
      {"files",
       [&] {
         return TextFileSpout::Make({.paths = {dir.path() + "/a.txt"}, .field = "sentence"});
       }},
      {"list",
       [] {
         return FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 2},
                                      AsRows({"a", "b", "c"}));
       }},
      {"generator",
       [] {
         return GeneratorSpout::Make(
             Fields(kSentence), {.rows_per_partition = 3},
             [](const GeneratedRow& row, Emit<Text>& emit) { emit(std::to_string(row.index)); });
       }},
      {"function",
       [] {
         auto left = std::make_shared<int>(3);
         return PullSpout::Make(Fields(kSentence), {}, [left](Emit<Text>& emit) {
           if ((*left)-- > 0) emit("row");
           return *left > 0 ? Pulled::kMore : Pulled::kEnd;
         });
       }},
  };
  for (const auto& [before, make_before] : spouts) {
    const RunOptions options{.state_dir = dir.path() + "/" + before, .sync = CommitSync::kNone};
    const auto made = [](const std::function<MadeSpout()>& make) {
      Topology topology("checked");
      CountWords(topology.NewStream("a", make()), "counts");
      return topology;
    };
    ASSERT_NE(RunToEnd(made(make_before), options), nullptr);
    for (const auto& [after, make_after] : spouts) {
      SCOPED_TRACE(before + ", then " + after);
      const StartCheck check = CheckStart(made(make_after), options);
      EXPECT_EQ(check.verdict.ok(), before == after) << check.verdict;
      EXPECT_EQ(check.verdict, Run::Start(made(make_after), options).status());
      if (before == after) continue;
      EXPECT_THAT(std::string(Message(check.verdict)),
                  HasSubstr("was this state written with another spout?"));
      EXPECT_THAT(check.report, HasSubstr(": refused: "));
    }
  }
}

TEST(StartCheckTest, ADirectoryThatIsNotMadeYetIsNotMade) {
  TempDir dir;
  Topology topology("checked");
  Old(topology);
  const StartCheck check = CheckStart(topology, {.state_dir = dir.path() + "/new"});
  EXPECT_TRUE(check.verdict.ok()) << check.verdict;
  EXPECT_THAT(check.report, HasSubstr("group 1: new\n"));
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/new"));
  const StartCheck lost = CheckStart(topology, {.state_dir = dir.path() + "/no/such"});
  EXPECT_EQ(lost.verdict.code(), StatusCode::kNotFound);
}

TEST(StartCheckTest, ADirectoryInUseIsRefused) {
  TempDir dir;
  Topology topology("checked"), again("checked");
  Old(topology);
  Old(again);
  const RunOptions options{.state_dir = dir.path() + "/state", .sync = CommitSync::kNone};
  const auto run = RunToEnd(topology, options);
  const StartCheck check = CheckStart(again, options);
  EXPECT_THAT(std::string(Message(check.verdict)), HasSubstr("is in use by "));
}

}  // namespace
}  // namespace trident
