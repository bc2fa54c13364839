// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/stored_type.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/codec.h"
#include "coordinator/serve/datum_codec.h"
#include "state/disk/state_spec.h"

namespace trident {
namespace {

constexpr std::string_view kListBegin = "list<";

// "list<T>" -> "T"; empty for everything else.
std::string_view ElementOf(std::string_view name) {
  if (!name.starts_with(kListBegin) || !name.ends_with('>')) return {};
  return name.substr(kListBegin.size(), name.size() - kListBegin.size() - 1);
}

int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
double Sum(double a, double b) { return a + b; }

// -0.0 stands before 0.0.
template <class T>
bool StandsBefore(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a == b) return std::signbit(a) > std::signbit(b);
  }
  return a < b;
}

// As trident/functions/aggregators.h does it.
template <class T>
std::optional<std::string> CombineAs(std::string_view combiner, std::string_view value,
                                     std::string_view delta) {
  ByteReader left(value), right(delta);
  const T a = Codec<T>::Decode(left), b = Codec<T>::Decode(right);
  if (!left.done() || !right.done()) return std::nullopt;
  std::optional<T> combined;
  if (combiner == "min") combined = StandsBefore(b, a) ? b : a;
  if (combiner == "max" || combiner == kLastWriteCombiner) combined = StandsBefore(a, b) ? b : a;
  if constexpr (std::is_floating_point_v<T>) {
    const bool is_extreme = combiner == "min" || combiner == "max";
    if (is_extreme && (a != a || b != b)) combined = std::numeric_limits<T>::quiet_NaN();
  }
  if constexpr (!std::is_same_v<T, Timestamp>) {
    if (combiner == "sum") combined = Sum(a, b);
  }
  if (!combined) return std::nullopt;
  std::string out;
  Codec<T>::Encode(*combined, out);
  return out;
}

}  // namespace

StoredType::StoredType(std::string name)
    : name_(std::move(name)), builtin_(BuiltinTypeNamed(name_)) {
  const std::string_view element = builtin_ == nullptr ? ElementOf(name_) : std::string_view();
  if (!element.empty()) element_ = std::make_unique<StoredType>(std::string(element));
}

Datum StoredType::Decode(ByteReader& in) const {
  if (builtin_ != nullptr) return builtin_->decode(in);
  if (element_ == nullptr) {
    return Datum{Datum::User{name_, std::string(in.LengthPrefixed()), ""}};
  }
  std::vector<Datum> elements;
  const uint64_t n = in.Varint();
  for (uint64_t i = 0; i < n && in.ok(); ++i) elements.push_back(element_->Decode(in));
  return Datum{std::move(elements)};
}

StatusOr<Datum> StoredType::DecodeAll(std::string_view encoded) const {
  ByteReader in(encoded);
  Datum value = Decode(in);
  if (in.done()) return value;
  return DataLoss("expected one value of type ", name_, ", found ", encoded.size(),
                  " bytes that are none");
}

std::optional<std::string> StoredType::Combine(std::string_view combiner, std::string_view value,
                                               std::string_view delta) const {
  if (builtin_ == nullptr) return std::nullopt;
  switch (builtin_->kind) {
    case TypeKind::kInt64:
      return CombineAs<int64_t>(combiner, value, delta);
    case TypeKind::kDouble:
      return CombineAs<double>(combiner, value, delta);
    case TypeKind::kTimestamp:
      return CombineAs<Timestamp>(combiner, value, delta);
    default:
      return std::nullopt;
  }
}

StatusOr<std::vector<KeyField>> KeyFieldsOf(const StoredState& state) {
  std::vector<KeyField> fields;
  for (const StoredState::KeyPart& part : state.key) {
    const TypeInfo* type = KeyTypeNamed(part.type);
    if (type == nullptr) {
      return FailedPrecondition("state '", state.name, "' has the key field '", part.name,
                                "' of type ", part.type,
                                ", which this release does not know: use the release that wrote "
                                "it");
    }
    fields.push_back({part.name, type, part.nullability});
  }
  return fields;
}

}  // namespace trident
