// SPDX-License-Identifier: Apache-2.0
//
// The checks of the fields that a program gives to a spout.
#ifndef TRIDENT_TRIDENT_SPOUTS_SPOUT_FIELDS_H_
#define TRIDENT_TRIDENT_SPOUTS_SPOUT_FIELDS_H_

#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/data/schema.h"

namespace trident {

// The schema of these fields. InvalidArgument, naming `spout`, if there are none, one has no name,
// or two have the same name.
StatusOr<SchemaRef> SchemaOfSpout(std::string_view spout, std::vector<SchemaField> fields);
// The same check for a schema that was made elsewhere; null counts as one without fields.
Status CheckSchemaOfSpout(std::string_view spout, const SchemaRef& schema);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_SPOUT_FIELDS_H_
