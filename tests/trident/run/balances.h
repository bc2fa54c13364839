// SPDX-License-Identifier: Apache-2.0
//
// Balances: random histories of amounts of words, where a word whose amounts sum to 0 has no
// balance; aggregators and an updater that keep them, for values of each form.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_BALANCES_H_
#define TRIDENT_TESTS_TRIDENT_RUN_BALANCES_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tests/trident/run/words.h"
#include "trident/partition_persist.h"

namespace trident {

// A type of the program that owns memory.
struct Balance {
  int64_t amount = 0;
  std::string in_words = {};
};
template <>
struct UserCodec<Balance> {
  static constexpr std::string_view kName = "balance";
  static void Encode(const Balance& b, std::string& out) {
    Codec<int64_t>::Encode(b.amount, out);
    Codec<std::string>::Encode(b.in_words, out);
  }
  static bool Decode(std::string_view bytes, Balance& out) {
    ByteReader in(bytes);
    out.amount = Codec<int64_t>::Decode(in);
    out.in_words = Codec<std::string>::Decode(in);
    return in.done();
  }
};

inline constexpr Field<int64_t> kAmount{"amount"};

// A type of values, as amounts.
template <class V>
struct Amounts;
template <>
struct Amounts<int64_t> {
  static int64_t Of(int64_t amount) { return amount; }
  static int64_t In(int64_t value) { return value; }
};
template <>
struct Amounts<std::string> {
  static std::string Of(int64_t amount) { return std::to_string(amount); }
  static int64_t In(const std::string& value) { return std::stoll(value); }
};
template <>
struct Amounts<std::vector<int64_t>> {
  static std::vector<int64_t> Of(int64_t amount) { return {amount, 7}; }
  static int64_t In(const std::vector<int64_t>& value) { return value.at(0); }
};
template <>
struct Amounts<Balance> {
  static Balance Of(int64_t amount) { return {amount, "about " + std::to_string(amount)}; }
  static int64_t In(const Balance& value) { return value.amount; }
};

template <class V>
std::optional<V> NonZero(int64_t amount) {
  if (amount == 0) return std::nullopt;
  return Amounts<V>::Of(amount);
}
template <class V>
int64_t AmountIn(const std::optional<V>& value) {
  return value.has_value() ? Amounts<V>::In(*value) : 0;
}

template <class V>
struct Combined {
  using Value = std::optional<V>;
  Value Zero() const { return std::nullopt; }
  Value Init(int64_t amount) const { return NonZero<V>(amount); }
  Value Combine(const Value& a, const Value& b) const {
    return NonZero<V>(AmountIn<V>(a) + AmountIn<V>(b));
  }
};
template <class V>
struct Reduced {
  using Value = std::optional<V>;
  Value Init() const { return std::nullopt; }
  void Reduce(Value& value, int64_t amount) const {
    value = NonZero<V>(AmountIn<V>(value) + amount);
  }
};

using Transfer = OwnedRow<Text, int64_t>;
using Balances = std::map<std::string, int64_t>;

inline constexpr uint64_t kBatchRows = 4;
inline constexpr uint64_t kBatches = 40;

// Few words and small amounts, so that words come and go all the time, also within a batch.
inline std::vector<Transfer> History(uint64_t seed) {
  Rng rng(seed);
  std::vector<Transfer> rows;
  for (uint64_t i = 0; i < kBatchRows * kBatches; ++i) {
    rows.emplace_back(std::string(1, static_cast<char>('a' + rng.Below(7))),
                      static_cast<int64_t>(rng.Below(5)) - 2);
  }
  return rows;
}
// The balances after the first `rows` rows.
inline Balances After(const std::vector<Transfer>& history, uint64_t rows) {
  Balances balances;
  for (uint64_t i = 0; i < rows; ++i) {
    const auto& [word, amount] = history[i];
    if ((balances[word] += amount) == 0) balances.erase(word);
  }
  return balances;
}

// Sets a word to its last amount of the batch; 0 removes it.
template <class V>
Status SetOrRemove(MapAccess<V>& state, const PersistRows<Text, int64_t>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string_view key = rows.key(i);
    const int64_t amount = std::get<1>(rows[i]);
    if (amount == 0) {
      TRIDENT_RETURN_IF_ERROR(state.MultiRemove({&key, 1}));
    } else {
      const V value = Amounts<V>::Of(amount);
      TRIDENT_RETURN_IF_ERROR(state.MultiPut({&key, 1}, {&value, 1}));
    }
    TRIDENT_ASSIGN_OR_RETURN(auto now, state.MultiGet({&key, 1}));
    EXPECT_EQ(now[0].has_value(), amount != 0) << "an updater sees what it removed";
  }
  return absl::OkStatus();
}

template <class V>
Balances LastAmounts(const std::vector<Transfer>& history, uint64_t rows) {
  Balances last;
  for (uint64_t i = 0; i < rows; ++i) {
    const auto& [word, amount] = history[i];
    last[word] = amount;
    if (amount == 0) last.erase(word);
  }
  return last;
}

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_BALANCES_H_
