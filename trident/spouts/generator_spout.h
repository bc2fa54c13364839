// SPDX-License-Identifier: Apache-2.0
//
// GeneratorSpout: rows that are a pure function of (seed, source partition, index). For tests,
// simulations and benchmarks: any range can be read again anywhere, at no cost in memory.
//
//   auto spout = GeneratorSpout::OfRows(
//       Fields(kUser, kAmount), {.partitions = 4, .rows_per_partition = 1000, .seed = 7},
//       [](const GeneratedRow& row, Emit<int64_t, double>& emit) {
//         Rng rng = row.rng();
//         emit(rng.Below(100), rng.Unit());
//       });
#ifndef TRIDENT_TRIDENT_SPOUTS_GENERATOR_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_GENERATOR_SPOUT_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "engine/spout.h"
#include "trident/functions/emit.h"

namespace trident {

struct GeneratorOptions {
  static constexpr uint64_t kEndless = ~uint64_t{0};

  uint32_t partitions = 1;
  uint64_t rows_per_partition = kEndless;
  uint64_t seed = 1;
};

// Which row is to be made.
struct GeneratedRow {
  uint64_t seed = 0;
  uint32_t partition = 0;
  uint64_t index = 0;
  // A generator for this row alone.
  Rng rng() const { return Rng(Mix64(Mix64(seed + partition) ^ index)); }
};

// Rows [first, first + rows) of a source partition.
struct GeneratedRange {
  uint64_t seed = 0;
  uint32_t partition = 0;
  uint64_t first = 0;
  uint64_t rows = 0;
};
struct GeneratedSlice {
  Slice slice;         // exactly the rows asked for
  uint64_t bytes = 0;  // of their content
};
// Makes a whole slice at once. Called from several threads; must be pure.
using SliceFunction = std::function<StatusOr<GeneratedSlice>(const GeneratedRange&)>;

// Transactional. Source partitions are called by their number; positions count rows. The byte limit
// of a batch is kept by the average of the slice before. Thread-safe.
class GeneratorSpout final : public Spout {
 public:
  // `name` is what Explain shows. InvalidArgument: no partitions.
  static StatusOr<std::shared_ptr<GeneratorSpout>> OfSlices(std::string name, SchemaRef schema,
                                                            GeneratorOptions options,
                                                            SliceFunction make);

  // `make(row, emit)` emits exactly one row, whose text is copied. Called from several threads.
  // InvalidArgument: no partitions, or two fields of one name.
  template <class... Ts, class MakeRow>
  static StatusOr<std::shared_ptr<GeneratorSpout>> OfRows(FieldList<Ts...> fields,
                                                          GeneratorOptions options, MakeRow make) {
    static_assert(std::is_invocable_v<const MakeRow&, const GeneratedRow&, Emit<Ts...>&>,
                  "GeneratorSpout::OfRows takes a function of (const GeneratedRow&, Emit<Ts...>&)");
    TRIDENT_ASSIGN_OR_RETURN(Schema made, Schema::Make(fields.Describe()));
    auto schema = std::make_shared<Schema>(std::move(made));
    return OfSlices("generator", schema, options,
                    [schema, make = std::move(make)](const GeneratedRange& range) {
                      return RowByRow<MakeRow, Ts...>(schema, make, range);
                    });
  }

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  // Rows; unknown if there is no end.
  Backlog BacklogAfter(const std::string& partition, const Position& position) override;
  std::string Describe() const override;

 private:
  GeneratorSpout(std::string name, SchemaRef schema, GeneratorOptions options, SliceFunction make);

  template <class MakeRow, class... Ts>
  static StatusOr<GeneratedSlice> RowByRow(const SchemaRef& schema, const MakeRow& make,
                                           const GeneratedRange& range) {
    Emit<Ts...> emit;
    for (uint64_t i = 0; i < range.rows; ++i) {
      make(GeneratedRow{range.seed, range.partition, range.first + i}, emit);
      if (emit.rows() == i + 1) continue;
      return InvalidArgument("the generator's function left ", emit.rows(), " rows where ", i + 1,
                             " were expected, at index ", range.first + i, " of partition ",
                             range.partition, "; it must emit exactly one row each time");
    }
    const std::vector<ColumnRef> columns = emit.Take({});
    GeneratedSlice made{Slice(schema, columns, range.rows), 0};
    made.bytes = ContentBytes(made.slice);
    return made;
  }
  static uint64_t ContentBytes(const Slice& slice);

  const std::string name_;
  const SchemaRef schema_;
  const GeneratorOptions options_;
  const SliceFunction make_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_GENERATOR_SPOUT_H_
