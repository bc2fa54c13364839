// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/feeder_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trident {
namespace {

Status StoppedReading() {
  return Unavailable(
      "the topology stopped before it told that the rows were committed; they may or may not be. "
      "Read the state, or start the topology again");
}
Status HaltedFirst(const Status& cause) {
  return Annotate(cause,
                  "the topology halted before it told that the rows were committed; they may or "
                  "may not be");
}

}  // namespace

Status CheckFeederOptions(const FeederOptions& options) {
  if (options.rows_max > 0 && options.bytes_max > 0) return absl::OkStatus();
  return InvalidArgument("a FeederSpout needs room for 1 row and 1 byte or more, got rows_max of ",
                         options.rows_max, " and bytes_max of ", options.bytes_max);
}

StatusOr<AppendTicket> FeederQueue::Append(Rows rows) {
  if (rows.count == 0) return InvalidArgument("Append needs at least one row, got none");
  AppendTicket ticket;
  WakeUp wake_up;
  {
    MutexLock lock(mutex_);
    TRIDENT_RETURN_IF_ERROR(WaitForRoom(rows));
    held_rows_ += rows.count;
    held_bytes_ += rows.bytes;
    chunks_.push_back({next_, std::move(rows)});
    next_ = chunks_.back().end();
    waiting_.push_back({next_, ticket});
    if (reader_is_idle_) wake_up = wake_up_;
    reader_is_idle_ = false;
  }
  if (wake_up) wake_up();
  return ticket;
}

bool FeederQueue::HasRoom(const Rows& rows) const {
  return held_rows_ + rows.count <= options_.rows_max &&
         held_bytes_ + rows.bytes <= options_.bytes_max;
}

Status FeederQueue::WaitForRoom(const Rows& rows) {
  if (rows.count > options_.rows_max || rows.bytes > options_.bytes_max) {
    return ResourceExhausted("Append of ", rows.count, " rows, ", rows.bytes,
                             " bytes is more than the feeder may hold at all (", options_.rows_max,
                             " rows, ", options_.bytes_max, " bytes); append fewer rows at a time");
  }
  while (!finished_ && halted_.ok() && !HasRoom(rows)) {
    if (options_.when_full == WhenFull::kFail) {
      return ResourceExhausted("the feeder holds ", held_rows_, " rows, ", held_bytes_,
                               " bytes that are not committed yet, of at most ", options_.rows_max,
                               " rows, ", options_.bytes_max, " bytes; append slower or try again");
    }
    if (abandoned_) {
      return Unavailable(
          "the feeder is full and no topology reads it; start one, or stop appending");
    }
    room_.Wait(mutex_);
  }
  if (!finished_) return Annotate(halted_, "the topology that reads the feeder has halted");
  return FailedPrecondition("the feeder has been finished; it takes no more rows");
}

void FeederQueue::Finish() {
  WakeUp wake_up;
  {
    MutexLock lock(mutex_);
    finished_ = true;
    wake_up = wake_up_;
    room_.NotifyAll();
  }
  if (wake_up) wake_up();
}

void FeederQueue::AnchorAt(uint64_t start) {
  if (anchored_) return;
  anchored_ = true;
  for (Chunk& chunk : chunks_) chunk.first += start;
  for (Waiting& waiting : waiting_) waiting.end += start;
  first_ += start;
  next_ += start;
}

Status FeederQueue::CheckStart(uint64_t start) const {
  if (first_ <= start && start <= next_) return absl::OkStatus();
  return FailedPrecondition(
      "rows from number ", start, " on were asked for, but the feeder holds ", first_, " to ",
      next_, "; rows fed to an earlier run, or to another state directory, cannot be read again");
}

StatusOr<FeederQueue::Taken> FeederQueue::Take(uint64_t start, std::optional<uint64_t> end,
                                               BatchLimits limits) {
  MutexLock lock(mutex_);
  AnchorAt(start);
  TRIDENT_RETURN_IF_ERROR(CheckStart(start));
  Taken out;
  out.end = start;
  const uint64_t stop = std::min(end.value_or(next_), start + std::max<uint64_t>(limits.rows, 1));
  auto chunk = std::upper_bound(chunks_.begin(), chunks_.end(), start,
                                [](uint64_t row, const Chunk& c) { return row < c.end(); });
  // A chunk goes on where the one before it ends, so nothing is taken behind a chunk that was cut.
  for (bool cut = false; !cut && chunk != chunks_.end() && out.end < stop; ++chunk) {
    const uint64_t row_bytes = std::max<uint64_t>(chunk->rows.bytes / chunk->rows.count, 1);
    const uint64_t left = limits.bytes > out.bytes ? limits.bytes - out.bytes : 0;
    const uint64_t fit = std::max<uint64_t>(left / row_bytes, out.pieces.empty() ? 1 : 0);
    const uint64_t to = std::min({chunk->end(), stop, out.end + std::min(fit, stop - out.end)});
    cut = to < chunk->end();
    if (to == out.end) break;
    TRIDENT_CHECK_GE(out.end, chunk->first);
    out.pieces.push_back({chunk->rows.rows, out.end - chunk->first, to - chunk->first});
    out.bytes += (to - out.end) * row_bytes;
    out.end = to;
  }
  if (out.end < next_) {
    out.next = ReadResult::Next::kMore;
  } else {
    out.next = finished_ ? ReadResult::Next::kEnded : ReadResult::Next::kIdle;
    reader_is_idle_ = true;
  }
  return out;
}

Availability::State FeederQueue::Poll(uint64_t at) {
  MutexLock lock(mutex_);
  const uint64_t from = anchored_ ? at : 0;
  if (from < next_) return Availability::State::kReady;
  reader_is_idle_ = true;
  return finished_ ? Availability::State::kEnded : Availability::State::kIdle;
}

void FeederQueue::Committed(TxId txid, uint64_t end) {
  std::vector<AppendTicket> committed;
  {
    MutexLock lock(mutex_);
    while (!waiting_.empty() && waiting_.front().end <= end) {
      committed.push_back(std::move(waiting_.front().ticket));
      waiting_.pop_front();
    }
    LetGo(end);
  }
  // Whoever waits may append again at once, and finds the mutex free.
  for (const AppendTicket& ticket : committed) ticket.Settle(txid);
}

uint64_t FeederQueue::RowsAfter(uint64_t at) const {
  MutexLock lock(mutex_);
  return next_ - std::min(anchored_ ? at : 0, next_);
}

void FeederQueue::LetGo(uint64_t end) {
  while (!chunks_.empty() && chunks_.front().end() <= end) {
    held_rows_ -= chunks_.front().rows.count;
    held_bytes_ -= chunks_.front().rows.bytes;
    chunks_.pop_front();
  }
  first_ = std::max(first_, std::min(end, next_));
  room_.NotifyAll();
}

FeederQueue::ReaderId FeederQueue::AddReader(WakeUp wake_up) {
  MutexLock lock(mutex_);
  wake_up_ = std::move(wake_up);
  reader_is_idle_ = true;
  abandoned_ = false;
  halted_ = absl::OkStatus();
  return ++newest_reader_;
}

void FeederQueue::RemoveReader(ReaderId reader) {
  MutexLock lock(mutex_);
  if (reader != newest_reader_) return;
  wake_up_ = nullptr;
  abandoned_ = true;
  EndWaits(StoppedReading());
}

void FeederQueue::Halt(const Status& cause) {
  MutexLock lock(mutex_);
  if (abandoned_) return;
  halted_ = cause;
  EndWaits(HaltedFirst(cause));
}

void FeederQueue::EndWaits(const Status& outcome) {
  for (const Waiting& waiting : waiting_) waiting.ticket.Settle(outcome);
  waiting_.clear();
  room_.NotifyAll();
}

}  // namespace trident
