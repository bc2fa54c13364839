// SPDX-License-Identifier: Apache-2.0
#include "base/codec.h"
#include "base/types.h"
#include "base/user_value.h"
#include "base/value_size.h"

namespace trident {

#define TRIDENT_DEFINE_(T, KIND, NAME)                                               \
  template <>                                                                        \
  const TypeInfo& TypeOf<T>() {                                                      \
    static const TypeInfo* const info =                                              \
        new TypeInfo{TypeKind::KIND, NAME, nullptr, &codec_internal::DecodeDatum<T>, \
                     &codec_internal::EncodeAny<T>};                                 \
    return *info;                                                                    \
  }
TRIDENT_DEFINE_(bool, kBool, "bool")
TRIDENT_DEFINE_(int64_t, kInt64, "int64")
TRIDENT_DEFINE_(double, kDouble, "double")
TRIDENT_DEFINE_(Text, kText, "text")
TRIDENT_DEFINE_(std::string, kText, "text")
TRIDENT_DEFINE_(Bytes, kBytes, "bytes")
TRIDENT_DEFINE_(OwnedBytes, kBytes, "bytes")
TRIDENT_DEFINE_(Timestamp, kTimestamp, "timestamp")
#undef TRIDENT_DEFINE_

#define TRIDENT_DEFINE_LIST_(T)                                                            \
  template <>                                                                              \
  const TypeInfo& TypeOf<T>() {                                                            \
    static const TypeInfo* const info = new TypeInfo(codec_internal::Describe<T>::Make()); \
    return *info;                                                                          \
  }
TRIDENT_DEFINE_LIST_(std::span<const bool>)
TRIDENT_DEFINE_LIST_(std::span<const int64_t>)
TRIDENT_DEFINE_LIST_(std::span<const double>)
TRIDENT_DEFINE_LIST_(std::span<const Text>)
TRIDENT_DEFINE_LIST_(std::span<const Bytes>)
TRIDENT_DEFINE_LIST_(std::span<const Timestamp>)
TRIDENT_DEFINE_LIST_(std::vector<bool>)
TRIDENT_DEFINE_LIST_(std::vector<int64_t>)
TRIDENT_DEFINE_LIST_(std::vector<double>)
TRIDENT_DEFINE_LIST_(std::vector<std::string>)
TRIDENT_DEFINE_LIST_(std::vector<OwnedBytes>)
TRIDENT_DEFINE_LIST_(std::vector<Timestamp>)
#undef TRIDENT_DEFINE_LIST_

namespace {

template <class T>
const TypeInfo* TypeOrListOf(std::string_view name) {
  if (name == TypeOf<T>().name) return &TypeOf<T>();
  if (name == TypeOf<std::vector<T>>().name) return &TypeOf<std::vector<T>>();
  return nullptr;
}

template <class... Ts>
const TypeInfo* FirstOf(std::string_view name) {
  const TypeInfo* found = nullptr;
  ((found = found != nullptr ? found : TypeOrListOf<Ts>(name)), ...);
  return found;
}

}  // namespace

const TypeInfo* BuiltinTypeNamed(std::string_view name) {
  return FirstOf<bool, int64_t, double, std::string, OwnedBytes, Timestamp>(name);
}

UserValue UserValue::Decode(const ValueType& type, ByteReader& in) {
  UserValue out;
  if (type.decode(in, out.room_)) {
    out.type_ = &type;
  } else {
    in.Invalidate();
  }
  return out;
}

size_t HeapBytes(const UserValue& value) {
  if (value.empty() || value.type().is_plain) return 0;
  return value.type().heap_bytes(value.get()) + (value.type().in_place ? 0 : value.type().size);
}

#define TRIDENT_DEFINE_(T)                                                                  \
  template <>                                                                               \
  const ValueType& ValueTypeOf<T>() {                                                       \
    static const ValueType* const type = new ValueType(value_type_internal::Describe<T>()); \
    return *type;                                                                           \
  }
TRIDENT_DEFINE_(bool)
TRIDENT_DEFINE_(std::vector<bool>)
TRIDENT_DEFINE_(std::vector<int64_t>)
TRIDENT_DEFINE_(std::vector<double>)
TRIDENT_DEFINE_(std::vector<std::string>)
TRIDENT_DEFINE_(std::vector<OwnedBytes>)
TRIDENT_DEFINE_(std::vector<Timestamp>)
#undef TRIDENT_DEFINE_

}  // namespace trident
