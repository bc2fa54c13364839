// SPDX-License-Identifier: Apache-2.0
//
// GeneratorSpout: rows that are a pure function of (seed, source partition, index). For tests,
// simulations and benchmarks: any range can be read again anywhere, at no cost in memory.
//
//   auto spout = GeneratorSpout::Make(
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

#include "base/limits.h"
#include "base/rng.h"
#include "base/status.h"
#include "engine/data/field.h"
#include "engine/data/slice.h"
#include "trident/functions/emit.h"
#include "trident/spouts/spout_fields.h"

namespace trident {

class Spout;

struct GeneratorOptions {
  static constexpr uint64_t kEndless = ~uint64_t{0};

  uint32_t partitions = 1;  // 1 to kGeneratorPartitionsMax
  uint64_t rows_per_partition = kEndless;
  uint64_t seed = 1;
  std::string name = "generator";  // what Explain shows
};

// The row that is to be made.
struct GeneratedRow {
  uint64_t seed = 0;
  uint32_t partition = 0;
  uint64_t index = 0;
  // A random generator for this row alone.
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
// Makes a whole slice at once, with the spout's fields. Called from several threads; must be pure.
using SliceFunction = std::function<StatusOr<GeneratedSlice>(const GeneratedRange&)>;

// A transactional spout. The name of a source partition is its number; positions count rows. To
// keep the byte limit of a batch, rows are taken to be as large as those of the slice before were
// on average. The backlog is in rows; it is unknown if there is no end.
class GeneratorSpout {
 public:
  // `make(row, emit)` emits exactly one row, whose text is copied. Called from several threads.
  // InvalidArgument if there are no fields, two have one name, or partitions or name are out of
  // their bounds.
  template <class... Ts, class MakeRow>
  static StatusOr<std::shared_ptr<Spout>> Make(FieldList<Ts...> fields, GeneratorOptions options,
                                               MakeRow make) {
    static_assert(std::is_invocable_v<const MakeRow&, const GeneratedRow&, Emit<Ts...>&>,
                  "GeneratorSpout::Make takes a function of (const GeneratedRow&, Emit<Ts...>&)");
    TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, SchemaOfSpout("GeneratorSpout", fields.Describe()));
    return Make(schema, std::move(options),
                [schema, make = std::move(make)](const GeneratedRange& range) {
                  return RowByRow<MakeRow, Ts...>(schema, make, range);
                });
  }
  // The same with a function that makes whole slices. InvalidArgument also if `make` is empty.
  static StatusOr<std::shared_ptr<Spout>> Make(SchemaRef schema, GeneratorOptions options,
                                               SliceFunction make);

  GeneratorSpout() = delete;

 private:
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
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_GENERATOR_SPOUT_H_
