// SPDX-License-Identifier: Apache-2.0
#include "state/disk/state_spec.h"

#include <algorithm>

#include "base/limits.h"

namespace trident {
namespace {

constexpr size_t kNameMax = 64;
constexpr std::string_view kUnknownKind = "unknown";

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

std::string_view ToString(StateKind kind) {
  switch (kind) {
    case StateKind::kNonTransactional:
      return "non-transactional";
    case StateKind::kTransactional:
      return "transactional";
    case StateKind::kOpaque:
      return "opaque";
  }
  return kUnknownKind;
}

bool IsDeadLetterName(std::string_view state) {
  for (const std::string_view name :
       {std::string_view(kDeadLettersName), std::string_view(kDeadLetterRowsName)}) {
    if (state == name || state.starts_with(Concat(name, "-"))) return true;
  }
  return false;
}

Status ValidateStateName(std::string_view name) {
  if (!name.empty() && name.size() <= kNameMax &&
      std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::OkStatus();
  }
  return InvalidArgument("'", name, "' cannot name a state: a name has 1 to ", kNameMax,
                         " of the characters A-Z a-z 0-9 - _");
}

Status ValidateSpec(const StateSpec& spec) {
  TRIDENT_RETURN_IF_ERROR(ValidateStateName(spec.name));
  if (ToString(spec.kind) == kUnknownKind) {
    return InvalidArgument("state ", spec.name, " has kind ", static_cast<int>(spec.kind),
                           ", which is none; expected non-transactional, transactional or opaque");
  }
  if (spec.partitions < 1 || spec.partitions > kStatePartitionsMax) {
    return InvalidArgument("state ", spec.name, " has ", spec.partitions,
                           " partitions; expected 1 to ", kStatePartitionsMax);
  }
  for (const KeyField& field : spec.key_fields) {
    const bool can_be_key = field.type != nullptr && field.type->kind != TypeKind::kList &&
                            field.type->kind != TypeKind::kUser;
    if (can_be_key) continue;
    return InvalidArgument("field ", field.name, " cannot be in the key of state ", spec.name,
                           ": a key field is a bool, number, text, bytes or timestamp, not ",
                           field.type == nullptr ? "untyped" : field.type->name);
  }
  return absl::OkStatus();
}

}  // namespace trident
