// SPDX-License-Identifier: Apache-2.0
//
// States of a plan as operators see them: their declaration, their reader, and the writer of a
// task. These interfaces hide where a state is kept (in the topology's own store, or in one of the
// program's); the operators are the same for both.
#ifndef TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_
#define TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/ids.h"
#include "base/status.h"
#include "base/types.h"
#include "base/user_value.h"
#include "engine/data/column_vector.h"
#include "engine/operator.h"
#include "state/disk/state_spec.h"
#include "trident/states/map_access.h"

namespace trident {

class ReadableState;
class StateStore;
struct CommitHistory;

// A state of the topology. The run opens it; the operators that use it hold the same object.
class StateDeclaration {
 public:
  explicit StateDeclaration(StateSpec spec) : spec_(std::move(spec)) {}
  virtual ~StateDeclaration() = default;
  const StateSpec& spec() const { return spec_; }
  // Makes the state one of batch group `group` in `store`, which must outlive this object's use.
  Status OpenIn(StateStore& store, GroupId group);
  // From now on Read asks `state`, which may be in several processes, and not the store in which it
  // was opened. `state` outlives this object's use. Call it before any thread reads.
  void ReadThrough(const ReadableState& state);
  // True if the state is kept outside of the store and written while a batch is staged. Then the
  // group stages one batch at a time, and opens the state with Start, once it knows what was
  // decided.
  virtual bool user_defined() const { return false; }
  virtual Status Start(const CommitHistory& /*history*/) { return absl::OkStatus(); }
  // The newest committed cut of the state's group. Call it after OpenIn; any thread may.
  StatusOr<std::shared_ptr<const ReadCut>> PinNewest() const;

 protected:
  virtual Status Open(StateStore& store) = 0;
  virtual void SetReader(const ReadableState& /*state*/) {}
  // The newest committed txid of the state's group.
  TxId Published() const;

 private:
  StateSpec spec_;
  StateStore* store_ = nullptr;
};

// Writes the partitions of a state that one task owns, over all batches that are in flight. Each
// object belongs to one thread. The calls for batches come in txid order.
class StateWriter {
 public:
  virtual ~StateWriter() = default;
  // Begins the batch, before any of it is staged: keys that have expired at its time are removed.
  virtual Status Begin(const BatchId& /*id*/, int64_t /*batch_time_micros*/) {
    return absl::OkStatus();
  }
  // Tells that all of the batch has been staged.
  virtual Status Complete(TxId /*txid*/) { return absl::OkStatus(); }
  // Appends the changes of `txid` to a redo fragment.
  virtual void AppendRedo(TxId txid, std::string& fragment) = 0;
  // Tells that the batch is decided.
  virtual void Apply(TxId txid, Attempt attempt) = 0;
  // Forgets what was staged for `from` and later txids.
  virtual void Abort(TxId from) = 0;
};

// A state that an updater changes through an `Access`: a MapAccess<V>, or a class of the program.
template <class Access>
class UpdatedState : public StateWriter {
 public:
  using Call = absl::FunctionRef<Status(Access& access, std::span<const uint32_t> rows)>;
  // Calls call(access, places) once, or once per partition, even if there is no row. `places` are
  // the places in `keys` of the rows that the call is for; together the calls get each row once.
  virtual Status Update(const BatchId& id, std::span<const HashedKey> keys, Call call) = 0;
};

// The values of some keys after a change of them.
template <class V>
struct NewValues {
  explicit NewValues(size_t keys) {
    values.Reserve(keys);
    for (size_t i = 0; i < keys; ++i) values.Append(V{});
  }

  // The key had this before the change.
  enum class Before : uint8_t { kNothing, kValue };
  void Set(size_t i, Before before, std::optional<V> value) {
    if (value.has_value()) {
      values[i] = *std::move(value);
    } else {
      (before == Before::kValue ? removed : untouched).push_back(static_cast<uint32_t>(i));
    }
  }

  ColumnVector<V> values;  // V{} where a key has none
  // The places of keys that have none, in no order: those that had one, and those that had none
  // either, so that nothing has happened to them.
  std::vector<uint32_t> removed;
  std::vector<uint32_t> untouched;
};

template <class V>
class MapWriter : public UpdatedState<MapAccess<V>> {
 public:
  // Returns the new value of the i-th key; nullopt removes it. `old` is null if the key has no
  // value.
  using UpdateOne = absl::FunctionRef<std::optional<V>(size_t i, const V* old)>;
  using Combine = absl::FunctionRef<V(const V& value, const V& delta)>;

  // Changes `keys`, which must belong to the task and be distinct. Sets in `now`, which has a place
  // for each, the values after the change: those that `update` returned, unless the state had this
  // txid already.
  virtual Status Stage(const BatchId& id, std::span<const HashedKey> keys, UpdateOne update,
                       NewValues<V>& now) = 0;
  // Combines deltas[i] into the value of keys[i] without reading it. REQUIRES: takes_deltas().
  virtual Status StageDelta(const BatchId& id, std::span<const HashedKey> keys,
                            std::span<const V> deltas, Combine combine) = 0;
  virtual bool takes_deltas() const = 0;
};

// A map state, wherever it is kept.
template <class V>
class MapDeclaration : public StateDeclaration {
 public:
  using StateDeclaration::StateDeclaration;

  // Sets values[i] to the value of keys[i] at the committed txid `at`; nullopt if it has none;
  // Aborted if the program's combiner or codec throws for it. A state that is kept outside cannot
  // look back: it gives its newest committed value. Any thread may call it.
  using Values = std::vector<StatusOr<std::optional<V>>>;
  virtual Status Read(TxId at, std::span<const HashedKey> keys, Values& values) const = 0;
  // A writer for the partitions of `task` among `tasks`. Call it after OpenIn and Start.
  virtual std::unique_ptr<MapWriter<V>> NewWriter(uint32_t task, uint32_t tasks) const = 0;
};

// A state of a class of the program: one object per partition.
template <class S>
class ObjectDeclaration : public StateDeclaration {
 public:
  using StateDeclaration::StateDeclaration;
  using Visit = absl::FunctionRef<Status(S& object)>;

  virtual std::unique_ptr<UpdatedState<S>> NewWriter(uint32_t task, uint32_t tasks) const = 0;
  // Calls visit(object of the partition). Calls to one object never overlap.
  virtual Status With(uint32_t partition, Visit visit) const = 0;
};

// Where a state is kept, if not in the topology's own store; see trident/outside_state.h.
class StateHome {
 public:
  virtual ~StateHome() = default;
  // Its content, for messages: "a map of opaque<int64>".
  virtual std::string Describe() const = 0;
  // The promise of the states that are kept there; nullopt: each state says its own.
  virtual std::optional<StateKind> kind() const = 0;
  // InvalidArgument if states that are kept there cannot have this key.
  virtual Status CheckKey(std::span<const KeyField> /*key*/) const { return absl::OkStatus(); }
  virtual std::shared_ptr<StateDeclaration> Declare(StateSpec spec) const = 0;
};

// InvalidArgument, naming both, unless the types of `key` are those of `wanted`.
Status CheckKeyTypes(std::span<const KeyField> wanted, std::span<const KeyField> key);

// How a delta changes a value; null for a state that takes no deltas.
template <class V>
using CombineValues = std::function<V(const V& value, const V& delta)>;

namespace state_internal {

// True if the library has compiled maps of V in the topology's own store. Maps of other values are
// kept there as maps of UserValue.
template <class V>
inline constexpr bool kLibraryHas =
    std::is_same_v<V, int64_t> || std::is_same_v<V, double> || std::is_same_v<V, Timestamp> ||
    std::is_same_v<V, std::string> || std::is_same_v<V, OwnedBytes>;
template <class V>
std::shared_ptr<MapDeclaration<V>> NewLibraryMap(StateSpec spec, CombineValues<V> combine);
std::shared_ptr<MapDeclaration<UserValue>> NewUserValueMap(StateSpec spec, const ValueType& type,
                                                           CombineValues<UserValue> combine);

template <class V>
std::optional<V> Typed(const std::optional<UserValue>& value) {
  return value.has_value() ? std::optional<V>(value->As<V>()) : std::nullopt;
}

// Gives a map of UserValues the type V, during one call of an updater.
template <class V>
class TypedAccess final : public MapAccess<V> {
 public:
  using Keys = std::span<const std::string_view>;
  explicit TypedAccess(MapAccess<UserValue>& access) : access_(access) {}

  StatusOr<std::vector<std::optional<V>>> MultiGet(Keys keys) override {
    TRIDENT_ASSIGN_OR_RETURN(const auto found, access_.MultiGet(keys));
    std::vector<std::optional<V>> values;
    for (const std::optional<UserValue>& value : found) values.push_back(Typed<V>(value));
    return values;
  }
  Status MultiPut(Keys keys, std::span<const V> values) override {
    std::vector<UserValue> held;
    for (const V& value : values) held.push_back(UserValue::Of<V>(value));
    return access_.MultiPut(keys, held);
  }
  Status MultiRemove(Keys keys) override { return access_.MultiRemove(keys); }

 private:
  MapAccess<UserValue>& access_;
};

template <class V>
class TypedWriter final : public MapWriter<V> {
 public:
  using typename UpdatedState<MapAccess<V>>::Call;
  using typename MapWriter<V>::UpdateOne;
  using typename MapWriter<V>::Combine;
  using Keys = std::span<const HashedKey>;
  explicit TypedWriter(std::unique_ptr<MapWriter<UserValue>> writer) : writer_(std::move(writer)) {}

  Status Stage(const BatchId& id, Keys keys, UpdateOne update, NewValues<V>& now) override {
    NewValues<UserValue> made(keys.size());
    TRIDENT_RETURN_IF_ERROR(writer_->Stage(
        id, keys,
        [&](size_t i, const UserValue* old) -> std::optional<UserValue> {
          std::optional<V> value = update(i, old == nullptr ? nullptr : &old->As<V>());
          if (!value.has_value()) return std::nullopt;
          return UserValue::Of<V>(*std::move(value));
        },
        made));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!made.values[i].empty()) now.values[i] = made.values[i].template As<V>();
    }
    now.removed = std::move(made.removed);
    now.untouched = std::move(made.untouched);
    return absl::OkStatus();
  }
  Status StageDelta(const BatchId& id, Keys keys, std::span<const V> deltas,
                    Combine combine) override {
    std::vector<UserValue> held;
    held.reserve(deltas.size());
    for (const V& delta : deltas) held.push_back(UserValue::Of<V>(delta));
    return writer_->StageDelta(id, keys, held, [&](const UserValue& value, const UserValue& delta) {
      return UserValue::Of<V>(combine(value.As<V>(), delta.As<V>()));
    });
  }
  bool takes_deltas() const override { return writer_->takes_deltas(); }
  Status Begin(const BatchId& id, int64_t batch_time_micros) override {
    return writer_->Begin(id, batch_time_micros);
  }
  Status Update(const BatchId& id, Keys keys, Call call) override {
    return writer_->Update(id, keys,
                           [&](MapAccess<UserValue>& access, std::span<const uint32_t> rows) {
                             TypedAccess<V> typed(access);
                             return call(typed, rows);
                           });
  }
  void AppendRedo(TxId txid, std::string& fragment) override {
    writer_->AppendRedo(txid, fragment);
  }
  void Apply(TxId txid, Attempt attempt) override { writer_->Apply(txid, attempt); }
  void Abort(TxId from) override { writer_->Abort(from); }

 private:
  const std::unique_ptr<MapWriter<UserValue>> writer_;
};

template <class V>
class TypedMap final : public MapDeclaration<V> {
 public:
  explicit TypedMap(std::shared_ptr<MapDeclaration<UserValue>> map)
      : MapDeclaration<V>(map->spec()), map_(std::move(map)) {}

  Status Read(TxId at, std::span<const HashedKey> keys,
              typename MapDeclaration<V>::Values& values) const override {
    MapDeclaration<UserValue>::Values found;
    TRIDENT_RETURN_IF_ERROR(map_->Read(at, keys, found));
    values.clear();
    for (const StatusOr<std::optional<UserValue>>& value : found) {
      values.push_back(value.ok() ? StatusOr<std::optional<V>>(Typed<V>(*value)) : value.status());
    }
    return absl::OkStatus();
  }
  std::unique_ptr<MapWriter<V>> NewWriter(uint32_t task, uint32_t tasks) const override {
    return std::make_unique<TypedWriter<V>>(map_->NewWriter(task, tasks));
  }

 private:
  Status Open(StateStore& store) override { return map_->OpenIn(store, this->spec().group); }
  void SetReader(const ReadableState& state) override { map_->ReadThrough(state); }

  const std::shared_ptr<MapDeclaration<UserValue>> map_;
};

}  // namespace state_internal

// A map in the topology's own store.
template <class V>
std::shared_ptr<MapDeclaration<V>> NewMapInStore(StateSpec spec, CombineValues<V> combine) {
  if constexpr (state_internal::kLibraryHas<V>) {
    return state_internal::NewLibraryMap<V>(std::move(spec), std::move(combine));
  } else {
    CombineValues<UserValue> held;
    if (combine != nullptr) {
      held = [combine = std::move(combine)](const UserValue& value, const UserValue& delta) {
        return UserValue::Of<V>(combine(value.As<V>(), delta.As<V>()));
      };
    }
    return std::make_shared<state_internal::TypedMap<V>>(
        state_internal::NewUserValueMap(std::move(spec), ValueTypeOf<V>(), std::move(held)));
  }
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_
