// SPDX-License-Identifier: Apache-2.0
#include "trident/operators/persistent_aggregate.h"

#include "trident/operators/state_query.h"

namespace trident {

StateStep::StateStep(const OperatorSite& site, const StateSpec& state,
                     std::shared_ptr<StateWriter> writer)
    : step_(site.step),
      schema_(site.output),
      emits_(site.consumers == OperatorSite::Consumers::kSome),
      key_fields_(state.key_fields),
      state_writer_(std::move(writer)) {}

Status StateStep::AppendRecord(const StagePermit& permit, std::string& record) {
  state_writer_->AppendRedo(permit.id().txid, record);
  return absl::OkStatus();
}

void StateStep::Apply(const ApplyPermit& permit) {
  state_writer_->Apply(permit.id().txid, permit.id().attempt);
}

void StateStep::Abort(TxId from) { state_writer_->Abort(from); }

Status StateStep::EmitNewValues(std::shared_ptr<const KeyColumn> keys, ColumnRef values,
                                std::span<const uint32_t> left_out, Output& out) {
  std::vector<ColumnRef> columns = ColumnsOfKeys(key_fields_, *schema_, *keys);
  columns.push_back(std::move(values));
  const auto all = static_cast<uint32_t>(keys->keys.size());
  Slice slice(schema_, std::move(columns), all);
  slice.set_keys(std::move(keys));
  if (left_out.empty()) return out.Emit(slice);
  std::vector<bool> goes(all);
  for (const uint32_t i : left_out) goes[i] = true;
  std::vector<uint32_t> places;
  for (uint32_t i = 0; i < all; ++i) {
    if (!goes[i]) places.push_back(i);
  }
  return out.Emit(slice.Gather(places));
}

// The operators of the ready-made aggregators and queries, compiled here so that programs need not.
template class CombineOperator<Count, FieldList<>>;
template class CombineOperator<SumOf<int64_t>, FieldList<int64_t>>;
template class CombineOperator<SumOf<double>, FieldList<double>>;
template class MergeOperator<Count>;
template class MergeOperator<SumOf<int64_t>>;
template class MergeOperator<SumOf<double>>;
template class MapStep<int64_t>;
template class PersistentCombineOperator<Count>;
template class PersistentCombineOperator<SumOf<int64_t>>;
template class PersistentCombineOperator<SumOf<double>>;
template class StateQueryOperator<int64_t, MapGet, FieldList<int64_t>>;
template class StateQueryOperator<int64_t, MapGet, FieldList<std::optional<int64_t>>>;
template class StateQueryOperator<double, MapGet, FieldList<double>>;

}  // namespace trident
