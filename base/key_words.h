// SPDX-License-Identifier: Apache-2.0
//
// KeyWords: a key of up to sixteen bytes as two machine words, to be compared and mixed without a
// loop and without a branch on the length, which for words of a text is never predicted.
#ifndef TRIDENT_BASE_KEY_WORDS_H_
#define TRIDENT_BASE_KEY_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace trident {

// Where reads past the end of an object are reported, keys are copied first.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRIDENT_READ_PAST_KEYS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TRIDENT_READ_PAST_KEYS 0
#endif
#endif
#if !defined(TRIDENT_READ_PAST_KEYS)
#define TRIDENT_READ_PAST_KEYS 1
#endif
inline constexpr bool kReadPastKeys = TRIDENT_READ_PAST_KEYS != 0;

struct KeyWords {
  static constexpr size_t kBytes = 16;

  // The first eight bytes and those after them, padded with zeros; of a key of more than kBytes the
  // first and the last eight. With the length they are all of a key of up to kBytes.
  uint64_t head = 0;
  uint64_t tail = 0;

  bool operator==(const KeyWords&) const = default;

  static KeyWords Of(std::string_view key) {
    const char* at = key.data();
    const size_t n = key.size();
    if (n > kBytes) return {Word(at), Word(at + n - 8)};
    // An empty key may stand nowhere.
    if (kReadPastKeys && n > 0 && StaysOnItsPage(at)) {
      // The compiler must not conclude anything from a read that may pass the end.
      asm("" : "+r"(at));
      const unsigned char* const mask = kOnes + kBytes - n;
      return {Word(at) & Word(mask), Word(at + 8) & Word(mask + 8)};
    }
    char padded[kBytes] = {};
    if (n > 0) std::memcpy(padded, at, n);
    return {Word(padded), Word(padded + 8)};
  }

  // Of a key that stands in kBytes bytes, padded with zeros.
  static KeyWords OfPadded(const char* bytes) { return {Word(bytes), Word(bytes + 8)}; }
  // Writes kBytes bytes: a key of up to so many, and zeros.
  void CopyTo(char* bytes) const { std::memcpy(bytes, this, kBytes); }

  // A hash of a key of `n` <= kBytes bytes for tables in memory. Where the program was loaded is a
  // part of it, so that nobody can make keys beforehand that all collide; nothing that lasts may
  // depend on it.
  uint64_t Mix(size_t n) const { return Mix(n, reinterpret_cast<uintptr_t>(kOnes)); }
  // Two multiplications whose halves are put together, as in wyhash. One alone would be linear in
  // keys that differ in one word only: for one salt in twenty, runs of numbers find few slots.
  uint64_t Mix(size_t n, uint64_t salt) const {
    const auto first = static_cast<unsigned __int128>(head ^ salt ^ 0x9e3779b97f4a7c15) *
                       (tail ^ 0xd6e8feb86659fd93);
    const auto second =
        static_cast<unsigned __int128>(static_cast<uint64_t>(first) ^ n ^ 0xa0761d6478bd642f) *
        (static_cast<uint64_t>(first >> 64) ^ 0xe7037ed1a0b428db);
    return static_cast<uint64_t>(second) ^ static_cast<uint64_t>(second >> 64);
  }

 private:
  // n bytes of ones and then zeros stand at kOnes + kBytes - n.
  static constexpr unsigned char kOnes[2 * kBytes] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                      255, 255, 255, 255, 255, 255, 255, 255};
  static constexpr uintptr_t kPageBytes = 4096;  // or a multiple

  // Memory is mapped by pages: on the page of its first byte, what lies behind a key can be read.
  static bool StaysOnItsPage(const char* at) {
    return (reinterpret_cast<uintptr_t>(at) & (kPageBytes - 1)) <= kPageBytes - kBytes;
  }
  static uint64_t Word(const void* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
};

}  // namespace trident

#endif  // TRIDENT_BASE_KEY_WORDS_H_
