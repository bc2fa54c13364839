// SPDX-License-Identifier: Apache-2.0
//
// SpoutDriver: one task of a spout at work. Turns emit requests into slices for the task's chain,
// one slice a step so that other work gets its turn; remembers what it has answered, so that a
// repeated request is answered alike; watches idle sources. Owned and called by one executor
// thread; wake-ups come from any thread.
#ifndef TRIDENT_ENGINE_SPOUT_DRIVER_H_
#define TRIDENT_ENGINE_SPOUT_DRIVER_H_

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "engine/executor_events.h"
#include "engine/letter_requests.h"
#include "engine/source_share.h"
#include "engine/spout.h"
#include "engine/task.h"

namespace trident {

class SpoutDriver {
 public:
  struct Spec {
    EmitterId emitter;
    Incarnation incarnation;
    std::shared_ptr<Spout> spout;
    std::shared_ptr<const SourceShare> sources;  // not null
    // The batches' cuts are logged and repeated: ranges carry a checksum of their rows' content, so
    // that a source which has changed meanwhile is noticed. Else of their number and bytes.
    bool checks_content = false;
    // What becomes of a row at which a function of the spout's own stage throws: it fails the
    // attempt, or goes to the task's divert port while the rest of the attempt goes on.
    enum class Throwing : uint8_t { kFailsTheAttempt, kPutAside };
    Throwing throwing = Throwing::kFailsTheAttempt;
    // Requests about dead letters, which this task reads; null: it reads none. They need a divert
    // port.
    std::shared_ptr<LetterRequests> letters = nullptr;
    // Where rows are counted that a failed attempt took along, because the spout cannot go back;
    // null: nowhere.
    std::shared_ptr<std::atomic<uint64_t>> rows_lost = nullptr;
  };
  // `task` outlives the driver. `wake_up` posts a PollEmitter for this driver; it is not called
  // after the driver is gone, whatever the spout does.
  SpoutDriver(Spec spec, Task* task, WakeUp wake_up);
  ~SpoutDriver();

  const Spec& spec() const { return spec_; }
  Task& task() { return *task_; }
  Status Open();

  // Queues the request, or answers at once if it has been answered before.
  void Request(word::Emit request, ExecutorEvents& events);
  bool has_work() const { return !runs_.empty(); }
  // REQUIRES: has_work().
  TxId oldest_txid() const { return oldest().txid; }
  const BatchId& oldest() const { return runs_.front().request.id; }
  // Emits one slice of the oldest run. When a run ends, its answer goes to `events` and the return
  // value names it; the caller then ends the task's input. What the task's chain cannot process is
  // answered too, before the failure is told: whoever isolates a row has to know where it stands.
  std::optional<BatchId> Step(ExecutorEvents& events);

  // The batch is committed and visible.
  void Published(const BatchId& id);
  void Abort(TxId txid, Attempt before);

  // Looks for input if nothing is being emitted; tells `events` once per change.
  void Poll(Nanos now, ExecutorEvents& events);
  // When Poll wants to be called again without a wake-up; nullopt: only then.
  std::optional<Nanos> next_poll() const { return next_poll_; }

 private:
  // A source partition of this task. Batches ask only those that may have input (`ready_`), so a
  // batch costs nothing for those that are silent.
  struct Partition {
    std::string name;
    std::unique_ptr<SourceReader> reader;
    Position known_end;  // where polling looks for input
    bool ended = false;
  };
  struct Part {  // of a run: one source partition
    size_t partition = 0;
    std::optional<Position> end;  // of an exact range
    SourceRange range;
    BatchLimits taken;     // in this round
    uint64_t content = 0;  // checksum of the rows so far, if they are checked
    ReadResult::Next last = ReadResult::Next::kMore;
  };
  struct Run {
    word::Emit request;
    std::vector<Part> parts;
    // The parts share what is left of the batch evenly. What some of them could not use, the others
    // share in the next round.
    std::vector<size_t> round;  // indices into `parts`
    size_t current = 0;         // of `round`
    std::vector<size_t> next_round;
    BatchLimits left;
    Status failure;  // of the task's chain; the run ends with the slice that it failed at
    uint64_t rows_aside = 0;
    bool promised = false;  // a reader said that there is more, but gave nothing and did not move

    bool IsOver() const { return current >= round.size(); }
    Part& part() { return parts[round[current]]; }
  };
  class TaskFeed;
  class Bell;
  class WokenPartitions;

  Status AddPartition(const std::string& name);
  void AddLetters();
  WakeUp WakeUpOf(size_t partition);
  // Opens what has come up since, and hears who was woken.
  Status TakeNews();

  StatusOr<Run> MakeRun(word::Emit request);
  // The ready partitions that a batch asks, in the order in which it asks them.
  std::vector<size_t> WhomToAsk(TxId txid) const;
  void WatchAfter(const word::Emitted& answer, const Run& run);
  void WaitAfterFruitless(Nanos now);
  Status ReadSlice(Run& run);
  static void Count(Run& run, Part& part, const ReadResult& read);
  Status EndPartWith(Run& run, Part& part, const ReadResult& read);
  Status Place(const BatchId& id, const Status& status) const;
  void PartDone(Run& run, Part& part);
  static BatchLimits ShareOf(Run& run);
  word::Emitted Answer(const Run& run);
  static std::vector<SourceRange> RangesOf(const Run& run);
  // Tells of the rows of an attempt that failed, if the spout cannot give them again.
  void CountLost(const BatchId& id, const std::vector<SourceRange>& ranges);
  // All of the run's partitions may have input again.
  void MakeReady(const Run& run);
  void MakeReady(size_t partition);
  // Asks a silent partition for input.
  void Ask(size_t partition, Nanos now);

  const Spec spec_;
  Task* const task_;
  const std::shared_ptr<Bell> bell_;  // the spout's way to wake_up
  const std::shared_ptr<WokenPartitions> woken_;
  std::deque<Partition> partitions_;
  absl::flat_hash_map<std::string, size_t> index_;  // of partitions_, by name
  LetterReader* letter_reader_ = nullptr;           // that of partitions_[letters_at_]
  size_t letters_at_ = 0;
  size_t listed_ = 0;                    // partitions that the spout here has told of
  bool may_grow_ = false;                // there may be more of them later
  std::set<size_t> ready_;               // may have input; all others are silent
  std::set<size_t> unsure_;              // silent, and to be asked by the next Poll
  std::map<size_t, Nanos> asked_again_;  // silent, and when Poll is to ask them
  size_t ended_ = 0;
  std::deque<Run> runs_;
  std::map<TxId, word::Emitted> answered_;  // of attempts that are neither applied nor aborted
  enum class Watch : uint8_t { kOff, kIdle, kEnded } watch_ = Watch::kOff;
  std::optional<Nanos> next_poll_;
  std::shared_ptr<const void> told_of_partitions_;
  // Readers said that there is more, but gave nothing and did not move.
  bool fruitless_ = false;
  std::optional<Nanos> fruitless_since_;
  bool told_fruitless_ = false;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_SPOUT_DRIVER_H_
