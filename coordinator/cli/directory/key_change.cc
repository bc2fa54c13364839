// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/key_change.h"

#include <utility>

#include "base/coding.h"

namespace trident {
namespace {

// Combines with the newest of what is there, as the engine does while it knows no value below.
void AddDelta(StoredValue& to, std::string_view delta, const Combining& by) {
  std::string* newest = to.value ? &*to.value : nullptr;
  if (!to.deltas.empty()) newest = &to.deltas.back();
  std::optional<std::string> combined;
  if (newest != nullptr) combined = by.type.Combine(by.combiner, *newest, delta);
  if (combined) {
    *newest = *std::move(combined);
  } else {
    to.deltas.emplace_back(delta);
  }
}

}  // namespace

StoredValue ReadBaseValue(std::string_view encoded, const Combining& by) {
  StoredValue out;
  for (ByteReader in(encoded); in.ok() && !in.done();) {
    const std::string_view rest = in.rest();
    by.type.Decode(in);
    if (!in.ok()) return {.value = std::string(encoded), .deltas = {}};
    const std::string_view one = rest.substr(0, rest.size() - in.remaining());
    if (!out.exists()) {
      out.value = one;
    } else {
      AddDelta(out, one, by);
    }
  }
  if (!out.exists()) out.value = encoded;
  return out;
}

void KeyChange::Add(RowOperation operation, std::string_view value, const Combining& by) {
  switch (operation) {
    case RowOperation::kReplace:
    case RowOperation::kAdd:
      replaces_ = true;
      over_ = {.value = std::string(value), .deltas = {}};
      return;
    case RowOperation::kRemove:
    case RowOperation::kRemoveNothing:
      replaces_ = true;
      over_ = {};
      return;
    case RowOperation::kDelta:
      break;
  }
  // Over nothing, a delta is the value; what a value that is not known yet has below, is not known.
  if (replaces_ && !over_.exists()) {
    over_.value = value;
  } else {
    AddDelta(over_, value, by);
  }
}

StoredValue KeyChange::Over(StoredValue before, const Combining& by) const {
  if (replaces_) return over_;
  StoredValue out = std::move(before);
  for (const std::string& delta : over_.deltas) {
    if (!out.exists()) {
      out.value = delta;
    } else {
      AddDelta(out, delta, by);
    }
  }
  return out;
}

}  // namespace trident
