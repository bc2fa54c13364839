// SPDX-License-Identifier: Apache-2.0
#include "trident/planner/dead_letters.h"

#include "base/hash.h"
#include "base/key_encoding.h"
#include "engine/spout_driver.h"
#include "trident/operators/persistent_aggregate.h"

namespace trident {
namespace {

constexpr Field<Text> kLetter{"letter"};

// The letter under its key.
struct Keep {
  using Value = std::string;
  Value Init() const { return {}; }
  void Reduce(Value& value, Text letter) const { value = letter; }
};

SchemaRef LetterSchema() {
  static const SchemaRef* const schema =
      new SchemaRef(std::make_shared<const Schema>(*Schema::Make({kLetter.Describe()})));
  return *schema;
}

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
    auto keys = std::make_shared<KeyColumn>();
    TextArena arena;
    std::string key;
    AppendKeyText(key, origin_.stream, KeyPlace::kInner);
    AppendKeyInt64(key, static_cast<int64_t>(txid_.value()));
    const size_t prefix = key.size();
    std::span<const Text> rows = As<Text>(slice.column(0)).values();
    std::span<const Text> causes = As<Text>(slice.column(1)).values();
    for (size_t i = 0; i < slice.rows(); ++i) {
      uint32_t row = slice.RowAt(i);
      letters->Append(arena.Copy(Concat(rows[row], " <- ", causes[row])));
      key.resize(prefix);
      AppendKeyInt64(key, row_);
      row_ += origin_.tasks;
      const std::string_view kept = arena.Copy(key);
      keys->keys.Append(HashedKey{kept, HashBytes(kept)});
    }
    BufferRef bytes = arena.Release();
    letters->Retain(bytes);
    keys->retained.push_back(bytes);
    Slice added(LetterSchema(), {letters}, slice.rows());
    added.set_keys(std::move(keys));
    return out.Emit(added);
  }

 private:
  const LetterOrigin origin_;
  TxId txid_;
  int64_t row_ = 0;  // of the next letter
};

class PassOperator final : public Operator {
 public:
  Status Process(const Slice& slice, Output& out) override { return out.Emit(slice); }
  bool row_wise() const override { return true; }
};

}  // namespace

std::shared_ptr<DeadLetterState> DeclareDeadLetters(GroupId group) {
  StateSpec spec;
  spec.name = group == GroupId(1) ? kDeadLettersName : Concat(kDeadLettersName, "-", group.value());
  spec.kind = StateKind::kTransactional;
  spec.key_fields = KeyFields();
  spec.partitions = 1;
  return NewMapInStore<std::string>(std::move(spec), nullptr);
}

std::unique_ptr<Operator> MakeDivertOperator(LetterOrigin origin) {
  return std::make_unique<DivertOperator>(std::move(origin));
}

std::unique_ptr<Chain> MakeDeadLetterChain(const DeadLetterState& state, size_t ports,
                                           const std::shared_ptr<std::shared_ptr<void>>& shared) {
  auto chain = std::make_unique<Chain>();
  Chain::NodeIndex entry = chain->Add("dead letters", std::make_unique<PassOperator>(), {});
  for (size_t port = 0; port < ports; ++port) chain->AddInput(entry);
  OperatorSite site;
  site.step = "dead letters";
  site.input = LetterSchema().get();
  site.output = LetterSchema();
  site.consumers = OperatorSite::Consumers::kNone;
  site.shared = shared;
  AggregateFields<FieldList<Text>> fields{{}, {{kLetter}}};
  chain->Add("dead letters",
             std::make_unique<PersistentReduceOperator<Keep, FieldList<Text>>>(site, Keep(), state,
                                                                               fields),
             {entry});
  return chain;
}

}  // namespace trident
