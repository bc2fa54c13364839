// SPDX-License-Identifier: Apache-2.0
#include "engine/data/schema.h"

#include <algorithm>

namespace trident {
namespace {

std::string TypeText(const SchemaField& field) {
  return field.type->name + (field.nullability == Nullability::kNullable ? "?" : "");
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestName(std::string_view name, std::span<const std::string> candidates) {
  std::string best;
  size_t best_distance = name.size() / 2 + 1;  // farther than this is no slip
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

StatusOr<Schema> Schema::Make(std::vector<SchemaField> fields) { return Schema().Append(fields); }

std::optional<size_t> Schema::IndexOf(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  return std::nullopt;
}

StatusOr<size_t> Schema::Find(const SchemaField& wanted) const {
  std::optional<size_t> index = IndexOf(wanted.name);
  if (!index) {
    std::vector<std::string> names;
    for (const SchemaField& field : fields_) names.push_back(field.name);
    std::string nearest = NearestName(wanted.name, names);
    return InvalidArgument("there is no field \"", wanted.name, "\"; the fields are ", ToString(),
                           nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?");
  }
  const SchemaField& found = fields_[*index];
  bool fits =
      SameType(*found.type, *wanted.type) && !(found.nullability == Nullability::kNullable &&
                                               wanted.nullability == Nullability::kRequired);
  if (!fits) {
    return InvalidArgument("field \"", wanted.name, "\" is ", TypeText(found), ", but ",
                           TypeText(wanted), " was expected; use a Field of the type it has",
                           found.nullability == Nullability::kNullable
                               ? " (it may be null: Field<std::optional<...>>)"
                               : "");
  }
  return *index;
}

StatusOr<Schema> Schema::Append(std::span<const SchemaField> added) const {
  Schema out = *this;
  for (const SchemaField& field : added) {
    if (out.IndexOf(field.name)) {
      return InvalidArgument("field \"", field.name, "\" is there already; the fields are ",
                             out.ToString(),
                             "; give the new field another name, or Project the old one away");
    }
    out.fields_.push_back(field);
  }
  return out;
}

Schema Schema::Project(std::span<const size_t> indices) const {
  Schema out;
  for (size_t i : indices) out.fields_.push_back(fields_[i]);
  return out;
}

std::string Schema::ToString() const {
  std::string out = "[";
  for (const SchemaField& field : fields_) {
    if (field.name.starts_with('$')) continue;  // ours, not the user's
    if (out.size() > 1) out += ", ";
    out += field.name + ":" + TypeText(field);
  }
  return out + "]";
}

std::vector<SchemaField> DescribeFields(std::span<const FieldToken> tokens) {
  std::vector<SchemaField> fields;
  fields.reserve(tokens.size());
  for (const FieldToken& token : tokens) {
    fields.push_back({std::string(token.name), token.type, token.nullability});
  }
  return fields;
}

}  // namespace trident
