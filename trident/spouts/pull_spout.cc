// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/pull_spout.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/spout.h"
#include "trident/spouts/content_bytes.h"
#include "trident/spouts/row_number.h"

#include "base/clock.h"

namespace trident {
namespace {

constexpr char kPartition[] = "pull";

// Keeps the rows that it pulled until they are committed.
class PullReader final : public SourceReader {
 public:
  PullReader(PullSpoutFill fill, Nanos poll_nanos)
      : fill_(std::move(fill)), poll_nanos_(poll_nanos) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, kPartition));
    AnchorAt(start);
    TRIDENT_RETURN_IF_ERROR(CheckKept(start));
    BatchLimits limits = request.limits;
    if (request.end != nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t end, RowOfPosition(*request.end, kPartition));
      TRIDENT_RETURN_IF_ERROR(CheckKept(end));
      limits.rows = std::min(limits.rows, end - std::min(start, end));
    } else if (start == next_) {
      Fill(limits.rows);
    }
    if (start == next_) return ReadResult{request.start, 0, 0, NextAt(start)};
    const auto behind = std::upper_bound(kept_.begin(), kept_.end(), start,
                                         [](uint64_t row, const Kept& k) { return row < k.first; });
    const Kept& kept = *std::prev(behind);
    const uint64_t place = start - kept.first;
    const ContentSize size = RowsWithin(kept.rows, place, limits);
    TRIDENT_RETURN_IF_ERROR(out.Emit(PartOf(kept.rows, place, size.rows)));
    const uint64_t end = start + size.rows;
    return ReadResult{PositionOfRow(end), size.rows, size.bytes, NextAt(end)};
  }
  // A function can only be asked by calling it; what it gives waits for Read.
  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t row, RowOfPosition(position, kPartition));
    const uint64_t at = is_anchored_ ? std::max(row, first_) : first_;
    if (at >= next_) Fill(kFrameRows);
    if (at < next_) return Availability{Availability::State::kReady, 0};
    if (pulled_ == Pulled::kEnd) return Availability{Availability::State::kEnded, 0};
    return Availability{Availability::State::kIdle, poll_nanos_};
  }
  void Committed(TxId /*txid*/, const Position& position) override {
    const StatusOr<uint64_t> end = RowOfPosition(position, kPartition);
    if (!end.ok() || !is_anchored_) return;
    first_ = std::max(first_, std::min(*end, next_));
    while (!kept_.empty() && kept_.front().first + kept_.front().rows.rows() <= first_) {
      kept_.pop_front();
    }
  }

 private:
  struct Kept {
    uint64_t first = 0;
    Slice rows;
  };

  // Rows may have been pulled before it was known where the numbers of this run begin.
  void AnchorAt(uint64_t start) {
    if (std::exchange(is_anchored_, true)) return;
    for (Kept& kept : kept_) kept.first += start;
    first_ += start;
    next_ += start;
  }
  Status CheckKept(uint64_t row) const {
    if (first_ <= row && row <= next_) return absl::OkStatus();
    return FailedPrecondition("rows of a function were asked for from number ", row,
                              " on, but those from ", first_, " to ", next_,
                              " are kept, and a PullSpout cannot go back");
  }
  void Fill(uint64_t rows) {
    if (pulled_ == Pulled::kEnd) return;
    Slice pulled;
    pulled_ = fill_(rows, &pulled);
    if (pulled.empty()) return;
    kept_.push_back({next_, std::move(pulled)});
    next_ += kept_.back().rows.rows();
  }
  static Slice PartOf(const Slice& all, uint64_t place, uint64_t rows) {
    if (rows == all.rows()) return all;
    std::vector<uint32_t> places(rows);
    std::iota(places.begin(), places.end(), static_cast<uint32_t>(place));
    return all.Gather(places);
  }
  ReadResult::Next NextAt(uint64_t at) const {
    if (at < next_ || pulled_ == Pulled::kMore) return ReadResult::Next::kMore;
    return pulled_ == Pulled::kEnd ? ReadResult::Next::kEnded : ReadResult::Next::kIdle;
  }

  const PullSpoutFill fill_;
  const Nanos poll_nanos_;
  Pulled pulled_ = Pulled::kMore;
  std::deque<Kept> kept_;  // without gaps
  bool is_anchored_ = false;
  uint64_t first_ = 0;  // all before it is committed, or of an earlier run
  uint64_t next_ = 0;   // the number of the next row that is pulled
};

class FunctionSpout final : public Spout {
 public:
  FunctionSpout(SchemaRef schema, PullOptions options, PullSpoutFill fill)
      : schema_(std::move(schema)), options_(options), fill_(std::move(fill)) {}

  SpoutKind kind() const override { return SpoutKind::kOpaque; }
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
