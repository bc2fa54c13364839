// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/datum_codec.h"

#include <variant>

#include "base/codec.h"
#include "base/utf8.h"

namespace trident {
namespace {

struct Writer {
  v1::Value& out;

  void operator()(std::monostate) { out.set_null(v1::NULL_VALUE); }
  void operator()(bool v) { out.set_bool_value(v); }
  void operator()(int64_t v) { out.set_int64_value(v); }
  void operator()(double v) { out.set_double_value(v); }
  void operator()(Timestamp v) { out.set_timestamp_micros(v.micros); }
  void operator()(const OwnedBytes& v) { out.set_bytes_value(v.bytes); }
  void operator()(const std::string& v) {
    if (IsUtf8(v)) {
      out.set_text(v);
    } else {
      out.set_broken_text(v);
    }
  }
  void operator()(const std::vector<Datum>& v) {
    v1::ValueList& list = *out.mutable_list();
    list.mutable_elements()->Reserve(static_cast<int>(v.size()));
    for (const Datum& element : v) ToProto(element, *list.add_elements());
  }
  void operator()(const Datum::User& v) {
    v1::UserValue& user = *out.mutable_user();
    user.set_type(v.type_name);
    user.set_encoded(v.encoded);
    // What people would read must not make the message unreadable.
    user.set_text(v.text.substr(0, ValidUtf8Prefix(v.text)));
  }
};

StatusOr<Datum> FromList(const v1::ValueList& list) {
  std::vector<Datum> elements;
  elements.reserve(list.elements_size());
  for (const v1::Value& value : list.elements()) {
    TRIDENT_ASSIGN_OR_RETURN(Datum element, FromProto(value));
    elements.push_back(std::move(element));
  }
  return Datum{std::move(elements)};
}

}  // namespace

void ToProto(const Datum& datum, v1::Value& out) {
  out.clear_kind();
  std::visit(Writer{out}, datum.value);
}

void ToProto(std::span<const Datum> values, v1::Key& out) {
  out.clear_values();
  for (const Datum& value : values) ToProto(value, *out.add_values());
}

StatusOr<Datum> FromProto(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kNull:
      return Datum{};
    case v1::Value::kBoolValue:
      return Datum{value.bool_value()};
    case v1::Value::kInt64Value:
      return Datum{static_cast<int64_t>(value.int64_value())};
    case v1::Value::kDoubleValue:
      return Datum{value.double_value()};
    case v1::Value::kText:
      return Datum{value.text()};
    case v1::Value::kBrokenText:
      return Datum{value.broken_text()};
    case v1::Value::kBytesValue:
      return Datum{OwnedBytes{value.bytes_value()}};
    case v1::Value::kTimestampMicros:
      return Datum{Timestamp{value.timestamp_micros()}};
    case v1::Value::kList:
      return FromList(value.list());
    case v1::Value::kUser:
      return Datum{Datum::User{value.user().type(), value.user().encoded(), value.user().text()}};
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return InvalidArgument(
      "expected a value of one of the kinds of proto/value.proto, found one without a kind this "
      "server knows; send null as `null`, or use a client of the server's version");
}

StatusOr<std::vector<Datum>> FromProto(const v1::Key& key) {
  std::vector<Datum> values;
  values.reserve(key.values_size());
  for (const v1::Value& value : key.values()) {
    TRIDENT_ASSIGN_OR_RETURN(Datum datum, FromProto(value));
    values.push_back(std::move(datum));
  }
  return values;
}

const TypeInfo* KeyTypeNamed(std::string_view name) {
  for (const TypeInfo* type : {&TypeOf<bool>(), &TypeOf<int64_t>(), &TypeOf<double>(),
                               &TypeOf<Text>(), &TypeOf<Bytes>(), &TypeOf<Timestamp>()}) {
    if (type->name == name) return type;
  }
  return nullptr;
}

}  // namespace trident
