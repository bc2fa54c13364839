// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/plan_topology.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/partitioners/identity.h"
#include "engine/partitioners/shuffle.h"
#include "engine/spout.h"
#include "trident/functions/aggregators.h"
#include "trident/partition_persist.h"

namespace trident {
namespace {

constexpr size_t kStepsMax = 100;

// Tokens keep views of their names, so these live as long as the process.
constexpr std::array<std::string_view, 4> kNumbers = {"a", "b", "c", "d"};
constexpr std::array<std::string_view, 3> kTexts = {"t", "u", "args"};
constexpr std::array<std::string_view, 6> kOddFields = {"", "$request", "aa", "t", "a", "$"};
constexpr std::array<std::string_view, 7> kNames = {"one",        "two",    "",    "say \"so\"",
                                                    "two\nlines", "back\\", "\xff"};
constexpr std::array<std::string_view, 8> kStates = {"s1", "s2", "s3", "s4",
                                                     "s5", "s6", "",   "no name"};
constexpr std::array<uint32_t, 8> kCounts = {1, 2, 3, 64, 256, 0, 257, ~0u};

// A source that is planned, never read.
class PlannedSpout final : public Spout {
 public:
  PlannedSpout(SpoutKind kind, std::optional<size_t> partitions)
      : kind_(kind), partitions_(partitions) {}
  SpoutKind kind() const override { return kind_; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    if (!partitions_) return Unavailable("the source is not there");
    return std::vector<std::string>(*partitions_, "p");
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    return Unavailable("this source is never read");
  }
  std::string Describe() const override { return "planned"; }

 private:
  const SpoutKind kind_;
  const std::optional<size_t> partitions_;  // nullopt: they cannot be listed
  const SchemaRef schema_ = std::make_shared<Schema>(
      *Schema::Make(Fields(Field<int64_t>{"a"}, Field<int64_t>{"b"}, Field<Text>{"t"}).Describe()));
};

struct Last {
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, int64_t x) const { value = x; }
};

bool Has(const Stream& stream, std::string_view name, TypeKind kind) {
  const auto index = stream.schema().IndexOf(std::string(name));
  return index && stream.schema().field(*index).type->kind == kind;
}

template <size_t N>
bool HasAny(const Stream& stream, const std::array<std::string_view, N>& names, TypeKind kind) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return Has(stream, name, kind); });
}
bool HasNumber(const Stream& stream) { return HasAny(stream, kNumbers, TypeKind::kInt64); }
bool HasText(const Stream& stream) { return HasAny(stream, kTexts, TypeKind::kText); }

}  // namespace

uint8_t Choices::Byte() {
  if (bytes_.empty()) return 0;
  const uint8_t byte = static_cast<uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return byte;
}

PlanTopology::PlanTopology(std::string_view bytes)
    : choices_(bytes), executors_(static_cast<uint32_t>(choices_.Below(5))) {
  topologies_.emplace_back(std::string(choices_.Of(kNames)));
  topologies_.emplace_back("other");
  AddSource();
  current_ = 1;
  AddSource();
  current_ = 0;
  for (size_t step = 0; step < kStepsMax && !choices_.empty(); ++step) AddAnything();
}

void PlanTopology::AddAnything() {
  current_ = choices_.OneIn(16) ? 1 : 0;
  switch (choices_.Below(16)) {
    case 0:
      return AddSource();
    case 1:
      return AddMerge();
    case 2:
    case 3:
      return NameOrWiden();
    case 4:
    case 5:
    case 6:
      return AddRepartitioning();
    case 7:
    case 8:
      return AddAggregate();
    case 9:
    case 10:
      return AddState();
    case 11:
      return AddQuery();
    default:
      return AddRowStep();
  }
}

Stream PlanTopology::AnyStream() {
  const std::vector<Stream>& streams = made().streams;
  const size_t any = choices_.Byte();
  return any < 160 ? streams.back() : streams[any % streams.size()];
}

Stream PlanTopology::AnyNumbers() {
  const Stream at = AnyStream();
  if (HasNumber(at) || choices_.OneIn(32)) return at;
  return at.Each(
      TextIn(at), [](Text) { return int64_t{1}; }, Out(at));
}

PlanTopology::Number PlanTopology::In(const Stream& stream) {
  if (choices_.OneIn(64)) return Number{choices_.Of(kOddFields)};
  const size_t first = choices_.Below(kNumbers.size());
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    const std::string_view name = kNumbers[(first + i) % kNumbers.size()];
    if (Has(stream, name, TypeKind::kInt64)) return Number{name};
  }
  return Number{kNumbers[first]};
}

PlanTopology::Number PlanTopology::Out(const Stream& stream) {
  if (choices_.OneIn(64)) return Number{choices_.Of(kOddFields)};
  const size_t first = choices_.Below(kNumbers.size());
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    const std::string_view name = kNumbers[(first + i) % kNumbers.size()];
    if (!stream.schema().IndexOf(std::string(name))) return Number{name};
  }
  return Number{kNumbers[first]};
}

Field<Text> PlanTopology::TextIn(const Stream& stream) {
  for (const std::string_view name : kTexts) {
    if (Has(stream, name, TypeKind::kText)) return Field<Text>{name};
  }
  return Field<Text>{choices_.Of(kTexts)};
}

void PlanTopology::AddSource() {
  // The first stream of a topology, and the names after it, are mostly good.
  const std::vector<Stream>& streams = made_[current_].streams;
  const std::string name =
      choices_.OneIn(32) ? std::string(choices_.Of(kNames)) : Concat("s", streams.size());
  switch (choices_.Below(streams.empty() ? 4 : 8)) {
    case 4:
    case 5:
      return Keep(topology().NewDrpcStream(name));
    case 6:
      if (choices_.OneIn(8)) return Keep(topology().NewStream(name, std::shared_ptr<Spout>()));
      if (choices_.OneIn(8)) {
        return Keep(topology().NewStream(
            name, StatusOr<std::shared_ptr<PlannedSpout>>(InvalidArgument("it cannot be made"))));
      }
      break;
    default:
      break;
  }
  constexpr std::array<SpoutKind, 3> kKinds = {SpoutKind::kTransactional, SpoutKind::kOpaque,
                                               SpoutKind::kNonTransactional};
  const SpoutKind kind = choices_.Of(kKinds);
  std::optional<size_t> partitions = choices_.Below(6);
  if (choices_.OneIn(64)) partitions.reset();
  Keep(topology().NewStream(name, std::make_shared<PlannedSpout>(kind, partitions)));
}

void PlanTopology::AddRowStep() {
  const Stream from = AnyNumbers();
  const auto next = [](int64_t x) { return x + 1; };
  switch (choices_.Below(HasText(from) || choices_.OneIn(32) ? 9 : 6)) {
    case 0:
      return Keep(from.Map(In(from), next, Out(from)));
    case 1:
      return Keep(from.Filter(In(from), [](int64_t x) { return x > 0; }));
    case 2:
      return Keep(from.Project(In(from)));
    case 6:
      return Keep(from.FlatMap(
          TextIn(from), [](Text t, Emit<Text>& emit) { emit(t); },
          Field<Text>{choices_.Of(kTexts)}));
    case 7:
      return Keep(from.Peek(TextIn(from), [](Text) {}));
    case 8:
      return Keep(from.Project(Fields(TextIn(from), In(from))));
    default:
      return Keep(from.Each(In(from), next, Out(from)));
  }
}

void PlanTopology::AddRepartitioning() {
  const Stream from = AnyNumbers();
  switch (choices_.Below(9)) {
    case 0:
      return Keep(from.LocalOrShuffle());
    case 1:
      return Keep(from.Global());
    case 2:
      return Keep(from.BatchGlobal());
    case 3:
      return Keep(from.Broadcast());
    case 4:
      return Keep(from.IdentityPartition());
    case 5:
      return Keep(from.PartitionBy(In(from)));
    case 6:
      if (!HasText(from)) return Keep(from.PartitionBy(Fields(In(from))));
      return Keep(from.PartitionBy(Fields(In(from), TextIn(from))));
    case 7:
      if (choices_.OneIn(32)) return Keep(from.Partition(nullptr));
      return Keep(from.Partition(choices_.OneIn(2) ? IdentityPartitioner() : ShufflePartitioner()));
    default:
      return Keep(from.Shuffle());
  }
}

void PlanTopology::AddAggregate() {
  const Stream from = AnyNumbers();
  switch (choices_.Below(HasText(from) || choices_.OneIn(32) ? 7 : 5)) {
    case 0:
      return Keep(from.Aggregate(Count(), Out(from)));
    case 1:
      return Keep(from.Aggregate(In(from), Last(), Out(from)));
    case 2:
      return Keep(from.PartitionAggregate(In(from), Sum(), Out(from)));
    case 5:
      return Keep(from.GroupBy(TextIn(from)).Aggregate(In(from), Last(), Out(from)));
    case 6:
      return Keep(from.GroupBy(Fields(In(from), TextIn(from))).Aggregate(Count(), Out(from)));
    case 3:
      return Keep(from.GroupBy(FieldList<>{}).PartitionAggregate(In(from), Sum(), Out(from)));
    default:
      return Keep(from.GroupBy(In(from)).Aggregate(In(from), Sum(), Out(from)));
  }
}

StateOptions PlanTopology::Options() {
  constexpr std::array<StateKind, 3> kKinds = {StateKind::kOpaque, StateKind::kTransactional,
                                               StateKind::kNonTransactional};
  StateOptions options{.name = Concat("state", made_[current_].states.size())};
  if (choices_.OneIn(32)) options.name = choices_.Of(kStates);
  options.kind = choices_.Of(kKinds);
  options.partitions = choices_.OneIn(16) ? choices_.Of(kCounts) : kStatePartitionsDefault;
  return options;
}

void PlanTopology::AddState() {
  const Stream from = AnyNumbers();
  const StateOptions options = Options();
  const auto keep = [this](const Handle& handle, Key key) {
    made_[current_].states.push_back({handle, key});
    if (choices_.OneIn(16)) handle.Parallelism(choices_.Of(kCounts));
    if (choices_.OneIn(2)) Keep(handle.NewValuesStream());
  };
  switch (choices_.Below(HasText(from) || choices_.OneIn(32) ? 6 : 5)) {
    case 0:
      return keep(from.PersistentAggregate(options, Count(), Out(from)), Key::kNone);
    case 1:
      return keep(from.PersistentAggregate(options, In(from), Last(), Out(from)), Key::kNone);
    case 2:
      return keep(from.GroupBy(FieldList<>{}).PersistentAggregate(options, Count(), Out(from)),
                  Key::kNone);
    case 5:
      return keep(from.GroupBy(TextIn(from)).PersistentAggregate(options, Count(), Out(from)),
                  Key::kText);
    case 4:
      return keep(
          from.GroupBy(In(from)).PartitionPersist(
              options, In(from),
              [](MapAccess<int64_t>&, const PersistRows<int64_t>&, Emit<int64_t>&) {}, Out(from)),
          Key::kNumber);
    default:
      return keep(from.GroupBy(In(from)).PersistentAggregate(options, In(from), Sum(), Out(from)),
                  Key::kNumber);
  }
}

void PlanTopology::AddQuery() {
  const Stream from = AnyNumbers();
  const std::vector<KeptState>& states = made().states;
  if (states.empty()) return Keep(from.Shuffle());
  const KeptState& state = states[choices_.Below(states.size())];
  switch (choices_.OneIn(32) ? Key::kNumber : state.key) {
    case Key::kNone:
      return Keep(from.StateQuery(state.handle, FieldList<>{}, MapGet(), Out(from)));
    case Key::kText:
      return Keep(from.StateQuery(state.handle, TextIn(from), MapGet(), Out(from)));
    case Key::kNumber:
      return Keep(from.StateQuery(state.handle, In(from), MapGet(), Out(from)));
  }
}

void PlanTopology::AddMerge() {
  std::vector<Stream> merged;
  for (size_t n = choices_.OneIn(64) ? 0 : 1 + choices_.Below(3); n > 0; --n) {
    const Stream next = AnyStream();
    const bool fits = merged.empty() || next.schema().ToString() == merged[0].schema().ToString();
    merged.push_back(fits || choices_.OneIn(32) ? next : merged[0]);
  }
  Keep(topology().Merge(merged));
}

void PlanTopology::NameOrWiden() {
  const Stream at = AnyStream();
  if (choices_.OneIn(2)) {
    Keep(at.Name(std::string(choices_.Of(kNames))));
  } else {
    Keep(at.Parallelism(choices_.OneIn(32) ? choices_.Of(kCounts) : 1 + choices_.Below(5)));
  }
}

}  // namespace trident
