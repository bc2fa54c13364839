// SPDX-License-Identifier: Apache-2.0
#include "engine/spout_driver.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "base/coding.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "base/rng.h"
#include "engine/data/text_arena.h"

namespace trident {
namespace {

constexpr size_t kStreamPort = 0;
constexpr size_t kDivertPort = 1;

// Goes on from `checksum` over the rows, so that it does not matter in which slices they come.
uint64_t AddContent(uint64_t checksum, const Slice& slice) {
  std::string row;
  for (size_t i = 0; i < slice.rows(); ++i) {
    const uint32_t at = slice.RowAt(i);
    row.clear();
    for (size_t field = 0; field < slice.columns().size(); ++field) {
      const Column& column = slice.column(field);
      row.push_back(column.IsNull(at) ? 0 : 1);
      if (column.IsNull(at)) continue;
      const size_t begin = row.size();
      column.EncodeValue(at, row);
      PutVarint(row, row.size() - begin);
    }
    checksum = Mix64(checksum ^ HashBytes(row));
  }
  return checksum;
}

}  // namespace

// Puts what a reader emits into the task's chain.
class SpoutDriver::TaskFeed final : public Output {
 public:
  // All outlive the feed.
  TaskFeed(Task& task, const word::Emit& request, Part& part, const Spec& spec)
      : task_(task), request_(request), part_(part), spec_(spec) {}
  // The reader is not told that the chain has failed: how far it read is to be answered all the
  // same.
  Status Emit(const Slice& slice) override {
    if (spec_.checks_content) part_.content = AddContent(part_.content, slice);
    if (failure_.ok()) failure_ = Feed(slice);
    return absl::OkStatus();
  }
  const Status& failure() const { return failure_; }
  uint64_t rows_aside() const { return rows_aside_; }

 private:
  Status Feed(const Slice& slice) {
    std::vector<FailedRow> aside;
    if (request_.mode == word::EmitMode::kDivert) {
      for (uint32_t i = 0; i < slice.rows(); ++i) aside.push_back({i, Aborted(request_.cause)});
    } else if (spec_.throwing == Spec::Throwing::kPutAside) {
      TRIDENT_RETURN_IF_ERROR(task_.FeedSparing(request_.id, slice, aside));
      for (FailedRow& row : aside) {
        row.cause =
            Annotate(row.cause, Concat("spout partition \"", part_.range.partition, "\", row ",
                                       row.place, " from position \"", part_.range.end, "\""));
      }
    } else {
      return task_.Feed(request_.id, kStreamPort, slice);
    }
    if (aside.empty()) return absl::OkStatus();
    rows_aside_ += aside.size();
    return task_.Feed(request_.id, kDivertPort, Diverted(slice, aside));
  }

  Task& task_;
  const word::Emit& request_;
  Part& part_;
  const Spec& spec_;
  Status failure_;
  uint64_t rows_aside_ = 0;
};

// Rings as long as there is a driver: spouts keep what they are given, and may ring while the
// driver ends. Thread-safe.
class SpoutDriver::Bell {
 public:
  explicit Bell(WakeUp wake_up) : wake_up_(std::move(wake_up)) {}
  void Ring() {
    MutexLock lock(mutex_);
    if (wake_up_) wake_up_();
  }
  // Waits for a Ring that has begun; later ones do nothing.
  void Silence() {
    MutexLock lock(mutex_);
    wake_up_ = nullptr;
  }

 private:
  Mutex mutex_;
  WakeUp wake_up_ TRIDENT_GUARDED_BY(mutex_);
};

SchemaRef DivertedSchema() {
  static const SchemaRef* const schema = new SchemaRef(std::make_shared<const Schema>(
      *Schema::Make({{"row", &TypeOf<Text>()}, {"cause", &TypeOf<Text>()}})));
  return *schema;
}

Slice Diverted(const Slice& slice, std::span<const FailedRow> rows_aside) {
  auto rows = std::make_shared<ColumnOf<Text>>();
  auto causes = std::make_shared<ColumnOf<Text>>();
  TextArena arena;
  for (const FailedRow& row : rows_aside) {
    rows->Append(arena.Copy(RowText(slice.Row(row.place))));
    causes->Append(arena.Copy(Message(row.cause)));
  }
  BufferRef bytes = arena.Release();
  rows->Retain(bytes);
  causes->Retain(bytes);
  return Slice(DivertedSchema(), {rows, causes}, rows_aside.size());
}

SpoutDriver::SpoutDriver(Spec spec, Task* task, WakeUp wake_up)
    : spec_(std::move(spec)),
      task_(task),
      bell_(std::make_shared<Bell>(std::move(wake_up))),
      known_ends_(spec_.partitions.size()) {}

SpoutDriver::~SpoutDriver() { bell_->Silence(); }

Status SpoutDriver::Open() {
  for (const std::string& partition : spec_.partitions) {
    auto reader = Guarded("OpenReader", [&] {
      return spec_.spout->OpenReader(partition, [bell = bell_] { bell->Ring(); });
    });
    if (!reader.ok()) return Annotate(reader.status(), "source partition \"" + partition + "\"");
    readers_.push_back(std::move(*reader));
  }
  return absl::OkStatus();
}

void SpoutDriver::Request(word::Emit request, ExecutorEvents& events) {
  auto answered = answered_.find(request.id.txid);
  if (answered != answered_.end() && answered->second.id == request.id) {
    events.OnWord(request.id.group, answered->second);
    return;
  }
  for (const Run& run : runs_) {
    if (run.request.id == request.id) return;  // it is being answered
  }
  if (request.incarnation != spec_.incarnation) return;
  if (!task_->Begin(request.id, request.batch_time_micros)) return;
  watch_ = Watch::kOff;
  runs_.push_back(MakeRun(std::move(request)));
}

SpoutDriver::Run SpoutDriver::MakeRun(word::Emit request) const {
  Run run;
  run.left = request.limits;
  auto add = [&](size_t partition, const Position& start) {
    Part part;
    part.partition = partition;
    part.start = start;
    part.range = {.emitter = spec_.emitter,
                  .partition = spec_.partitions[partition],
                  .start = start,
                  .end = start};
    run.parts.push_back(std::move(part));
  };
  size_t n = spec_.partitions.size();
  bool one_row = request.mode == word::EmitMode::kSingle || request.mode == word::EmitMode::kDivert;
  for (size_t k = 0; k < n; ++k) {
    // Every batch begins with another partition, so that small batches are fair to all.
    size_t partition = one_row ? k : (k + request.id.txid.value()) % n;
    const std::string& name = spec_.partitions[partition];
    if (request.mode == word::EmitMode::kExact) {
      for (const SourceRange& range : request.exact) {
        if (range.partition != name) continue;
        add(partition, range.start);
        run.parts.back().end = range.end;
      }
      continue;
    }
    auto at = std::find_if(request.starts.begin(), request.starts.end(),
                           [&](const auto& start) { return start.partition == name; });
    if (at == request.starts.end() && one_row) continue;
    add(partition, at == request.starts.end() ? Position() : at->position);
  }
  run.request = std::move(request);
  return run;
}

// What the current part may still take: an even share of what is left.
BatchLimits SpoutDriver::ShareOf(const Run& run) const {
  const Part& part = run.parts[run.current];
  uint64_t parts_left = run.parts.size() - run.current;
  uint64_t row_share = (run.left.rows + part.range.rows + parts_left - 1) / parts_left;
  uint64_t byte_share = (run.left.bytes + part.range.bytes + parts_left - 1) / parts_left;
  BatchLimits share;
  share.rows = row_share > part.range.rows ? row_share - part.range.rows : 0;
  share.bytes = byte_share > part.range.bytes ? byte_share - part.range.bytes : 0;
  share.rows = std::min<uint64_t>({share.rows, run.left.rows, kFrameRows});
  share.bytes = std::min(share.bytes, run.left.bytes);
  return share;
}

Status SpoutDriver::ReadSlice(Run& run) {
  Part& part = run.parts[run.current];
  BatchLimits limits = part.end ? BatchLimits{kFrameRows, run.request.limits.bytes} : ShareOf(run);
  const bool no_room = limits.rows == 0 || (limits.bytes == 0 && part.range.rows > 0);
  if (no_room || (part.end && part.range.end == *part.end)) {
    PartDone(run, part);
    return absl::OkStatus();
  }
  TaskFeed feed(*task_, run.request, part, spec_);
  Position from = part.range.end;
  ReadRequest request{.start = from, .end = part.end ? &*part.end : nullptr, .limits = limits};
  auto result = Guarded("the spout", [&] { return readers_[part.partition]->Read(request, feed); });
  const Status& status = result.ok() ? feed.failure() : result.status();
  const Status failure = Annotate(status, Concat("spout partition \"", part.range.partition,
                                                 "\" from position \"", from, "\""));
  // Of an exact range only the whole would be an answer.
  if (!result.ok() || (part.end && !failure.ok())) return failure;
  Count(run, part, *result);
  run.rows_aside += feed.rows_aside();
  if (failure.ok()) return EndPartWith(run, part, *result);
  run.failure = failure;
  PartDone(run, part);
  run.current = run.parts.size();
  return absl::OkStatus();
}

void SpoutDriver::Count(Run& run, Part& part, const ReadResult& read) {
  part.range.end = read.end;
  part.range.rows += read.rows;
  part.range.bytes += read.bytes;
  run.left.rows -= std::min(run.left.rows, read.rows);
  run.left.bytes -= std::min(run.left.bytes, read.bytes);
  part.last = read.next;
}

// Ends the part if there is no more of it behind what was read.
Status SpoutDriver::EndPartWith(Run& run, Part& part, const ReadResult& read) {
  const bool more = read.next == ReadResult::Next::kMore;
  if (!part.end) {
    if (!more || read.rows == 0) PartDone(run, part);
    return absl::OkStatus();
  }
  if (!more && read.end != *part.end) {
    return DataLoss("source partition \"", part.range.partition, "\" ends at \"", read.end,
                    "\", but an earlier attempt of this batch has read it to \"", *part.end,
                    "\"; was the source truncated or replaced?");
  }
  if (read.end == *part.end) PartDone(run, part);
  return absl::OkStatus();
}

void SpoutDriver::PartDone(Run& run, Part& part) {
  part.finished = true;
  known_ends_[part.partition] = part.range.end;
  ++run.current;
}

std::optional<BatchId> SpoutDriver::Step(ExecutorEvents& events) {
  Run& run = runs_.front();
  if (run.current < run.parts.size()) {
    Status status = ReadSlice(run);
    if (!status.ok()) {
      BatchId id = run.request.id;
      runs_.pop_front();
      events.OnWord(id.group, word::Failed{id, Place(id, status), spec_.emitter});
      return std::nullopt;
    }
    if (run.current < run.parts.size()) return std::nullopt;
  }
  BatchId id = run.request.id;
  word::Emitted answer = Answer(run);
  const Status failure = run.failure;
  runs_.pop_front();
  if (answer.remaining == word::Remaining::kExhausted && runs_.empty()) {
    watch_ = Watch::kIdle;
    next_poll_ = Nanos{0};  // input may have come while the last slice was read
  }
  answered_[id.txid] = answer;
  events.OnWord(id.group, std::move(answer));
  if (failure.ok()) return id;
  events.OnWord(id.group, word::Failed{id, Place(id, failure)});
  return std::nullopt;
}

Status SpoutDriver::Place(const BatchId& id, const Status& status) const {
  return Annotate(status, Concat("stage \"", task_->spec().name, "\", partition ",
                                 spec_.emitter.task, ", txid ", id.txid.value()));
}

word::Emitted SpoutDriver::Answer(const Run& run) {
  word::Emitted answer{.id = run.request.id,
                       .emitter = spec_.emitter,
                       .incarnation = spec_.incarnation,
                       .ranges = {},
                       .remaining = word::Remaining::kExhausted,
                       .rows_aside = run.rows_aside};
  for (const Part& part : run.parts) {
    if (part.range.end != part.range.start || part.range.rows > 0) {
      answer.ranges.push_back(part.range);
      // Of the whole, so that it does not matter in which slices a reader gave it.
      answer.ranges.back().checksum =
          Mix64(Mix64(part.range.rows) ^ part.range.bytes ^ part.content);
    }
    if (part.last == ReadResult::Next::kMore || part.last == ReadResult::Next::kCut) {
      answer.remaining = word::Remaining::kMore;
    }
  }
  return answer;
}

void SpoutDriver::Published(const BatchId& id) {
  auto it = answered_.find(id.txid);
  if (it == answered_.end()) return;
  if (it->second.id == id) {
    for (const SourceRange& range : it->second.ranges) {
      auto name = std::find(spec_.partitions.begin(), spec_.partitions.end(), range.partition);
      if (name == spec_.partitions.end()) continue;
      SourceReader& reader = *readers_[name - spec_.partitions.begin()];
      const Status told = Guarded("Committed", [&] { reader.Committed(id.txid, range.end); });
      // The batch is committed, whatever the spout makes of it.
      if (told.ok()) continue;
      TRIDENT_LOG(WARN) << "spout partition \"" << range.partition << "\", txid " << id.txid.value()
                        << ": " << Message(told);
    }
  }
  answered_.erase(answered_.begin(), std::next(it));
}

void SpoutDriver::Abort(TxId txid, Attempt before) {
  std::erase_if(runs_, [&](const Run& run) {
    return run.request.id.txid == txid && run.request.id.attempt < before;
  });
  std::erase_if(answered_, [&](const auto& entry) {
    return entry.first == txid && entry.second.id.attempt < before;
  });
}

void SpoutDriver::Poll(Nanos now, ExecutorEvents& events) {
  next_poll_.reset();
  if (watch_ != Watch::kIdle || !runs_.empty()) return;
  bool all_ended = true;
  for (size_t i = 0; i < readers_.size(); ++i) {
    auto state = Guarded("the spout", [&] { return readers_[i]->Poll(known_ends_[i]); });
    // An error here comes back, with its place, from the Read that it provokes.
    if (!state.ok() || state->state == Availability::State::kReady) {
      watch_ = Watch::kOff;
      events.OnWord(task_->spec().group, word::InputReady{spec_.emitter, spec_.incarnation});
      return;
    }
    if (state->state == Availability::State::kEnded) continue;
    all_ended = false;
    if (state->poll_again_nanos > 0) {
      Nanos at = now + state->poll_again_nanos;
      next_poll_ = next_poll_ ? std::min(*next_poll_, at) : at;
    }
  }
  if (all_ended) {
    watch_ = Watch::kEnded;
    events.OnWord(task_->spec().group, word::InputEnded{spec_.emitter});
  }
}

}  // namespace trident
