// SPDX-License-Identifier: Apache-2.0
//
// A start that is refused leaves the state directory as it was: after each refusal that there is,
// the program from before goes on as if nothing had been.
#include <filesystem>
#include <functional>

#include "base/limits.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/outside_state.h"
#include "trident/partition_persist.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

const std::vector<std::string> kSentences = {"a b a", "b", "c a"};

// The program from before: one state.
void AddCounts(Topology& topology, StateOptions state, const std::string& stream = "sentences") {
  topology
      .NewStream(stream,
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(kSentences)))
      .Each(kSentence, Split(), kWord)
      .GroupBy(kWord)
      .PersistentAggregate(std::move(state), Count(), kCount);
}

Topology Old(const std::string& name = "count") {
  Topology topology(name);
  AddCounts(topology, {.name = "counts", .partitions = 8});
  return topology;
}

// All that a program reads of the directory, bytes and all.
struct Kept {
  WordCounts counts;
  TxId txid;
  std::vector<std::string> states;
  friend bool operator==(const Kept&, const Kept&) = default;
};

Kept RunOld(const std::string& dir) {
  auto run = RunToEnd(Old(), {.state_dir = dir, .sync = CommitSync::kNone});
  if (run == nullptr) return {};
  Kept kept{LatestState(*run, "counts"), run->states().Published(GroupId(1)), {}};
  for (const ReadableState* state : run->states().List()) {
    kept.states.push_back(state->info().spec.name);
  }
  return kept;
}

// A port that somebody else listens on.
class TakenPort {
 public:
  TakenPort() : run_(*Run::Start(Old("other"), {.address = "127.0.0.1:0"})) {}
  std::string address() const { return run_->address(); }

 private:
  std::unique_ptr<Run> run_;
};

// A spout that cannot be opened.
class ShutSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override { return std::vector<std::string>{"0"}; }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp) override {
    return Unavailable("the source is shut");
  }
  std::string Describe() const override { return "shut"; }

 private:
  const SchemaRef schema_ = std::make_shared<const Schema>(*Schema::Make({kSentence.Describe()}));
};

// A class of states of the program's own that cannot be opened.
class Shut final : public State {
 public:
  Status BeginCommit(TxId) override { return absl::OkStatus(); }
  Status Commit(TxId) override { return absl::OkStatus(); }
};

struct Refusal {
  const char* name;
  std::function<void(Topology&)> change;  // what the new program has
  std::function<void(RunOptions&)> options = [](RunOptions&) {};
  std::string says;
};

// Each also has a state and a stream that the directory does not know: they must not stay there.
std::vector<Refusal> Refusals(const TakenPort& taken, const std::string& dir) {
  const auto counts = [](Topology& t) { AddCounts(t, {.name = "counts", .partitions = 8}); };
  const auto missing = dir + "/no.pem";
  return {
      {"a renamed state", [](Topology& t) { AddCounts(t, {.name = "count", .partitions = 8}); },
       [](RunOptions&) {}, "'counts'"},
      {"a state that is left out",
       [](Topology& t) {
         t.NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                        AsRows(kSentences)))
             .Peek(kSentence, [](Text) {});
       },
       [](RunOptions&) {}, "'counts'"},
      {"another number of partitions",
       [](Topology& t) { AddCounts(t, {.name = "counts", .partitions = 9}); }, [](RunOptions&) {},
       "9 partitions"},
      {"another kind",
       [](Topology& t) {
         AddCounts(t, {.name = "counts", .kind = StateKind::kTransactional, .partitions = 8});
       },
       [](RunOptions&) {}, "transactional"},
      {"another key",
       [](Topology& t) {
         t.NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                        AsRows(kSentences)))
             .GroupBy(kSentence)
             .PersistentAggregate({.name = "counts", .partitions = 8}, Count(), kCount);
       },
       [](RunOptions&) {}, "sentence"},
      {"a spout that cannot be opened",
       [=](Topology& t) {
         counts(t);
         t.NewStream("shut", std::make_shared<ShutSpout>()).Peek(kSentence, [](Text) {});
       },
       [](RunOptions&) {}, "the source is shut"},
      {"a file that is missing",
       [=](Topology& t) {
         counts(t);
         t.NewStream("lines", TextFileSpout::Make({.paths = {dir + "/nowhere.txt"}}))
             .Peek(kLine, [](Text) {});
       },
       [](RunOptions&) {}, "nowhere.txt"},
      {"a state of the program's own that cannot be opened",
       [=](Topology& t) {
         counts(t);
         t.NewStream("more", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                   AsRows(kSentences)))
             .PartitionPersist({.name = "shut", .where = OutsideState<Shut>([](const StateSlice&) {
                                                  return StatusOr<std::unique_ptr<Shut>>(
                                                      Unavailable("the store is shut"));
                                                })},
                               kSentence, [](Shut&, const PersistRows<Text>&) {});
       },
       [](RunOptions&) {}, "the store is shut"},
      {"a port in use", counts, [&](RunOptions& o) { o.address = taken.address(); },
       taken.address()},
      {"no address", counts, [](RunOptions& o) { o.address = "nonsense"; }, "nonsense"},
      {"TLS files that are missing", counts,
       [=](RunOptions& o) {
         o.address = "127.0.0.1:0";
         o.tls = ServingTls{missing, missing, missing};
       },
       "no.pem"},
      {"TLS without an address", counts,
       [=](RunOptions& o) {
         o.tls = ServingTls{missing, missing, missing};
       },
       "no address"},
      {"too little memory", counts, [](RunOptions& o) { o.memory_bytes = 1; }, "memory_bytes"},
      {"no executor", counts, [](RunOptions& o) { o.executors = 0; }, "executors"},
      {"nothing pending", counts, [](RunOptions& o) { o.max_pending = 0; }, "max_pending"},
      {"too much pending", counts, [](RunOptions& o) { o.max_pending = kMaxPendingMax + 1; },
       "max_pending"},
      {"batches without rows", counts, [](RunOptions& o) { o.batch_rows = 0; }, "batch_rows"},
      {"batches without bytes", counts, [](RunOptions& o) { o.batch_bytes = 0; }, "batch_bytes"},
      {"a negative age", counts, [](RunOptions& o) { o.batch_age = -1; }, "batch_age"},
  };
}

TEST(RefusedStartTest, TheProgramFromBeforeGoesOnAfterEveryRefusal) {
  TempDir dir;
  const std::string state = dir.path() + "/state";
  const Kept before = RunOld(state);
  ASSERT_EQ(before.counts, (WordCounts{{"a", 3}, {"b", 2}, {"c", 1}}));
  const TakenPort taken;
  for (const Refusal& refusal : Refusals(taken, dir.path())) {
    SCOPED_TRACE(refusal.name);
    Topology topology("count");
    refusal.change(topology);
    topology
        .NewStream("another",
                   FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(kSentences)))
        .GroupBy(kSentence)
        .PersistentAggregate({.name = "more"}, Count(), kCount);
    RunOptions options{.state_dir = state, .sync = CommitSync::kNone};
    refusal.options(options);
    const Status refused = Run::Start(topology, options).status();
    EXPECT_FALSE(refused.ok());
    EXPECT_NE(Message(refused).find(refusal.says), std::string_view::npos) << refused;
    EXPECT_EQ(RunOld(state), before);
  }
}

TEST(RefusedStartTest, AStateThatWasToBeGivenUpStaysAfterEveryRefusal) {
  TempDir dir;
  const std::string state = dir.path() + "/state";
  const Kept before = RunOld(state);
  const TakenPort taken;
  const auto missing = dir.path() + "/no.pem";
  const auto none = [](RunOptions&) {};
  const std::vector<Refusal> refusals = {
      {"a port in use", [](Topology&) {}, [&](RunOptions& o) { o.address = taken.address(); },
       taken.address()},
      {"TLS files that are missing", [](Topology&) {},
       [=](RunOptions& o) {
         o.address = "127.0.0.1:0";
         o.tls = ServingTls{missing, missing, missing};
       },
       "no.pem"},
      {"a spout that cannot be opened",
       [](Topology& t) {
         t.NewStream("shut", std::make_shared<ShutSpout>()).Peek(kSentence, [](Text) {});
       },
       none, "the source is shut"},
      {"a state of the program's own that cannot be opened",
       [](Topology& t) {
         t.NewStream("more", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                   AsRows(kSentences)))
             .PartitionPersist({.name = "shut", .where = OutsideState<Shut>([](const StateSlice&) {
                                                  return StatusOr<std::unique_ptr<Shut>>(
                                                      Unavailable("the store is shut"));
                                                })},
                               kSentence, [](Shut&, const PersistRows<Text>&) {});
       },
       none, "the store is shut"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    Topology topology("count");
    topology
        .NewStream("sentences",
                   FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(kSentences)))
        .Peek(kSentence, [](Text) {});
    refusal.change(topology);
    RunOptions options{.state_dir = state, .sync = CommitSync::kNone, .drop_states = {"counts"}};
    refusal.options(options);
    const Status refused = Run::Start(topology, options).status();
    EXPECT_NE(Message(refused).find(refusal.says), std::string_view::npos) << refused;
    EXPECT_EQ(RunOld(state), before);
  }
}

TEST(RefusedStartTest, ANewDirectoryIsNoOnesAfterARefusal) {
  TempDir dir;
  const std::string state = dir.path() + "/state";
  const TakenPort taken;
  for (const std::string& address : {taken.address(), std::string("0.0.0.0:0")}) {
    EXPECT_FALSE(Run::Start(Old("other"), {.state_dir = state, .address = address}).ok());
    EXPECT_FALSE(std::filesystem::exists(state)) << "the start has made it";
  }
  // One that was there stays, and what is in it.
  std::filesystem::create_directory(state);
  EXPECT_FALSE(Run::Start(Old("other"), {.state_dir = state, .address = taken.address()}).ok());
  EXPECT_TRUE(std::filesystem::exists(state));
  EXPECT_EQ(RunOld(state).counts, (WordCounts{{"a", 3}, {"b", 2}, {"c", 1}}));
}

}  // namespace
}  // namespace trident
