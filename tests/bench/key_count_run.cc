// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/key_count_run.h"

#include <utility>

#include "trident/functions/aggregators.h"

namespace trident::bench {
namespace {

constexpr Field<Text> kKey{"key"};
constexpr Field<int64_t> kCount{"count"};

GeneratedSlice MakeKeys(const SchemaRef& schema, const KeySequence& sequence,
                        const GeneratedRange& range) {
  auto letters = std::make_shared<std::string>(range.rows * kKeyBytes, '\0');
  auto column = std::make_shared<ColumnOf<Text>>();
  Text* to = column->mutable_values().Extend(range.rows);
  for (uint64_t i = 0; i < range.rows; ++i) {
    char* key = letters->data() + i * kKeyBytes;
    WriteKey(sequence.At(range.first + i), key);
    *to++ = Text(key, kKeyBytes);
  }
  const uint64_t bytes = letters->size();
  column->Retain(std::move(letters));
  return {Slice(schema, {std::move(column)}, range.rows), bytes};
}

}  // namespace

void WriteKey(uint64_t number, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = kKeyBytes - 1; i >= 0; --i, number >>= 4) out[i] = kDigits[number & 15];
}

StatusOr<Topology> KeyCount(const KeySequence& sequence, uint64_t rows) {
  TRIDENT_ASSIGN_OR_RETURN(Schema made, Schema::Make({kKey.Describe()}));
  auto schema = std::make_shared<const Schema>(std::move(made));
  TRIDENT_ASSIGN_OR_RETURN(
      std::shared_ptr<Spout> spout,
      GeneratorSpout::Make(schema, {.rows_per_partition = rows, .name = "keys"},
                           [schema, sequence](const GeneratedRange& range) {
                             return MakeKeys(schema, sequence, range);
                           }));
  Topology topology("bench-keys");
  topology.NewStream("keys", std::move(spout))
      .GroupBy(kKey)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

}  // namespace trident::bench
