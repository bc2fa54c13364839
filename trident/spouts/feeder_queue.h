// SPDX-License-Identifier: Apache-2.0
//
// FeederQueue: rows of any type that wait to be emitted or committed. Programs append at one end.
// The reader takes ranges by row number, any number of times, and releases the rows that are
// committed.
#ifndef TRIDENT_TRIDENT_SPOUTS_FEEDER_QUEUE_H_
#define TRIDENT_TRIDENT_SPOUTS_FEEDER_QUEUE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "engine/spout.h"
#include "trident/spouts/append_ticket.h"

namespace trident {

// The behaviour of Append while the queue is full.
enum class WhenFull : uint8_t { kBlock, kFail };

struct FeederOptions {
  // Rows, and bytes of their content, that are held until they are committed.
  uint64_t rows_max = kFeederQueueRowsMax;
  uint64_t bytes_max = kFeederQueueBytesMax;
  WhenFull when_full = WhenFull::kBlock;
};

// InvalidArgument if there is room for no rows or no bytes.
Status CheckFeederOptions(const FeederOptions& options);

// Thread-safe.
class FeederQueue {
 public:
  // Some rows that were appended together. Their owner knows their type.
  struct Rows {
    BufferRef rows;
    uint64_t count = 0;
    uint64_t bytes = 0;
  };
  // Rows [begin, end) of one Append.
  struct Piece {
    BufferRef rows;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  struct Taken {
    std::vector<Piece> pieces;
    uint64_t end = 0;  // the number of the row behind them
    uint64_t bytes = 0;
    ReadResult::Next next = ReadResult::Next::kIdle;
  };

  explicit FeederQueue(FeederOptions options) : options_(options) {}

  // ResourceExhausted if the queue is full, under kFail, or if the rows are more than it can ever
  // hold. FailedPrecondition if the feeder has been finished. The cause of the halt, after Halt.
  StatusOr<AppendTicket> Append(Rows rows);
  // Tells that no more rows will come.
  void Finish();

  // The rows from number `start` on, up to `limits` and to `end` if given. The first call sets the
  // numbers of the rows appended before it: they begin at its `start`.
  StatusOr<Taken> Take(uint64_t start, std::optional<uint64_t> end, BatchLimits limits);
  // Tells if rows wait at or after number `at`. Before the first Take, if any rows wait at all.
  Availability::State Poll(uint64_t at);
  void Committed(TxId txid, uint64_t end);
  // The number of rows that wait at and after number `at`, where the committed rows end. Before the
  // first Take, of all rows.
  uint64_t RowsAfter(uint64_t at) const;

  // A reader of the queue. A new one takes over from the one before.
  using ReaderId = uint64_t;
  ReaderId AddReader(WakeUp wake_up);
  // If that was the newest reader, nobody reads any more, and everyone who waits for a commit or
  // for room is told so. The rows stay.
  void RemoveReader(ReaderId reader);
  // The newest reader reads no more, because of `cause`: everyone who waits for a commit or for
  // room is told so, and Append fails with it until there is another reader. The rows stay.
  void Halt(const Status& cause);

 private:
  struct Chunk {
    uint64_t first = 0;
    Rows rows;
    uint64_t end() const { return first + rows.count; }
  };
  struct Waiting {
    uint64_t end = 0;
    AppendTicket ticket;
  };

  bool HasRoom(const Rows& rows) const TRIDENT_REQUIRES(mutex_);
  Status WaitForRoom(const Rows& rows) TRIDENT_REQUIRES(mutex_);
  void AnchorAt(uint64_t start) TRIDENT_REQUIRES(mutex_);
  Status CheckStart(uint64_t start) const TRIDENT_REQUIRES(mutex_);
  void LetGo(uint64_t end) TRIDENT_REQUIRES(mutex_);
  void EndWaits(const Status& outcome) TRIDENT_REQUIRES(mutex_);

  const FeederOptions options_;
  mutable Mutex mutex_;
  CondVar room_;
  std::deque<Chunk> chunks_ TRIDENT_GUARDED_BY(mutex_);
  std::deque<Waiting> waiting_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t held_rows_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t held_bytes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t first_ TRIDENT_GUARDED_BY(mutex_) = 0;  // everything before it is committed
  uint64_t next_ TRIDENT_GUARDED_BY(mutex_) = 0;   // the number of the next row appended
  bool anchored_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool finished_ TRIDENT_GUARDED_BY(mutex_) = false;
  ReaderId newest_reader_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool abandoned_ TRIDENT_GUARDED_BY(mutex_) = false;      // its newest reader has gone
  Status halted_ TRIDENT_GUARDED_BY(mutex_);               // why that reader reads no more
  bool reader_is_idle_ TRIDENT_GUARDED_BY(mutex_) = true;  // so the next Append must wake it
  WakeUp wake_up_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FEEDER_QUEUE_H_
