// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_spout.h"

#include <atomic>
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

// Positions count the bytes of all runs.
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
    if (request.end != nullptr) {
      return FailedPrecondition("lines of the pipe \"", options_.path, "\" were asked for again, ",
                                "from byte ", start, " on, but a pipe cannot go back");
    }
    LineSlice slice(request.limits.rows, request.limits.bytes);
    const uint64_t before = at_;
    const bool had_end = text_->end().has_value();
    TRIDENT_RETURN_IF_ERROR(lines_.Read(at_, std::nullopt, slice));
    // A last line without an end is one since the end was found.
    const bool has_end_now = !had_end && text_->end().has_value();
    if (at_ == before && has_end_now) {
      TRIDENT_RETURN_IF_ERROR(lines_.Read(at_, std::nullopt, slice));
    }
    text_->LetGo(at_);
    ReadResult result{
        .end = PositionOfRow(start + (at_ - before)), .rows = slice.rows(), .bytes = slice.bytes()};
    if (result.rows > 0) {
      TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(schema_, {slice.Finish()}, result.rows)));
    }
    result.refused = lines_.refused();
    // An error of what comes next is no error of these lines: their batch ends here, and the next
    // one meets it.
    const auto next = NextNow();
    if (!next.ok() && at_ == before) return next.status();
    result.next = next.ok() ? *next : ReadResult::Next::kCut;
    return result;
  }
  StatusOr<Availability> Poll(const Position& /*position*/) override {
    TRIDENT_ASSIGN_OR_RETURN(const ReadResult::Next next, NextNow());
    if (next == ReadResult::Next::kMore) return Availability{Availability::State::kReady, 0};
    if (next == ReadResult::Next::kEnded) return Availability{Availability::State::kEnded, 0};
    return Availability{Availability::State::kIdle, options_.poll_nanos};
  }
  void Committed(TxId /*txid*/, const Position& /*position*/) override { lines_.Release(at_); }

 private:
  StatusOr<ReadResult::Next> NextNow() {
    TRIDENT_ASSIGN_OR_RETURN(const bool more, lines_.HasMore(at_));
    if (more) return ReadResult::Next::kMore;
    // The end may have been found just now.
    const std::optional<uint64_t> end = text_->end();
    if (!end) return ReadResult::Next::kIdle;
    *left_ = text_->bytes_without_end() > 0 ? 1 : 0;
    return at_ < *end ? ReadResult::Next::kMore : ReadResult::Next::kEnded;
  }

  const TextPipeOptions options_;
  const SchemaRef schema_;
  const std::shared_ptr<PipeText> text_;
  const std::shared_ptr<std::atomic<uint64_t>> left_;
  TextLines lines_;
  uint64_t at_ = 0;  // in this run
};

class TextPipe final : public Spout {
 public:
  TextPipe(TextPipeOptions options, SchemaRef schema)
      : options_(std::move(options)), schema_(std::move(schema)) {}

  SpoutKind kind() const override { return SpoutKind::kNonTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{kPartition};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    TRIDENT_ASSIGN_OR_RETURN(auto text, PipeText::Open(options_));
    TRIDENT_LOG(WARN)
        << "\"" << options_.path << "\" cannot be read again: each of its lines "
        << "counts at most once. Those of a batch that fails are lost, and those that "
        << "were read and not committed when the program stops";
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
    return Concat("text pipe ", options_.path, ", each line at most once");
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
