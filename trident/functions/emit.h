// SPDX-License-Identifier: Apache-2.0
//
// Emit<Ts...>: gives out the rows of a function. The function may call it any number of times for
// an input row; each call is one output row.
//
//   [](Text sentence, Emit<Text>& emit) { for (Text word : StrSplit(sentence)) emit(word); }
//
// A Text or Bytes that lies inside an argument of the row is passed on without a copy. Any other is
// copied at the call, so it need not outlive the call.
#ifndef TRIDENT_TRIDENT_FUNCTIONS_EMIT_H_
#define TRIDENT_TRIDENT_FUNCTIONS_EMIT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/data/field.h"
#include "engine/data/text_arena.h"

namespace trident {

namespace emit_internal {

// The memory of the current row's arguments.
class ArgumentBytes {
 public:
  static constexpr size_t kMax = 4;

  void Clear() { count_ = 0; }
  template <class T>
  void Add(const T& argument) {
    if constexpr (std::is_same_v<T, Text>) {
      if (count_ < kMax) spans_[count_++] = argument;
    } else if constexpr (std::is_same_v<T, Bytes>) {
      if (count_ < kMax) spans_[count_++] = argument.view;
    } else if constexpr (std::is_same_v<T, std::optional<Text>>) {
      if (argument && count_ < kMax) spans_[count_++] = *argument;
    }
  }
  bool Contain(std::string_view view) const {
    for (size_t i = 0; i < count_; ++i) {
      if (view.data() >= spans_[i].data() &&
          view.data() + view.size() <= spans_[i].data() + spans_[i].size()) {
        return true;
      }
    }
    return false;
  }

 private:
  std::array<std::string_view, kMax> spans_;
  size_t count_ = 0;
};

// Rough size of a value in bytes, with what a view points at.
template <class T>
uint64_t ContentBytes(const T& value) {
  if constexpr (std::is_same_v<T, Text>) {
    return value.size();
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return value.view.size();
  } else if constexpr (kIsView<T>) {
    uint64_t bytes = 0;
    for (const auto& element : value) bytes += ContentBytes(element);
    return bytes;
  } else {
    return sizeof(T);
  }
}

// Appends to one output column.
template <class T>
class ColumnSink {
 public:
  using Stored = typename FieldTraits<T>::Stored;

  ColumnSink() : column_(std::make_shared<ColumnOf<Stored>>()) {}
  void Append(const T& value, const ArgumentBytes& arguments, TextArena& arena) {
    if constexpr (std::is_same_v<T, Stored>) {
      column_->Append(Keep(value, arguments, arena));
    } else if (value) {
      column_->Append(Keep(*value, arguments, arena));
    } else {
      column_->AppendNull();
    }
  }
  ColumnOf<Stored>& column() { return *column_; }
  // REQUIRES: a value has been appended.
  uint64_t LastBytes() const { return ContentBytes(column_->values().back()); }
  std::shared_ptr<ColumnOf<Stored>> Take() {
    auto out = std::move(column_);
    column_ = std::make_shared<ColumnOf<Stored>>();
    // The next slice will have about as many rows; growing row by row would copy it several times.
    column_->mutable_values().Reserve(out->size());
    return out;
  }

 private:
  static Stored Keep(const Stored& value, const ArgumentBytes& arguments, TextArena& arena) {
    if constexpr (std::is_same_v<Stored, Text>) {
      return arguments.Contain(value) ? value : arena.Copy(value);
    } else if constexpr (std::is_same_v<Stored, Bytes>) {
      return arguments.Contain(value.view) ? value : Bytes{arena.Copy(value.view)};
    } else if constexpr (kIsView<Stored>) {
      return KeepIn(arena, value);
    } else {
      return value;
    }
  }

  std::shared_ptr<ColumnOf<Stored>> column_;
};

}  // namespace emit_internal

// Lives only during the call of the function that gets it; cannot be kept.
template <class... Ts>
class Emit {
 public:
  Emit() = default;
  Emit(const Emit&) = delete;
  Emit& operator=(const Emit&) = delete;

  void operator()(const Ts&... values) {
    std::apply([&](auto&... sink) { (sink.Append(values, arguments_, arena_), ...); }, sinks_);
    ++rows_;
  }

  // ---- for the operator that owns it ----
  emit_internal::ArgumentBytes& arguments() { return arguments_; }
  size_t rows() const { return rows_; }
  // Rough size of the last row's content. REQUIRES: rows() > 0.
  uint64_t LastRowBytes() const {
    return std::apply([](const auto&... sink) { return (sink.LastBytes() + ... + 0); }, sinks_);
  }
  // Hands over the columns so far, which keep `inputs` and the copies alive, and begins new ones.
  std::vector<ColumnRef> Take(const std::vector<BufferRef>& inputs) {
    BufferRef copies = arena_.Release();
    std::vector<ColumnRef> columns;
    std::apply(
        [&](auto&... sink) { (columns.push_back(TakeOne(sink.Take(), inputs, copies)), ...); },
        sinks_);
    rows_ = 0;
    return columns;
  }

 private:
  template <class T>
  static ColumnRef TakeOne(std::shared_ptr<ColumnOf<T>> column,
                           const std::vector<BufferRef>& inputs, const BufferRef& copies) {
    if constexpr (kIsView<T>) {
      column->RetainAll(inputs);
      column->Retain(copies);
    }
    return column;
  }

  std::tuple<emit_internal::ColumnSink<Ts>...> sinks_;
  emit_internal::ArgumentBytes arguments_;
  TextArena arena_;
  size_t rows_ = 0;
};

extern template class Emit<Text>;
extern template class Emit<int64_t>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_FUNCTIONS_EMIT_H_
