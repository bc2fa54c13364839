// SPDX-License-Identifier: Apache-2.0
//
// PartitionPersist: writes the rows of a batch into a state by an updater of the program, in txid
// order. Over a user-defined state the updater is called once per partition of the state. Over a
// map state of our own it is called once per task, for all its partitions at once. Either is called
// for every batch, even without rows, because its effect at a txid must not depend on where rows
// happen to go (Trident skips partitions without rows, so their txids lag). Source of the
// semantics: Trident's partitionPersist and StateUpdater.
#ifndef TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_
#define TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trident/operators/persist_rows.h"
#include "trident/operators/persistent_aggregate.h"

namespace trident {

// Tells if Fn is an updater of a state seen as `Access`: callable, as const, with (Access&, rows)
// or (Access&, rows, Emit&), returning nothing or a Status.
template <class Fn, class Access, class In, class Out>
struct UpdaterFits;
template <class Fn, class Access, class... Ins, class... Outs>
struct UpdaterFits<Fn, Access, FieldList<Ins...>, FieldList<Outs...>> {
  using Rows = PersistRows<Ins...>;
  static constexpr bool kEmits =
      std::is_invocable_v<const Fn&, Access&, const Rows&, Emit<Outs...>&>;
  static constexpr bool kSilent =
      sizeof...(Outs) == 0 && std::is_invocable_v<const Fn&, Access&, const Rows&>;
  static constexpr bool value = kEmits || kSilent;
};

template <class Access, class Fn, class In, class Out>
class PartitionPersistOperator;

// Input: rows with keys attached.
template <class Access, class Fn, class... Ins, class... Outs>
class PartitionPersistOperator<Access, Fn, FieldList<Ins...>, FieldList<Outs...>> final
    : public StateStep {
 public:
  using Fits = UpdaterFits<Fn, Access, FieldList<Ins...>, FieldList<Outs...>>;
  using Writer = UpdatedState<Access>;

  // `state` makes the writer for each task.
  template <class Declaration>
  PartitionPersistOperator(const OperatorSite& site, const Declaration& state, Fn updater,
                           const FieldList<Ins...>& in)
      : PartitionPersistOperator(site, state.spec(), site.Shared<Writer>([&] {
          return std::shared_ptr<Writer>(state.NewWriter(site.partition, site.partitions));
        }),
                                 Function{std::move(updater), in}) {}

  void Begin(const BatchContext& /*context*/) override {
    slices_.clear();
    rows_.clear();
    keys_.clear();
    emit_.Take({});
  }
  Status Process(const Slice& slice, Output& /*out*/) override {
    AddSlice(slice, std::index_sequence_for<Ins...>{});
    return absl::OkStatus();
  }
  Status Stage(const StagePermit& permit, Output& out) override {
    emit_.arguments().Clear();
    TRIDENT_RETURN_IF_ERROR(writer_->Update(
        permit.id(), keys_,
        [&](Access& access, std::span<const uint32_t> rows) { return Call(access, rows); }));
    TRIDENT_RETURN_IF_ERROR(writer_->Complete(permit.id().txid));
    return EmitRows(out);
  }

 private:
  struct Function {
    Fn updater;
    const FieldList<Ins...>& in;
  };
  PartitionPersistOperator(const OperatorSite& site, const StateSpec& spec,
                           std::shared_ptr<Writer> writer, Function function)
      : StateStep(site, spec, writer),
        writer_(std::move(writer)),
        updater_(std::move(function.updater)),
        in_(row_internal::Locate(*site.input, function.in.Describe())) {}

  template <size_t... I>
  void AddSlice(const Slice& slice, std::index_sequence<I...>) {
    const ColumnVector<HashedKey>& keys = slice.keys()->keys;
    for (uint32_t i = 0; i < slice.rows(); ++i) {
      rows_.push_back({static_cast<uint32_t>(slices_.size()), i});
      keys_.push_back(keys[i]);
    }
    slices_.push_back({slice, {row_internal::ColumnReader<Ins>(slice, in_[I])...}});
  }

  Status Call(Access& access, std::span<const uint32_t> which) {
    const PersistRows<Ins...> rows(slices_, rows_, which);
    auto call = [&]() -> decltype(auto) {
      if constexpr (Fits::kEmits) {
        return std::as_const(updater_)(access, rows, emit_);
      } else {
        return std::as_const(updater_)(access, rows);
      }
    };
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return absl::OkStatus();
    } else {
      static_assert(std::is_convertible_v<decltype(call()), Status>,
                    "PartitionPersist: the updater must return nothing or a Status");
      return Annotate(call(), Concat("step \"", step_, "\""));
    }
  }

  Status EmitRows(Output& out) {
    if constexpr (sizeof...(Outs) == 0) {
      return absl::OkStatus();
    } else {
      const size_t rows = emit_.rows();
      return out.Emit(Slice(schema_, emit_.Take({}), rows));
    }
  }

  const std::shared_ptr<Writer> writer_;
  const Fn updater_;
  const std::vector<size_t> in_;
  typename PersistRows<Ins...>::Slices slices_;
  typename PersistRows<Ins...>::Places rows_;
  std::vector<HashedKey> keys_;
  Emit<Outs...> emit_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_
