// SPDX-License-Identifier: Apache-2.0
//
// StateQuery: looks up a key of a state for each row and adds what a query function makes of the
// value. A batch of requests reads the cut that all its requests are answered at; a batch of a
// stream reads the newest committed cut when it begins. Source of the semantics: Trident's
// stateQuery with MapGet and QueryFunction.
#ifndef TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_
#define TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/data/key_reader.h"
#include "trident/functions/row_function.h"
#include "trident/plan/state_declaration.h"

namespace trident {

// The query function that adds the value itself. Into a Field<std::optional<V>> a key without value
// gives null; into a Field<V> it drops the row.
struct MapGet {
  template <class V, class Out>
  void operator()(const V* value, Emit<Out>& emit) const {
    if constexpr (std::is_same_v<Out, typename FieldTraits<Out>::Stored>) {
      if (value != nullptr) emit(Out(*value));
    } else if (value == nullptr) {
      emit(std::nullopt);
    } else {
      emit(typename FieldTraits<Out>::Stored(*value));
    }
  }
};

// `Query` is called as query(const V* value, Emit<Outs...>&); null: the key has no value.
template <class V, class Query, class Out>
class StateQueryOperator;

template <class V, class Query, class... Outs>
class StateQueryOperator<V, Query, FieldList<Outs...>> final : public Operator {
 public:
  StateQueryOperator(const OperatorSite& site, std::shared_ptr<MapDeclaration<V>> state,
                     Query query, const std::vector<std::string>& key)
      : step_(site.step),
        state_(std::move(state)),
        query_(std::move(query)),
        reader_(*site.input, Places(*site.input, key)),
        schema_(site.output) {
    for (const SchemaField& field : schema_->fields()) {
      if (auto place = site.input->IndexOf(field.name)) kept_.push_back(*place);
    }
  }

  void Begin(const BatchContext& context) override {
    cut_ = context.cut;
    snapshot_.reset();
  }

  Status Process(const Slice& slice, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(TxId at, CutTxId());
    keys_.Clear();
    std::vector<BufferRef> buffers;
    reader_.Read(slice, keys_, buffers);
    TRIDENT_RETURN_IF_ERROR(state_->Read(at, keys_.view(), values_));
    parents_.Clear();
    Status status = row_internal::ForEachRow(step_, slice, [&](size_t i, uint32_t row) {
      query_(values_[i] ? &*values_[i] : nullptr, emit_);
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

 private:
  static std::vector<size_t> Places(const Schema& schema, const std::vector<std::string>& key) {
    std::vector<size_t> places;
    for (const std::string& name : key) places.push_back(*schema.IndexOf(name));
    return places;
  }

  StatusOr<TxId> CutTxId() {
    GroupId group = state_->spec().group;
    if (cut_ != nullptr) return static_cast<const SnapshotCut&>(*cut_).At(group);
    if (!snapshot_) {
      TRIDENT_ASSIGN_OR_RETURN(Snapshot pinned, state_->store().Pin(group, ReadAt::Latest()));
      snapshot_.emplace(std::move(pinned));
    }
    return snapshot_->txid();
  }

  const std::string step_;
  const std::shared_ptr<MapDeclaration<V>> state_;
  const Query query_;
  KeyReader reader_;
  const SchemaRef schema_;
  std::vector<size_t> kept_;
  std::shared_ptr<const ReadCut> cut_;
  std::optional<Snapshot> snapshot_;
  ColumnVector<HashedKey> keys_;
  std::vector<std::optional<V>> values_;
  Emit<Outs...> emit_;
  ColumnVector<uint32_t> parents_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_
