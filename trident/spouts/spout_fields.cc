// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/spout_fields.h"

#include <memory>
#include <utility>

namespace trident {

StatusOr<SchemaRef> SchemaOfSpout(std::string_view spout, std::vector<SchemaField> fields) {
  StatusOr<Schema> made = Schema::Make(std::move(fields));
  if (!made.ok()) return Annotate(made.status(), Concat("the fields of a ", spout));
  auto schema = std::make_shared<const Schema>(*std::move(made));
  TRIDENT_RETURN_IF_ERROR(CheckSchemaOfSpout(spout, schema));
  return SchemaRef(std::move(schema));
}

Status CheckSchemaOfSpout(std::string_view spout, const SchemaRef& schema) {
  if (schema == nullptr || schema->size() == 0) {
    return InvalidArgument("a ", spout,
                           " needs at least one field, got none; name what its rows hold");
  }
  for (size_t i = 0; i < schema->size(); ++i) {
    if (!schema->field(i).name.empty()) continue;
    return InvalidArgument("each field of a ", spout, " needs a name, but that of number ", i + 1,
                           " of ", schema->size(), " is empty");
  }
  return absl::OkStatus();
}

}  // namespace trident
