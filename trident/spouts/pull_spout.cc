// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/pull_spout.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>

#include "engine/spout.h"
#include "trident/spouts/content_bytes.h"
#include "trident/spouts/row_number.h"

#include "base/clock.h"

namespace trident {
namespace {

constexpr char kPartition[] = "pull";

class PullReader final : public SourceReader {
 public:
  PullReader(PullSpoutFill fill, Nanos poll_nanos)
      : fill_(std::move(fill)), poll_nanos_(poll_nanos) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, kPartition));
    if (request.end != nullptr) {
      return FailedPrecondition("rows of a function were asked for again, from number ", start,
                                " on, but a PullSpout cannot go back");
    }
    if (waiting_.empty()) Fill(request.limits.rows);
    if (waiting_.empty()) return ReadResult{request.start, 0, 0, NextNow()};
    const ContentSize size = RowsWithin(waiting_, 0, request.limits);
    TRIDENT_RETURN_IF_ERROR(out.Emit(TakeWaiting(size.rows)));
    return ReadResult{PositionOfRow(start + size.rows), size.rows, size.bytes, NextNow()};
  }
  // A function can only be asked by calling it; what it gives waits for Read.
  StatusOr<Availability> Poll(const Position& /*position*/) override {
    if (waiting_.empty()) Fill(kFrameRows);
    if (!waiting_.empty()) return Availability{Availability::State::kReady, 0};
    if (pulled_ == Pulled::kEnd) return Availability{Availability::State::kEnded, 0};
    return Availability{Availability::State::kIdle, poll_nanos_};
  }

 private:
  void Fill(uint64_t rows) {
    if (pulled_ != Pulled::kEnd) pulled_ = fill_(rows, &waiting_);
  }
  // The first `rows` of those that wait.
  Slice TakeWaiting(uint64_t rows) {
    if (rows == waiting_.rows()) return std::exchange(waiting_, Slice());
    std::vector<uint32_t> places(waiting_.rows());
    std::iota(places.begin(), places.end(), 0u);
    const Slice all = std::exchange(waiting_, Slice());
    waiting_ = all.Gather(std::span(places).subspan(rows));
    return all.Gather(std::span(places).first(rows));
  }
  ReadResult::Next NextNow() const {
    if (!waiting_.empty() || pulled_ == Pulled::kMore) return ReadResult::Next::kMore;
    return pulled_ == Pulled::kEnd ? ReadResult::Next::kEnded : ReadResult::Next::kIdle;
  }

  const PullSpoutFill fill_;
  const Nanos poll_nanos_;
  Pulled pulled_ = Pulled::kMore;
  Slice waiting_;
};

class FunctionSpout final : public Spout {
 public:
  FunctionSpout(SchemaRef schema, PullOptions options, PullSpoutFill fill)
      : schema_(std::move(schema)), options_(options), fill_(std::move(fill)) {}

  SpoutKind kind() const override { return SpoutKind::kNonTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{kPartition};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    return std::make_unique<PullReader>(fill_, options_.poll_nanos);
  }
  PositionForm positions() const override { return RowNumbers(PositionForm::GoesBack::kNo); }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    TRIDENT_RETURN_IF_ERROR(CheckOnlyPartition(partition, kPartition));
    return RowOfPosition(position, partition).status();
  }
  std::string Describe() const override { return "pull"; }

 private:
  const SchemaRef schema_;
  const PullOptions options_;
  const PullSpoutFill fill_;
};

}  // namespace

StatusOr<std::shared_ptr<Spout>> PullSpout::MakeOf(SchemaRef schema, PullOptions options,
                                                   PullSpoutFill fill) {
  if (options.poll_nanos < 1) {
    return InvalidArgument("the poll_nanos of a PullSpout must be at least 1, got ",
                           options.poll_nanos, "; a function that had nothing is asked so often");
  }
  return std::make_shared<FunctionSpout>(std::move(schema), options, std::move(fill));
}

}  // namespace trident
