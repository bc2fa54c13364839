// SPDX-License-Identifier: Apache-2.0
//
// Sentences of words whose frequencies follow Zipf's law: the word of rank r comes with a
// probability in proportion to 1 / r^exponent. The same seed gives the same sentences everywhere.
#ifndef TRIDENT_TRIDENT_SPOUTS_ZIPF_SENTENCES_H_
#define TRIDENT_TRIDENT_SPOUTS_ZIPF_SENTENCES_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/types.h"
#include "trident/spouts/generator_spout.h"

namespace trident {

// Draws ranks 0 .. n-1 in constant time, by the alias method (Walker 1977, set up as Vose 1991).
// Immutable, so any thread may use it.
class ZipfRanks {
 public:
  // REQUIRES: 1 <= n <= 2^32 - 1.
  ZipfRanks(uint32_t n, double exponent);

  uint32_t Draw(Rng& rng) const {
    const uint64_t random = rng();
    const auto slot = static_cast<uint32_t>((random >> 32) * slots_.size() >> 32);
    const Slot& s = slots_[slot];
    return static_cast<uint32_t>(random) < s.keep_below ? slot : s.alias;
  }

 private:
  struct Slot {
    uint32_t keep_below = 0;  // of 2^32
    uint32_t alias = 0;
  };
  std::vector<Slot> slots_;
};

// The word of a rank, the same for ever: three to eleven lower-case letters, distinct for each
// rank, and short for the most frequent, as in a language.
std::string WordOfRank(uint32_t rank);

struct ZipfOptions {
  uint32_t vocabulary = 10'000;
  double exponent = 1.0;
  uint32_t words_per_sentence = 10;
  // 0: each sentence is made when it is read. Else this many are made beforehand, and the rows
  // cycle over them. Reading then costs about a nanosecond a row, so that a benchmark measures the
  // steps that come after.
  uint64_t distinct_sentences = 0;
  std::string field = "sentence";
};

// Makes sentences; words are parted by one space. Immutable, so any thread may use it.
class ZipfSentenceMaker {
 public:
  // REQUIRES: vocabulary is not 0.
  explicit ZipfSentenceMaker(const ZipfOptions& options);
  // Appends the sentence of the row.
  void Append(const GeneratedRow& row, std::string& out) const;

 private:
  const uint32_t words_per_sentence_;
  const ZipfRanks ranks_;
  std::string letters_;  // all words, one behind the other
  std::vector<uint32_t> word_ends_;
};

// Sentences in one buffer, for programs that want to loop over them without a topology.
struct SentencePool {
  // REQUIRES: vocabulary and words_per_sentence are not 0.
  SentencePool(const ZipfOptions& options, uint64_t seed);

  std::string letters;
  std::vector<Text> sentences;  // into `letters`
};

// A spout of one text field over sentences that are made when they are read or, with
// `distinct_sentences`, beforehand, as by SentencePoolSpout.
class ZipfSentenceSpout {
 public:
  // The errors of GeneratorSpout for `generator`, whose name is not used. InvalidArgument also if
  // there are no words, or the exponent is no number.
  static StatusOr<std::shared_ptr<Spout>> Make(const ZipfOptions& options,
                                               const GeneratorOptions& generator);

  ZipfSentenceSpout() = delete;
};

// A spout of one text field over a pool that the caller may read too: it is shared, not copied.
// Partition p begins at its p-th part of the pool.
class SentencePoolSpout {
 public:
  // The errors of GeneratorSpout for `generator`, whose name is not used. InvalidArgument also if
  // there are no sentences.
  static StatusOr<std::shared_ptr<Spout>> Make(std::shared_ptr<const SentencePool> pool,
                                               const GeneratorOptions& generator,
                                               const std::string& field = "sentence");

  SentencePoolSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_ZIPF_SENTENCES_H_
