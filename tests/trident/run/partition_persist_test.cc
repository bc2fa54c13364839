// SPDX-License-Identifier: Apache-2.0
//
// PartitionPersist: updaters over a map state of the topology's own store, over a map of the
// program's, and over a class of the program's.
#include <atomic>
#include <stdexcept>

#include "tests/trident/run/words.h"
#include "tests/trident/states/outside_table.h"
#include "trident/partition_persist.h"

namespace trident {
namespace {

constexpr Field<int64_t> kAmount{"amount"};
constexpr Field<int64_t> kOld{"old"};

auto Sentences(std::vector<std::string> sentences, uint64_t per_batch = 1) {
  return FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = per_batch}, AsRows(sentences));
}

// Counts by hand: reads all keys at once, adds, and writes them; a word that comes three times or
// more is forgotten.
struct CountToThree {
  void operator()(MapAccess<int64_t>& state, const PersistRows<Text>& rows,
                  Emit<Text, int64_t>& emit) const {
    std::map<std::string_view, int64_t> counts;
    const std::vector<std::string_view> keys = rows.keys();
    auto old = state.MultiGet(keys);
    if (!old.ok()) throw std::runtime_error(std::string(Message(old.status())));
    for (size_t i = 0; i < rows.size(); ++i) {
      auto [count, is_new] = counts.try_emplace(keys[i], (*old)[i].value_or(0));
      ++count->second;
    }
    for (const auto& [word, count] : counts) {
      if (count < 3) {
        Check(state.MultiPut({&word, 1}, {&count, 1}));
      } else {
        Check(state.MultiRemove({&word, 1}));
      }
      emit(word, count);
    }
  }
  static void Check(const Status& status) {
    if (!status.ok()) throw std::runtime_error(std::string(Message(status)));
  }
};

using Pairs = std::vector<std::tuple<std::string, int64_t>>;

TEST(PartitionPersistTest, AnUpdaterReadsWritesAndRemovesKeysOfOurOwnMapStateAndEmits) {
  for (uint32_t executors : {1u, 3u}) {
    auto seen = std::make_shared<Collected<Text, int64_t>>();
    Topology topology("own");
    topology.NewStream("sentences", Sentences({"a b", "a c", "c a b", "a"}))
        .Each(kSentence, Split(), kWord)
        .GroupBy(kWord)
        .PartitionPersist({.name = "counts"}, kWord, CountToThree(), Fields(kWord, kCount))
        .NewValuesStream()
        .Peek(Fields(kWord, kCount), Collect(seen));
    auto run = RunToEnd(topology, {.executors = executors, .readable_versions = 100});
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(StateAt(*run, "counts", TxId(1)), (WordCounts{{"a", 1}, {"b", 1}}));
    EXPECT_EQ(StateAt(*run, "counts", TxId(2)), (WordCounts{{"a", 2}, {"b", 1}, {"c", 1}}));
    EXPECT_EQ(StateAt(*run, "counts", TxId(3)), (WordCounts{{"b", 2}, {"c", 2}}));
    EXPECT_EQ(StateAt(*run, "counts", TxId(4)), (WordCounts{{"a", 1}, {"b", 2}, {"c", 2}}))
        << "a was forgotten and begins anew";
    EXPECT_EQ(
        seen->Sorted(),
        (Pairs{{"a", 1}, {"a", 1}, {"a", 2}, {"a", 3}, {"b", 1}, {"b", 2}, {"c", 1}, {"c", 2}}));
  }
}

TEST(PartitionPersistTest, TheSameUpdaterWorksOverAMapOfTheProgram) {
  for (uint32_t executors : {1u, 3u}) {
    auto table = std::make_shared<OutsideTable<OpaqueValue<int64_t>>>();
    Topology topology("map");
    auto counts =
        topology.NewStream("sentences", Sentences({"a b", "a c", "c a b", "a", "d"}))
            .Each(kSentence, Split(), kWord)
            .GroupBy(kWord)
            .PartitionPersist(In(table, "counts"), kWord, CountToThree(), Fields(kWord, kCount));
    topology.NewDrpcStream("words")
        .Each(kArgs, Split(), kWord)
        .StateQuery(counts, kWord, MapGet(), kCount)
        .Project(Fields(kWord, kCount));
    auto run = RunToEnd(topology, {.executors = executors});
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(Answer(*run, "words", "a b c d e"),
              (std::vector<std::string>{"[a, 1]", "[b, 2]", "[c, 2]", "[d, 1]"}));
  }
}

TEST(PartitionPersistTest, AnUpdaterSeesWhatItHasDoneInTheSameBatch) {
  Topology topology("seen");
  topology.NewStream("sentences", Sentences({"x", "x"}))
      .GroupBy(kSentence)
      .PartitionPersist({.name = "counts"}, kSentence,
                        [](MapAccess<int64_t>& state, const PersistRows<Text>& rows) -> Status {
                          for (std::string_view key : rows.keys()) {
                            for (int64_t step = 0; step < 3; ++step) {
                              TRIDENT_ASSIGN_OR_RETURN(auto old, state.MultiGet({&key, 1}));
                              const int64_t next = old[0].value_or(0) + 1;
                              TRIDENT_RETURN_IF_ERROR(state.MultiPut({&key, 1}, {&next, 1}));
                            }
                          }
                          return absl::OkStatus();
                        });
  auto run = RunToEnd(topology);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(LatestState(*run, "counts"), (WordCounts{{"x", 6}}));
}

TEST(PartitionPersistTest, ItIsCalledForEveryBatchAlsoWithoutRows) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  auto rows_seen = std::make_shared<std::atomic<int>>(0);
  Topology topology("empty");
  topology.NewStream("sentences", Sentences({"a", "b", "c"}))
      .Filter(kSentence, [](Text sentence) { return sentence == "b"; })
      .PartitionPersist(
          {.name = "calls"}, kSentence,
          [calls, rows_seen](MapAccess<int64_t>& state, const PersistRows<Text>& rows) {
            ++*calls;
            *rows_seen += static_cast<int>(rows.size());
            std::string_view key;
            const int64_t value = *calls;
            CountToThree::Check(state.MultiPut({&key, 1}, {&value, 1}));
          });
  auto run = RunToEnd(topology);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(*calls, 3);
  EXPECT_EQ(*rows_seen, 1);
  EXPECT_EQ(LatestState(*run, "calls"), (WordCounts{{"", 3}}));
}

enum class Grouped : uint8_t { kNo, kYes };

// Runs an updater that names `key` while its one row is "a".
Status RunNaming(std::string_view key, Grouped grouped) {
  auto updater = [key](MapAccess<int64_t>& state, const PersistRows<Text>& rows) -> Status {
    if (rows.empty()) return absl::OkStatus();
    return state.MultiRemove({&key, 1});
  };
  Topology topology("naming");
  Stream stream = topology.NewStream("sentences", Sentences({"a"}));
  StateOptions options{.name = "counts"};
  if (grouped == Grouped::kYes) {
    stream.GroupBy(kSentence).PartitionPersist(options, kSentence, updater).Parallelism(64);
  } else {
    stream.PartitionPersist(options, kSentence, updater);
  }
  auto run = Run::Start(topology, {.retry_limit = 0});
  return run.ok() ? (*run)->AwaitEnd() : run.status();
}

TEST(PartitionPersistTest, AKeyOfAnotherPartitionIsAnErrorAndNotARaceWithItsOwner) {
  EXPECT_TRUE(RunNaming("a", Grouped::kYes).ok());
  Status refused = RunNaming("some other key", Grouped::kYes);
  EXPECT_NE(Message(refused).find("belongs to another partition"), std::string_view::npos)
      << refused;
}

TEST(PartitionPersistTest, WithoutGroupsThereIsOneKey) {
  EXPECT_TRUE(RunNaming("", Grouped::kNo).ok());
  Status refused = RunNaming("a", Grouped::kNo);
  EXPECT_NE(Message(refused).find("has no key fields"), std::string_view::npos) << refused;
}

// Such bytes would be read as damage later.
TEST(PartitionPersistTest, BytesThatAreNoKeyOfTheStateAreRefused) {
  Topology topology("keys");
  topology
      .NewStream("rows", FixedBatchSpout::Make(Fields(kWord, kAmount), {.batch_rows = 1},
                                               std::vector<OwnedRow<Text, int64_t>>{{"x", 1}}))
      .GroupBy(Fields(kWord, kAmount))
      .PartitionPersist({.name = "counts", .partitions = 1}, kWord,
                        [](MapAccess<int64_t>& state, const PersistRows<Text>&) {
                          const std::string_view key = "zzz";
                          const int64_t value = 1;
                          return state.MultiPut({&key, 1}, {&value, 1});
                        });
  auto run = Run::Start(topology, {.retry_limit = 0});
  ASSERT_TRUE(run.ok()) << run.status();
  const Status ended = (*run)->AwaitEnd();
  EXPECT_NE(Message(ended).find("\"zzz\" are no key of state counts"), std::string_view::npos)
      << ended;
}

TEST(PartitionPersistTest, FewerValuesThanKeysAreAnErrorAndNotTheEndOfTheProcess) {
  for (const bool is_outside : {false, true}) {
    auto table = std::make_shared<OutsideTable<OpaqueValue<int64_t>>>();
    Topology topology("short");
    topology.NewStream("sentences", Sentences({"x"}))
        .GroupBy(kSentence)
        .PartitionPersist(is_outside ? In(table, "counts") : StateOptions{.name = "counts"},
                          kSentence, [](MapAccess<int64_t>& state, const PersistRows<Text>& rows) {
                            return state.MultiPut(rows.keys(), {});
                          });
    auto run = Run::Start(topology, {.retry_limit = 0});
    ASSERT_TRUE(run.ok()) << run.status();
    const Status ended = (*run)->AwaitEnd();
    EXPECT_NE(Message(ended).find("got 1 keys and 0 values"), std::string_view::npos) << ended;
  }
}

TEST(PartitionPersistTest, AnErrorOfTheUpdaterFailsTheBatchWithTheStepsName) {
  Topology topology("refuses");
  topology.NewStream("sentences", Sentences({"a"}))
      .PartitionPersist({.name = "counts"}, kSentence,
                        [](MapAccess<int64_t>&, const PersistRows<Text>&) -> Status {
                          return Unavailable("the disk is away");
                        });
  auto run = Run::Start(topology, {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  Status ended = (*run)->AwaitEnd();
  for (const char* part : {"counts", "txid 1", "the disk is away"}) {
    EXPECT_NE(Message(ended).find(part), std::string_view::npos) << part << " in " << ended;
  }
}

// ---- a class of the program's own ----

// A journal with transactions of its own: rows of the newest txid replace those of an earlier
// attempt at it, as lines of a file sink do.
class Journal final : public State {
 public:
  struct File {
    Mutex mutex;
    std::map<TxId, std::vector<std::string>> lines TRIDENT_GUARDED_BY(mutex);
    std::vector<std::string> calls TRIDENT_GUARDED_BY(mutex);
  };
  explicit Journal(std::shared_ptr<File> file) : file_(std::move(file)) {}

  Status BeginCommit(TxId txid) override {
    MutexLock lock(file_->mutex);
    file_->calls.push_back("begin " + ToString(txid));
    if (!file_->lines.empty() && txid < file_->lines.rbegin()->first) {
      return FailedPrecondition("behind");
    }
    txid_ = txid;
    pending_.clear();
    return absl::OkStatus();
  }
  void Add(std::string line) { pending_.push_back(std::move(line)); }
  Status Commit(TxId txid) override {
    MutexLock lock(file_->mutex);
    file_->calls.push_back("commit " + ToString(txid));
    file_->lines[txid] = pending_;
    return absl::OkStatus();
  }
  int64_t Lines() const {
    MutexLock lock(file_->mutex);
    int64_t count = 0;
    for (const auto& [txid, lines] : file_->lines) count += static_cast<int64_t>(lines.size());
    return count;
  }

 private:
  const std::shared_ptr<File> file_;
  TxId txid_;
  std::vector<std::string> pending_;
};

StateOptions InFile(const std::shared_ptr<Journal::File>& file) {
  return {.name = "journal",
          .kind = StateKind::kOpaque,
          .where = OutsideState<Journal>(
              [file](const StateSlice&) { return std::make_unique<Journal>(file); })};
}

TEST(PartitionPersistTest, AStateOfTheProgramsClassKeepsTheLinesOfTheLastAttemptOnly) {
  auto file = std::make_shared<Journal::File>();
  auto calls = std::make_shared<std::atomic<uint64_t>>(0);
  Topology topology("journal");
  auto journal = topology.NewStream("sentences", Sentences({"a", "b", "c", "d", "e"}, 2))
                     .PartitionPersist(
                         InFile(file), kSentence,
                         [](Journal& journal, const PersistRows<Text>& rows, Emit<Text>& emit) {
                           for (auto [sentence] : rows) {
                             journal.Add(std::string(sentence));
                             emit(sentence);
                           }
                         },
                         kWord);
  journal.NewValuesStream().Peek(kWord, [calls](Text) {
    if (++*calls % 2 == 0) throw std::runtime_error("after the journal was written");
  });
  topology.NewDrpcStream("lines").StateQuery(
      journal, kArgs, [](Journal& lines, Text, Emit<int64_t>& emit) { emit(lines.Lines()); },
      kCount);
  auto run = RunToEnd(topology, {.retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  EXPECT_GT(run->progress().at(0).failures, 1u);
  std::vector<std::string> lines;
  {
    MutexLock lock(file->mutex);
    for (const auto& [txid, part] : file->lines)
      lines.insert(lines.end(), part.begin(), part.end());
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  auto answer = run->Drpc("lines", "?");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(RowText(answer->rows.at(0)), "[?, 5]");
}

TEST(PartitionPersistTest, TheCallsOfABatchComeInOrderAndCommitEndsThem) {
  auto file = std::make_shared<Journal::File>();
  Topology topology("journal");
  topology.NewStream("sentences", Sentences({"a", "b"}))
      .PartitionPersist(InFile(file), FieldList<>{}, [](Journal&, const PersistRows<>&) {});
  ASSERT_NE(RunToEnd(topology), nullptr);
  MutexLock lock(file->mutex);
  EXPECT_EQ(file->calls, (std::vector<std::string>{"begin 1", "commit 1", "begin 2", "commit 2"}));
}

TEST(PartitionPersistTest, RowsOfAKeyAlwaysComeToTheSamePartition) {
  for (uint32_t tasks : {1u, 2u, 4u}) {
    std::vector<std::shared_ptr<Journal::File>> files(4);
    for (auto& file : files) file = std::make_shared<Journal::File>();
    const StateOptions options{.name = "journal",
                               .where = OutsideState<Journal>([files](const StateSlice& slice) {
                                 return std::make_unique<Journal>(files[slice.partition.value()]);
                               })};
    Topology topology("journal");
    auto journal =
        topology.NewStream("sentences", Sentences({"a b c d e f g h", "h g f e d c b a"}))
            .Each(kSentence, Split(), kWord)
            .GroupBy(kWord)
            .PartitionPersist(options, kWord,
                              [](Journal& file, const PersistRows<Text>& rows) {
                                for (auto [word] : rows) file.Add(std::string(word));
                              })
            .Parallelism(tasks);
    ASSERT_NE(RunToEnd(topology, {.executors = 2}), nullptr);
    size_t lines = 0;
    for (const auto& file : files) {
      MutexLock lock(file->mutex);
      std::vector<std::string> first = file->lines[TxId(1)], second = file->lines[TxId(2)];
      std::sort(first.begin(), first.end());
      std::sort(second.begin(), second.end());
      EXPECT_EQ(first, second);
      lines += first.size();
    }
    EXPECT_EQ(lines, 8u);
  }
}

// ---- order ----

TEST(PartitionPersistTest, FieldsAreReadByTheTokensInTheirOrder) {
  auto seen = std::make_shared<Collected<int64_t, Text>>();
  Topology topology("fields");
  topology
      .NewStream("rows", FixedBatchSpout::Make(Fields(kWord, kAmount, kOld), {.batch_rows = 2},
                                               std::vector<OwnedRow<Text, int64_t, int64_t>>{
                                                   {"x", 1, 10}, {"y", 2, 20}}))
      .PartitionPersist({.name = "none"}, Fields(kAmount, kWord),
                        [seen](MapAccess<int64_t>&, const PersistRows<int64_t, Text>& rows) {
                          for (auto [amount, word] : rows) seen->Add(amount, word);
                        });
  ASSERT_NE(RunToEnd(topology), nullptr);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, std::string>>{{1, "x"}, {2, "y"}}));
}

}  // namespace
}  // namespace trident
