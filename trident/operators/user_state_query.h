// SPDX-License-Identifier: Apache-2.0
//
// StateQuery of a state of the program's own class: the query function gets, for each row, the
// object of the partition that the row's key belongs to, and emits what it makes of both. It sees
// what the object shows at that moment: batches that are not decided yet, if the class does not
// hide them. Source of the semantics: Trident's QueryFunction.
#ifndef TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_
#define TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_

#include <memory>
#include <utility>
#include <vector>

#include "engine/data/key_reader.h"
#include "trident/functions/row_function.h"
#include "trident/plan/user_state_declaration.h"

namespace trident {

template <class S, class Query, class In, class Out>
struct UserQueryFits;
template <class S, class Query, class... Ins, class... Outs>
struct UserQueryFits<S, Query, FieldList<Ins...>, FieldList<Outs...>>
    : std::is_invocable<const Query&, S&, const Ins&..., Emit<Outs...>&> {};

template <class S, class Query, class In, class Out>
class UserStateQueryOperator;

template <class S, class Query, class... Ins, class... Outs>
class UserStateQueryOperator<S, Query, FieldList<Ins...>, FieldList<Outs...>> final
    : public Operator {
 public:
  UserStateQueryOperator(const OperatorSite& site, std::shared_ptr<UserStateDeclaration<S>> state,
                         Query query, const FieldList<Ins...>& in)
      : step_(site.step),
        state_(std::move(state)),
        query_(std::move(query)),
        in_(row_internal::Locate(*site.input, in.Describe())),
        reader_(*site.input, in_),
        schema_(site.output) {
    for (const SchemaField& field : schema_->fields()) {
      if (auto place = site.input->IndexOf(field.name)) kept_.push_back(*place);
    }
  }

  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    keys_.Clear();
    std::vector<BufferRef> buffers;
    reader_.Read(slice, keys_, buffers);
    parents_.Clear();
    auto& partitions = state_->partitions();
    emit_.arguments().Clear();
    Status status = row_internal::ForEachRow(step_, slice, [&](size_t i, uint32_t row) {
      const uint32_t partition = PartitionOfHash(keys_[i].hash, partitions.size());
      partitions
          .With(partition,
                [&](S& state) {
                  query_(state, std::get<I>(readers)[row]..., emit_);
                  return absl::OkStatus();
                })
          .IgnoreError();
      while (parents_.size() < emit_.rows()) parents_.Append(row);
    });
    size_t rows = emit_.rows();
    std::vector<ColumnRef> added = emit_.Take({});
    if (!status.ok()) return status;
    std::vector<ColumnRef> columns;
    for (size_t place : kept_) columns.push_back(slice.column(place).Gather(parents_.view()));
    columns.insert(columns.end(), added.begin(), added.end());
    return out.Emit(Slice(schema_, std::move(columns), rows));
  }

  const std::string step_;
  const std::shared_ptr<UserStateDeclaration<S>> state_;
  const Query query_;
  const std::vector<size_t> in_;
  KeyReader reader_;
  const SchemaRef schema_;
  std::vector<size_t> kept_;
  ColumnVector<HashedKey> keys_;
  Emit<Outs...> emit_;
  ColumnVector<uint32_t> parents_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_
