// SPDX-License-Identifier: Apache-2.0
//
// The words of a sentence, for engine and baselines alike.
#ifndef TRIDENT_TESTS_BENCH_SPLIT_WORDS_H_
#define TRIDENT_TESTS_BENCH_SPLIT_WORDS_H_

#include <string_view>

namespace trident::bench {

// Calls word(std::string_view) for each run of characters other than ' '.
template <class Word>
inline void ForEachWord(std::string_view sentence, Word&& word) {
  const char* at = sentence.data();
  const char* const end = at + sentence.size();
  while (at < end) {
    const char* const begin = at;
    while (at < end && *at != ' ') ++at;
    if (at > begin) word(std::string_view(begin, static_cast<size_t>(at - begin)));
    ++at;
  }
}

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_SPLIT_WORDS_H_
