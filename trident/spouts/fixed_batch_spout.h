// SPDX-License-Identifier: Apache-2.0
//
// FixedBatchSpout: a given list of rows in batches of given size, once or over and over. For tests
// and first steps (after Trident's FixedBatchSpout).
//
//   constexpr Field<Text> kSentence{"sentence"};
//   topology.NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), 3,
//                                                         {{"the cow"}, {"the man"}, {"the
//                                                         moon"}}));
#ifndef TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/spout.h"
#include "trident/spouts/owned_rows.h"

namespace trident {

enum class Cycle : uint8_t {
  kOnce,     // the spout ends behind the last row
  kForever,  // then comes the first row again
};

// Transactional, one source partition "rows", whose positions count rows over all rounds.
// Thread-safe.
class FixedBatchSpout final : public Spout {
 public:
  // A batch holds up to `batch_rows` rows, and never wraps around the end of the list: 5 rows in
  // batches of 3 come as 3, 2, 3, 2, ... A retry that shrinks the batch splits it, and the batch
  // after it ends again where it would have ended.
  // InvalidArgument: two fields of one name, or batch_rows is 0.
  template <class... Ts>
  static StatusOr<std::shared_ptr<FixedBatchSpout>> Make(FieldList<Ts...> fields,
                                                         uint64_t batch_rows,
                                                         std::vector<OwnedRow<Ts...>> rows,
                                                         Cycle cycle = Cycle::kOnce) {
    TRIDENT_ASSIGN_OR_RETURN(Schema schema, Schema::Make(fields.Describe()));
    auto kept = std::make_shared<const std::vector<OwnedRow<Ts...>>>(std::move(rows));
    OwnedRowColumns<Ts...> columns;
    for (const auto& row : *kept) columns.Append(row);
    Slice list = columns.Finish(std::make_shared<Schema>(std::move(schema)), {kept});
    return Make(std::move(list), batch_rows, cycle);
  }
  // The same of rows that are columns already.
  static StatusOr<std::shared_ptr<FixedBatchSpout>> Make(Slice rows, uint64_t batch_rows,
                                                         Cycle cycle = Cycle::kOnce);

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return rows_.schema_ref(); }
  StatusOr<std::vector<std::string>> Partitions() override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  // Rows; unknown if they come forever.
  Backlog BacklogAfter(const std::string& partition, const Position& position) override;
  std::string Describe() const override;

 private:
  FixedBatchSpout(Slice rows, uint64_t batch_rows, Cycle cycle);

  const Slice rows_;
  const uint64_t batch_rows_;
  const Cycle cycle_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FIXED_BATCH_SPOUT_H_
