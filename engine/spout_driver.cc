// SPDX-License-Identifier: Apache-2.0
#include "engine/spout_driver.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/coding.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/letter_partition.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/rng.h"
#include "base/work_mark.h"
#include "engine/diverted_rows.h"
#include "engine/spout_driver_wake_ups.h"

namespace trident {
namespace {

constexpr size_t kStreamPort = 0;
constexpr size_t kDivertPort = 1;
// When a source is asked again that said it had more, and gave nothing.
constexpr Nanos kFruitlessReadAgain = 100 * kMillisecond;

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
  // What is fed are the rows of letters: with their rows the letters go.
  void SetLetters(const LetterReader* letters) { letters_ = letters; }
  Status Emit(const Slice& slice) override {
    if (spec_.checks_content) part_.content = AddContent(part_.content, slice);
    emitted_.push_back(slice);
    return absl::OkStatus();
  }
  // Feeds what was emitted, once it is known whether the row is refused. The reader is not told
  // that the chain has failed: how far it read is to be answered all the same.
  void Finish(const Status& refused) {
    stand_in_ = !refused.ok();
    for (const Slice& slice : emitted_) {
      if (failure_.ok()) failure_ = refused.ok() ? Feed(slice) : FeedRefused(slice, refused);
    }
    if (failure_.ok() && letters_ != nullptr) failure_ = RemoveLetters();
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
    } else {
      return task_.Feed(request_.id, kStreamPort, slice);
    }
    return Divert(slice, std::move(aside));
  }
  // What stands for a row that can be none goes where a row goes at which a function throws.
  Status FeedRefused(const Slice& slice, const Status& why) {
    if (request_.mode == word::EmitMode::kDivert) return Feed(slice);
    if (spec_.throwing != Spec::Throwing::kPutAside) return why;
    return Divert(slice, {{0, why}});
  }
  Status Divert(const Slice& slice, const std::vector<FailedRow>& aside) {
    if (aside.empty()) return absl::OkStatus();
    DivertedRows diverted;
    for (const FailedRow& row : aside) Add(slice, row, diverted);
    if (letters_ == nullptr) rows_aside_ += aside.size();
    return task_.Feed(request_.id, kDivertPort, diverted.Take());
  }
  void Add(const Slice& slice, const FailedRow& row, DivertedRows& diverted) {
    KeptRow kept{.tries = 1,
                 .place = Concat("spout partition \"", part_.range.partition, "\", row ", row.place,
                                 " from position \"", part_.range.end, "\""),
                 .row = {}};
    const LetterRequest* letter = letters_ == nullptr ? nullptr : letters_->taken().back().get();
    if (letter != nullptr) {
      kept.tries = letter->row->tries + 1;
      kept.place = letter->row->place;
      row_failed_ = true;
    }
    const bool told_with_place = request_.mode == word::EmitMode::kDivert && letter == nullptr;
    std::string cause(Message(told_with_place ? row.cause : Annotate(row.cause, kept.place)));
    if (kept.tries > 1) cause += Concat("; try ", kept.tries);
    std::string bytes;
    // Of what can be no row there is none to try again.
    if (!stand_in_) {
      const uint32_t place[] = {row.place};
      kept.row = slice.Gather(place);
      bytes = EncodeKeptRow(kept);
    }
    diverted.Add({.row = RowText(slice.Row(row.place)),
                  .cause = cause,
                  .kept = bytes,
                  .key = letter == nullptr ? std::string_view() : letter->key});
  }
  Status RemoveLetters() {
    DivertedRows removed;
    for (const LetterRequests::Taken& letter : letters_->taken()) {
      if (!letter->row || !row_failed_) removed.Remove(letter->key);
    }
    if (removed.empty()) return absl::OkStatus();
    return task_.Feed(request_.id, kDivertPort, removed.Take());
  }

  Task& task_;
  const word::Emit& request_;
  Part& part_;
  const Spec& spec_;
  std::vector<Slice> emitted_;
  Status failure_;
  uint64_t rows_aside_ = 0;
  const LetterReader* letters_ = nullptr;
  bool stand_in_ = false;    // for what can be no row
  bool row_failed_ = false;  // that of the last letter
};

SpoutDriver::SpoutDriver(Spec spec, Task* task, WakeUp wake_up)
    : spec_(std::move(spec)),
      task_(task),
      bell_(std::make_shared<Bell>(std::move(wake_up))),
      woken_(std::make_shared<WokenPartitions>()) {}

SpoutDriver::~SpoutDriver() { bell_->Silence(); }

Status SpoutDriver::Open() {
  const SourceShare& sources = *spec_.sources;
  for (const std::string& name : sources.Of(spec_.emitter.task)) {
    TRIDENT_RETURN_IF_ERROR(AddPartition(name));
  }
  if (spec_.letters != nullptr) AddLetters();
  if (!sources.HasTask(spec_.emitter.task)) return absl::OkStatus();
  listed_ = sources.listed().size();
  told_of_partitions_ = spec_.spout->TellOfPartitions([bell = bell_] { bell->Ring(); });
  return TakeNews();
}

Status SpoutDriver::AddPartition(const std::string& name) {
  const size_t partition = partitions_.size();
  auto reader =
      Guarded("OpenReader", [&] { return spec_.spout->OpenReader(name, WakeUpOf(partition)); });
  if (!reader.ok()) return Annotate(reader.status(), "source partition \"" + name + "\"");
  partitions_.push_back({.name = name, .reader = *std::move(reader), .known_end = {}});
  index_[name] = partition;
  ready_.insert(partition);
  return absl::OkStatus();
}

WakeUp SpoutDriver::WakeUpOf(size_t partition) {
  return [woken = woken_, partition, bell = bell_] {
    woken->Add(partition);
    bell->Ring();
  };
}

// Never ends, and keeps no run from its end.
void SpoutDriver::AddLetters() {
  letters_at_ = partitions_.size();
  auto reader = std::make_unique<LetterReader>(*spec_.letters, WakeUpOf(letters_at_));
  letter_reader_ = reader.get();
  const std::string name(kLetterPartition);
  partitions_.push_back({.name = name, .reader = std::move(reader), .known_end = {}});
  index_[name] = letters_at_;
}

Status SpoutDriver::TakeNews() {
  if (spec_.sources->HasTask(spec_.emitter.task)) {
    const LaterPartitions later = spec_.spout->PartitionsAfter(listed_);
    may_grow_ = later.more == LaterPartitions::More::kPerhaps;
    for (const std::string& name : later.names) {
      const bool is_ours = spec_.sources->IsOf(spec_.emitter.task, listed_, name);
      if (is_ours) TRIDENT_RETURN_IF_ERROR(AddPartition(name));
      ++listed_;
    }
  }
  for (size_t partition : woken_->Take()) {
    if (!ready_.contains(partition) && !partitions_[partition].ended) unsure_.insert(partition);
  }
  return absl::OkStatus();
}

void SpoutDriver::MakeReady(size_t partition) {
  Partition& at = partitions_[partition];
  ended_ -= at.ended ? 1 : 0;
  at.ended = false;
  unsure_.erase(partition);
  asked_again_.erase(partition);
  ready_.insert(partition);
}

void SpoutDriver::MakeReady(const Run& run) {
  for (const Part& part : run.parts) MakeReady(part.partition);
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
  const BatchId id = request.id;
  auto run = MakeRun(std::move(request));
  if (run.ok()) {
    runs_.push_back(*std::move(run));
  } else {
    events.OnWord(id.group, word::Failed{id, Place(id, run.status()), spec_.emitter});
  }
}

StatusOr<SpoutDriver::Run> SpoutDriver::MakeRun(word::Emit request) {
  Run run;
  run.left = request.limits;
  auto add = [&](size_t partition, const Position& start) -> Part& {
    run.round.push_back(run.parts.size());
    Part& part = run.parts.emplace_back();
    part.partition = partition;
    part.range = {.emitter = spec_.emitter,
                  .partition = partitions_[partition].name,
                  .start = start,
                  .end = start};
    return part;
  };
  if (request.mode == word::EmitMode::kExact) {
    for (const SourceRange& range : request.exact) {
      const auto ours = index_.find(range.partition);
      if (ours != index_.end()) add(ours->second, range.start).end = range.end;
    }
  } else {
    TRIDENT_RETURN_IF_ERROR(TakeNews());
    // Those that wake nobody are asked by every batch; an own timer would never come up in a
    // stream of full batches.
    for (size_t partition : std::exchange(unsure_, {})) Ask(partition, Nanos{0});
    for (const auto& [partition, at] : std::exchange(asked_again_, {})) MakeReady(partition);
    std::vector<const Position*> starts(partitions_.size());
    for (const SourcePosition& start : request.starts) {
      const auto ours = index_.find(start.partition);
      if (ours != index_.end()) starts[ours->second] = &start.position;
    }
    static const Position kBeginning;
    if (request.mode == word::EmitMode::kNew) {
      for (size_t partition : WhomToAsk(request.id.txid)) {
        add(partition, starts[partition] != nullptr ? *starts[partition] : kBeginning);
      }
    } else {
      for (size_t partition = 0; partition < starts.size(); ++partition) {
        if (starts[partition] != nullptr) add(partition, *starts[partition]);
      }
    }
  }
  run.request = std::move(request);
  return run;
}

// All of them: who answers with nothing says that there is nothing. Every batch begins with another
// one, so that batches that are too small for all are fair.
std::vector<size_t> SpoutDriver::WhomToAsk(TxId txid) const {
  std::vector<size_t> asked(ready_.begin(), ready_.end());
  if (asked.empty()) return asked;
  std::rotate(asked.begin(), asked.begin() + static_cast<ptrdiff_t>(txid.value() % asked.size()),
              asked.end());
  return asked;
}

// What the current part may still take: an even share of what is left.
BatchLimits SpoutDriver::ShareOf(Run& run) {
  const BatchLimits& taken = run.part().taken;
  const uint64_t parts_left = run.round.size() - run.current;
  const auto share_of = [parts_left](uint64_t left, uint64_t has) {
    const uint64_t share = (left + has + parts_left - 1) / parts_left;
    return std::min(share > has ? share - has : 0, left);
  };
  return {std::min<uint64_t>(share_of(run.left.rows, taken.rows), kFrameRows),
          share_of(run.left.bytes, taken.bytes)};
}

Status SpoutDriver::ReadSlice(Run& run) {
  Part& part = run.part();
  BatchLimits limits = part.end ? BatchLimits{kFrameRows, run.request.limits.bytes} : ShareOf(run);
  const bool no_room = limits.rows == 0 || (limits.bytes == 0 && part.taken.rows > 0);
  if (no_room || (part.end && part.range.end == *part.end)) {
    PartDone(run, part);
    return absl::OkStatus();
  }
  TaskFeed feed(*task_, run.request, part, spec_);
  SourceReader* const reader = partitions_[part.partition].reader.get();
  if (reader == letter_reader_) feed.SetLetters(letter_reader_);
  Position from = part.range.end;
  ReadRequest request{.start = from, .end = part.end ? &*part.end : nullptr, .limits = limits};
  if (run.request.limits.rows == 1 && reader != letter_reader_) {
    WorkMark::OfThisThread().NoteRow(run.request.id, spec_.emitter, part.range.partition,
                                     part.range.start);
  }
  const WorkMark::Scope under_way({task_->spec().name, run.request.id, spec_.emitter.task});
  auto result = Guarded("the spout", [&] { return reader->Read(request, feed); });
  if (result.ok() && reader == letter_reader_) letter_reader_->Note(run.request.id, spec_.emitter);
  if (result.ok()) feed.Finish(result->refused);
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
  run.current = run.round.size();
  run.next_round.clear();
  return absl::OkStatus();
}

void SpoutDriver::Count(Run& run, Part& part, const ReadResult& read) {
  run.promised |=
      read.next == ReadResult::Next::kMore && read.rows == 0 && read.end == part.range.end;
  part.range.end = read.end;
  part.range.rows += read.rows;
  part.range.bytes += read.bytes;
  part.taken.rows += read.rows;
  part.taken.bytes += read.bytes;
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
  Partition& partition = partitions_[part.partition];
  partition.known_end = part.range.end;
  // Whether the others have input is not known of a run that was asked for something certain.
  const bool looked = run.request.mode == word::EmitMode::kNew;
  const bool more = part.last == ReadResult::Next::kMore || part.last == ReadResult::Next::kCut;
  if (!looked || more) {
    MakeReady(part.partition);
    const bool had_share = part.last == ReadResult::Next::kMore && part.taken.rows > 0;
    if (looked && had_share) run.next_round.push_back(run.round[run.current]);
  } else {
    ready_.erase(part.partition);
    partition.ended = part.last == ReadResult::Next::kEnded;
    ended_ += partition.ended ? 1 : 0;
    // Input may have come while the last slice was read.
    if (!partition.ended) unsure_.insert(part.partition);
  }
  ++run.current;
  if (!run.IsOver() || run.left.rows == 0 || run.left.bytes == 0) return;
  run.round = std::exchange(run.next_round, {});
  run.current = 0;
  for (size_t k : run.round) run.parts[k].taken = {};
}

std::optional<BatchId> SpoutDriver::Step(ExecutorEvents& events) {
  Run& run = runs_.front();
  const bool full = run.request.mode == word::EmitMode::kNew && run.left.rows == 0;
  if (!full && !run.IsOver()) {
    Status status = ReadSlice(run);
    if (!status.ok()) {
      BatchId id = run.request.id;
      MakeReady(run);
      CountLost(id, RangesOf(run));
      runs_.pop_front();
      events.OnWord(id.group, word::Failed{id, Place(id, status), spec_.emitter});
      return std::nullopt;
    }
    if (!run.IsOver()) return std::nullopt;
  }
  BatchId id = run.request.id;
  word::Emitted answer = Answer(run);
  const Status failure = run.failure;
  const Run over = std::move(run);
  runs_.pop_front();
  WatchAfter(answer, over);
  answered_[id.txid] = answer;
  events.OnWord(id.group, std::move(answer));
  if (failure.ok()) return id;
  events.OnWord(id.group, word::Failed{id, Place(id, failure)});
  return std::nullopt;
}

// An answer that neither has rows nor moves counts as exhausted, whatever it says.
void SpoutDriver::WatchAfter(const word::Emitted& answer, const Run& run) {
  const bool nothing = run.request.mode == word::EmitMode::kNew && answer.ranges.empty();
  fruitless_ = nothing && run.promised;
  if (!fruitless_) fruitless_since_.reset();
  if ((answer.remaining != word::Remaining::kExhausted && !nothing) || !runs_.empty()) return;
  watch_ = Watch::kIdle;
  next_poll_ = Nanos{0};  // input may have come while the last slice was read
}

// Who says that there is more, and gives nothing, would say so again at once.
void SpoutDriver::WaitAfterFruitless(Nanos now) {
  fruitless_ = false;
  next_poll_ = now + kFruitlessReadAgain;
  if (!fruitless_since_) {
    fruitless_since_ = now;
    told_fruitless_ = false;
  }
  if (told_fruitless_ || now - *fruitless_since_ < kProgressDeadlineMsDefault * kMillisecond)
    return;
  told_fruitless_ = true;
  TRIDENT_LOG(WARN)
      << "stage \"" << task_->spec().name << "\", partition " << spec_.emitter.task << ": for "
      << (now - *fruitless_since_) / kSecond
      << " s its readers have said that there is more now, but gave no row and did not "
         "move; a reader that has nothing must say that it is idle";
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
  }
  if (!ready_.empty()) answer.remaining = word::Remaining::kMore;
  return answer;
}

void SpoutDriver::Published(const BatchId& id) {
  auto it = answered_.find(id.txid);
  if (it == answered_.end()) return;
  if (it->second.id == id) {
    for (const SourceRange& range : it->second.ranges) {
      const auto ours = index_.find(range.partition);
      if (ours == index_.end()) continue;
      SourceReader& reader = *partitions_[ours->second].reader;
      const Status told = Guarded("Committed", [&] { reader.Committed(id.txid, range.end); });
      // The batch is committed, whatever the spout makes of it.
      if (told.ok()) continue;
      TRIDENT_LOG(WARN) << "spout partition \"" << range.partition << "\", txid " << id.txid.value()
                        << ": " << Message(told);
    }
  }
  answered_.erase(answered_.begin(), std::next(it));
}

std::vector<SourceRange> SpoutDriver::RangesOf(const Run& run) {
  std::vector<SourceRange> ranges;
  for (const Part& part : run.parts) ranges.push_back(part.range);
  return ranges;
}

void SpoutDriver::CountLost(const BatchId& id, const std::vector<SourceRange>& ranges) {
  if (spec_.spout->kind() != SpoutKind::kNonTransactional) return;
  for (const SourceRange& range : ranges) {
    if (range.rows == 0 || range.partition == kLetterPartition) continue;
    if (spec_.rows_lost != nullptr) *spec_.rows_lost += range.rows;
    TRIDENT_LOG(ERROR) << "stage \"" << task_->spec().name << "\", partition " << spec_.emitter.task
                       << ", txid " << id.txid.value() << ": " << range.rows
                       << (range.rows == 1 ? " row" : " rows") << " of source partition \""
                       << range.partition << "\" from position \"" << range.start
                       << "\" are lost: the attempt failed, and this spout cannot go back";
  }
}

// What was read comes again, but of a spout that cannot go back.
void SpoutDriver::Abort(TxId txid, Attempt before) {
  std::erase_if(runs_, [&](const Run& run) {
    const bool aborted = run.request.id.txid == txid && run.request.id.attempt < before;
    if (!aborted) return false;
    MakeReady(run);
    CountLost(run.request.id, RangesOf(run));
    return true;
  });
  std::erase_if(answered_, [&](const auto& entry) {
    const bool aborted = entry.first == txid && entry.second.id.attempt < before;
    if (!aborted) return false;
    for (const SourceRange& range : entry.second.ranges) {
      const auto ours = index_.find(range.partition);
      if (ours != index_.end()) MakeReady(ours->second);
    }
    CountLost(entry.second.id, entry.second.ranges);
    return true;
  });
}

void SpoutDriver::Ask(size_t partition, Nanos now) {
  Partition& at = partitions_[partition];
  auto state = Guarded("the spout", [&] { return at.reader->Poll(at.known_end); });
  // An error here comes back, with its place, from the Read that it provokes.
  if (!state.ok() || state->state == Availability::State::kReady) return MakeReady(partition);
  if (state->state == Availability::State::kEnded) {
    at.ended = true;
    ++ended_;
  } else if (state->poll_again_nanos > 0) {
    asked_again_[partition] = now + state->poll_again_nanos;
  }
}

void SpoutDriver::Poll(Nanos now, ExecutorEvents& events) {
  next_poll_.reset();
  const bool asked_after_end = watch_ == Watch::kEnded && letter_reader_ != nullptr &&
                               spec_.letters->HasAfter(partitions_[letters_at_].known_end);
  if (asked_after_end) watch_ = Watch::kIdle;
  if (watch_ != Watch::kIdle || !runs_.empty()) return;
  if (fruitless_) return WaitAfterFruitless(now);
  // What cannot be opened fails the batch that is asked for because of it.
  bool ready = !TakeNews().ok();
  for (auto it = asked_again_.begin(); it != asked_again_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    unsure_.insert(it->first);
    it = asked_again_.erase(it);
  }
  for (size_t partition : std::exchange(unsure_, {})) Ask(partition, now);
  ready = ready || !ready_.empty();
  if (ready) {
    watch_ = Watch::kOff;
    events.OnWord(task_->spec().group, word::InputReady{spec_.emitter, spec_.incarnation});
    return;
  }
  for (const auto& [partition, at] : asked_again_) {
    next_poll_ = next_poll_ ? std::min(*next_poll_, at) : at;
  }
  const size_t that_end = partitions_.size() - (letter_reader_ != nullptr ? 1 : 0);
  if (ended_ == that_end && !may_grow_) {
    watch_ = Watch::kEnded;
    events.OnWord(task_->spec().group, word::InputEnded{spec_.emitter});
  }
}

}  // namespace trident
