// SPDX-License-Identifier: Apache-2.0
//
// What the aggregating operators share: the groups of a batch, which groups there must be even
// without a row, and the key columns of the result.
#ifndef TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
#define TRIDENT_TRIDENT_OPERATORS_GROUPING_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/data/group_index.h"
#include "engine/data/key_reader.h"
#include "trident/plan/operator_site.h"

namespace trident {

// Not thread-safe; reused from batch to batch.
class Grouping {
 public:
  // `fields` are the group's fields; in a batch of requests the request number comes before them.
  // With no fields there is one group a batch (or request), which exists also without rows.
  Grouping(const OperatorSite& site, const std::vector<std::string>& fields);

  void Begin(const BatchContext& context);
  size_t size() const { return index_.size(); }
  // The group of each selected row of the slice. Groups that are new have the highest numbers.
  const std::vector<uint32_t>& Assign(const Slice& slice);

  // The result: the key columns that `output` wants in its order, then `values` (the columns of the
  // other fields, in order), one row per group, with the keys attached. Forgets the groups.
  Slice Finish(const SchemaRef& output, std::vector<ColumnRef> values);
  // As Finish for rows that belong to groups: row i to group_of_row[i].
  Slice FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                   const std::vector<uint32_t>& group_of_row);

 private:
  std::vector<ColumnRef> TakeKeyColumns(const SchemaRef& output, std::shared_ptr<KeyColumn>* keys);

  KeyReader reader_;
  const bool ungrouped_;
  const SiteMode mode_;
  TextArena arena_;  // of the keys
  GroupIndex index_{&arena_};
  std::vector<uint32_t> group_of_row_;
  std::string key_bytes_;  // of a slice, if they stand nowhere else
  std::vector<size_t> key_ends_;
};

// Attaches the keys of its fields to the slices, for an exchange or a query by key.
class KeyByOperator final : public Operator {
 public:
  KeyByOperator(const OperatorSite& site, const std::vector<std::string>& fields);
  Status Process(const Slice& slice, Output& out) override;

 private:
  KeyReader reader_;
  SchemaRef schema_;
  std::vector<size_t> kept_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
