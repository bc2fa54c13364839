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
// Kinds (Trident's names): a transactional spout gives the same tuples for the same range, always;
// an opaque spout may not, but never gives a tuple in two committed batches; a non-transactional
// spout cannot go back, so what a failed attempt read is lost.
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

// What a reader is asked for: rows from `start` on, at most `limits`, or exactly up to `end`.
struct ReadRequest {
  const Position& start;
  const Position* end = nullptr;  // set: stop exactly here
  BatchLimits limits;             // of this call: one slice
};

struct ReadResult {
  enum class Next : uint8_t {
    kMore,   // there is more right now
    kIdle,   // nothing more now; Poll or the wake-up tells when
    kCut,    // the batch must end here for this source partition; there is more
    kEnded,  // there will never be more
  };
  Position end;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  Next next = Next::kMore;
};

struct Availability {
  enum class State : uint8_t { kReady, kIdle, kEnded } state = State::kIdle;
  // Of an idle source without wake-ups: ask again after this long. 0: it wakes us by itself.
  Nanos poll_again_nanos = 0;
};

// Owned and called by one executor thread.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // Emits one slice of rows with the spout's schema (none is allowed) and says how far it came. An
  // error fails the attempt; nothing of it is kept.
  virtual StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) = 0;
  // Is there anything at or after `position`? Must be cheap.
  virtual StatusOr<Availability> Poll(const Position& position) = 0;
  // Everything before `position` is committed at `txid`; caches and waiters may let go of it.
  virtual void Committed(TxId /*txid*/, const Position& /*position*/) {}
};

// Called by a spout, from any thread, when input has come. Cheap and never blocks.
using WakeUp = std::function<void()>;

// Shared by all tasks; thread-safe.
class Spout {
 public:
  virtual ~Spout() = default;
  virtual SpoutKind kind() const = 0;
  virtual const SchemaRef& schema() const = 0;
  // The source partitions, in a stable order; called once at start. Their names live in decision
  // records, so they must mean the same after a restart.
  virtual StatusOr<std::vector<std::string>> Partitions() = 0;
  virtual StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                             WakeUp wake_up) = 0;
  // How much is known to wait in `partition` at and behind `position`, where what is committed
  // ends: what readers would still give from there on, emitted already or not. For people to see
  // how far behind the topology is; nothing is decided by it, so it may be an estimate. Asked on
  // any thread, while readers work, about once a second: a look at a file's size is quick enough, a
  // read of it is not. Unknown, the default, is for what cannot be counted, has no end, or cannot
  // be found out now; what is wrong with a source, Read tells.
  virtual Backlog BacklogAfter(const std::string& /*partition*/, const Position& /*position*/) {
    return {};
  }
  // As Explain shows it: "text files (3)".
  virtual std::string Describe() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_SPOUT_H_
