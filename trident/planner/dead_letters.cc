// SPDX-License-Identifier: Apache-2.0
#include "trident/planner/dead_letters.h"

#include "base/hash.h"
#include "base/key_encoding.h"
#include "engine/diverted_rows.h"
#include "trident/operators/persistent_aggregate.h"

namespace trident {

SchemaRef LetterSchema() {
  static const SchemaRef* const schema = new SchemaRef(std::make_shared<const Schema>(
      *Schema::Make({{"letter", &TypeOf<Text>()}, {"row", &TypeOf<Bytes>()}})));
  return *schema;
}

namespace {

// What comes to the task that keeps letters, under the letter's key. A letter without text goes.
constexpr size_t kLetterColumn = 0;
constexpr size_t kRowColumn = 1;

std::vector<KeyField> KeyFields() {
  return {{"stream", &TypeOf<Text>()}, {"txid", &TypeOf<int64_t>()}, {"row", &TypeOf<int64_t>()}};
}

class DivertOperator final : public Operator {
 public:
  explicit DivertOperator(LetterOrigin origin) : origin_(std::move(origin)) {}

  void Begin(const BatchContext& context) override {
    txid_ = context.id.txid;
    row_ = origin_.task;
  }
  Status Process(const Slice& slice, Output& out) override {
    auto letters = std::make_shared<ColumnOf<Text>>();
    auto kept = std::make_shared<ColumnOf<Bytes>>();
    auto keys = std::make_shared<KeyColumn>();
    TextArena arena;
    std::span<const Text> rows = As<Text>(slice.column(DivertedRows::kRow)).values();
    std::span<const Text> causes = As<Text>(slice.column(DivertedRows::kCause)).values();
    std::span<const Bytes> kept_in = As<Bytes>(slice.column(DivertedRows::kKept)).values();
    std::span<const Bytes> keys_in = As<Bytes>(slice.column(DivertedRows::kKey)).values();
    for (size_t i = 0; i < slice.rows(); ++i) {
      uint32_t row = slice.RowAt(i);
      const bool goes = causes[row].empty();
      letters->Append(goes ? Text() : arena.Copy(Concat(rows[row], " <- ", causes[row])));
      kept->Append(Bytes{arena.Copy(kept_in[row].view)});
      const std::string_view key =
          arena.Copy(keys_in[row].view.empty() ? NextKey() : std::string(keys_in[row].view));
      keys->keys.Append(HashedKey{key, HashBytes(key)});
    }
    BufferRef bytes = arena.Release();
    letters->Retain(bytes);
    kept->Retain(bytes);
    keys->retained.push_back(bytes);
    Slice added(LetterSchema(), {letters, kept}, slice.rows());
    added.set_keys(std::move(keys));
    return out.Emit(added);
  }

 private:
  std::string NextKey() {
    const std::string key =
        DeadLetterKey(origin_.stream, static_cast<int64_t>(txid_.value()), row_);
    row_ += origin_.tasks;
    return key;
  }

  const LetterOrigin origin_;
  TxId txid_;
  int64_t row_ = 0;  // of the next letter
};

class PassOperator final : public Operator {
 public:
  Status Process(const Slice& slice, Output& out) override { return out.Emit(slice); }
  bool row_wise() const override { return true; }
};

// Keeps a column of the letters under their keys. An empty value removes what is there.
template <class V>
class KeepOperator final : public MapStep<V> {
 public:
  KeepOperator(const OperatorSite& site, const MapDeclaration<V>& state, size_t column)
      : MapStep<V>(site, state), column_(column) {}

  Status Stage(const StagePermit& permit, Output& /*out*/) override {
    this->slices_.Number();
    this->slices_.SortRows();
    const std::span<const HashedKey> keys = this->slices_.keys();
    NewValues<V> now(keys.size());
    Status taken_twice;
    const auto update = [&](size_t i, const V* old) {
      std::optional<V> value = ValueOf(i);
      // The row of a letter that is gone already would count twice.
      const bool was_gone = column_ == kLetterColumn && !value && old == nullptr;
      if (was_gone) taken_twice = Internal("a dead letter goes that is gone already");
      return value;
    };
    TRIDENT_ASSIGN_OR_RETURN(MapWriter<V>* const writer, this->OpenWriter(permit.id()));
    TRIDENT_RETURN_IF_ERROR(writer->Stage(permit.id(), keys, update, now));
    TRIDENT_RETURN_IF_ERROR(taken_twice);
    return writer->Complete(permit.id().txid);
  }

 private:
  std::optional<V> ValueOf(size_t letter) const {
    const KeyedSlices::RowPlace at = this->slices_.RowsOf(static_cast<uint32_t>(letter)).back();
    const Slice& slice = this->slices_.slices()[at.slice];
    const auto& value = As<Viewed<V>>(slice.column(column_)).values()[slice.RowAt(at.row)];
    V owned = OwnedOf<V>(value);
    return owned == V{} ? std::nullopt : std::optional<V>(std::move(owned));
  }

  const size_t column_;
};

std::string NameIn(std::string_view name, GroupId group) {
  return group == GroupId(1) ? std::string(name) : Concat(name, "-", group.value());
}

template <class V>
std::shared_ptr<MapDeclaration<V>> Declare(std::string_view name, GroupId group) {
  StateSpec spec;
  spec.name = NameIn(name, group);
  spec.kind = StateKind::kTransactional;
  spec.key_fields = KeyFields();
  spec.partitions = 1;
  return NewMapInStore<V>(std::move(spec), nullptr);
}

}  // namespace

std::string DeadLetterKey(std::string_view stream, int64_t txid, int64_t row) {
  std::string key;
  AppendKeyText(key, stream, KeyPlace::kInner);
  AppendKeyInt64(key, txid);
  AppendKeyInt64(key, row);
  return key;
}

DeadLetterState DeclareDeadLetters(GroupId group) {
  return {.letters = Declare<std::string>(kDeadLettersName, group),
          .rows = Declare<OwnedBytes>(kDeadLetterRowsName, group)};
}

std::unique_ptr<Operator> MakeDivertOperator(LetterOrigin origin) {
  return std::make_unique<DivertOperator>(std::move(origin));
}

std::unique_ptr<Chain> MakeDeadLetterChain(const DeadLetterState& state, size_t ports,
                                           const LetterSlots& slots) {
  auto chain = std::make_unique<Chain>();
  Chain::NodeIndex entry = chain->Add("dead letters", std::make_unique<PassOperator>(), {});
  for (size_t port = 0; port < ports; ++port) chain->AddInput(entry);
  OperatorSite site;
  site.step = "dead letters";
  site.input = LetterSchema().get();
  site.output = LetterSchema();
  site.consumers = OperatorSite::Consumers::kNone;
  site.shared = slots[0];
  chain->Add("dead letters",
             std::make_unique<KeepOperator<std::string>>(site, *state.letters, kLetterColumn),
             {entry});
  site.shared = slots[1];
  chain->Add("dead letters",
             std::make_unique<KeepOperator<OwnedBytes>>(site, *state.rows, kRowColumn), {entry});
  return chain;
}

}  // namespace trident
