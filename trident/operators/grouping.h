// SPDX-License-Identifier: Apache-2.0
//
// The groups of a batch: which rows have which key. What the aggregating operators and those that
// write or query states share, apart from the types of their values.
#ifndef TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
#define TRIDENT_TRIDENT_OPERATORS_GROUPING_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trident/plan/operator_site.h"

namespace trident {

// The groups of an aggregation: which there must be even without a row, the group of each row, and
// the key columns of the result. Not thread-safe; reused from batch to batch.
class Grouping {
 public:
  // `fields` are the group's fields; in a batch of requests the request number comes before them.
  // With no fields there is one group a batch (or request), which exists also without rows.
  Grouping(const OperatorSite& site, const std::vector<std::string>& fields);
  ~Grouping();

  void Begin(const BatchContext& context);
  size_t size() const;
  // The group of each selected row of the slice. Groups that are new have the highest numbers.
  const std::vector<uint32_t>& Assign(const Slice& slice);

  // The result: the key columns that `output` wants in its order, then `values` (the columns of the
  // other fields, in order), one row per group, with the keys attached. Forgets the groups.
  Slice Finish(const SchemaRef& output, std::vector<ColumnRef> values);
  // As Finish for rows that belong to groups: row i to group_of_row[i].
  Slice FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                   const std::vector<uint32_t>& group_of_row);

 private:
  struct Index;
  const std::unique_ptr<Index> index_;
};

// The slices of a batch that came with keys, kept until the batch is staged, and their groups: each
// distinct key once, in the order in which they first came. Not thread-safe.
class KeyedSlices {
 public:
  struct RowPlace {
    uint32_t slice;
    uint32_t row;  // of the selected ones
  };

  KeyedSlices();
  ~KeyedSlices();

  void Clear();
  // REQUIRES: the slice has keys. `step` is for the message of the check.
  void Add(const std::string& step, const Slice& slice);
  std::span<const Slice> slices() const { return slices_; }

  // Numbers the keys of all slices. The groups of the selected rows, slice after slice.
  std::span<const uint32_t> Number();
  // After Number: the distinct keys.
  std::span<const HashedKey> keys() const;
  // After Number: sorts the rows by group; each group's rows keep the batch's order.
  void SortRows();
  std::span<const RowPlace> RowsOf(uint32_t group) const {
    return {rows_.data() + first_row_[group], first_row_[group + 1] - first_row_[group]};
  }
  // Hands over the distinct keys, with what keeps their bytes alive.
  std::shared_ptr<const KeyColumn> TakeKeys();

 private:
  struct Index;
  std::vector<Slice> slices_;
  std::vector<uint32_t> group_of_row_;
  std::vector<uint32_t> first_row_;  // per group; one more at the end
  std::vector<RowPlace> rows_;
  const std::unique_ptr<Index> index_;
};

// The key of each row over some of its fields. Not thread-safe.
class KeyLookup {
 public:
  // REQUIRES: the fields are in the schema.
  KeyLookup(const Schema& schema, const std::vector<std::string>& fields);
  ~KeyLookup();
  // Of the selected rows. Valid until the next call, and as long as the slice.
  std::span<const HashedKey> KeysOf(const Slice& slice);
  // The same with what keeps their bytes alive.
  std::shared_ptr<const KeyColumn> ColumnOf(const Slice& slice);

 private:
  struct Reader;
  const std::unique_ptr<Reader> reader_;
};

// Attaches the keys of its fields to the slices, for an exchange or a state by key.
class KeyByOperator final : public Operator {
 public:
  KeyByOperator(const OperatorSite& site, const std::vector<std::string>& fields)
      : keys_(*site.input, fields), schema_(site.output), kept_(site.KeptFields({})) {}
  Status Process(const Slice& slice, Output& out) override;

 private:
  KeyLookup keys_;
  const SchemaRef schema_;
  const std::vector<size_t> kept_;
};

// The columns of the key fields that `output` wants, in its order, one row a key.
std::vector<ColumnRef> ColumnsOfKeys(const std::vector<KeyField>& fields, const Schema& output,
                                     const KeyColumn& keys);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
