// SPDX-License-Identifier: Apache-2.0
//
// ClusterWorker: one life of a worker of a cluster. It drives ParticipantProtocol over a store: it
// promises, writes records before it votes, and has its executors obey the words of the one epoch
// in which it takes part. For each epoch it opens the states anew from what the disk has, as a
// start of one process does; so an epoch change and a start are one way.
//
// Whoever runs it gives two threads to it, or steps it: WriteOnce writes to the store,
// ChangeEpochOnce ends and begins epochs.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORKER_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORKER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/cluster/control_words.h"
#include "coordinator/cluster/participant_log.h"
#include "coordinator/protocol/participant_protocol.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/mark_file.h"
#include "trident/run/parts/run_options.h"
#include "trident/run/parts/worker_parts.h"

namespace trident {

class ClusterWorker {
 public:
  // The worker works with these objects and calls these listeners. All of them outlive it.
  struct Seams {
    WorkerId worker;
    Incarnation life;
    uint32_t workers = 1;
    DurableStore* store = nullptr;
    const Clock* clock = &RealClock();
    StateStoreOptions states;
    // Carries frames between tasks, near and far, and gives near ones to Deliver.
    Transport* network = nullptr;
    // Connects `network` to the other workers of an epoch, before it carries anything, and ends
    // these links when the epoch's executors have ended. `connect` may wait while `goes_on`; if it
    // is not ok before the epoch is over, this life has failed. Null: it needs no links.
    std::function<Status(Epoch, const std::function<bool()>& goes_on)> connect = nullptr;
    std::function<void()> disconnect = nullptr;
    // Says something to the leader. Called on any thread, also with locks held: it must not wait.
    std::function<void(WorkerWord)> tell;
    // This life can do no more: its store failed, or what is decided is not there.
    std::function<void(const Status&)> failed;
  };
  // Reads what the store has, and writes nothing. Errors: those of the store; FailedPrecondition
  // where the plan has what a cluster cannot do so far.
  static StatusOr<std::unique_ptr<ClusterWorker>> Open(Plan plan, const RunOptions& options,
                                                       Seams seams);
  ~ClusterWorker();  // Stop()

  // Writes whose the store is and its name, if it is new, and that this life works here: no later
  // one will be the same. Call it before Start.
  Status ClaimStore(std::string_view directory = "");

  // The leader says something. Any thread; does not wait for disk or executors.
  void Hear(LeaderWord says);
  // A message has come for a task of this worker. Any thread. Not ok: no task expects it.
  Status Deliver(DataMessage message);

  void Start();
  void Stop();
  // Work without threads: each does what one of them would do now. False: there was nothing.
  bool WriteOnce();
  bool ChangeEpochOnce();

  // The epoch in which it was told to take part, until it promises a newer one; zero: none.
  Epoch joined() const;
  // The epoch in which it takes part, once its tasks work; zero: none.
  Epoch working_in() const;
  // Both at one moment: while there are parts, these work in the epoch, and nobody has opened the
  // states anew.
  struct Working {
    Epoch epoch;
    std::shared_ptr<WorkerParts> parts;  // null: none
  };
  Working working() const;
  // The parts of that epoch, for who steps them or reads its states; null: there are none.
  std::shared_ptr<WorkerParts> parts() const;
  const Plan& plan() const { return plan_; }
  // What each executor is doing, also one of an epoch that is over. Any thread.
  std::vector<WorkMark::Seen> Look() const;
  // Rows that spout tasks have read in this life, also of attempts that failed. Any thread.
  uint64_t rows_read() const { return rows_read_; }
  // Marks of threads that answer requests.
  SideMarks* side_marks() { return &marks_->sides(); }

 private:
  // What works in one epoch.
  struct EpochParts;
  // What the writing thread is to do, in order.
  struct Staged {
    BatchId id;
  };
  struct Record {
    BatchId id;
    PreparedRecord record;
    WriteSet redo;
  };
  struct Decided {
    BatchId id;
  };
  using Write = std::variant<Staged, Record, Decided, participant_action::WritePromise,
                             participant_action::DropRecords, word::WriteLog>;

  ClusterWorker(Plan plan, const RunOptions& options, Seams seams);
  Status Claim();

  void Hear(WordToWorker word) TRIDENT_REQUIRES(mutex_);
  void Step(const ParticipantEvent& event) TRIDENT_REQUIRES(mutex_);
  void Perform(ParticipantAction action) TRIDENT_REQUIRES(mutex_);
  // Gives the word to the parts of this epoch, once they are there.
  void Pass(WordToWorker word) TRIDENT_REQUIRES(mutex_);
  void ForgetAttempts(const word::Abort& abort) TRIDENT_REQUIRES(mutex_);
  void ForgetEpoch() TRIDENT_REQUIRES(mutex_);
  void AskForRecord(const participant_action::WriteRecord& action) TRIDENT_REQUIRES(mutex_);

  void Queue(Write write);
  std::deque<Write> TakeWrites();
  // Makes the record of what is staged, and has the protocol ask for its write.
  void Prepare(const BatchId& id);
  // Adds to `changes`. True: it must be durable before anybody is told of it.
  StatusOr<bool> Add(Write& write, WriteSet& changes);
  void TellWritten(const Write& write) TRIDENT_REQUIRES(mutex_);
  void Fail(const Status& cause);
  bool AllIsWritten();

  bool EndEpoch();
  bool BeginEpoch();
  StatusOr<std::shared_ptr<EpochParts>> Build(Epoch epoch);
  void CountRows(const word::Emitted& emitted) {
    for (const SourceRange& range : emitted.ranges) rows_read_ += range.rows;
  }
  void TellPromised(word::Promised promised) TRIDENT_REQUIRES(mutex_);
  void BeginMarks();
  // As the leader has listed them.
  StatusOr<std::vector<std::string>> AgreedSources(Epoch epoch, SpoutId spout) const;
  WriteSet BeginningOf(Epoch epoch) const;
  Maintenance::Callbacks MaintenanceTells(EpochParts* of);
  void RunWriter();
  void RunEpochs();

  Plan plan_;  // constant after Open
  const RunOptions options_;
  const Seams seams_;
  WriteSet names_;  // of streams; written as each epoch begins
  WriteSet claim_;  // whose the store is; written with the first promise
  ParticipantLog log_;
  std::unique_ptr<MarkFile> marks_;
  bool marks_have_begun_ = false;

  mutable Mutex mutex_;
  CondVar epoch_changed_;
  std::unique_ptr<ParticipantProtocol> protocol_ TRIDENT_GUARDED_BY(mutex_);
  std::shared_ptr<EpochParts> parts_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<EpochParts>> ending_ TRIDENT_GUARDED_BY(mutex_);
  bool ends_executors_ TRIDENT_GUARDED_BY(mutex_) = false;
  // Waits until the executors of the epoch before have ended.
  std::optional<word::Promised> promised_ TRIDENT_GUARDED_BY(mutex_);
  // What the executors that have ended last were doing, in this life or the one before.
  std::map<GroupId, LastLife> ended_ TRIDENT_GUARDED_BY(mutex_);
  std::optional<Epoch> to_begin_ TRIDENT_GUARDED_BY(mutex_);
  Welcome welcome_ TRIDENT_GUARDED_BY(mutex_);                    // the last one
  std::vector<WordToWorker> waiting_ TRIDENT_GUARDED_BY(mutex_);  // for the parts
  // Readers see a batch only when a start would know that it is decided.
  std::vector<word::Publish> held_ TRIDENT_GUARDED_BY(mutex_);
  std::map<GroupId, TxId> decided_written_ TRIDENT_GUARDED_BY(mutex_);
  std::map<BatchId, word::Permit> permits_ TRIDENT_GUARDED_BY(mutex_);
  std::map<BatchId, WriteSet> made_ TRIDENT_GUARDED_BY(mutex_);  // redo, until it is written
  bool stops_ TRIDENT_GUARDED_BY(mutex_) = false;

  Mutex queue_mutex_;
  CondVar queue_changed_;
  std::deque<Write> queue_ TRIDENT_GUARDED_BY(queue_mutex_);
  bool writing_ TRIDENT_GUARDED_BY(queue_mutex_) = false;
  bool stopping_ TRIDENT_GUARDED_BY(queue_mutex_) = false;
  bool failed_ TRIDENT_GUARDED_BY(queue_mutex_) = false;
  std::atomic<bool> has_threads_ = false;
  std::atomic<uint64_t> rows_read_ = 0;

  std::thread writer_thread_;
  std::thread epoch_thread_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORKER_H_
