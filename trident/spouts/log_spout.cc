// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/log_spout.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/guard.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "engine/spout.h"
#include "trident/spouts/spout_fields.h"

namespace trident {
namespace {

using Kind = LogTape::Ahead::Kind;
using Place = LogTape::Place;

bool IsLasting(StatusCode code) {
  return code == StatusCode::kOutOfRange || code == StatusCode::kFailedPrecondition ||
         code == StatusCode::kDataLoss || code == StatusCode::kInvalidArgument;
}

// What a reader is of, and how it goes about it.
struct TapeReaderSpec {
  std::string place;  // log and source partition, for errors
  SchemaRef schema;
  Nanos poll_nanos = 0;
};

class TapeReader final : public SourceReader {
 public:
  TapeReader(TapeReaderSpec spec, std::unique_ptr<LogTape> tape)
      : spec_(std::move(spec)), tape_(std::move(tape)) {}

  // An error if the source can stand there no more. One that may be away only now is asked again by
  // the first batch.
  Status ComeBackTo(const Position& committed) {
    const Status sought = Seek(committed);
    return IsLasting(sought.code()) ? sought : absl::OkStatus();
  }

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    StatusOr<ReadResult> read = TryRead(request, out);
    if (!read.ok()) tape_->Forget();
    return read;
  }

  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_RETURN_IF_ERROR(Seek(position));
    TRIDENT_ASSIGN_OR_RETURN(const LogTape::Ahead ahead, Peek());
    if (ahead.kind == Kind::kIdle)
      return Availability{Availability::State::kIdle, spec_.poll_nanos};
    return Availability{
        ahead.kind == Kind::kEnded ? Availability::State::kEnded : Availability::State::kReady, 0};
  }

  void Committed(TxId txid, const Position& position) override {
    const Status done = Guarded("Committed", [&] { return tape_->Committed(txid, position); });
    if (!done.ok()) TRIDENT_LOG(WARN) << Message(Located(done, position));
  }

 private:
  // What one Read has got together.
  struct Progress {
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint64_t steps = 0;
    bool cut = false;

    uint64_t steps_without_row() const { return steps - rows; }
    bool Full(const BatchLimits& limits) const {
      return rows >= std::max<uint64_t>(limits.rows, 1) || (rows > 0 && bytes >= limits.bytes) ||
             steps_without_row() >= kLogStepsWithoutRowMax;
    }
  };

  StatusOr<ReadResult> TryRead(const ReadRequest& request, Output& out) {
    TRIDENT_RETURN_IF_ERROR(Seek(request.start));
    TRIDENT_RETURN_IF_ERROR(Located(tape_->SetEnd(request.end), request.start));
    TRIDENT_ASSIGN_OR_RETURN(const Progress got, Advance(request));
    if (got.rows > 0) TRIDENT_RETURN_IF_ERROR(out.Emit(tape_->Take(spec_.schema)));
    const Position end = got.steps > 0 ? tape_->position() : request.start;
    return ReadResult{end, got.rows, got.bytes, NextFrom(got)};
  }

  StatusOr<Progress> Advance(const ReadRequest& request) {
    Progress got;
    while (!got.cut && !got.Full(request.limits)) {
      const Place place = tape_->PlaceToEnd();
      if (place == Place::kAt) break;
      if (place == Place::kBehind) return Passed(*request.end);
      TRIDENT_ASSIGN_OR_RETURN(const LogTape::Ahead ahead, Peek());
      if (ahead.kind == Kind::kIdle || ahead.kind == Kind::kEnded) break;
      tape_->Accept();
      ++got.steps;
      got.rows += ahead.rows;
      got.bytes += ahead.bytes;
      // An earlier attempt has read beyond the cut of an exact range, if there is one.
      got.cut = ahead.kind == Kind::kCut && request.end == nullptr;
    }
    if (tape_->PlaceToEnd() == Place::kBehind) return Passed(*request.end);
    return got;
  }

  // An error of what stands behind is no error of what was read; the next Read meets it again.
  ReadResult::Next NextFrom(const Progress& got) {
    const StatusOr<LogTape::Ahead> ahead = Peek();
    if (ahead.ok() && ahead->kind == Kind::kIdle) return ReadResult::Next::kIdle;
    if (ahead.ok() && ahead->kind == Kind::kEnded) return ReadResult::Next::kEnded;
    return got.cut ? ReadResult::Next::kCut : ReadResult::Next::kMore;
  }

  Status Seek(const Position& at) {
    const Status done = Guarded("Seek", [&] { return tape_->Seek(at); });
    if (!done.ok()) tape_->Forget();
    return Located(done, at);
  }
  StatusOr<LogTape::Ahead> Peek() {
    StatusOr<LogTape::Ahead> ahead = Guarded("Next", [&] { return tape_->Peek(); });
    if (ahead.ok()) return ahead;
    const Status failure = Located(ahead.status(), tape_->position());
    tape_->Forget();
    return failure;
  }
  Status Passed(const Position& end) const {
    return Located(
        FailedPrecondition("an earlier attempt has read this batch up to position \"", end,
                           "\", but no row ends there now; was the source changed? "
                           "Restore it, or let the program say that it is opaque if it may change"),
        tape_->position());
  }
  Status Located(const Status& status, const Position& at) const {
    if (status.ok()) return status;
    return Annotate(status, Concat(spec_.place, at.empty() ? ", at its beginning"
                                                           : ", at position \"" + at + "\""));
  }

  const TapeReaderSpec spec_;
  const std::unique_ptr<LogTape> tape_;
};

class TapesSpout final : public Spout {
 public:
  TapesSpout(SchemaRef schema, LogOptions options, std::unique_ptr<LogTapes> tapes)
      : schema_(std::move(schema)), options_(std::move(options)), tapes_(std::move(tapes)) {}

  SpoutKind kind() const override { return options_.kind; }
  const SchemaRef& schema() const override { return schema_; }
  Status Resume(const std::vector<SourcePosition>& committed) override {
    MutexLock lock(mutex_);
    committed_.clear();
    for (const SourcePosition& at : committed) committed_[at.partition] = at.position;
    return absl::OkStatus();
  }
  StatusOr<std::vector<std::string>> Partitions() override {
    auto names = Guarded("Partitions", [&] { return tapes_->Partitions(); });
    if (!names.ok()) return Annotate(names.status(), Name());
    TRIDENT_RETURN_IF_ERROR(Annotate(Check(*names), Name()));
    return names;
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override {
    const std::string place = Concat(Name(), ", source partition \"", partition, "\"");
    auto tape = Guarded("Open", [&] { return tapes_->Open(partition, std::move(wake_up)); });
    if (!tape.ok()) return Annotate(tape.status(), place);
    if (*tape == nullptr) {
      return Internal(place, ": Open gave a null reader; return an error if there is none");
    }
    auto reader = std::make_unique<TapeReader>(TapeReaderSpec{place, schema_, options_.poll_nanos},
                                               *std::move(tape));
    if (const auto at = CommittedOf(partition)) {
      TRIDENT_RETURN_IF_ERROR(reader->ComeBackTo(*at));
    }
    return reader;
  }
  Backlog BacklogAfter(const std::string& partition, const Position& position) override {
    const auto backlog = Guarded("BacklogAfter", [&]() -> StatusOr<Backlog> {
      return tapes_->BacklogAfter(partition, position);
    });
    return backlog.ok() ? *backlog : Backlog();
  }
  PositionForm positions() const override { return tapes_->positions(); }
  Status CheckPosition(const std::string& /*partition*/, const Position& position) const override {
    return Guarded("FromText", [&] { return tapes_->CheckPosition(position); });
  }
  std::string Describe() const override { return options_.name; }

 private:
  std::string Name() const { return Concat("log \"", options_.name, "\""); }
  std::optional<Position> CommittedOf(const std::string& partition) const {
    MutexLock lock(mutex_);
    const auto found = committed_.find(partition);
    return found == committed_.end() ? std::nullopt : std::optional(found->second);
  }
  static Status Check(const std::vector<std::string>& names) {
    if (names.empty()) {
      return InvalidArgument("Partitions gave no source partitions; give one or more");
    }
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      if (seen.insert(name).second) continue;
      return InvalidArgument("Partitions gave the source partition \"", name,
                             "\" twice; positions are kept by these names");
    }
    return absl::OkStatus();
  }

  const SchemaRef schema_;
  const LogOptions options_;
  const std::unique_ptr<LogTapes> tapes_;

  mutable Mutex mutex_;
  std::map<std::string, Position> committed_ TRIDENT_GUARDED_BY(mutex_);  // when the run began
};

Status CheckOptions(const LogOptions& options) {
  if (options.name.empty()) {
    return InvalidArgument("a LogSpout needs a name for errors and Explain, got an empty one");
  }
  if (options.kind == SpoutKind::kNonTransactional) {
    return InvalidArgument("log \"", options.name,
                           "\" was said to be non-transactional, but a LogSpout reads positions "
                           "again; say transactional or opaque, or take a PullSpout");
  }
  if (options.poll_nanos < 0) {
    return InvalidArgument("log \"", options.name, "\": poll_nanos must be 0 or more, got ",
                           options.poll_nanos);
  }
  return absl::OkStatus();
}

}  // namespace

namespace log_internal {

StatusOr<std::shared_ptr<Spout>> MakeLogSpout(std::vector<SchemaField> fields, LogOptions options,
                                              std::unique_ptr<LogTapes> tapes) {
  TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, SchemaOfSpout("LogSpout", std::move(fields)));
  TRIDENT_RETURN_IF_ERROR(CheckOptions(options));
  if (tapes == nullptr) {
    return InvalidArgument("log \"", options.name, "\" needs a LogSource, got null");
  }
  return std::make_shared<TapesSpout>(std::move(schema), std::move(options), std::move(tapes));
}

Status NoSuchPosition(const Position& position) {
  return DataLoss("\"", position, "\" is no position of this source");
}

Status CannotStandAfter(const std::string& before, const std::string& behind) {
  return InvalidArgument("Next moved from \"", before, "\" to \"", behind,
                         "\"; it must go on to a position behind, which is not the beginning");
}

Status TooManyRows(size_t rows, LogTape::Ahead::Kind kind) {
  if (kind == Kind::kIdle || kind == Kind::kEnded) {
    return InvalidArgument("Next emitted ", rows, " rows and said ",
                           kind == Kind::kIdle ? "Idle" : "Ended",
                           "; say MovedTo the position behind a row");
  }
  return InvalidArgument("Next emitted ", rows,
                         " rows where at most 1 was expected; emit one a step, or unfold a record "
                         "in an Each behind the spout");
}

}  // namespace log_internal
}  // namespace trident
