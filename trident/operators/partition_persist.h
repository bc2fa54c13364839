// SPDX-License-Identifier: Apache-2.0
//
// PartitionPersist: the rows of a batch into a state by an updater of the program, in txid order.
// Over a user-defined state the updater is called once per partition of the state, over a map state
// of our own once per task, for all its partitions at once. Either is called for each batch, also
// without rows: what it does at each txid must not depend on where rows happen to go (Trident skips
// partitions without rows, so their txids lag). Source of the semantics: Trident's partitionPersist
// and StateUpdater.
#ifndef TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_
#define TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "trident/operators/persist_rows.h"
#include "trident/operators/persistent_aggregate.h"
#include "trident/plan/user_state_declaration.h"
#include "trident/states/key_rule.h"

namespace trident {

// Is Fn an updater of a state seen as `Access`: callable, as const, with (Access&, rows) or
// (Access&, rows, Emit&), returning nothing or a Status?
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

namespace persist_internal {

// A map state of our own: staged changes of one txid, over the partitions of a task.
template <class V>
class ShareAccess final : public MapAccess<V> {
 public:
  using Keys = std::span<const std::string_view>;
  ShareAccess(MapShare<V>& share, const BatchId& id, KeyRule rule)
      : share_(share), id_(id), rule_(rule) {}

  StatusOr<std::vector<std::optional<V>>> MultiGet(Keys keys) override {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<HashedKey> hashed, rule_.Hash(keys));
    std::vector<std::optional<V>> values(keys.size());
    TRIDENT_RETURN_IF_ERROR(share_.ReadNewest(hashed, [&](size_t i, const V* value) {
      if (value != nullptr) values[i] = *value;
    }));
    return values;
  }
  Status MultiPut(Keys keys, std::span<const V> values) override {
    TRIDENT_CHECK_EQ(keys.size(), values.size());
    return Stage(keys, [&](size_t i, const V*) { return std::optional<V>(values[i]); });
  }
  Status MultiRemove(Keys keys) override {
    return Stage(keys, [](size_t, const V*) { return std::optional<V>(); });
  }

 private:
  template <class Update>
  Status Stage(Keys keys, Update&& update) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<HashedKey> hashed, rule_.Hash(keys));
    return share_.Stage(id_.txid, id_.attempt, hashed, update);
  }

  MapShare<V>& share_;
  const BatchId id_;
  const KeyRule rule_;
};

// A user-defined map state: its partition, with the keys checked.
template <class V>
class CheckedAccess final : public MapAccess<V> {
 public:
  using Keys = std::span<const std::string_view>;
  CheckedAccess(MapAccess<V>& map, KeyRule rule) : map_(map), rule_(rule) {}

  StatusOr<std::vector<std::optional<V>>> MultiGet(Keys keys) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    return map_.MultiGet(keys);
  }
  Status MultiPut(Keys keys, std::span<const V> values) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    return map_.MultiPut(keys, values);
  }
  Status MultiRemove(Keys keys) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    return map_.MultiRemove(keys);
  }

 private:
  MapAccess<V>& map_;
  const KeyRule rule_;
};

}  // namespace persist_internal

template <class D, class Fn, class In, class Out>
class PartitionPersistOperator;

// Input: rows with keys attached. `D` is the state's declaration.
template <class D, class Fn, class... Ins, class... Outs>
class PartitionPersistOperator<D, Fn, FieldList<Ins...>, FieldList<Outs...>> final
    : public StateWriter<D> {
 public:
  using Access = typename D::Access;
  using Fits = UpdaterFits<Fn, Access, FieldList<Ins...>, FieldList<Outs...>>;

  PartitionPersistOperator(const OperatorSite& site, std::shared_ptr<D> state, Fn updater,
                           const FieldList<Ins...>& in)
      : StateWriter<D>(site, *state),
        state_(std::move(state)),
        updater_(std::move(updater)),
        in_(row_internal::Locate(*site.input, in.Describe())),
        owned_(PartitionsOfTask(site.partition, state_->spec().partitions, site.partitions)) {}

  void Begin(const BatchContext& /*context*/) override {
    slices_.clear();
    rows_.clear();
    keys_.clear();
    emit_.Take({});
  }
  Status Process(const Slice& slice, Output& /*out*/) override {
    TRIDENT_CHECK(slice.keys() != nullptr) << this->step_ << ": a slice without keys";
    AddSlice(slice, std::index_sequence_for<Ins...>{});
    return absl::OkStatus();
  }
  Status Stage(const StagePermit& permit, Output& out) override {
    emit_.arguments().Clear();
    const BatchId& id = permit.id();
    if constexpr (D::kOutside) {
      TRIDENT_RETURN_IF_ERROR(this->share_->Begin(
          id.txid, keys_, [&](auto& part, uint32_t partition, const std::vector<uint32_t>& rows) {
            return UpdateOutside(part, partition, rows);
          }));
      TRIDENT_RETURN_IF_ERROR(this->share_->Commit(id.txid));
    } else {
      persist_internal::ShareAccess<typename D::Value> access(*this->share_, id,
                                                              {&state_->spec(), owned_});
      std::vector<uint32_t> all(rows_.size());
      std::iota(all.begin(), all.end(), 0);
      TRIDENT_RETURN_IF_ERROR(Call(access, all));
    }
    return EmitRows(out);
  }

 private:
  template <size_t... I>
  void AddSlice(const Slice& slice, std::index_sequence<I...>) {
    for (uint32_t i = 0; i < slice.rows(); ++i) {
      rows_.push_back({static_cast<uint32_t>(slices_.size()), i});
      keys_.push_back(slice.keys()->keys[i]);
    }
    slices_.push_back({slice, {row_internal::ColumnReader<Ins>(slice, in_[I])...}});
  }

  template <class Part>
  Status UpdateOutside(Part& part, uint32_t partition, const std::vector<uint32_t>& rows) {
    if constexpr (std::is_same_v<Part, Access>) {
      return Call(part, rows);
    } else {
      persist_internal::CheckedAccess<typename D::Value> access(
          part, {&state_->spec(), PartitionRange{partition, partition + 1}});
      return Call(access, rows);
    }
  }

  Status Call(Access& access, const std::vector<uint32_t>& which) {
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
      return Annotate(call(), Concat("step \"", this->step_, "\""));
    }
  }

  Status EmitRows(Output& out) {
    if constexpr (sizeof...(Outs) == 0) {
      return absl::OkStatus();
    } else {
      const size_t rows = emit_.rows();
      return out.Emit(Slice(this->schema_, emit_.Take({}), rows));
    }
  }

  const std::shared_ptr<D> state_;
  const Fn updater_;
  const std::vector<size_t> in_;
  const PartitionRange owned_;
  typename PersistRows<Ins...>::Slices slices_;
  typename PersistRows<Ins...>::Places rows_;
  std::vector<HashedKey> keys_;
  Emit<Outs...> emit_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PARTITION_PERSIST_H_
