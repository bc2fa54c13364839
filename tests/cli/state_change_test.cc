// SPDX-License-Identifier: Apache-2.0
//
// States of a directory at rest are dropped and renamed: what a program that lacks one, or names it
// anew, is refused with says how, and what it says works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/rng.h"
#include "coordinator/cli/directory/state_changes.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/folded_directory.h"
#include "tests/cli/served_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Field<Text> kUser{"user"};
constexpr Field<int64_t> kDay{"day"};
constexpr Field<Text> kWhat{"what"};
constexpr Field<int64_t> kAmount{"amount"};
constexpr Field<int64_t> kSum{"sum"};
constexpr Field<Text> kMost{"most"};

struct Longest {  // of texts
  using Value = std::string;
  static constexpr std::string_view kCombiner = "longest";
  Value Zero() const { return {}; }
  Value Init(Text text) const { return Value(text); }
  Value Combine(const Value& a, const Value& b) const { return a.size() < b.size() ? b : a; }
};

// The states of a program, by name.
using Names = std::vector<std::string>;

// The first name is a state with texts as keys and values, the second one has a key of two fields,
// the third none, the fourth is like the first.
Topology Payments(const Names& names, int days) {
  using Row = OwnedRow<Text, int64_t, Text, int64_t>;
  std::vector<Row> rows;
  for (int day = 0; day < days; ++day) {
    rows.push_back({"ann", day % 3, std::string(day % 5, 'x'), 10});
    rows.push_back({"bob", day % 2, "tea", day});
  }
  Topology topology("payments");
  auto payments = topology.NewStream(
      "payments",
      FixedBatchSpout::Make(Fields(kUser, kDay, kWhat, kAmount), {.batch_rows = 4}, rows));
  const auto add = [&](size_t i, const std::function<void(StateOptions)>& persist) {
    if (i < names.size() && !names[i].empty()) persist({.name = names[i], .partitions = 8});
  };
  add(0, [&](StateOptions to) {
    payments.GroupBy(kUser).PersistentAggregate(std::move(to), kWhat, Longest(), kMost);
  });
  add(1, [&](StateOptions to) {
    payments.GroupBy(Fields(kUser, kDay)).PersistentAggregate(std::move(to), kAmount, Sum(), kSum);
  });
  add(2, [&](StateOptions to) {
    to.partitions = 1;
    payments.PersistentAggregate(std::move(to), kAmount, Sum(), kSum);
  });
  add(3, [&](StateOptions to) {
    payments.GroupBy(kWhat).PersistentAggregate(std::move(to), kUser, Longest(), kMost);
  });
  return topology;
}

class StateChangeTest : public testing::Test {
 protected:
  std::string state() const { return dir_.path() + "/state"; }
  // Runs to the end and gives the error, if it is refused.
  Status Go(const Names& names, int days, const std::set<std::string>& drops = {}) {
    auto run = Run::Start(Payments(names, days), {.state_dir = state(),
                                                  .memory_bytes = 64 * kMiB,
                                                  .sync = CommitSync::kNone,
                                                  .drop_states = drops});
    return run.ok() ? (*run)->AwaitEnd() : run.status();
  }
  Ended Ask(std::vector<std::string> words) const { return RunTrident(words); }
  std::string Dump(const std::string& name) const {
    const Ended dump = Ask({"state", "dump", state(), name});
    EXPECT_EQ(dump.code, 0) << dump.err;
    return dump.out;
  }
  void ExpectSound() const {
    const Ended verified = Ask({"state", "verify", state()});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }

  TempDir dir_;
};

TEST_F(StateChangeTest, AProgramThatLacksAStateIsToldHowToDropItAndThenStarts) {
  ASSERT_TRUE(Go({"most", "sums", "total"}, 20).ok());
  const std::string most = Dump("most"), total = Dump("total");
  const Status refused = Go({"most", "", "total"}, 20);
  EXPECT_THAT(std::string(Message(refused)),
              HasSubstr("holds the state 'sums', which this topology does not declare"));
  EXPECT_THAT(std::string(Message(refused)),
              HasSubstr("`trident state drop " + state() + " sums`"));

  const std::string what =
      " the state sums: key (user text, day int64), value int64 (sum), 8 partitions, opaque, group "
      "1; 5 keys, ";
  const std::string before = FingerprintOf(state());
  const Ended asked = Ask({"state", "drop", state(), "sums"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.out, StartsWith("would drop" + what));
  EXPECT_THAT(asked.out, testing::ContainsRegex("; 5 keys, [0-9]+ bytes\n$"));
  EXPECT_EQ(asked.err, "trident: nothing was changed; it goes for good. Add --yes to do it\n");
  EXPECT_TRUE(FingerprintOf(state()) == before) << "something of it has changed";

  const Ended dropped = Ask({"state", "drop", state(), "sums", "--yes"});
  EXPECT_EQ(dropped.code, 0) << dropped.err;
  EXPECT_THAT(dropped.out, StartsWith("dropped" + what));
  ExpectSound();
  EXPECT_EQ(Ask({"state", "dump", state(), "sums"}).code, 1);
  EXPECT_EQ(Dump("most"), most);
  EXPECT_EQ(Dump("total"), total);
  ASSERT_TRUE(Go({"most", "", "total"}, 30).ok()) << "the redo still has changes of sums";
  ExpectSound();

  ASSERT_TRUE(Go({"most", "sums", "total"}, 31).ok());
  ExpectSound();
  EXPECT_EQ(Dump("sums"), "ann\t0\t10\nbob\t0\t30\n") << "only what came since, not the old rows";
}

TEST_F(StateChangeTest, ARenamedStateGoesOnUnderItsNewName) {
  ASSERT_TRUE(Go({"most", "sums", "", "who"}, 20).ok());
  const std::string most = Dump("most"), who = Dump("who");
  const Status refused = Go({"longest", "sums", "", "who"}, 20);
  EXPECT_THAT(std::string(Message(refused)),
              HasSubstr("`trident state rename " + state() + " most NEW`"));
  const Ended renamed = Ask({"state", "rename", state(), "most", "longest"});
  EXPECT_EQ(renamed.code, 0) << renamed.err;
  EXPECT_EQ(renamed.out, "the state most has the name longest now\n");
  ExpectSound();
  EXPECT_EQ(Dump("longest"), most);
  ASSERT_TRUE(Go({"longest", "sums", "", "who"}, 20).ok());
  EXPECT_EQ(Dump("longest"), most);
  EXPECT_EQ(Dump("who"), who);
}

TEST_F(StateChangeTest, TwoStatesChangeTheirNamesByWayOfAThird) {
  ASSERT_TRUE(Go({"a", "", "", "b"}, 20).ok());
  const std::string a = Dump("a"), b = Dump("b");
  for (const auto& [from, to] : {std::pair("a", "c"), {"b", "a"}, {"c", "b"}}) {
    EXPECT_EQ(Ask({"state", "rename", state(), from, to}).code, 0);
  }
  ExpectSound();
  EXPECT_EQ(Dump("a"), b);
  EXPECT_EQ(Dump("b"), a);
  ASSERT_TRUE(Go({"b", "", "", "a"}, 25).ok());
}

TEST_F(StateChangeTest, AStartDropsWhatItIsToldToAfterAllElseWasChecked) {
  ASSERT_TRUE(Go({"most", "sums", "total"}, 20).ok());
  const std::string sums = Dump("sums"), most = Dump("most");
  // Refused for another reason: total is not declared, and not given up.
  EXPECT_THAT(std::string(Message(Go({"most"}, 20, {"sums"}))), HasSubstr("the state 'total'"));
  EXPECT_EQ(Dump("sums"), sums);
  // A state that is declared is not dropped.
  const Status declared = Go({"most", "sums", "total"}, 20, {"sums"});
  EXPECT_EQ(declared.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(Message(declared)), HasSubstr("--drop-state sums"));
  EXPECT_EQ(Dump("sums"), sums);

  ASSERT_TRUE(Go({"most"}, 20, {"sums", "total"}).ok());
  ExpectSound();
  EXPECT_EQ(Ask({"state", "dump", state(), "sums"}).code, 1);
  EXPECT_EQ(Dump("most"), most);
  ASSERT_TRUE(Go({"most"}, 20, {"sums", "total"}).ok()) << "the option was left in place";
}

TEST_F(StateChangeTest, FoldsGoOnOverTheRedoOfADroppedState) {
  ASSERT_TRUE(Go({"most", "sums", "total"}, 3'000).ok());
  ASSERT_EQ(Ask({"state", "drop", state(), "sums", "--yes"}).code, 0);
  ASSERT_TRUE(Go({"most", "", "total"}, 12'000).ok());
  ExpectSound();
  EXPECT_EQ(Dump("total"), "72114000\n") << "each day 10 of ann, and its number of bob";
  ASSERT_TRUE(Go({"most", "", "total"}, 12'010).ok());
}

TEST_F(StateChangeTest, WhatCannotBeIsRefusedAndChangesNothing) {
  ASSERT_TRUE(Go({"most", "sums"}, 5).ok());
  struct Refusal {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  const std::string before = Ask({"state", "dump", state()}).out;
  for (const Refusal& refusal : std::vector<Refusal>{
           {{"state", "drop", state(), "sum"},
            1,
            "there is no state 'sum' in " + state() + "; did you mean 'sums'? "},
           {{"state", "rename", state(), "sum", "x"}, 1, "there is no state 'sum'"},
           {{"state", "rename", state(), "sums", "most"},
            4,
            state() + " has a state 'most' already"},
           {{"state", "rename", state(), "sums", "sums"},
            4,
            state() + " has a state 'sums' already"},
           {{"state", "rename", state(), "sums", "a/b"}, 2, "'a/b' cannot name a state: "},
           {{"state", "rename", state(), "sums", ""}, 2, "'' cannot name a state: "},
           {{"state", "drop", dir_.path() + "/none", "sums"}, 1, ""},
           {{"state", "drop", state()}, 2, ""},
       }) {
    const Ended ended = Ask(refusal.words);
    EXPECT_EQ(ended.code, refusal.code) << ended.err;
    EXPECT_THAT(ended.err, StartsWith("trident: " + refusal.says));
  }
  EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/none"));
  EXPECT_EQ(Ask({"state", "dump", state()}).out, before);
  ExpectSound();
}

TEST(StateChangeInUseTest, ADirectoryThatATopologyRunsOnIsRefused) {
  ServedWords words;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"state", "drop", words.state(), "counts"},
        {"state", "rename", words.state(), "counts", "sums"}}) {
    const Ended refused = RunTrident(command);
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("is in use by "));
    EXPECT_THAT(refused.err,
                testing::ContainsRegex("by process [0-9]+; nothing was changed. Stop it first\n$"));
  }
  EXPECT_EQ(words.Ask({"state", "get", "counts", "the"}).out, "the\t4\n");
}

TEST(StateChangeFoldedTest, RowsOfTheBaseAndRedoOfADroppedStateAreGoneAndPassedOver) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  FoldedDirectory::Get().CopyTo(copy);
  ASSERT_EQ(RunTrident({"state", "rename", copy, "counts", "sums"}).code, 0);
  EXPECT_EQ(RunTrident({"state", "dump", copy, "sums"}).out, FoldedDirectory::Get().counts());
  ASSERT_EQ(RunTrident({"state", "drop", copy, "sums", "--yes"}).code, 0);
  const Ended verified = RunTrident({"state", "verify", copy});
  EXPECT_EQ(verified.code, 0) << verified.out;
  auto store = OpenToChange(copy);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto cursor = (*store)->NewCursor(Table::kBase);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    EXPECT_NE(ParseBaseKey(cursor->key())->state, StateId(1));
  }
}

// Each is one write: it is done or not, whatever happens to it.
TEST(StateChangeCrashTest, AChangeIsDoneOrNot) {
  StoredState counts;
  counts.id = StateId(1);
  counts.name = "counts";
  counts.partitions = 2;
  counts.value_type = "text";
  using Outcome = MemoryStore::Failure::Outcome;
  for (const Outcome outcome : {Outcome::kLost, Outcome::kApplied}) {
    for (const bool drops : {true, false}) {
      auto store = std::make_unique<MemoryStore>();
      WriteSet made;
      PutOwner({.topology = "t"}, made);
      PutNextState(StateId(2), made);
      PutState(counts, made);
      ASSERT_TRUE(store->Write(made, Durability::kSynced).ok());
      auto load = store->NewBulkLoad(Table::kBase).value();
      ASSERT_TRUE(load->Put(BaseKey(counts.id, PartitionId(1), "k"), "v").ok());
      ASSERT_TRUE(load->Install().ok());
      store->FailWriteAfter(0, MemoryStore::Failure::InputOutput(outcome));
      EXPECT_FALSE(
          (drops ? DropStateOf(*store, "counts") : RenameStateOf(*store, "counts", "sums")).ok());
      Rng rng(1);
      store = store->Crash(rng);
      const StoreIdentity found = ReadIdentity(*store).value();
      const bool has_row =
          store->Get(Table::kBase, BaseKey(counts.id, PartitionId(1), "k")).value().has_value();
      if (outcome == Outcome::kLost) {
        ASSERT_EQ(found.states, (std::vector<StoredState>{counts}));
        EXPECT_TRUE(has_row);
      } else if (drops) {
        EXPECT_TRUE(found.states.empty());
        EXPECT_TRUE(found.dropped.contains(counts.id));
        EXPECT_FALSE(has_row);
      } else {
        ASSERT_EQ(found.states.size(), 1u);
        EXPECT_EQ(found.states[0].name, "sums");
        EXPECT_TRUE(has_row);
      }
    }
  }
}

}  // namespace
}  // namespace trident
