// SPDX-License-Identifier: Apache-2.0
#include "base/key_encoding.h"

#include <bit>
#include <cmath>
#include <limits>

namespace trident {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr char kNull = '\x00';
constexpr char kPresent = '\x01';
constexpr char kEscaped = '\xff';     // after 0x00: the text holds a 0x00
constexpr char kTerminator = '\x01';  // after 0x00: the text ends

void AppendBigEndian64(std::string& out, uint64_t v) {
  const uint64_t swapped = __builtin_bswap64(v);
  out.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

// The bits of a double, moved so that unsigned order is the order of the values.
uint64_t OrderedBits(double v) {
  if (std::isnan(v)) v = std::numeric_limits<double>::quiet_NaN();
  if (v == 0) v = 0;
  const uint64_t bits = std::bit_cast<uint64_t>(v);
  return bits & kSignBit ? ~bits : bits | kSignBit;
}
double FromOrderedBits(uint64_t ordered) {
  return std::bit_cast<double>(ordered & kSignBit ? ordered & ~kSignBit : ~ordered);
}

std::string_view KindOf(const Datum& datum) {
  constexpr std::string_view kKinds[] = {"null",  "bool",      "int64", "double",   "text",
                                         "bytes", "timestamp", "list",  "user type"};
  return kKinds[datum.value.index()];
}

std::string Describe(std::span<const KeyField> fields) {
  std::string out = "(";
  for (const KeyField& field : fields) {
    if (out.size() > 1) out += ", ";
    out += field.name + " " + field.type->name;
  }
  return out + ")";
}

Status NotAKeyType(const KeyField& field) {
  return InvalidArgument("key field '", field.name, "' has type ", field.type->name,
                         ": a key field is bool, int64, double, text, bytes or timestamp. Encode "
                         "other values into one of these");
}

Status WrongType(const KeyField& field, const Datum& value) {
  return InvalidArgument("key field '", field.name, "' expects ", field.type->name, ", found ",
                         KindOf(value), " '", ToString(value), "'");
}

// Appends the value if it is a T, with `append`.
template <class T, class Append>
Status AppendIf(const KeyField& field, const Datum& value, Append append) {
  const T* typed = std::get_if<T>(&value.value);
  if (typed == nullptr) return WrongType(field, value);
  append(*typed);
  return {};
}

Status AppendPresent(std::string& out, const KeyField& field, const Datum& value, KeyPlace place) {
  switch (field.type->kind) {
    case TypeKind::kBool:
      return AppendIf<bool>(field, value, [&](bool v) { AppendKeyBool(out, v); });
    case TypeKind::kInt64:
      return AppendIf<int64_t>(field, value, [&](int64_t v) { AppendKeyInt64(out, v); });
    case TypeKind::kTimestamp:
      return AppendIf<Timestamp>(field, value, [&](Timestamp v) { AppendKeyInt64(out, v.micros); });
    case TypeKind::kDouble:
      return AppendIf<double>(field, value, [&](double v) { AppendKeyDouble(out, v); });
    case TypeKind::kText:
      return AppendIf<std::string>(field, value,
                                   [&](const std::string& v) { AppendKeyText(out, v, place); });
    case TypeKind::kBytes:
      return AppendIf<OwnedBytes>(field, value,
                                  [&](const OwnedBytes& v) { AppendKeyText(out, v.bytes, place); });
    case TypeKind::kList:
    case TypeKind::kUser:
      break;
  }
  return NotAKeyType(field);
}

Status AppendField(std::string& out, const KeyField& field, const Datum& value, KeyPlace place) {
  if (field.nullability == Nullability::kNullable) {
    out.push_back(value.is_null() ? kNull : kPresent);
    if (value.is_null()) return {};
  }
  return AppendPresent(out, field, value, place);
}

// Takes a key apart from its front.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : key_(key), rest_(key) {}

  size_t position() const { return key_.size() - rest_.size(); }
  bool done() const { return rest_.empty(); }

  // Each: false when the bytes are no such value.
  bool Byte(uint8_t* v) {
    if (rest_.empty()) return false;
    *v = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }
  bool Flag(bool* v) {
    uint8_t byte = 0;
    if (!Byte(&byte) || byte > 1) return false;
    *v = byte == 1;
    return true;
  }
  bool BigEndian64(uint64_t* v) {
    if (rest_.size() < sizeof *v) return false;
    rest_.copy(reinterpret_cast<char*>(v), sizeof *v);
    *v = __builtin_bswap64(*v);
    rest_.remove_prefix(sizeof *v);
    return true;
  }
  bool Int64(int64_t* v) {
    uint64_t bits = 0;
    if (!BigEndian64(&bits)) return false;
    *v = static_cast<int64_t>(bits ^ kSignBit);
    return true;
  }
  bool Double(double* v) {
    uint64_t bits = 0;
    if (!BigEndian64(&bits)) return false;
    *v = FromOrderedBits(bits);
    return OrderedBits(*v) == bits;  // -0 and odd NaNs are never written
  }
  bool Text(KeyPlace place, std::string* v) {
    if (place == KeyPlace::kInner) return InnerText(v);
    *v = rest_;
    rest_ = {};
    return true;
  }

 private:
  bool InnerText(std::string* v) {
    while (true) {
      const size_t zero = rest_.find('\0');
      if (zero == std::string_view::npos || zero + 1 == rest_.size()) return false;
      v->append(rest_.substr(0, zero));
      const char mark = rest_[zero + 1];
      rest_.remove_prefix(zero + 2);
      if (mark == kTerminator) return true;
      if (mark != kEscaped) return false;
      v->push_back('\0');
    }
  }

  std::string_view key_;
  std::string_view rest_;
};

template <class T, class Read>
bool ReadInto(Datum& out, Read read) {
  T v{};
  if (!read(v)) return false;
  out.value = std::move(v);
  return true;
}

bool ReadPresent(KeyReader& in, TypeKind kind, KeyPlace place, Datum& out) {
  switch (kind) {
    case TypeKind::kBool:
      return ReadInto<bool>(out, [&](bool& v) { return in.Flag(&v); });
    case TypeKind::kInt64:
      return ReadInto<int64_t>(out, [&](int64_t& v) { return in.Int64(&v); });
    case TypeKind::kTimestamp:
      return ReadInto<Timestamp>(out, [&](Timestamp& v) { return in.Int64(&v.micros); });
    case TypeKind::kDouble:
      return ReadInto<double>(out, [&](double& v) { return in.Double(&v); });
    case TypeKind::kText:
      return ReadInto<std::string>(out, [&](std::string& v) { return in.Text(place, &v); });
    case TypeKind::kBytes:
      return ReadInto<OwnedBytes>(out, [&](OwnedBytes& v) { return in.Text(place, &v.bytes); });
    case TypeKind::kList:
    case TypeKind::kUser:
      break;
  }
  return false;
}

bool ReadField(KeyReader& in, const KeyField& field, KeyPlace place, Datum& out) {
  if (field.nullability == Nullability::kNullable) {
    bool present = false;
    if (!in.Flag(&present)) return false;
    if (!present) return true;
  }
  return ReadPresent(in, field.type->kind, place, out);
}

KeyPlace PlaceOf(size_t i, size_t fields) {
  return i + 1 == fields ? KeyPlace::kLast : KeyPlace::kInner;
}

}  // namespace

void AppendKeyBool(std::string& out, bool v) { out.push_back(v ? '\x01' : '\x00'); }

void AppendKeyInt64(std::string& out, int64_t v) {
  AppendBigEndian64(out, static_cast<uint64_t>(v) ^ kSignBit);
}

void AppendKeyDouble(std::string& out, double v) { AppendBigEndian64(out, OrderedBits(v)); }

void AppendKeyText(std::string& out, std::string_view v, KeyPlace place) {
  if (place == KeyPlace::kLast) {
    out.append(v);
    return;
  }
  for (size_t zero; (zero = v.find('\0')) != std::string_view::npos; v.remove_prefix(zero + 1)) {
    out.append(v.substr(0, zero + 1));
    out.push_back(kEscaped);
  }
  out.append(v);
  out.push_back('\0');
  out.push_back(kTerminator);
}

StatusOr<std::string> EncodeKeyPrefix(std::span<const KeyField> fields,
                                      std::span<const Datum> values) {
  if (values.size() > fields.size()) {
    return InvalidArgument("the key ", Describe(fields), " has ", fields.size(), " fields, found ",
                           values.size(), " values");
  }
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    TRIDENT_RETURN_IF_ERROR(AppendField(out, fields[i], values[i], PlaceOf(i, fields.size())));
  }
  return out;
}

StatusOr<std::string> EncodeKey(std::span<const KeyField> fields, std::span<const Datum> values) {
  if (values.size() != fields.size()) {
    return InvalidArgument("the key ", Describe(fields), " needs ", fields.size(),
                           " values, found ", values.size());
  }
  return EncodeKeyPrefix(fields, values);
}

StatusOr<std::vector<Datum>> DecodeKey(std::span<const KeyField> fields, std::string_view key) {
  KeyReader in(key);
  std::vector<Datum> values(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    const size_t start = in.position();
    if (!ReadField(in, fields[i], PlaceOf(i, fields.size()), values[i])) {
      return DataLoss("expected a key of ", Describe(fields), ", but at byte ", start, " of ",
                      key.size(), " there is no ", fields[i].type->name, " for '", fields[i].name,
                      "'");
    }
  }
  if (!in.done()) {
    return DataLoss("expected a key of ", Describe(fields), " of ", in.position(), " bytes, found ",
                    key.size(), " bytes");
  }
  return values;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix.substr(0, prefix.find_last_not_of('\xff') + 1));
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace trident
