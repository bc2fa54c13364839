// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_spout.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "engine/spout.h"
#include "trident/spouts/left_out_lines.h"
#include "trident/spouts/pipe_text.h"
#include "trident/spouts/row_number.h"
#include "trident/spouts/spout_fields.h"
#include "trident/spouts/text_lines.h"

namespace trident {
namespace {

constexpr char kPartition[] = "pipe";

// Positions count the bytes of all runs. What was read is kept until it is committed, so a batch
// that fails is made again with the same lines.
class TextPipeReader final : public SourceReader {
 public:
  TextPipeReader(const TextPipeOptions& options, SchemaRef schema, std::shared_ptr<PipeText> text,
                 std::shared_ptr<std::atomic<uint64_t>> left)
      : options_(options),
        schema_(std::move(schema)),
        text_(std::move(text)),
        left_(std::move(left)),
        lines_({text_, 0}, options_.rules, options_.read_bytes, options_.counts.get()) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, kPartition));
    if (!first_) first_ = start;
    TRIDENT_RETURN_IF_ERROR(CheckKept(start));
    std::optional<uint64_t> end;
    if (request.end != nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(end, RowOfPosition(*request.end, kPartition));
      TRIDENT_RETURN_IF_ERROR(CheckKept(*end));
      *end -= *first_;
    }
    LineSlice slice(request.limits.rows, request.limits.bytes);
    const uint64_t from = start - *first_;
    uint64_t at = from;
    const bool had_end = text_->end().has_value();
    Status status = lines_.Read(at, end, slice);
    // A last line without an end is one since the end was found.
    const bool has_end_now = !had_end && text_->end().has_value();
    if (status.ok() && at == from && has_end_now) status = lines_.Read(at, end, slice);
    if (!status.ok() && at == from && !WaitsForCommit(at)) return status;
    read_to_ = std::max(read_to_, at);
    ReadResult result{
        .end = PositionOfRow(*first_ + at), .rows = slice.rows(), .bytes = slice.bytes()};
    if (result.rows > 0) {
      TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(schema_, {slice.Finish()}, result.rows)));
    }
    if (status.ok()) result.refused = lines_.refused();
    TRIDENT_ASSIGN_OR_RETURN(result.next, NextAt(at));
    return result;
  }
  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t from, RowOfPosition(position, kPartition));
    const uint64_t at = from - std::min(from, first_.value_or(from));
    TRIDENT_ASSIGN_OR_RETURN(const ReadResult::Next next, NextAt(std::max(at, committed_)));
    if (next == ReadResult::Next::kMore) return Availability{Availability::State::kReady, 0};
    if (next == ReadResult::Next::kEnded) return Availability{Availability::State::kEnded, 0};
    return Availability{Availability::State::kIdle, options_.poll_nanos};
  }
  void Committed(TxId /*txid*/, const Position& position) override {
    const StatusOr<uint64_t> end = RowOfPosition(position, kPartition);
    if (!end.ok() || !first_ || *end < *first_) return;
    committed_ = std::max(committed_, *end - *first_);
    text_->LetGo(committed_);
    lines_.Release(committed_);
  }

 private:
  Status CheckKept(uint64_t position) const {
    const uint64_t kept_from = *first_ + committed_, kept_to = *first_ + read_to_;
    if (kept_from <= position && position <= kept_to) return absl::OkStatus();
    return FailedPrecondition("lines of the pipe \"", options_.path, "\" were asked for from byte ",
                              position, " on, but those of the bytes ", kept_from, " to ", kept_to,
                              " are kept, and a pipe cannot go back");
  }
  // An error of what stands at `at` is none of the lines before it, but it ends the run, and would
  // take them along while they are not committed. So it is told when they are.
  bool WaitsForCommit(uint64_t at) const { return at > committed_; }
  StatusOr<ReadResult::Next> NextAt(uint64_t at) {
    const auto more = lines_.HasMore(at);
    if (!more.ok() && WaitsForCommit(at)) return ReadResult::Next::kIdle;
    if (!more.ok()) return more.status();
    if (*more) return ReadResult::Next::kMore;
    // The end may have been found just now.
    const std::optional<uint64_t> end = text_->end();
    if (!end) return ReadResult::Next::kIdle;
    *left_ = text_->bytes_without_end() > 0 ? 1 : 0;
    return at < *end ? ReadResult::Next::kMore : ReadResult::Next::kEnded;
  }

  const TextPipeOptions options_;
  const SchemaRef schema_;
  const std::shared_ptr<PipeText> text_;
  const std::shared_ptr<std::atomic<uint64_t>> left_;
  TextLines lines_;
  std::optional<uint64_t> first_;  // the position of this run's first byte
  // Bytes of this run. What lies between them is kept.
  uint64_t committed_ = 0;
  uint64_t read_to_ = 0;
};

class TextPipe final : public Spout {
 public:
  TextPipe(TextPipeOptions options, SchemaRef schema)
      : options_(std::move(options)), schema_(std::move(schema)) {}

  SpoutKind kind() const override { return SpoutKind::kOpaque; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{kPartition};
  }
  bool ReadsInOneProcess() const override { return true; }
  std::string Rules() const override {
    return Concat("follow ", static_cast<int>(options_.follow), ", last line ",
                  static_cast<int>(options_.last_line), ", ", RulesText(options_.rules));
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    TRIDENT_ASSIGN_OR_RETURN(auto text, PipeText::Open(options_));
    TRIDENT_LOG(WARN) << "\"" << options_.path << "\" cannot be read again: each of its lines "
                      << "counts once while this process lives, and those that were read and not "
                      << "committed when it ends are lost";
    return std::make_unique<TextPipeReader>(options_, schema_, std::move(text), left_);
  }
  PositionForm positions() const override {
    return {.pattern = "N", .counts = "byte", .goes_back = PositionForm::GoesBack::kNo};
  }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    TRIDENT_RETURN_IF_ERROR(CheckOnlyPartition(partition, kPartition));
    return RowOfPosition(position, partition).status();
  }
  SpoutCounts Counts() const override {
    return {.skipped = options_.counts->skipped_lines,
            .repaired = options_.counts->replaced_lines,
            .left = *left_};
  }
  std::vector<std::string> LeftOut() const override {
    LeftOutLines left, skipped;
    left.Add(options_.path, *left_);
    skipped.Add(options_.path, options_.counts->skipped_lines);
    std::vector<std::string> out;
    if (!left.empty()) {
      out.push_back(left.ToString("without an end, the last of", "it is lost with the pipe"));
    }
    if (!skipped.empty()) {
      out.push_back(skipped.ToString("left out as too long or no UTF-8, of", kCountedAgain));
    }
    return out;
  }
  std::string Describe() const override {
    return Concat("text pipe ", options_.path, ", each line once while the process lives");
  }

 private:
  const TextPipeOptions options_;
  const SchemaRef schema_;
  // Last lines without an end.
  const std::shared_ptr<std::atomic<uint64_t>> left_ = std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace

StatusOr<std::shared_ptr<Spout>> TextPipeSpout::Make(TextPipeOptions options) {
  if (options.path.empty()) {
    return InvalidArgument("a TextPipeSpout needs the path of a pipe, or \"-\", got none");
  }
  if (options.read_bytes == 0 || options.poll_nanos < 1) {
    return InvalidArgument("read_bytes and poll_nanos must be at least 1, got ", options.read_bytes,
                           " and ", options.poll_nanos);
  }
  TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema,
                           SchemaOfSpout("TextPipeSpout", {{options.field, &TypeOf<Text>()}}));
  if (options.counts == nullptr) options.counts = std::make_shared<TextCounts>();
  return std::make_shared<TextPipe>(std::move(options), std::move(schema));
}

}  // namespace trident
