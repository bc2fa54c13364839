// SPDX-License-Identifier: Apache-2.0
//
// A column: the values of one field for some rows, with nulls. Built by one thread, immutable and
// shared after that. A column of views (text, bytes, lists) keeps the memory it points into alive.
#ifndef TRIDENT_ENGINE_DATA_COLUMN_H_
#define TRIDENT_ENGINE_DATA_COLUMN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/types.h"
#include "engine/data/column_vector.h"

namespace trident {

// Keeps some memory alive. The holder need not know what it is.
using BufferRef = std::shared_ptr<const void>;

class Column;
using ColumnRef = std::shared_ptr<const Column>;

class Column {
 public:
  virtual ~Column() = default;
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  const TypeInfo& type() const { return *type_; }
  virtual size_t size() const = 0;
  bool has_nulls() const { return !valid_.empty(); }
  bool IsNull(size_t row) const { return has_nulls() && valid_[row] == 0; }

  // Appends the Codec<T> form of a value. REQUIRES: not null.
  virtual void EncodeValue(size_t row, std::string& out) const = 0;
  // The values at `rows`, in that order; views keep pointing at the same memory.
  virtual ColumnRef Gather(std::span<const uint32_t> rows) const = 0;
  // Rough memory of the values themselves, in bytes, without what they point at.
  virtual size_t ValueBytes() const = 0;
  // Rough memory that the values point at or own, in bytes. A text that several values point at is
  // counted for each. A user type says its own by UserCodec<T>::MemoryBytes; else it counts for
  // nothing here.
  virtual size_t PointedBytes() const = 0;

  // The value in a form for people and tests; a null row gives a null datum.
  Datum At(size_t row) const;

 protected:
  explicit Column(const TypeInfo& type) : type_(&type) {}

  const TypeInfo* type_;
  ColumnVector<uint8_t> valid_;  // empty: no nulls; else one 0 or 1 per row
};

namespace column_internal {

template <class T>
size_t PointedBytes(const T& value) {
  if constexpr (requires { UserCodec<T>::MemoryBytes(value); }) {
    return UserCodec<T>::MemoryBytes(value);
  } else {
    return 0;
  }
}
inline size_t PointedBytes(Text text) { return text.size(); }
inline size_t PointedBytes(Bytes bytes) { return bytes.view.size(); }
template <class T>
size_t PointedBytes(List<T> list) {
  size_t bytes = list.size_bytes();
  if constexpr (std::is_same_v<T, Text> || std::is_same_v<T, Bytes>) {
    for (const T& element : list) bytes += PointedBytes(element);
  }
  return bytes;
}

}  // namespace column_internal

// A column of values of type T.
template <class T>
class ColumnOf final : public Column {
 public:
  ColumnOf() : Column(TypeOf<T>()) {}

  size_t size() const override { return values_.size(); }
  std::span<const T> values() const { return values_.view(); }
  const std::vector<BufferRef>& retained() const { return retained_; }

  ColumnVector<T>& mutable_values() { return values_; }
  void Append(T value) {
    values_.Append(std::move(value));
    if (has_nulls()) valid_.Append(uint8_t{1});
  }
  void AppendNull() {
    if (!has_nulls()) {
      for (size_t i = 0; i < values_.size(); ++i) valid_.Append(uint8_t{1});
    }
    values_.Append(T{});
    valid_.Append(uint8_t{0});
  }
  void AppendOptional(std::optional<T> value) { value ? Append(*std::move(value)) : AppendNull(); }
  // Keeps `buffer` alive with the column, whose views may point into it from now on.
  void Retain(BufferRef buffer) {
    if (buffer != nullptr && (retained_.empty() || retained_.back() != buffer)) {
      retained_.push_back(std::move(buffer));
    }
  }
  void RetainAll(const std::vector<BufferRef>& buffers) {
    for (const BufferRef& buffer : buffers) Retain(buffer);
  }
  std::optional<T> Value(size_t row) const {
    if (IsNull(row)) return std::nullopt;
    return values_[row];
  }

  void EncodeValue(size_t row, std::string& out) const override {
    type_->encode(&values_[row], out);
  }
  ColumnRef Gather(std::span<const uint32_t> rows) const override {
    auto out = std::make_shared<ColumnOf<T>>();
    out->values_.Reserve(rows.size());
    if (has_nulls()) {
      for (uint32_t row : rows) out->AppendOptional(Value(row));
    } else if constexpr (std::is_trivially_copyable_v<T>) {
      T* to = out->values_.Extend(rows.size());
      for (uint32_t row : rows) *to++ = values_[row];
    } else {
      for (uint32_t row : rows) out->values_.Append(values_[row]);
    }
    out->retained_ = retained_;
    return out;
  }
  size_t ValueBytes() const override { return values_.size() * sizeof(T); }
  size_t PointedBytes() const override {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Timestamp>) return 0;
    size_t bytes = 0;
    for (const T& value : values_.view()) bytes += column_internal::PointedBytes(value);
    return bytes;
  }

 private:
  ColumnVector<T> values_;
  std::vector<BufferRef> retained_;
};

// The columns of the project's own types are compiled once, in the library.
#define TRIDENT_EXTERN_(T)           \
  extern template class ColumnOf<T>; \
  extern template class ColumnOf<List<T>>;
TRIDENT_EXTERN_(bool)
TRIDENT_EXTERN_(int64_t)
TRIDENT_EXTERN_(double)
TRIDENT_EXTERN_(Text)
TRIDENT_EXTERN_(Bytes)
TRIDENT_EXTERN_(Timestamp)
#undef TRIDENT_EXTERN_

namespace column_internal {
// Ends the process: `column` was read as a column of `wanted`.
[[noreturn]] void FailAs(const Column& column, const TypeInfo& wanted);
}  // namespace column_internal

// The column as its own type. REQUIRES: that type is T's (the planner has checked it).
template <class T>
const ColumnOf<T>& As(const Column& column) {
  const auto* typed = dynamic_cast<const ColumnOf<T>*>(&column);
  if (typed == nullptr) column_internal::FailAs(column, TypeOf<T>());
  return *typed;
}

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_COLUMN_H_
