// SPDX-License-Identifier: Apache-2.0
//
// LogSpout: the rows of a source that has positions of its own (trident/spouts/log_source.h).
//
//   topology.NewStream("ledger",
//                      LogSpout::Make(Fields(kUser, kAmount),
//                                     {.name = "ledger", .kind = SpoutKind::kTransactional},
//                                     std::make_shared<LedgerLog>(ledger)));
#ifndef TRIDENT_TRIDENT_SPOUTS_LOG_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_LOG_SPOUT_H_

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/source.h"
#include "base/status.h"
#include "engine/data/field.h"
#include "trident/spouts/log_source.h"
#include "trident/spouts/log_tape.h"

namespace trident {

class Spout;

struct LogOptions {
  // The name that Explain and errors call it by.
  std::string name = "log";
  // The promise of the source. kTransactional: from one position to another there are always the
  // same rows, as in a log that is only appended to. kOpaque promises less: there may be other rows
  // the next time, as long as no row is at two places. It is for a source whose rows are compacted,
  // changed or served by replicas that disagree. A source that cannot go back has no positions: use
  // PullSpout.
  SpoutKind kind = SpoutKind::kOpaque;
  // How often an idle source partition is asked. 0: only when the source calls its WakeUp.
  Nanos poll_nanos = kSpoutPollNanosDefault;
};

namespace log_internal {

// The part of LogSpout::Make that knows no types. Checks all options, and that there is a source.
StatusOr<std::shared_ptr<Spout>> MakeLogSpout(std::vector<SchemaField> fields, LogOptions options,
                                              std::unique_ptr<LogTapes> tapes);
Status NoSuchPosition(const Position& position);
Status CannotStandAfter(const std::string& before, const std::string& behind);
Status TooManyRows(size_t rows, LogTape::Ahead::Kind kind);

template <class At>
StatusOr<At> AtOf(const Position& position) {
  if (position.empty()) return At();
  std::optional<At> at = LogPosition<At>::FromText(position);
  if (!at) return NoSuchPosition(position);
  return *std::move(at);
}
template <class At>
Position TextOf(const At& at) {
  return at == At() ? Position() : LogPosition<At>::ToText(at);
}

template <class Source, class... Ts>
class TypedTape final : public LogTape {
 public:
  using At = typename Source::At;
  using Reader = typename Source::Reader;

  TypedTape(std::shared_ptr<Source> source, std::unique_ptr<Reader> reader)
      : source_(std::move(source)), reader_(std::move(reader)) {}

  Status Seek(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(At at, AtOf<At>(position));
    if (stands_ && at == at_) return absl::OkStatus();
    Forget();
    at_ = std::move(at);
    TRIDENT_RETURN_IF_ERROR(reader_->Seek(at_));
    stands_ = true;
    return absl::OkStatus();
  }

  StatusOr<Ahead> Peek() override {
    if (ahead_) return ahead_->what;
    const size_t rows_before = emit_.rows();
    TRIDENT_ASSIGN_OR_RETURN(LogStep<At> step, reader_->Next(emit_));
    Ahead what;
    what.kind = static_cast<Ahead::Kind>(step.kind());
    what.rows = emit_.rows() - rows_before;
    const bool moved = what.kind == Ahead::Kind::kMoved || what.kind == Ahead::Kind::kCut;
    if (what.rows > (moved ? 1u : 0u)) return TooManyRows(what.rows, what.kind);
    if (!moved) return what;
    if (!Follows(step.behind())) {
      return CannotStandAfter(LogPosition<At>::ToText(at_), LogPosition<At>::ToText(step.behind()));
    }
    if (what.rows > 0) what.bytes = emit_.LastRowBytes();
    ahead_ = {what, step.behind()};
    return what;
  }
  void Accept() override {
    at_ = std::move(ahead_->behind);
    ahead_.reset();
  }
  Slice Take(const SchemaRef& schema) override {
    const size_t rows = emit_.rows();
    return Slice(schema, emit_.Take({}), rows);
  }
  void Forget() override {
    stands_ = false;
    ahead_.reset();
    emit_.Take({});
  }

  Position position() const override { return TextOf(at_); }
  Status SetEnd(const Position* end) override {
    end_.reset();
    if (end == nullptr) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(end_, AtOf<At>(*end));
    return absl::OkStatus();
  }
  Place PlaceToEnd() const override {
    if (!end_) return Place::kBefore;
    if (at_ == *end_) return Place::kAt;
    if constexpr (OrderedLogPosition<At>) {
      if (*end_ < at_) return Place::kBehind;
    }
    return Place::kBefore;
  }
  Status Committed(TxId txid, const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const At at, AtOf<At>(position));
    reader_->Committed(txid, at);
    return absl::OkStatus();
  }

 private:
  struct Step {
    Ahead what;
    At behind;
  };

  bool Follows(const At& behind) const {
    if constexpr (OrderedLogPosition<At>) {
      return at_ < behind;
    } else {
      return behind != at_ && behind != At();
    }
  }

  const std::shared_ptr<Source> source_;  // outlives its reader
  const std::unique_ptr<Reader> reader_;
  Emit<Ts...> emit_;
  At at_ = At();
  bool stands_ = false;
  std::optional<Step> ahead_;
  std::optional<At> end_;
};

template <class Source, class... Ts>
class TypedTapes final : public LogTapes {
 public:
  using At = typename Source::At;
  explicit TypedTapes(std::shared_ptr<Source> source) : source_(std::move(source)) {}

  StatusOr<std::vector<std::string>> Partitions() override { return source_->Partitions(); }
  StatusOr<std::unique_ptr<LogTape>> Open(const std::string& partition,
                                          std::function<void()> wake_up) override {
    TRIDENT_ASSIGN_OR_RETURN(auto reader, source_->Open(partition, std::move(wake_up)));
    if (reader == nullptr) return std::unique_ptr<LogTape>();
    return std::make_unique<TypedTape<Source, Ts...>>(source_, std::move(reader));
  }
  Backlog BacklogAfter(const std::string& partition, const Position& position) override {
    const StatusOr<At> at = AtOf<At>(position);
    return at.ok() ? source_->BacklogAfter(partition, *at) : Backlog();
  }
  PositionForm positions() const override {
    const bool is_number = std::same_as<At, int64_t> || std::same_as<At, uint64_t>;
    return {.pattern = is_number ? "[-]N" : "", .goes_back = PositionForm::GoesBack::kYes};
  }
  Status CheckPosition(const Position& position) const override {
    return AtOf<At>(position).status();
  }

 private:
  const std::shared_ptr<Source> source_;
};

}  // namespace log_internal

class LogSpout {
 public:
  // A spout over `source`, which it shares. `Source` is derived from LogSource<At, Ts...>, where
  // the Ts are the types of the fields, in their order.
  // InvalidArgument if there are no fields, two have one name, there is no source or no name, kind
  // is kNonTransactional, or poll_nanos is below 0.
  template <class... Ts, class Source>
  static StatusOr<std::shared_ptr<Spout>> Make(FieldList<Ts...> fields, LogOptions options,
                                               std::shared_ptr<Source> source) {
    static_assert(std::derived_from<Source, LogSource<typename Source::At, Ts...>>,
                  "LogSpout::Make takes a source derived from LogSource<At, Ts...>, where Ts are "
                  "the types of the given fields in their order");
    using Typed = LogSource<typename Source::At, Ts...>;
    std::unique_ptr<LogTapes> tapes;
    if (source != nullptr) {
      tapes = std::make_unique<log_internal::TypedTapes<Typed, Ts...>>(std::move(source));
    }
    return log_internal::MakeLogSpout(fields.Describe(), std::move(options), std::move(tapes));
  }

  LogSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_LOG_SPOUT_H_
