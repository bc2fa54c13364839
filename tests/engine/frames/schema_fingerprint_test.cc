// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/data/field.h"
#include "engine/frames/slice_codec.h"

namespace trident {
namespace {

constexpr Field<Text> kA{"a"};
constexpr Field<int64_t> kB{"b"};
constexpr Field<std::optional<int64_t>> kMaybeB{"b"};

template <class... Ts>
Schema SchemaOf(Field<Ts>... fields) {
  return *Schema::Make(Fields(fields...).Describe());
}

TEST(SchemaFingerprintTest, FingerprintsTellSchemasApart) {
  const std::vector<Schema> schemas = {
      Schema(),
      SchemaOf(kA),
      SchemaOf(kB),
      SchemaOf(kMaybeB),
      SchemaOf(kA, kB),
      SchemaOf(kB, kA),
      SchemaOf(Field<Bytes>{"a"}),
      SchemaOf(Field<Text>{"at"}),
      SchemaOf(Field<List<Text>>{"a"}),
  };
  for (size_t i = 0; i < schemas.size(); ++i) {
    for (size_t j = 0; j < schemas.size(); ++j) {
      EXPECT_EQ(SchemaFingerprint(schemas[i]) == SchemaFingerprint(schemas[j]), i == j)
          << schemas[i].ToString() << " " << schemas[j].ToString();
    }
  }
}

}  // namespace
}  // namespace trident
