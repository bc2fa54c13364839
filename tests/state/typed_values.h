// SPDX-License-Identifier: Apache-2.0
//
// The kinds of values that every test of states runs for: a number, a text, a list, and a type of
// the program. Tests speak of numbers; ValuesOf<V> says which value stands for a number, and what
// two values make together.
#ifndef TRIDENT_TESTS_STATE_TYPED_VALUES_H_
#define TRIDENT_TESTS_STATE_TYPED_VALUES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/codec.h"
#include "base/user_value.h"
#include "base/value_size.h"
#include "gtest/gtest.h"
#include "state/map/map_options.h"

namespace trident {

// A type of a program: text that says how much memory it has. Text with "~~" in it cannot be
// written, and text that begins with "#" cannot be read while `refuses_hash` is set.
struct Note {
  static inline bool refuses_hash = false;
  std::string text;
};
template <>
struct UserCodec<Note> {
  static constexpr std::string_view kName = "note";
  static void Encode(const Note& note, std::string& out) {
    if (note.text.find("~~") != std::string::npos) throw std::domain_error("no note has ~~");
    out = note.text;
  }
  static bool Decode(std::string_view in, Note& out) {
    if (Note::refuses_hash && in.starts_with('#')) throw std::domain_error("no hash here");
    out.text = std::string(in);
    return true;
  }
  static size_t MemoryBytes(const Note& note) { return HeapBytes(note.text); }
};
inline bool operator==(const UserValue& a, const UserValue& b) {
  return a.As<Note>().text == b.As<Note>().text;
}
inline void PrintTo(const UserValue& value, std::ostream* out) {
  *out << "a note of \"" << value.As<Note>().text << '"';
}

// The sanitizers watch memory that values own: numbers have none, and lists own it as texts do.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRIDENT_WATCHED_VALUES_ONLY
using StateValues = ::testing::Types<std::string, UserValue>;
#else
using StateValues = ::testing::Types<int64_t, std::string, std::vector<int64_t>, UserValue>;
#endif

// Sums of texts and lists are their last parts, so that histories do not grow without end; which
// ones those are depends on the order of what was added.
inline constexpr size_t kSumBytesMax = 300;
inline constexpr size_t kSumNumbersMax = 25;

template <class V>
struct ValuesOf;
template <>
struct ValuesOf<int64_t> {
  static int64_t Of(int64_t n) { return n; }
  static int64_t Join(int64_t a, int64_t b) { return a + b; }
  static int64_t Sum(int64_t a, int64_t b) { return a + b; }
};
template <>
struct ValuesOf<std::string> {
  // Other numbers are other texts; long now and then, so that buffers come and go.
  static std::string Of(int64_t n) {
    const uint64_t u = static_cast<uint64_t>(n);
    return std::to_string(n) +
           std::string(u % 7 == 0 ? 40 * (u % 50) : u % 9, static_cast<char>('a' + u % 26));
  }
  static std::string Join(const std::string& a, const std::string& b) { return a + b; }
  static std::string Sum(const std::string& a, const std::string& b) {
    std::string sum = a + b;
    sum.erase(0, sum.size() - std::min(sum.size(), kSumBytesMax));
    return sum;
  }
};
template <>
struct ValuesOf<std::vector<int64_t>> {
  using List = std::vector<int64_t>;
  static List Of(int64_t n) { return List(1 + static_cast<uint64_t>(n) % 13, n); }
  static List Join(const List& a, const List& b) {
    List sum = a;
    sum.insert(sum.end(), b.begin(), b.end());
    return sum;
  }
  static List Sum(const List& a, const List& b) {
    List sum = Join(a, b);
    const size_t over = sum.size() - std::min(sum.size(), kSumNumbersMax);
    sum.erase(sum.begin(), sum.begin() + static_cast<std::ptrdiff_t>(over));
    return sum;
  }
};
template <>
struct ValuesOf<UserValue> {
  using Text = ValuesOf<std::string>;
  static UserValue Of(int64_t n) { return UserValue::Of(Note{Text::Of(n)}); }
  static UserValue Join(const UserValue& a, const UserValue& b) {
    return UserValue::Of(Note{Text::Join(a.As<Note>().text, b.As<Note>().text)});
  }
  static UserValue Sum(const UserValue& a, const UserValue& b) {
    return UserValue::Of(Note{Text::Sum(a.As<Note>().text, b.As<Note>().text)});
  }
};

template <class V>
ValueCodec<V> CodecOf() {
  ValueCodec<V> codec;
  if constexpr (std::is_same_v<V, UserValue>) codec.value_type = &ValueTypeOf<Note>();
  return codec;
}
// Values are added up by ValuesOf<V>::Sum.
template <class V>
MapOptions<V> SummingOptions() {
  return {.combine = &ValuesOf<V>::Sum, .codec = CodecOf<V>()};
}
template <class V>
std::string Encoded(const V& value) {
  std::string out;
  Codec<V>::Encode(value, out);
  return out;
}

// What a state holds.
template <class V>
using Content = std::map<std::string, V>;
// Adds `delta` to the key's value.
template <class V>
void AddTo(Content<V>& content, const std::string& key, const V& delta) {
  const auto [at, is_new] = content.try_emplace(key, delta);
  if (!is_new) at->second = ValuesOf<V>::Sum(at->second, delta);
}

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_TYPED_VALUES_H_
