// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/zipf_sentences.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "trident/spouts/spout_fields.h"

namespace trident {
namespace {

constexpr double kTwoTo32 = 4294967296.0;
// Syllables of one consonant and one vowel.
constexpr std::string_view kConsonants = "tnshrdlcmwfgypbvkjxz";
constexpr std::string_view kVowels = "eaoiu";
constexpr uint64_t kSyllables = kConsonants.size() * kVowels.size();

StatusOr<SchemaRef> TextSchema(const std::string& field) {
  return SchemaOfSpout("ZipfSentenceSpout", {{field, &TypeOf<Text>()}});
}

GeneratorOptions Named(const GeneratorOptions& generator) {
  GeneratorOptions options = generator;
  options.name = "zipf sentences";
  return options;
}

GeneratedSlice SliceOfTexts(const SchemaRef& schema, std::shared_ptr<ColumnOf<Text>> column) {
  uint64_t bytes = 0;
  for (Text text : column->values()) bytes += text.size();
  const size_t rows = column->size();
  return {Slice(schema, {std::move(column)}, rows), bytes};
}

GeneratedSlice MakeSentences(const SchemaRef& schema, const ZipfSentenceMaker& maker,
                             const GeneratedRange& range) {
  auto letters = std::make_shared<std::string>();
  std::vector<size_t> ends;
  ends.reserve(range.rows);
  for (uint64_t i = 0; i < range.rows; ++i) {
    maker.Append({range.seed, range.partition, range.first + i}, *letters);
    ends.push_back(letters->size());
  }
  auto column = std::make_shared<ColumnOf<Text>>();
  Text* to = column->mutable_values().Extend(range.rows);
  size_t begin = 0;
  for (size_t end : ends) {
    *to++ = Text(*letters).substr(begin, end - begin);
    begin = end;
  }
  column->Retain(std::move(letters));
  return SliceOfTexts(schema, std::move(column));
}

GeneratedSlice CopyFromPool(const SchemaRef& schema,
                            const std::shared_ptr<const SentencePool>& pool, uint64_t at,
                            uint64_t rows) {
  const std::vector<Text>& sentences = pool->sentences;
  auto column = std::make_shared<ColumnOf<Text>>();
  Text* to = column->mutable_values().Extend(rows);
  for (uint64_t left = rows; left > 0;) {
    const uint64_t run = std::min<uint64_t>(left, sentences.size() - at);
    to = std::copy_n(sentences.data() + at, run, to);
    left -= run;
    at = 0;
  }
  column->Retain(pool);
  return SliceOfTexts(schema, std::move(column));
}

}  // namespace

ZipfRanks::ZipfRanks(uint32_t n, double exponent) : slots_(n) {
  TRIDENT_CHECK_GE(n, 1u);
  std::vector<double> weight(n);  // in units of the average
  double sum = 0;
  for (uint32_t r = 0; r < n; ++r) sum += weight[r] = std::pow(r + 1.0, -exponent);
  for (double& w : weight) w *= n / sum;
  std::vector<uint32_t> poor, rich;
  for (uint32_t r = n; r-- > 0;) (weight[r] < 1.0 ? poor : rich).push_back(r);
  while (!poor.empty() && !rich.empty()) {
    const uint32_t p = poor.back(), r = rich.back();
    poor.pop_back();
    slots_[p] = {static_cast<uint32_t>(weight[p] * kTwoTo32), r};
    weight[r] -= 1.0 - weight[p];
    if (weight[r] < 1.0) {
      rich.pop_back();
      poor.push_back(r);
    }
  }
  // What rounding leaves over is as good as full.
  for (uint32_t r : poor) slots_[r] = {~uint32_t{0}, r};
  for (uint32_t r : rich) slots_[r] = {~uint32_t{0}, r};
}

std::string WordOfRank(uint32_t rank) {
  // Bijective numeration: every number is one word, and every word one number.
  std::string word;
  for (uint64_t rest = uint64_t{rank} + 1; rest > 0; rest /= kSyllables) {
    --rest;
    const uint64_t syllable = rest % kSyllables;
    word.push_back(kConsonants[syllable % kConsonants.size()]);
    word.push_back(kVowels[syllable / kConsonants.size()]);
  }
  word.push_back(kConsonants[rank % kConsonants.size()]);
  return word;
}

ZipfSentenceMaker::ZipfSentenceMaker(const ZipfOptions& options)
    : words_per_sentence_(options.words_per_sentence),
      ranks_(options.vocabulary, options.exponent) {
  for (uint32_t r = 0; r < options.vocabulary; ++r) {
    letters_ += WordOfRank(r);
    word_ends_.push_back(static_cast<uint32_t>(letters_.size()));
  }
}

void ZipfSentenceMaker::Append(const GeneratedRow& row, std::string& out) const {
  Rng rng = row.rng();
  for (uint32_t i = 0; i < words_per_sentence_; ++i) {
    const uint32_t rank = ranks_.Draw(rng);
    const uint32_t begin = rank == 0 ? 0 : word_ends_[rank - 1];
    if (i > 0) out.push_back(' ');
    out.append(letters_, begin, word_ends_[rank] - begin);
  }
}

SentencePool::SentencePool(const ZipfOptions& options, uint64_t seed) {
  const ZipfSentenceMaker maker(options);
  std::vector<size_t> ends;
  for (uint64_t i = 0; i < options.distinct_sentences; ++i) {
    maker.Append({seed, 0, i}, letters);
    ends.push_back(letters.size());
  }
  size_t begin = 0;
  for (size_t end : ends) {  // views are made last: the letters have moved while they grew
    sentences.push_back(Text(letters).substr(begin, end - begin));
    begin = end;
  }
}

StatusOr<std::shared_ptr<Spout>> ZipfSentenceSpout::Make(const ZipfOptions& options,
                                                         const GeneratorOptions& generator) {
  if (options.vocabulary == 0 || options.words_per_sentence == 0) {
    return InvalidArgument("sentences need a vocabulary and words, got a vocabulary of ",
                           options.vocabulary, " and ", options.words_per_sentence,
                           " words a sentence");
  }
  if (!std::isfinite(options.exponent)) {
    return InvalidArgument("the exponent of Zipf's law must be a number, as 1.0, got ",
                           options.exponent);
  }
  if (options.distinct_sentences > 0) {
    return SentencePoolSpout::Make(std::make_shared<SentencePool>(options, generator.seed),
                                   generator, options.field);
  }
  TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, TextSchema(options.field));
  auto maker = std::make_shared<const ZipfSentenceMaker>(options);
  return GeneratorSpout::Make(schema, Named(generator),
                              [schema, maker](const GeneratedRange& range) {
                                return MakeSentences(schema, *maker, range);
                              });
}

StatusOr<std::shared_ptr<Spout>> SentencePoolSpout::Make(std::shared_ptr<const SentencePool> pool,
                                                         const GeneratorOptions& generator,
                                                         const std::string& field) {
  if (pool == nullptr || pool->sentences.empty()) {
    return InvalidArgument("a SentencePoolSpout needs sentences, got none; set distinct_sentences");
  }
  TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, TextSchema(field));
  const uint32_t partitions = std::max(generator.partitions, 1u);
  return GeneratorSpout::Make(
      schema, Named(generator),
      [schema, pool = std::move(pool), partitions](const GeneratedRange& range) {
        const uint64_t size = pool->sentences.size();
        const uint64_t begin = size / partitions * range.partition;
        return CopyFromPool(schema, pool, (begin + range.first) % size, range.rows);
      });
}

}  // namespace trident
