// SPDX-License-Identifier: Apache-2.0
//
// A log of a program's own, read by a topology while both fail now and then: every row counts once.
#include <filesystem>
#include <stdexcept>

#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "tests/trident/spouts/memory_log.h"
#include "trident/run/start_check.h"
#include "trident/spouts/log_spout.h"

namespace trident {
namespace {

using testing::MemoryLog;
using testing::MemoryLogSource;

// Throws at every n-th call, counted over all threads and attempts.
class EveryNth {
 public:
  explicit EveryNth(uint64_t n) : n_(n) {}
  void Call() const {
    if (++*calls_ % n_ == 0) throw std::runtime_error("call " + std::to_string(*calls_));
  }
  uint64_t failures() const { return *calls_ / n_; }

 private:
  uint64_t n_;
  std::shared_ptr<std::atomic<uint64_t>> calls_ = std::make_shared<std::atomic<uint64_t>>(0);
};

// Words, with records that are no rows and cuts in between.
void Append(MemoryLog& log, const std::string& partition, size_t records, WordCounts* counts) {
  const std::vector<std::string> sentences = StarterSentences();
  for (size_t i = 0; i < records; ++i) {
    const std::string sentence = i % 7 == 3 ? "" : sentences[i % sentences.size()];
    AddWords(sentence, counts);
    log.Append(partition, {sentence, i % 11 == 5 ? MemoryLog::Record::Then::kCut
                                                 : MemoryLog::Record::Then::kGoOn});
  }
}

Topology CountWords(std::shared_ptr<MemoryLogSource> source, SpoutKind kind, EveryNth fail) {
  Topology topology("log");
  topology
      .NewStream("sentences", LogSpout::Make(Fields(kSentence), {.name = "words", .kind = kind},
                                             std::move(source)))
      .Each(
          kSentence,
          [fail](Text sentence, Emit<Text>& emit) {
            Split()(sentence, emit);
            fail.Call();
          },
          kWord)
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

TEST(LogRunTest, EveryRowCountsOnceThoughSourceAndTopologyFail) {
  for (const uint32_t executors : {1u, 2u}) {
    for (const SpoutKind kind : {SpoutKind::kTransactional, SpoutKind::kOpaque}) {
      const auto log = std::make_shared<MemoryLog>();
      WordCounts want;
      for (const char* partition : {"a", "b", "c"}) Append(*log, partition, 60, &want);
      log->Finish();
      const EveryNth source_fails(19), topology_fails(23);
      const auto source = std::make_shared<MemoryLogSource>(log, [source_fails](int64_t) {
        source_fails.Call();
        return std::string();
      });
      auto run = RunToEnd(CountWords(source, kind, topology_fails),
                          {.executors = executors, .batch_rows = 9, .retry_limit = 1000});
      ASSERT_NE(run, nullptr);
      EXPECT_EQ(LatestState(*run, "counts"), want);
      EXPECT_GT(source_fails.failures(), 5u);
      EXPECT_GT(topology_fails.failures(), 5u);
    }
  }
}

// Of an opaque source, each reading of an offset is another row; one of them is committed.
TEST(LogRunTest, AnOpaqueSourceThatGivesOtherRowsCountsEachPlaceOnce) {
  const auto log = std::make_shared<MemoryLog>();
  for (int i = 0; i < 80; ++i) log->Append("p", {"offset-" + std::to_string(i)});
  log->Finish();
  const auto readings = std::make_shared<std::atomic<int>>(0);
  const auto source = std::make_shared<MemoryLogSource>(
      log, [readings](int64_t) { return " reading-" + std::to_string(++*readings); });
  const EveryNth fail(13);
  auto run = RunToEnd(CountWords(source, SpoutKind::kOpaque, fail),
                      {.batch_rows = 7, .retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  EXPECT_GT(fail.failures(), 3u);
  EXPECT_GT(*readings, 90) << "nothing was read again";
  uint64_t offsets = 0, committed_readings = 0;
  for (const auto& [word, count] : LatestState(*run, "counts")) {
    EXPECT_EQ(count, 1) << word;
    ++(word.starts_with("offset-") ? offsets : committed_readings);
  }
  EXPECT_EQ(offsets, 80u);
  EXPECT_EQ(committed_readings, 80u);
}

TEST(LogRunTest, ANextStartGoesOnWhereItStandsAndReadsWhatHasAppeared) {
  const TempDir dir;
  const auto log = std::make_shared<MemoryLog>();
  WordCounts want;
  Append(*log, "a", 30, &want);
  log->Finish();
  const EveryNth never(~uint64_t{0});
  const RunOptions options{.state_dir = dir.path() + "/state", .batch_rows = 8};
  const auto run_once = [&] {
    const auto source = std::make_shared<MemoryLogSource>(log);
    auto run = RunToEnd(CountWords(source, SpoutKind::kTransactional, never), options);
    EXPECT_EQ(LatestState(*run, "counts"), want);
  };
  run_once();
  log->Trim("a", 30);  // all of it is committed
  Append(*log, "a", 17, &want);
  Append(*log, "later", 12, &want);
  run_once();
}

TEST(LogRunTest, AStartIsRefusedWhoseRowsAreGone) {
  const TempDir dir;
  const auto log = std::make_shared<MemoryLog>();
  log->Fill("a", {"one", "two", "three"});
  log->Finish();
  const RunOptions options{.state_dir = dir.path() + "/state"};
  const auto topology = [&] {
    return CountWords(std::make_shared<MemoryLogSource>(log), SpoutKind::kTransactional,
                      EveryNth(~uint64_t{0}));
  };
  ASSERT_NE(RunToEnd(topology(), options), nullptr);
  log->Fill("a", {"four", "five"});
  log->Trim("a", 4);  // the fourth row was not read yet
  const Status refused = Run::Start(topology(), options).status();
  for (const char* part : {"log \"words\"", "\"a\"", "at position \"3\"", "has been removed"}) {
    EXPECT_NE(Message(refused).find(part), std::string_view::npos) << part << " in " << refused;
  }
  EXPECT_EQ(CheckStart(topology(), options).verdict, refused);
}

TEST(LogRunTest, RowsThatAreGoneStopTheStreamAndTheReasonNamesThePlace) {
  const auto log = std::make_shared<MemoryLog>();
  log->Fill("a", {"one", "two"});
  log->Trim("a", 1);
  auto run = Run::Start(CountWords(std::make_shared<MemoryLogSource>(log), SpoutKind::kOpaque,
                                   EveryNth(~uint64_t{0})),
                        {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  const Status stopped = (*run)->AwaitEnd();
  for (const char* part : {"log \"words\"", "\"a\"", "at its beginning", "has been removed"}) {
    EXPECT_NE(Message(stopped).find(part), std::string_view::npos) << part << " in " << stopped;
  }
}

}  // namespace
}  // namespace trident
