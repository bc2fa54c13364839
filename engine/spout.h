// SPDX-License-Identifier: Apache-2.0
//
// Spout: where tuples come from. A spout is cut into source partitions, each an ordered sequence
// with positions; batches take ranges of positions, and the decision record of a batch holds them,
// so offsets and state cannot part. A spout has two faces:
//
//   coordinator part   Spout: what kind it is, which fields it emits, which source partitions there
//                      are (after Trident's ITridentSpout and IPartitionedTridentSpout)
//   emitter part       SourceReader: reads one source partition from a position; stateless between
//                      calls but for caches, because any attempt may start anywhere
//
// Kinds (Trident's names): a transactional spout always gives the same tuples for the same range.
// An opaque spout may give others, but never gives a tuple in two committed batches. Whoever keeps
// in memory what is not committed yet is opaque: only the end of the process loses any of it. A
// non-transactional spout cannot go back even then: the tuples that a failed attempt read are lost,
// and the run, which says so, has failed.
#ifndef TRIDENT_ENGINE_SPOUT_H_
#define TRIDENT_ENGINE_SPOUT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/lag.h"
#include "base/source.h"
#include "base/status.h"
#include "engine/operator.h"

namespace trident {

struct PositionForm;  // base/position_form.h

// A request to a reader: rows from `start` on, at most `limits`, or exactly up to `end`.
struct ReadRequest {
  const Position& start;
  const Position* end = nullptr;  // set: stop exactly here
  BatchLimits limits;             // for this call, which emits one slice
};

struct ReadResult {
  enum class Next : uint8_t {
    kMore,   // there is more right now; without a row and a move, it is asked for a little later
    kIdle,   // nothing more now; Poll or the wake-up tells when
    kCut,    // the batch must end here for this source partition; there is more
    kEnded,  // there will never be more
  };
  Position end;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  Next next = Next::kMore;
  // Set if the one row that was emitted stands for something that can be no row, and why not: the
  // attempt fails as if a function of the topology had refused the row, so it can be diverted.
  Status refused = absl::OkStatus();
};

struct Availability {
  enum class State : uint8_t { kReady, kIdle, kEnded } state = State::kIdle;
  // For an idle source that does not call its WakeUp: ask again after this long. 0: it calls its
  // WakeUp.
  Nanos poll_again_nanos = 0;
};

// Owned and called by one executor thread.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // Emits at most one slice of rows, with the spout's schema, and returns how far it came. An error
  // fails the attempt, of which nothing is kept.
  virtual StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) = 0;
  // Tells if there is input at or after `position`. Must be cheap.
  virtual StatusOr<Availability> Poll(const Position& position) = 0;
  // Tells that everything before `position` is committed at `txid`. Caches and waiters may release
  // it.
  virtual void Committed(TxId /*txid*/, const Position& /*position*/) {}
};

// A spout calls it, from any thread, when input has come. Cheap. It may be kept and called for
// ever: it does nothing once the topology has stopped.
using WakeUp = std::function<void()>;

// Source partitions that have come up while the spout is read.
struct LaterPartitions {
  enum class More : uint8_t { kNever, kPerhaps };
  std::vector<std::string> names;
  More more = More::kNever;  // whether there may be others later
};

// Rows that a spout left out or mended, as its options tell it to. An attempt that is made again
// counts again.
struct SpoutCounts {
  uint64_t skipped = 0;
  uint64_t repaired = 0;
  // Rows that stand at the end of an input and are none yet; the next run reads them.
  uint64_t left = 0;
};

// Shared by all tasks; thread-safe.
class Spout {
 public:
  virtual ~Spout() = default;
  virtual SpoutKind kind() const = 0;
  virtual const SchemaRef& schema() const = 0;
  // A run starts: every source partition of this spout that the state knows, with its position,
  // also those that Partitions will not list. Called before anything is read; Partitions and
  // OpenReader of this run come after it. An error ends the start. Where several processes run the
  // topology, each epoch is a run, and readers of the one before may still be at work.
  virtual Status Resume(const std::vector<SourcePosition>& /*committed*/) {
    return absl::OkStatus();
  }
  // The source partitions, in a stable order, as they are now. Their names live in decision
  // records, so they must mean the same after a restart. Also called to plan a topology, before
  // Resume.
  virtual StatusOr<std::vector<std::string>> Partitions() = 0;
  // Whether its source partitions are known by these names in this process alone. Then, where
  // several processes run the topology, the tasks of one of them read them all. Else every process
  // must find each of them by its name.
  virtual bool ReadsInOneProcess() const { return false; }
  // The partitions behind the first `known` of them: those that Partitions listed, and then those
  // that came up later, in the order in which they came. Cheap.
  virtual LaterPartitions PartitionsAfter(size_t /*known*/) { return {}; }
  // The spout calls `wake_up` when PartitionsAfter has more. Destroying the result ends that, and
  // waits for a call that is under way. Null if no partition ever comes up later.
  virtual std::shared_ptr<const void> TellOfPartitions(WakeUp /*wake_up*/) { return nullptr; }
  virtual StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                             WakeUp wake_up) = 0;
  // The amount of input that is known to wait in `partition` at and after `position`, where the
  // committed input ends: all that readers would still give from there on, emitted already or not.
  // It shows people how far behind the topology is. Nothing is decided by it, so it may be an
  // estimate. Called on any thread, while readers work, about once a second: looking at a file's
  // size is quick enough, reading the file is not. The default, unknown, is for input that cannot
  // be counted, has no end, or cannot be found out now. Faults of a source are reported by Read,
  // not here.
  virtual Backlog BacklogAfter(const std::string& /*partition*/, const Position& /*position*/) {
    return {};
  }
  // The form of this spout's positions. It is kept with the state. The default says nothing of
  // them.
  virtual PositionForm positions() const;
  // An error, which says what was expected, if a state holds a position that can be none of this
  // spout's: somebody set it by hand, or another spout was here before. Asked before Resume, of all
  // that the state knows of the stream, also of partitions that are read no more; a name that can
  // be none of this spout's is an error too. Looks at no row. The start refuses by itself what has
  // not the form of `positions`.
  virtual Status CheckPosition(const std::string& /*partition*/,
                               const Position& /*position*/) const {
    return absl::OkStatus();
  }
  // Tells that the topology has halted because of `cause`: in this run it reads and commits no
  // more, although its readers are still there. Who waits for a commit should be told. Called on
  // any thread, maybe more than once; must be quick, and must not call the run.
  virtual void Halted(const Status& /*cause*/) {}
  // Any thread, as BacklogAfter.
  virtual SpoutCounts Counts() const { return {}; }
  // For people, at the end of a run: where rows were left out, how many, and why, a part of a
  // sentence each; a few at most. Any thread.
  virtual std::vector<std::string> LeftOut() const { return {}; }
  // How it makes rows of its input, as far as several processes that read it must do so alike:
  // options that change the rows, or when it ends; not where the input is. Processes with other
  // rules do not run a topology together.
  virtual std::string Rules() const { return ""; }
  // The text that Explain shows, such as "text files (3)".
  virtual std::string Describe() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_SPOUT_H_
