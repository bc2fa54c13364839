// SPDX-License-Identifier: Apache-2.0
//
// The fields of a stream, in order: names, types, and whether they may be null.
#ifndef TRIDENT_ENGINE_DATA_SCHEMA_H_
#define TRIDENT_ENGINE_DATA_SCHEMA_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"

namespace trident {

struct SchemaField {
  std::string name;
  const TypeInfo* type;
  Nullability nullability = Nullability::kRequired;
  friend bool operator==(const SchemaField& a, const SchemaField& b) {
    return a.name == b.name && SameType(*a.type, *b.type) && a.nullability == b.nullability;
  }
};

// A field token (engine/data/field.h) without its static type.
struct FieldToken {
  std::string_view name;
  const TypeInfo* type;
  Nullability nullability;
};
std::vector<SchemaField> DescribeFields(std::span<const FieldToken> tokens);

// Value type; names are distinct.
class Schema {
 public:
  Schema() = default;
  // InvalidArgument on a name that appears twice.
  static StatusOr<Schema> Make(std::vector<SchemaField> fields);

  size_t size() const { return fields_.size(); }
  const SchemaField& field(size_t i) const { return fields_[i]; }
  std::span<const SchemaField> fields() const { return fields_; }
  std::optional<size_t> IndexOf(std::string_view name) const;

  // The index of the wanted field. InvalidArgument if there is none, naming the fields that there
  // are and the nearest spelling, or if it has another type, naming that type.
  StatusOr<size_t> Find(const SchemaField& wanted) const;
  // This schema with the fields `added` at its end. InvalidArgument if a name is there already.
  StatusOr<Schema> Append(std::span<const SchemaField> added) const;
  // The chosen fields, in the order given.
  Schema Project(std::span<const size_t> indices) const;

  // "[word:text, count:int64]"
  std::string ToString() const;
  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  std::vector<SchemaField> fields_;
};
using SchemaRef = std::shared_ptr<const Schema>;

// The candidate with the least edit distance to `name`, if it is near enough to be a slip; else "".
std::string NearestName(std::string_view name, std::span<const std::string> candidates);

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_SCHEMA_H_
