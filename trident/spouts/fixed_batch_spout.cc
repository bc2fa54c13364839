// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/fixed_batch_spout.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/spout.h"
#include "trident/spouts/content_bytes.h"
#include "trident/spouts/row_number.h"

namespace trident {
namespace {

constexpr char kPartition[] = "rows";

// Where a list of `length` rows is cut, for the row number `at` over all rounds.
class ListCuts {
 public:
  ListCuts(uint64_t length, uint64_t batch_rows, Cycle cycle)
      : length_(length), batch_rows_(batch_rows), cycle_(cycle) {}

  bool Ended(uint64_t at) const {
    return length_ == 0 || (cycle_ == Cycle::kOnce && at >= length_);
  }
  uint64_t PlaceInList(uint64_t at) const { return at % length_; }
  // The first cut behind `at`.
  uint64_t NextCut(uint64_t at) const {
    const uint64_t place = PlaceInList(at);
    return at - place + std::min((place / batch_rows_ + 1) * batch_rows_, length_);
  }

 private:
  uint64_t length_;
  uint64_t batch_rows_;
  Cycle cycle_;
};

class ListReader final : public SourceReader {
 public:
  ListReader(Slice rows, ListCuts cuts) : rows_(std::move(rows)), cuts_(cuts) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, kPartition));
    if (cuts_.Ended(start)) return ReadResult{request.start, 0, 0, ReadResult::Next::kEnded};
    uint64_t end =
        std::min(cuts_.NextCut(start), start + std::max<uint64_t>(request.limits.rows, 1));
    if (request.end != nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t exact, RowOfPosition(*request.end, kPartition));
      end = std::max(start, std::min(end, exact));
    }
    if (end == start) return ReadResult{request.start, 0, 0, NextAfter(start, end)};
    const uint64_t place = cuts_.PlaceInList(start);
    const ContentSize size = RowsWithin(rows_, place, {end - start, request.limits.bytes});
    end = start + size.rows;
    std::vector<uint32_t> places(size.rows);
    std::iota(places.begin(), places.end(), static_cast<uint32_t>(place));
    TRIDENT_RETURN_IF_ERROR(out.Emit(rows_.Gather(places)));
    return ReadResult{PositionOfRow(end), size.rows, size.bytes, NextAfter(start, end)};
  }
  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t at, RowOfPosition(position, kPartition));
    using State = Availability::State;
    return Availability{cuts_.Ended(at) ? State::kEnded : State::kReady, 0};
  }

 private:
  ReadResult::Next NextAfter(uint64_t start, uint64_t end) const {
    if (cuts_.Ended(end)) return ReadResult::Next::kEnded;
    return end == cuts_.NextCut(start) ? ReadResult::Next::kCut : ReadResult::Next::kMore;
  }

  const Slice rows_;
  const ListCuts cuts_;
};

class ListSpout final : public Spout {
 public:
  ListSpout(Slice rows, FixedBatchOptions options) : rows_(std::move(rows)), options_(options) {}

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return rows_.schema_ref(); }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{kPartition};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    return std::make_unique<ListReader>(
        rows_, ListCuts(rows_.rows(), options_.batch_rows, options_.cycle));
  }
  Backlog BacklogAfter(const std::string& /*partition*/, const Position& position) override {
    const StatusOr<uint64_t> at = RowOfPosition(position, kPartition);
    if (!at.ok() || options_.cycle == Cycle::kForever) return {};
    return Backlog::Rows(rows_.rows() - std::min<uint64_t>(*at, rows_.rows()));
  }
  PositionForm positions() const override { return RowNumbers(PositionForm::GoesBack::kYes); }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    TRIDENT_RETURN_IF_ERROR(CheckOnlyPartition(partition, kPartition));
    return RowOfPosition(position, partition).status();
  }
  std::string Describe() const override {
    return Concat("fixed rows (", rows_.rows(),
                  options_.cycle == Cycle::kForever ? ", forever)" : ")");
  }

 private:
  const Slice rows_;
  const FixedBatchOptions options_;
};

}  // namespace

StatusOr<std::shared_ptr<Spout>> FixedBatchSpout::Make(FixedBatchOptions options,
                                                       const Slice& rows) {
  TRIDENT_RETURN_IF_ERROR(CheckSchemaOfSpout("FixedBatchSpout", rows.schema_ref()));
  if (options.batch_rows == 0) {
    return InvalidArgument(
        "a FixedBatchSpout with batches of 0 rows would never emit; give 1 or more");
  }
  if (rows.rows() > std::numeric_limits<uint32_t>::max()) {
    return InvalidArgument("a FixedBatchSpout holds at most ", std::numeric_limits<uint32_t>::max(),
                           " rows, got ", rows.rows(), "; take a GeneratorSpout");
  }
  return std::make_shared<ListSpout>(rows.Compact(), options);
}

}  // namespace trident
