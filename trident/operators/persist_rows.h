// SPDX-License-Identifier: Apache-2.0
//
// PersistRows: the rows that a batch brought to one partition of a state, as an updater sees them.
//
//   [](MapAccess<int64_t>& state, const PersistRows<Text, int64_t>& rows) {
//     for (auto [word, amount] : rows) ...
//   }
#ifndef TRIDENT_TRIDENT_OPERATORS_PERSIST_ROWS_H_
#define TRIDENT_TRIDENT_OPERATORS_PERSIST_ROWS_H_

#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "trident/functions/row_function.h"

namespace trident {

namespace persist_internal {

// A row of a batch that came in slices.
struct RowPlace {
  uint32_t slice;
  uint32_t place;
};

template <class... Ins>
struct ReadableSlice {
  Slice rows;
  std::tuple<row_internal::ColumnReader<Ins>...> readers;
};

}  // namespace persist_internal

// The rows in the batch's order. Valid, with the views in it, during the updater's call only.
template <class... Ins>
class PersistRows {
 public:
  using Row = std::tuple<Ins...>;

  class Iterator {
   public:
    Iterator(const PersistRows* rows, size_t at) : rows_(rows), at_(at) {}
    Row operator*() const { return (*rows_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const PersistRows* rows_;
    size_t at_;
  };

  using Slices = std::vector<persist_internal::ReadableSlice<Ins...>>;
  using Places = std::vector<persist_internal::RowPlace>;
  // The rows of `all` at the places `which`.
  PersistRows(const Slices& slices, const Places& all, std::span<const uint32_t> which)
      : slices_(slices), all_(all), which_(which) {}

  size_t size() const { return which_.size(); }
  bool empty() const { return which_.empty(); }
  Row operator[](size_t i) const {
    return Read(all_[which_[i]], std::index_sequence_for<Ins...>{});
  }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }
  // The key of a row's group; "" where the stream is not grouped.
  std::string_view key(size_t i) const {
    const persist_internal::RowPlace& at = all_[which_[i]];
    return slices_[at.slice].rows.keys()->keys[at.place].key;
  }
  // The keys of all rows, in their order; a key repeats as often as its rows.
  std::vector<std::string_view> keys() const {
    std::vector<std::string_view> keys;
    for (size_t i = 0; i < size(); ++i) keys.push_back(key(i));
    return keys;
  }

 private:
  template <size_t... I>
  Row Read(const persist_internal::RowPlace& at, std::index_sequence<I...>) const {
    const auto& slice = slices_[at.slice];
    [[maybe_unused]] const uint32_t row = slice.rows.RowAt(at.place);
    return Row(std::get<I>(slice.readers)[row]...);
  }

  const Slices& slices_;
  const Places& all_;
  const std::span<const uint32_t> which_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PERSIST_ROWS_H_
