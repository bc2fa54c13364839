// SPDX-License-Identifier: Apache-2.0
//
// FixedBatchSpout: a given list of rows in batches of given size, once or over and over. For tests
// and first steps (after Trident's FixedBatchSpout).
//
//   constexpr Field<Text> kSentence{"sentence"};
//   topology.NewStream("sentences",
//                      FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
//                                            {{"the cow"}, {"the man"}, {"the moon"}}));
#ifndef TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_

#include <memory>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "engine/data/field.h"
#include "engine/data/slice.h"
#include "trident/spouts/owned_rows.h"
#include "trident/spouts/spout_fields.h"

namespace trident {

class Spout;

enum class Cycle : uint8_t {
  kOnce,     // the spout ends behind the last row
  kForever,  // then comes the first row again
};

struct FixedBatchOptions {
  uint64_t batch_rows = kBatchRowsMaxDefault;
  Cycle cycle = Cycle::kOnce;
};

// A transactional spout with one source partition, "rows", whose positions count rows over all
// rounds. The backlog is in rows; it is unknown if they come forever.
//
// A batch holds up to `batch_rows` rows, and never wraps around the end of the list: 5 rows in
// batches of 3 come as 3, 2, 3, 2, ... If a retry splits a batch, the batch after the shrunken one
// ends where the whole one would have ended.
class FixedBatchSpout {
 public:
  // InvalidArgument if there are no fields, two have one name, or batch_rows is 0.
  template <class... Ts>
  static StatusOr<std::shared_ptr<Spout>> Make(FieldList<Ts...> fields, FixedBatchOptions options,
                                               std::vector<OwnedRow<Ts...>> rows) {
    TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, SchemaOfSpout("FixedBatchSpout", fields.Describe()));
    auto kept = std::make_shared<const std::vector<OwnedRow<Ts...>>>(std::move(rows));
    OwnedRowColumns<Ts...> columns;
    for (const auto& row : *kept) columns.Append(row);
    return Make(options, columns.Finish(std::move(schema), {kept}));
  }
  // The same, for rows that are in columns already.
  static StatusOr<std::shared_ptr<Spout>> Make(FixedBatchOptions options, const Slice& rows);

  FixedBatchSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_
