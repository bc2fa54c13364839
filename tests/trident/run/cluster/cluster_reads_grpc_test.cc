// SPDX-License-Identifier: Apache-2.0
//
// States and requests through any worker of several, with real stores, links and threads.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/rng.h"
#include "coordinator/cli/client.h"
#include "tests/trident/run/cluster/word_cluster.h"
#include "trident/run/cluster/local_part.h"

namespace trident {
namespace {

constexpr Nanos kLong = 30 * kSecond;

Nanos In(Nanos wait) { return RealClock().MonotonicNanos() + wait; }

// Every key and value at a cut, in pages of at most so many rows.
StatusOr<std::map<std::string, std::string>> ScanAll(const ReadableState& state, TxId at,
                                                     KeyRange range, PageLimits limits) {
  std::map<std::string, std::string> rows;
  std::string last;
  for (;;) {
    TRIDENT_ASSIGN_OR_RETURN(const StatePage page, state.Scan(at, range, limits));
    EXPECT_LE(page.rows.size(), limits.rows);
    for (const StateRow& row : page.rows) {
      EXPECT_TRUE(rows.empty() || row.key > last) << "keys come in order, each once";
      last = row.key;
      rows[row.key] = row.value;
    }
    if (!page.resume) return rows;
    range.begin = *page.resume;
  }
}

class ClusterReads : public ::testing::Test {
 protected:
  void StartAll(uint32_t workers, uint64_t rows) {
    cluster_ = std::make_unique<WordCluster>(workers, rows, WordCluster::AtEnd::kServes);
    for (uint32_t worker = 0; worker < workers; ++worker) cluster_->Start(worker);
  }
  const ReadableState& StateAt(uint32_t worker, const char* name) {
    return **cluster_->process(worker).states().Find(name);
  }
  std::unique_ptr<WordCluster> cluster_;
};

TEST_F(ClusterReads, EveryWorkerAnswersTheSame) {
  constexpr uint64_t kRows = 10'000;
  StartAll(3, kRows);
  cluster_->AwaitAll();
  const std::map<std::string, int64_t> expected = ExpectedCounts(kRows);
  std::vector<std::string> keys;
  for (const auto& [word, count] : expected) keys.push_back(KeyOfWord(word));
  keys.push_back(KeyOfWord("nobody has said this"));
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  for (uint32_t worker = 0; worker < 3; ++worker) {
    SCOPED_TRACE(worker);
    const StateCatalog& states = cluster_->process(worker).states();
    const StatusOr<Snapshot> cut = states.PinEverywhere(kWordGroup, ReadAt::Latest());
    ASSERT_TRUE(cut.ok()) << cut.status();
    const ReadableState& counts = StateAt(worker, "counts");
    const ReadableState& dots = StateAt(worker, "dots");
    const auto found = counts.MultiGet(cut->txid(), asked);
    ASSERT_TRUE(found.ok()) << found.status();
    for (size_t i = 0; i + 1 < asked.size(); ++i) {
      ASSERT_TRUE((*found)[i].ok() && (*found)[i]->has_value());
      EXPECT_EQ(CountOf(***(found->begin() + static_cast<long>(i))),
                expected.at(WordOfKey(asked[i])));
    }
    EXPECT_EQ(*found->back(), std::nullopt);
    for (const size_t i : {size_t{0}, keys.size() / 2}) {
      const auto one = counts.Get(cut->txid(), asked[i]);
      ASSERT_TRUE(one.ok() && one->has_value()) << one.status();
      EXPECT_EQ(CountOf(**one), expected.at(WordOfKey(asked[i])));
    }
    for (const PageLimits limits :
         {PageLimits{}, PageLimits{.rows = 7}, PageLimits{.rows = 1'000, .bytes = 5'000}}) {
      const auto all = ScanAll(dots, cut->txid(), KeyRange::All(), limits);
      ASSERT_TRUE(all.ok()) << all.status();
      ASSERT_EQ(all->size(), expected.size());
      for (const auto& [key, text] : *all) {
        EXPECT_EQ(std::count(text.begin(), text.end(), '.'), expected.at(WordOfKey(key)));
      }
    }
    const auto some =
        ScanAll(counts, cut->txid(), KeyRange{KeyOfWord("w1"), KeyOfWord("w2")}, {.rows = 10});
    ASSERT_TRUE(some.ok()) << some.status();
    const auto first = expected.lower_bound("w1"), end = expected.lower_bound("w2");
    EXPECT_EQ(some->size(), static_cast<size_t>(std::distance(first, end)));
    // One row at a time, and pages that are smaller than a row.
    const KeyRange few{KeyOfWord("w1"), KeyOfWord("w12")};
    for (const PageLimits limits : {PageLimits{.rows = 1}, PageLimits{.rows = 5, .bytes = 1}}) {
      const auto rows = ScanAll(counts, cut->txid(), few, limits);
      ASSERT_TRUE(rows.ok()) << rows.status();
      const auto begin = expected.lower_bound("w1"), stop = expected.lower_bound("w12");
      EXPECT_EQ(rows->size(), static_cast<size_t>(std::distance(begin, stop)));
    }
    EXPECT_EQ(counts.ApproximateKeys(), expected.size());
    EXPECT_EQ(counts.UnreadableKeys(), 0u);
    // A state of one key is with one worker.
    const auto total = ScanAll(StateAt(worker, "total"), cut->txid(), KeyRange::All(), {});
    ASSERT_TRUE(total.ok()) << total.status();
    ASSERT_EQ(total->size(), 1u);
    EXPECT_EQ(CountOf(total->begin()->second), static_cast<int64_t>(4 * kRows));
    const auto got = StateAt(worker, "total").Get(cut->txid(), total->begin()->first);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, total->begin()->second);
  }
}

TEST_F(ClusterReads, RequestsAreAnsweredThroughEveryWorkerAtOneCut) {
  constexpr uint64_t kRows = 5'000;
  StartAll(3, kRows);
  cluster_->AwaitAll();
  const std::map<std::string, int64_t> expected = ExpectedCounts(kRows);
  for (uint32_t worker = 0; worker < 3; ++worker) {
    const DrpcResult answer =
        cluster_->process(worker).Drpc("look", "w1,w2,w3,w4,w5,w6,w8,w9,absent", In(kLong));
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->rows.size(), 8u);
    for (const std::vector<Datum>& row : answer->rows) {
      const int64_t count = std::get<int64_t>(row[1].value);
      EXPECT_EQ(count, expected.at(std::get<std::string>(row[0].value)));
      const auto& text = std::get<std::string>(row[2].value);
      EXPECT_EQ(std::count(text.begin(), text.end(), '.'), count);
    }
    const DrpcResult tallies = cluster_->process(worker).Drpc("tally", "w1,w2,w3,w5", In(kLong));
    ASSERT_TRUE(tallies.ok()) << tallies.status();
    EXPECT_EQ(tallies->rows.size(), 4u);
    for (const std::vector<Datum>& row : tallies->rows) {
      EXPECT_EQ(std::get<int64_t>(row[1].value), expected.at(std::get<std::string>(row[0].value)));
    }
    const Status thrown = cluster_->process(worker).Drpc("tally", "w1,absent", In(kLong)).status();
    EXPECT_TRUE(absl::IsAborted(thrown)) << thrown;
    EXPECT_NE(Message(thrown).find("nobody has said this word"), std::string::npos) << thrown;
    EXPECT_EQ(cluster_->process(worker).Drpc("absent", "", In(kLong)).status().code(),
              StatusCode::kNotFound);
  }
}

// One reader after the other asks another worker; epochs end meanwhile.
TEST_F(ClusterReads, NoReaderGoesBackThroughWhateverWorkerWhileEpochsEnd) {
  StartAll(3, 400'000);
  std::atomic<bool> ends = false;
  std::atomic<uint64_t> answers = 0;
  Mutex mutex;  // of the two below, and of the processes that come and go
  std::map<TxId, int64_t> sums;
  std::array<Mutex, 3> at_work;  // a process is not ended while it is read
  const auto read_on = [&](uint64_t seed) {
    Rng rng(seed);
    TxId newest;
    while (!ends) {
      const auto worker = static_cast<uint32_t>(rng.Below(3));
      MutexLock lock(at_work[worker]);
      const StateCatalog& states = cluster_->process(worker).states();
      const StatusOr<Snapshot> cut = states.PinEverywhere(kWordGroup, ReadAt::Latest());
      if (!cut.ok()) {
        ASSERT_TRUE(absl::IsUnavailable(cut.status()) || absl::IsOutOfRange(cut.status()))
            << cut.status();
        continue;
      }
      ASSERT_GE(cut->txid(), newest) << "through worker " << worker;
      newest = cut->txid();
      const auto all = ScanAll(StateAt(worker, "counts"), newest, KeyRange::All(), {.rows = 1'000});
      if (!all.ok()) {
        ASSERT_TRUE(absl::IsUnavailable(all.status()) || absl::IsOutOfRange(all.status()))
            << all.status();
        continue;
      }
      int64_t sum = 0;
      for (const auto& [key, value] : *all) sum += CountOf(value);
      ++answers;
      MutexLock of_sums(mutex);
      const auto [known, is_new] = sums.try_emplace(newest, sum);
      EXPECT_EQ(known->second, sum) << "txid " << newest.value() << " through worker " << worker;
      if (known != sums.begin()) {
        EXPECT_LE(std::prev(known)->second, sum);
      }
      if (std::next(known) != sums.end()) {
        EXPECT_LE(sum, std::next(known)->second);
      }
    }
  };
  std::thread first([&] { read_on(1); });
  std::thread second([&] { read_on(2); });
  for (const uint32_t victim : {1u, 2u, 0u}) {
    for (const uint64_t before = answers; answers < before + 20;) cluster_->AwaitBatches(1);
    MutexLock lock(at_work[victim]);
    cluster_->End(victim);
    cluster_->Start(victim);
  }
  for (const uint64_t before = answers; answers < before + 20;) cluster_->AwaitBatches(1);
  ends = true;
  first.join();
  second.join();
  EXPECT_GE(answers, 80u);
  EXPECT_GT(sums.size(), 10u);
}

TEST_F(ClusterReads, AHeldCutStaysReadableWhereverStatesAre) {
  StartAll(2, 200'000);
  cluster_->AwaitBatches(3);
  for (const uint32_t worker : {0u, 1u}) {
    const auto cut = cluster_->process(worker).states().PinEverywhere(kWordGroup, ReadAt::Latest());
    ASSERT_TRUE(cut.ok()) << cut.status();
    const ReadableState& counts = StateAt(worker, "counts");
    const auto now = ScanAll(counts, cut->txid(), KeyRange::All(), {});
    ASSERT_TRUE(now.ok()) << now.status();
    cluster_->AwaitBatches(3 * kReadableVersions);
    const auto later = ScanAll(counts, cut->txid(), KeyRange::All(), {.rows = 100});
    ASSERT_TRUE(later.ok()) << later.status();
    EXPECT_EQ(*now, *later);
  }
}

// A request that computes for long has such a cut.
TEST_F(ClusterReads, AnOldCutThatNoOtherWorkerHoldsIsNotInTheWayOfNewOnes) {
  StartAll(2, 200'000);
  cluster_->AwaitBatches(3);
  const StateCatalog& states = cluster_->process(0).states();
  const auto old = states.Pin(kWordGroup, ReadAt::Latest());
  ASSERT_TRUE(old.ok()) << old.status();
  cluster_->AwaitBatches(3 * kReadableVersions);
  const auto cut = states.PinEverywhere(kWordGroup, ReadAt::Latest());
  ASSERT_TRUE(cut.ok()) << cut.status();
  const auto now = ScanAll(StateAt(0, "counts"), cut->txid(), KeyRange::All(), {});
  ASSERT_TRUE(now.ok()) << now.status();
  cluster_->AwaitBatches(3 * kReadableVersions);
  const auto later = ScanAll(StateAt(0, "counts"), cut->txid(), KeyRange::All(), {.rows = 100});
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(*now, *later);
}

// A worker that tells what it holds, and one that reads, do so side by side.
TEST_F(ClusterReads, AWordAboutHoldsThatComesLateMeansNothing) {
  StartAll(2, 200'000);
  cluster_->AwaitBatches(3);
  const std::shared_ptr<WorkerParts> parts = cluster_->process(0).parts();
  ASSERT_NE(parts, nullptr);
  LocalPart part(WorkerId(0), [&] { return ClusterWorker::Working{Epoch(9), parts}; });
  const TxId at = parts->states().Published(kWordGroup);
  PartRead read{.epoch = Epoch(9),
                .reader = WorkerId(1),
                .state = "counts",
                .group = kWordGroup,
                .txid = at,
                .held = at,
                .said = 2};
  ASSERT_TRUE(part.Hold(read).ok());
  read.held = TxId();
  read.said = 1;
  ASSERT_TRUE(part.Hold(read).ok());
  cluster_->AwaitBatches(3 * kReadableVersions);
  read.said = 1;
  EXPECT_TRUE(part.Scan(read, KeyRange::All(), {}).ok());
  // Later words count.
  read.said = 3;
  ASSERT_TRUE(part.Hold(read).ok());
  cluster_->AwaitBatches(2);
  EXPECT_TRUE(absl::IsOutOfRange(part.Scan(read, KeyRange::All(), {}).status()));
}

// The states of an epoch that is over would take as much memory as those of the next one.
TEST_F(ClusterReads, ACutThatIsHeldDoesNotKeepTheStatesOfAnEpochThatIsOver) {
  StartAll(2, 1'000);
  cluster_->AwaitAll();
  std::weak_ptr<WorkerParts> first = cluster_->process(0).parts();
  const auto cut = cluster_->process(0).states().PinEverywhere(kWordGroup, ReadAt::Latest());
  ASSERT_TRUE(cut.ok()) << cut.status();
  cluster_->End(1);
  cluster_->Start(1);
  const Nanos deadline = In(kLong);
  Mutex mutex;
  CondVar never;
  while (!first.expired()) {
    ASSERT_LT(RealClock().MonotonicNanos(), deadline);
    MutexLock lock(mutex);
    never.WaitFor(mutex, 10 * kMillisecond);
  }
  // Nothing was committed meanwhile, so the cut is that of the new epoch.
  cluster_->AwaitAll();
  const auto all = ScanAll(StateAt(0, "counts"), cut->txid(), KeyRange::All(), {.rows = 500});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), ExpectedCounts(1'000).size());
}

TEST_F(ClusterReads, AWatchThroughAnyWorkerMissesNoTxid) {
  StartAll(2, 100'000);
  cluster_->AwaitBatches(2);
  for (const uint32_t worker : {0u, 1u}) {
    const StateCatalog& states = cluster_->process(worker).states();
    const ReadableState& counts = StateAt(worker, "counts");
    std::optional<Snapshot> cut;
    {
      auto pinned = states.PinEverywhere(kWordGroup, ReadAt::Latest());
      ASSERT_TRUE(pinned.ok()) << pinned.status();
      cut.emplace(*std::move(pinned));
    }
    auto content = ScanAll(counts, cut->txid(), KeyRange::All(), {});
    ASSERT_TRUE(content.ok()) << content.status();
    auto watch = states.Follow(counts, KeyRange::All(), cut->txid());
    ASSERT_TRUE(watch.ok()) << watch.status();
    cut.reset();
    for (int events = 0; events < 30;) {
      const auto event = watch->Next(3 * kSecond);
      ASSERT_TRUE(event.ok()) << event.status();
      if (event->changes.empty()) break;  // all is counted
      ++events;
      for (const StateChange& change : event->changes) (*content)[change.key] = *change.value;
      const auto all = ScanAll(counts, event->txid, KeyRange::All(), {});
      if (!all.ok()) continue;
      ASSERT_EQ(*content, *all) << "txid " << event->txid.value();
    }
  }
}

// As the command asks.
TEST_F(ClusterReads, QueriesAndAdministrationAreTheSameAtEveryAddress) {
  constexpr uint64_t kRows = 5'000;
  StartAll(3, kRows);
  cluster_->AwaitAll();
  const std::map<std::string, int64_t> expected = ExpectedCounts(kRows);
  std::vector<std::unique_ptr<Client>> clients;
  for (uint32_t worker = 0; worker < 3; ++worker) {
    ClientOptions options;
    options.address = cluster_->process(worker).address();
    clients.push_back(*Client::Create(options));
  }
  const StatusOr<TopologyView> first = clients[0]->Batches();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT(first->groups.at(0).last_decided, TxId(0));
  for (const auto& client : clients) {
    SCOPED_TRACE(client->address());
    const auto batches = client->Batches();
    ASSERT_TRUE(batches.ok()) << batches.status();
    EXPECT_EQ(batches->name, "words");
    EXPECT_EQ(batches->epoch, first->epoch);
    EXPECT_EQ(batches->groups.at(0).last_decided, first->groups.at(0).last_decided);
    EXPECT_EQ(*client->Explain(ExplainFormat::kText), *clients[0]->Explain(ExplainFormat::kText));
    EXPECT_EQ(client->GetVersion()->topology, "words");
    const auto states = client->ListStates();
    ASSERT_TRUE(states.ok()) << states.status();
    for (const RemoteState& state : *states) {
      const uint64_t keys = state.name == "dead-letters" ? 0
                            : state.name == "total"      ? 1
                                                         : expected.size();
      EXPECT_EQ(state.approximate_keys, keys) << state.name;
    }
    uint64_t rows = 0;
    RemoteScan scan;
    scan.state = "counts";
    const auto end = client->Scan(scan, [&](const std::vector<Datum>& key,
                                            const StatusOr<Datum>& value) {
      ++rows;
      EXPECT_EQ(std::get<int64_t>(value->value), expected.at(std::get<std::string>(key[0].value)));
    });
    EXPECT_TRUE(end.ok()) << end.status();
    EXPECT_EQ(rows, expected.size());
    EXPECT_NE(client->Metrics()->find("trident_state_bytes"), std::string::npos);
  }
  ASSERT_TRUE(clients[2]->Pause().ok());
  EXPECT_TRUE(clients[1]->Batches()->groups.at(0).paused);
  ASSERT_TRUE(clients[1]->Resume().ok());
  EXPECT_FALSE(clients[2]->Batches()->groups.at(0).paused);
  const auto letters = clients[1]->DoWithLetters(LetterAction::kDrop, {{"words", 1, 1}});
  ASSERT_TRUE(letters.ok()) << letters.status();
  EXPECT_EQ(letters->at(0).now, LetterStanding::Now::kRefused);
  // Without the leader there is nobody to ask, and a worker says so.
  cluster_->End(0);
  EXPECT_TRUE(absl::IsUnavailable(clients[1]->Batches().status()));
}

// Whoever asks first looks which states there are; what waits must be the answer alone.
TEST_F(ClusterReads, BatchesAreShownAndNoPartsOfStatesWhileAnEpochBegins) {
  StartAll(3, 1'000);
  cluster_->AwaitAll();
  const uint64_t keys = StateAt(2, "counts").ApproximateKeys();
  EXPECT_GT(keys, 0u);
  const TxId last = cluster_->process(0).states().Published(kWordGroup);
  cluster_->End(1);
  ClientOptions options;
  options.address = cluster_->process(2).address();
  const auto client = *Client::Create(options);
  // Until the other two have left the epoch.
  Mutex mutex;
  CondVar never;
  while (cluster_->process(2).parts() != nullptr) {
    MutexLock lock(mutex);
    never.WaitFor(mutex, kMillisecond);
  }
  const Nanos begin = RealClock().MonotonicNanos();
  const auto batches = client->Batches();
  ASSERT_TRUE(batches.ok()) << batches.status();
  EXPECT_NE(batches->groups.at(0).waits_for.find("worker 1"), std::string::npos)
      << batches->groups.at(0).waits_for;
  EXPECT_EQ(batches->groups.at(0).last_decided, last);
  EXPECT_LT(RealClock().MonotonicNanos() - begin, 2 * kSecond);
  // The parts that are there are not all.
  EXPECT_TRUE(absl::IsUnavailable(client->ListStates().status()));
  const auto read = client->Get("counts", {Datum{.value = std::string("w1")}}, {});
  EXPECT_TRUE(absl::IsUnavailable(read.status())) << read.status();
  cluster_->Start(1);
  EXPECT_TRUE(client->Get("counts", {Datum{.value = std::string("w1")}}, {}).ok());
}

TEST_F(ClusterReads, WithoutAnEpochReadsEndAfterAWhile) {
  cluster_ = std::make_unique<WordCluster>(2, 10, WordCluster::AtEnd::kServes);
  cluster_->Start(0);
  const StateCatalog& states = cluster_->process(0).states();
  const auto cut = states.Pin(kWordGroup, ReadAt::Latest());
  EXPECT_TRUE(absl::IsUnavailable(cut.status())) << cut.status();
  const auto answer = cluster_->process(0).Drpc("look", "w1", In(kLong));
  EXPECT_TRUE(absl::IsUnavailable(answer.status())) << answer.status();
  // Once the other worker is there, all is well.
  cluster_->Start(1);
  cluster_->AwaitAll();
  EXPECT_TRUE(cluster_->process(0).Drpc("look", "w1", In(kLong)).ok());
}

}  // namespace
}  // namespace trident
