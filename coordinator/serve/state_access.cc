// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/state_access.h"

#include "base/coding.h"
#include "base/guard.h"
#include "base/key_encoding.h"
#include "base/limits.h"
#include "base/spelling.h"

namespace trident {
namespace {

// A name of any length may be asked for; the answer quotes this much of it.
constexpr size_t kQuotedMax = 64;

Status OfState(const Status& status, const StateInfo& state) {
  return Annotate(status, Concat("state ", Describe(state)));
}

Status CheckKeySize(const StateInfo& state, const std::string& key) {
  if (static_cast<int64_t>(key.size()) <= kKeyBytesMax) return {};
  return InvalidArgument("state ", Describe(state), ": the key has ", key.size(),
                         " bytes, a key of a state has at most ", kKeyBytesMax);
}

StatusOr<std::string> EncodePrefix(const StateInfo& state, std::span<const Datum> values) {
  StatusOr<std::string> prefix = EncodeKeyPrefix(state.spec.key_fields, values);
  if (!prefix.ok()) return OfState(prefix.status(), state);
  TRIDENT_RETURN_IF_ERROR(CheckKeySize(state, *prefix));
  return prefix;
}

}  // namespace

std::string Describe(const StateInfo& state) {
  std::string out = state.spec.name + "[";
  for (const KeyField& field : state.spec.key_fields) {
    if (out.back() != '[') out += ", ";
    out += Concat(field.name, ":", field.type->name,
                  field.nullability == Nullability::kNullable ? "?" : "");
  }
  return out + "]";
}

StatusOr<const ReadableState*> FindState(const StateCatalog& catalog, std::string_view name) {
  if (StatusOr<const ReadableState*> found = catalog.Find(name); found.ok()) return found;
  std::vector<std::string> names;
  for (const ReadableState* state : catalog.List()) names.push_back(state->info().spec.name);
  return NotFound("there is no state '", name.substr(0, kQuotedMax), "'",
                  SpellingHint(name, "states", names));
}

StatusOr<std::string> EncodeStateKey(const StateInfo& state, std::span<const Datum> key) {
  StatusOr<std::string> encoded = EncodeKey(state.spec.key_fields, key);
  if (!encoded.ok()) return OfState(encoded.status(), state);
  TRIDENT_RETURN_IF_ERROR(CheckKeySize(state, *encoded));
  return encoded;
}

StatusOr<KeyRange> RangeOf(const StateInfo& state, const KeySelection& keys) {
  switch (keys.kind) {
    case KeySelection::Kind::kAll:
      return KeyRange::All();
    case KeySelection::Kind::kKey: {
      TRIDENT_ASSIGN_OR_RETURN(const std::string key, EncodeStateKey(state, keys.first));
      return KeyRange::Just(key);
    }
    case KeySelection::Kind::kPrefix: {
      TRIDENT_ASSIGN_OR_RETURN(const std::string prefix, EncodePrefix(state, keys.first));
      return KeyRange::Prefix(prefix);
    }
    case KeySelection::Kind::kRange:
      break;
  }
  KeyRange range;
  TRIDENT_ASSIGN_OR_RETURN(range.begin, EncodePrefix(state, keys.first));
  TRIDENT_ASSIGN_OR_RETURN(range.end, EncodePrefix(state, keys.last));
  if (!range.end.empty() && range.end < range.begin) {
    return InvalidArgument("state ", Describe(state),
                           ": the range ends before it begins; swap `from` and `to`");
  }
  return range;
}

StatusOr<std::vector<Datum>> DecodeStateKey(const StateInfo& state, std::string_view key) {
  StatusOr<std::vector<Datum>> values = DecodeKey(state.spec.key_fields, key);
  if (!values.ok()) return OfState(values.status(), state);
  return values;
}

StatusOr<Datum> DecodeStateValue(const StateInfo& state, std::string_view value) {
  ByteReader in(value);
  Datum datum;
  const Status decoded = Guarded("the codec", [&] { datum = state.value_type->decode(in); });
  if (!decoded.ok()) return Annotate(decoded, Concat("state ", Describe(state)));
  if (in.done()) return datum;
  return DataLoss("state ", Describe(state), ": expected one value of type ",
                  state.value_type->name, ", found ", value.size(),
                  " bytes that are none; verify the state directory with `trident state verify`");
}

}  // namespace trident
