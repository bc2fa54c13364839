// SPDX-License-Identifier: Apache-2.0
//
// The coordinator with its threads, and workers that answer at once from the thread that tells
// them, or later from threads of their own: whoever steps, no fact is left lying.
#include "coordinator/batch_coordinator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/overloaded.h"
#include "coordinator/decision_log.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr GroupId kGroup(3);
constexpr WorkerId kWorker(0);
constexpr Incarnation kLife(1);
constexpr EmitterId kEmitter{SpoutId(0), 0};

enum class Answers : uint8_t {
  kAtOnce,   // within Tell, so within a step
  kByOthers  // on one of several threads
};

// One worker with one spout task, which emits `rows` rows, one a batch.
class Worker final : public WorkerLink, public CoordinatorEvents {
 public:
  // It has applied all up to `applied`.
  Worker(Answers answers, uint64_t rows, TxId applied = TxId())
      : answers_(answers), rows_(rows), applied_(applied) {}
  ~Worker() override { Stop(); }

  void Start(BatchCoordinator& coordinator, int threads) {
    coordinator_ = &coordinator;
    for (int i = 0; answers_ == Answers::kByOthers && i < threads; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
    Answer(word::WorkerJoined{kWorker, kLife, applied_});
    Answer(word::EmitterStarted{kEmitter, kLife});
  }
  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.NotifyAll();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void Tell(WordToWorker word) override {
    std::visit(Overloaded{[&](const word::Begin& begin) {
                            begun_at_[begin.id.txid] = begin.batch_time_micros;
                          },
                          [&](const word::Emit& emit) {
                            EXPECT_EQ(emit.batch_time_micros, begun_at_[emit.id.txid]);
                            Emit(emit);
                          },
                          [&](const word::Permit& permit) {
                            if (permit.cut != nullptr) {
                              ++cuts_;
                              EXPECT_EQ(permit.cut->batch_time_micros, begun_at_[permit.id.txid]);
                            }
                            Vote(permit.id);
                          },
                          [&](const word::Apply& apply) {
                            EXPECT_EQ(apply.id.txid, applied_.Next()) << "in order";
                            applied_ = apply.id.txid;
                            Answer(word::Applied{apply.id.txid, kWorker, kLife});
                          },
                          [](const auto&) {}},
               word);
  }

  void OnHalted(GroupId, const Status& cause) override { ADD_FAILURE() << cause; }
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override {
    {
      MutexLock lock(mutex_);
      if (at_ < rows_) return;
      idle_ = true;
    }
    changed_.NotifyAll();
  }

  // True if all rows were committed within a time that only a lost fact needs.
  bool AwaitIdle() {
    MutexLock lock(mutex_);
    const Nanos deadline = RealClock().MonotonicNanos() + 60 * kSecond;
    while (!idle_) {
      const Nanos left = deadline - RealClock().MonotonicNanos();
      if (left <= 0) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

  // The batch time of each txid's last attempt.
  const std::map<TxId, int64_t>& begun_at() const { return begun_at_; }

  // Permits that carried a cut.
  uint64_t cuts() const { return cuts_; }

  // From now on every txid that `fails_first` fails once, and is to be retried after a delay.
  bool fails_first = false;

 private:
  void Vote(const BatchId& id) {
    if (fails_first && failed_ < id.txid) {
      failed_ = id.txid;
      return Answer(word::Failed{id, Aborted("at first")});
    }
    Answer(word::Voted{id, kWorker, kLife});
  }
  void Emit(const word::Emit& emit) {
    word::Emitted emitted{.id = emit.id, .emitter = kEmitter, .incarnation = kLife, .ranges = {}};
    {
      MutexLock lock(mutex_);
      at_ = emit.starts.empty() || emit.starts[0].position.empty()
                ? 0
                : std::stoull(emit.starts[0].position);
      if (at_ < rows_) {
        SourceRange range;
        range.emitter = kEmitter;
        range.partition = "p";
        range.start = at_ == 0 ? "" : std::to_string(at_);
        range.end = std::to_string(++at_);
        range.rows = 1;
        emitted.ranges.push_back(range);
      }
      emitted.remaining = at_ < rows_ ? word::Remaining::kMore : word::Remaining::kExhausted;
    }
    Answer(std::move(emitted));
  }

  void Answer(BatchEvent event) {
    if (answers_ == Answers::kAtOnce) return coordinator_->PostAndStep(kGroup, std::move(event));
    {
      MutexLock lock(mutex_);
      answers_waiting_.push_back(std::move(event));
    }
    changed_.NotifyAll();
  }
  void Work() {
    for (;;) {
      std::vector<BatchEvent> events;
      {
        MutexLock lock(mutex_);
        while (!stopping_ && answers_waiting_.empty()) changed_.Wait(mutex_);
        if (stopping_) return;
        events.push_back(std::move(answers_waiting_.front()));
        answers_waiting_.erase(answers_waiting_.begin());
      }
      for (BatchEvent& event : events) coordinator_->PostAndStep(kGroup, std::move(event));
    }
  }

  const Answers answers_;
  const uint64_t rows_;
  BatchCoordinator* coordinator_ = nullptr;
  TxId applied_, failed_;  // of whoever steps
  std::map<TxId, int64_t> begun_at_;
  uint64_t cuts_ = 0;

  Mutex mutex_;
  CondVar changed_;
  uint64_t at_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool idle_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::vector<BatchEvent> answers_waiting_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

// Each look at the clock on the wall finds it before the last one.
class BackwardClock final : public Clock {
 public:
  explicit BackwardClock(Nanos wall) : wall_(wall) {}
  Nanos MonotonicNanos() const override { return RealClock().MonotonicNanos(); }
  Nanos WallNanos() const override { return wall_ -= kMillisecond; }

 private:
  mutable std::atomic<Nanos> wall_;
};

class BatchCoordinatorTest : public testing::TestWithParam<Answers> {
 protected:
  GroupConfig Config() const {
    GroupConfig config;
    config.group = kGroup;
    config.spouts = {{SpoutId(0), SpoutKind::kTransactional, 1}};
    config.voters = {kWorker};
    return config;
  }
  // Commits the rows; the answers come from so many threads.
  void Commit(const GroupConfig& config, uint64_t rows, int threads, bool fails_first = false) {
    MemoryStore store;
    DecisionLog log(store);
    ASSERT_TRUE(log.Load().ok());
    Worker worker(GetParam(), rows);
    worker.fails_first = fails_first;
    BatchCoordinator coordinator({.store = &store, .log = &log, .events = &worker});
    coordinator.Connect(&worker, nullptr);
    ASSERT_TRUE(coordinator.AddGroup(config, Epoch(1)).ok());
    coordinator.Start();
    worker.Start(coordinator, threads);
    EXPECT_TRUE(worker.AwaitIdle()) << ToString(coordinator.StatusOf(kGroup).last_decided);
    EXPECT_EQ(coordinator.StatusOf(kGroup).last_decided, TxId(rows));
    worker.Stop();
    coordinator.Stop();
  }
};

// Time stands still until the clock comes to it again, also over a start.
TEST_P(BatchCoordinatorTest, BatchTimeNeverGoesBackAndIsStoredWithTheDecision) {
  MemoryStore store;
  const auto run_with = [&](Nanos wall, uint64_t rows, Epoch epoch) {
    DecisionLog log(store);
    ASSERT_TRUE(log.Load().ok());
    Worker worker(GetParam(), rows, log.LastDecided(kGroup));
    worker.fails_first = true;
    const BackwardClock clock(wall);
    BatchCoordinator coordinator(
        {.clock = &clock, .store = &store, .log = &log, .events = &worker});
    coordinator.Connect(&worker, nullptr);
    GroupConfig config = Config();
    config.retry_delay_min = config.retry_delay_max = kMillisecond;
    ASSERT_TRUE(coordinator.AddGroup(config, epoch).ok());
    coordinator.Start();
    worker.Start(coordinator, 2);
    EXPECT_TRUE(worker.AwaitIdle());
    worker.Stop();
    coordinator.Stop();
    for (TxId txid(rows - 4); txid <= TxId(rows); txid = txid.Next()) {
      const auto stored = store.Get(Table::kDecision, DecisionKey(kGroup, txid));
      ASSERT_TRUE(stored.ok() && stored->has_value());
      EXPECT_EQ(DecodeDecision(**stored)->batch_time_micros, worker.begun_at().at(txid));
    }
  };
  const auto last = [&] {
    DecisionLog log(store);
    EXPECT_TRUE(log.Load().ok());
    return log.LastBatchTime(kGroup);
  };
  constexpr Nanos kWall = 1000 * kSecond;
  run_with(kWall, 5, Epoch(1));
  const int64_t first = (kWall - kMillisecond) / kMicrosecond;
  EXPECT_EQ(last(), first) << "the first look at the clock";
  run_with(kWall - 100 * kSecond, 10, Epoch(2));
  EXPECT_EQ(last(), first);
  run_with(kWall + 100 * kSecond, 15, Epoch(3));
  EXPECT_EQ(last(), first + 100 * kSecond / kMicrosecond);
}

// Whoever takes over knows from there how far batch time had come.
TEST_P(BatchCoordinatorTest, WhereVotesDecideThePermitCarriesTheBatchTime) {
  MemoryStore store;
  DecisionLog log(store);
  ASSERT_TRUE(log.Load().ok());
  Worker worker(GetParam(), 20);
  BatchCoordinator coordinator({.store = &store, .log = &log, .events = &worker});
  coordinator.Connect(&worker, nullptr);
  GroupConfig config = Config();
  config.commit = CommitBy::kVotes;
  ASSERT_TRUE(coordinator.AddGroup(config, Epoch(1)).ok());
  coordinator.Start();
  worker.Start(coordinator, 2);
  EXPECT_TRUE(worker.AwaitIdle());
  worker.Stop();
  coordinator.Stop();
  EXPECT_GE(worker.cuts(), 20u);
}

TEST_P(BatchCoordinatorTest, EveryBatchIsCommittedWhoeverSteps) {
  for (const int threads : {1, 4}) Commit(Config(), 2000, threads);
}

// A timer that is asked for within a step on a foreign thread comes before the coordinator's own
// thread would wake.
TEST_P(BatchCoordinatorTest, ATimerThatAForeignThreadSetIsKept) {
  GroupConfig config = Config();
  config.max_pending = 1;
  config.retry_delay_min = config.retry_delay_max = kMillisecond;
  const Nanos begin = RealClock().MonotonicNanos();
  Commit(config, 20, 2, /*fails_first=*/true);
  EXPECT_LT(RealClock().MonotonicNanos() - begin, 15 * kSecond) << "else each takes a second";
}

TEST_P(BatchCoordinatorTest, StopsAmidAnswers) {
  for (int i = 0; i < 50; ++i) {
    MemoryStore store;
    DecisionLog log(store);
    ASSERT_TRUE(log.Load().ok());
    Worker worker(GetParam(), 1'000'000);
    BatchCoordinator coordinator({.store = &store, .log = &log, .events = &worker});
    coordinator.Connect(&worker, nullptr);
    ASSERT_TRUE(coordinator.AddGroup(Config(), Epoch(1)).ok());
    coordinator.Start();
    worker.Start(coordinator, 3);
    while (coordinator.StatusOf(kGroup).last_decided < TxId(5)) std::this_thread::yield();
    coordinator.Stop();
    worker.Stop();
  }
}

// Without threads whoever drives the coordinator steps it, and nobody else.
TEST_P(BatchCoordinatorTest, WithoutThreadsNothingIsSteppedByThoseWhoPost) {
  MemoryStore store;
  DecisionLog log(store);
  ASSERT_TRUE(log.Load().ok());
  Worker worker(Answers::kAtOnce, 3);
  BatchCoordinator coordinator({.store = &store, .log = &log, .events = &worker});
  coordinator.Connect(&worker, nullptr);
  ASSERT_TRUE(coordinator.AddGroup(Config(), Epoch(1)).ok());
  worker.Start(coordinator, 0);
  EXPECT_EQ(coordinator.StatusOf(kGroup).last_decided, TxId());
  EXPECT_TRUE(coordinator.StatusOf(kGroup).in_flight.empty());
  while (coordinator.RunOnce()) continue;
  EXPECT_EQ(coordinator.StatusOf(kGroup).last_decided, TxId(3));
}

INSTANTIATE_TEST_SUITE_P(All, BatchCoordinatorTest,
                         testing::Values(Answers::kAtOnce, Answers::kByOthers), [](const auto& p) {
                           return p.param == Answers::kAtOnce ? "AtOnce" : "ByOthers";
                         });

}  // namespace
}  // namespace trident
