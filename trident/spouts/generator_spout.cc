// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/generator_spout.h"

#include <algorithm>

#include "engine/spout.h"
#include "trident/spouts/row_number.h"

namespace trident {
namespace {

// What a row is taken to hold before the first slice has shown it.
constexpr uint64_t kRowBytesGuess = 16;

class RangeReader final : public SourceReader {
 public:
  RangeReader(uint32_t partition, SchemaRef schema, const GeneratorOptions& options,
              SliceFunction make)
      : partition_(partition),
        name_(std::to_string(partition)),
        schema_(std::move(schema)),
        options_(options),
        make_(std::move(make)) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, name_));
    const uint64_t left =
        options_.rows_per_partition - std::min(start, options_.rows_per_partition);
    const uint64_t fit = std::max<uint64_t>(request.limits.bytes / row_bytes_, 1);
    uint64_t rows = std::min({left, fit, std::max<uint64_t>(request.limits.rows, 1)});
    if (request.end != nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t end, RowOfPosition(*request.end, name_));
      rows = std::min(rows, end - std::min(start, end));
    }
    if (rows == 0) return ReadResult{request.start, 0, 0, NextAfter(start)};
    TRIDENT_ASSIGN_OR_RETURN(const GeneratedSlice made,
                             make_({options_.seed, partition_, start, rows}));
    if (made.slice.rows() != rows) {
      return Internal("the generator made ", made.slice.rows(), " rows where ", rows,
                      " were asked for");
    }
    if (made.slice.schema_ref() != schema_ && made.slice.schema() != *schema_) {
      return InvalidArgument("the generator made rows of ", made.slice.schema().ToString(),
                             ", but its fields are ", schema_->ToString(),
                             "; make them with the schema that was given");
    }
    row_bytes_ = std::max<uint64_t>(made.bytes / rows, 1);
    TRIDENT_RETURN_IF_ERROR(out.Emit(made.slice));
    return ReadResult{PositionOfRow(start + rows), rows, made.bytes, NextAfter(start + rows)};
  }
  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t at, RowOfPosition(position, name_));
    using State = Availability::State;
    return Availability{at < options_.rows_per_partition ? State::kReady : State::kEnded, 0};
  }

 private:
  ReadResult::Next NextAfter(uint64_t row) const {
    return row < options_.rows_per_partition ? ReadResult::Next::kMore : ReadResult::Next::kEnded;
  }

  const uint32_t partition_;
  const std::string name_;
  const SchemaRef schema_;
  const GeneratorOptions options_;
  const SliceFunction make_;
  uint64_t row_bytes_ = kRowBytesGuess;
};

class RangeSpout final : public Spout {
 public:
  RangeSpout(SchemaRef schema, GeneratorOptions options, SliceFunction make)
      : schema_(std::move(schema)), options_(std::move(options)), make_(std::move(make)) {}

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  std::string Rules() const override {
    return Concat(options_.partitions, " partitions of ", options_.rows_per_partition,
                  " rows, seed ", options_.seed);
  }
  StatusOr<std::vector<std::string>> Partitions() override {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < options_.partitions; ++i) names.push_back(std::to_string(i));
    return names;
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp /*wake_up*/) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t number, RowOfPosition(partition, partition));
    if (number >= options_.partitions) {
      return NotFound("the generator has no source partition ", number, "; there are ",
                      options_.partitions, ", numbered from 0");
    }
    return std::make_unique<RangeReader>(static_cast<uint32_t>(number), schema_, options_, make_);
  }
  Backlog BacklogAfter(const std::string& partition, const Position& position) override {
    const StatusOr<uint64_t> at = RowOfPosition(position, partition);
    const uint64_t rows = options_.rows_per_partition;
    if (!at.ok() || rows == GeneratorOptions::kEndless) return {};
    return Backlog::Rows(rows - std::min(*at, rows));
  }
  PositionForm positions() const override { return RowNumbers(PositionForm::GoesBack::kYes); }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    if (!RowOfPosition(partition, partition).ok()) {
      return DataLoss("there is a position of the source partition \"", partition,
                      "\", expected those of a generator, which are numbers");
    }
    return RowOfPosition(position, partition).status();
  }
  std::string Describe() const override {
    return Concat(options_.name, " (", options_.partitions,
                  options_.partitions == 1 ? " partition)" : " partitions)");
  }

 private:
  const SchemaRef schema_;
  const GeneratorOptions options_;
  const SliceFunction make_;
};

}  // namespace

StatusOr<std::shared_ptr<Spout>> GeneratorSpout::Make(SchemaRef schema, GeneratorOptions options,
                                                      SliceFunction make) {
  TRIDENT_RETURN_IF_ERROR(CheckSchemaOfSpout("GeneratorSpout", schema));
  if (options.partitions == 0) {
    return InvalidArgument("a generator of 0 source partitions would never emit; give 1 or more");
  }
  if (options.partitions > static_cast<uint32_t>(kGeneratorPartitionsMax)) {
    return InvalidArgument("a generator may have 1 to ", kGeneratorPartitionsMax,
                           " source partitions, got ", options.partitions);
  }
  if (options.name.empty()) {
    return InvalidArgument("a generator needs a name for Explain, got an empty one");
  }
  if (!make) return InvalidArgument("a generator needs a function that makes rows, got none");
  return std::make_shared<RangeSpout>(std::move(schema), std::move(options), std::move(make));
}

uint64_t GeneratorSpout::ContentBytes(const Slice& slice) {
  uint64_t bytes = 0;
  for (const ColumnRef& column : slice.columns()) {
    if (column->type().kind == TypeKind::kText) {
      for (Text text : As<Text>(*column).values()) bytes += text.size();
    } else if (column->type().kind == TypeKind::kBytes) {
      for (Bytes value : As<Bytes>(*column).values()) bytes += value.view.size();
    } else {
      bytes += column->ValueBytes();
    }
  }
  return bytes;
}

}  // namespace trident
