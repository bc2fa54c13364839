// SPDX-License-Identifier: Apache-2.0
#include "trident/plan/operator_site.h"

#include <algorithm>

namespace trident {

std::vector<size_t> OperatorSite::KeptFields(const std::vector<SchemaField>& made) const {
  std::vector<size_t> kept;
  for (const SchemaField& field : output->fields()) {
    const bool is_made = std::any_of(
        made.begin(), made.end(), [&](const SchemaField& own) { return own.name == field.name; });
    if (!is_made) kept.push_back(*input->IndexOf(field.name));
  }
  return kept;
}

}  // namespace trident
