// SPDX-License-Identifier: Apache-2.0
//
// The groups of a batch: which rows have which key. The aggregating operators and those that write
// or query states share this; it does not depend on the types of their values.
#ifndef TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
#define TRIDENT_TRIDENT_OPERATORS_GROUPING_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trident/plan/operator_site.h"

namespace trident {

// The groups of an aggregation. Finds the group of each row, adds the group that exists even
// without a row, and makes the key columns of the result. Not thread-safe; reused from batch to
// batch.
class Grouping {
 public:
  // `fields` are the group's fields; in a batch of requests the request number comes before them.
  // Without fields there is one group per batch (or per request), even if there are no rows.
  Grouping(const OperatorSite& site, const std::vector<std::string>& fields);
  ~Grouping();

  void Begin(const BatchContext& context);
  size_t size() const;
  // The group of each selected row of the slice. Groups that are new have the highest numbers.
  const std::vector<uint32_t>& Assign(const Slice& slice);

  // Returns the result, one row per group, with the keys attached. It has the key columns that
  // `output` wants, in its order, then `values` (the columns of the other fields, in order).
  // Forgets the groups.
  Slice Finish(const SchemaRef& output, std::vector<ColumnRef> values);
  // As Finish, but with any number of rows. Row i belongs to group group_of_row[i].
  Slice FinishRows(const SchemaRef& output, std::vector<ColumnRef> values,
                   const std::vector<uint32_t>& group_of_row);

 private:
  struct Index;
  const std::unique_ptr<Index> index_;
};

// Keeps the slices of a batch, which come with keys, until the batch is staged, and numbers their
// groups: each distinct key once, in the order in which they first came. Not thread-safe.
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

  // Numbers the keys of all slices. Returns the group of each selected row, slice after slice.
  std::span<const uint32_t> Number();
  // After Number: the distinct keys.
  std::span<const HashedKey> keys() const;
  // After Number: sorts the rows by group; each group's rows keep the batch's order.
  void SortRows();
  std::span<const RowPlace> RowsOf(uint32_t group) const {
    return {rows_.data() + first_row_[group], first_row_[group + 1] - first_row_[group]};
  }
  // Hands over the distinct keys, with the references that keep their bytes alive.
  std::shared_ptr<const KeyColumn> TakeKeys();

 private:
  struct Index;
  std::vector<Slice> slices_;
  std::vector<uint32_t> group_of_row_;
  std::vector<uint32_t> first_row_;  // per group; one more at the end
  std::vector<RowPlace> rows_;
  const std::unique_ptr<Index> index_;
};

// Makes the key of each row from some of its fields. Not thread-safe.
class KeyLookup {
 public:
  // REQUIRES: the fields are in the schema.
  KeyLookup(const Schema& schema, const std::vector<std::string>& fields);
  ~KeyLookup();
  // Gives the keys of the selected rows. Valid until the next call, and as long as the slice.
  std::span<const HashedKey> KeysOf(const Slice& slice);
  // The same, with the references that keep the bytes alive.
  std::shared_ptr<const KeyColumn> ColumnOf(const Slice& slice);

 private:
  struct Reader;
  const std::unique_ptr<Reader> reader_;
};

// Attaches to the slices the keys made of some fields, for an exchange or a state by key.
class KeyByOperator final : public Operator {
 public:
  KeyByOperator(const OperatorSite& site, const std::vector<std::string>& fields)
      : keys_(*site.input, fields), schema_(site.output), kept_(site.KeptFields({})) {}
  Status Process(const Slice& slice, Output& out) override;
  bool row_wise() const override { return true; }

 private:
  KeyLookup keys_;
  const SchemaRef schema_;
  const std::vector<size_t> kept_;
};

// The columns of the key fields that `output` wants, in its order, one row per key.
std::vector<ColumnRef> ColumnsOfKeys(const std::vector<KeyField>& fields, const Schema& output,
                                     const KeyColumn& keys);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_GROUPING_H_
