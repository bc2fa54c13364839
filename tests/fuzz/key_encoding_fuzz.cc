// SPDX-License-Identifier: Apache-2.0
//
// The first two bytes choose the fields, the rest are two keys. Bytes that decode must be the one
// encoding of what they decode to, and two keys that decode must compare as their values do.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/codec.h"
#include "base/key_encoding.h"

namespace trident {
namespace {

std::vector<KeyField> FieldsFrom(uint8_t shape, uint8_t nullable) {
  const TypeInfo* types[] = {&TypeOf<bool>(), &TypeOf<int64_t>(), &TypeOf<double>(),
                             &TypeOf<Text>(), &TypeOf<Bytes>(),   &TypeOf<Timestamp>()};
  std::vector<KeyField> fields;
  for (int n = 1 + shape % 3; n > 0; --n) {
    shape /= 3;
    fields.push_back({"f", types[(shape + n) % 6],
                      (nullable >> n & 1) != 0 ? Nullability::kNullable : Nullability::kRequired});
  }
  return fields;
}

int Compare(const Datum& a, const Datum& b) {
  if (a.is_null() || b.is_null()) return static_cast<int>(b.is_null()) - a.is_null();
  return std::visit(
      [&](const auto& x) -> int {
        using T = std::decay_t<decltype(x)>;
        const T& y = std::get<T>(b.value);
        if constexpr (std::is_same_v<T, double>) {
          if (std::isnan(x) || std::isnan(y)) {
            return std::isnan(x) - static_cast<int>(std::isnan(y));
          }
        }
        if constexpr (requires { x < y; } && !std::is_same_v<T, std::vector<Datum>>) {
          return x < y ? -1 : (y < x ? 1 : 0);
        }
        return 0;
      },
      a.value);
}

int Sign(int v) { return v < 0 ? -1 : v > 0; }

void CheckPair(std::span<const KeyField> fields, std::string_view a, std::string_view b) {
  const StatusOr<std::vector<Datum>> x = DecodeKey(fields, a);
  const StatusOr<std::vector<Datum>> y = DecodeKey(fields, b);
  if (x.ok()) TRIDENT_CHECK(EncodeKey(fields, *x).value() == a);
  if (!x.ok() || !y.ok()) return;
  int order = 0;
  for (size_t i = 0; i < fields.size() && order == 0; ++i) order = Compare((*x)[i], (*y)[i]);
  TRIDENT_CHECK_EQ(Sign(order), Sign(a.compare(b)));
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view a = rest.substr(0, rest.size() / 2);
  trident::CheckPair(trident::FieldsFrom(data[0], data[1]), a, rest.substr(a.size()));
  for (const trident::TypeInfo* type : {&trident::TypeOf<int64_t>(), &trident::TypeOf<double>(),
                                        &trident::TypeOf<trident::Timestamp>()}) {
    const trident::StatusOr<trident::Datum> typed = trident::ParseDatum(*type, rest);
    if (typed.ok()) {
      TRIDENT_CHECK_OK(trident::ParseDatum(*type, trident::ToString(*typed)));
    }
  }
  return 0;
}
