// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/hand_baseline.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/hash.h"
#include "tests/bench/split_words.h"

namespace trident::bench {
namespace {

// Lets views be looked up among owned strings. The hash is the fastest at hand for short words.
struct WordHash {
  using is_transparent = void;
  size_t operator()(std::string_view word) const { return HashBytes(word); }
};
using Counts = absl::flat_hash_map<std::string, int64_t, WordHash, std::equal_to<>>;
using Views = absl::flat_hash_set<std::string_view, WordHash, std::equal_to<>>;
using ViewCounts = absl::flat_hash_map<std::string_view, int64_t, WordHash, std::equal_to<>>;

inline void AddTo(Counts& counts, std::string_view word, int64_t n) {
  auto found = counts.find(word);
  if (found == counts.end()) found = counts.emplace(std::string(word), 0).first;
  found->second += n;
}

// Sentences [at, at + rows) of the work.
template <class Word>
void ForEachWordOf(const HandWork& work, uint64_t at, uint64_t rows, Word&& word) {
  const std::vector<Text>& sentences = *work.sentences;
  uint64_t next = at % sentences.size();
  for (uint64_t i = 0; i < rows; ++i) {
    ForEachWord(sentences[next], word);
    if (++next == sentences.size()) next = 0;
  }
}

void AppendEntry(std::string& record, std::string_view word, int64_t count) {
  const auto size = static_cast<uint32_t>(word.size());
  record.append(reinterpret_cast<const char*>(&size), sizeof size);
  record.append(word);
  record.append(reinterpret_cast<const char*>(&count), sizeof count);
}

// The redo log: one synced write a batch.
class RedoLog {
 public:
  static StatusOr<RedoLog> Open(const std::string& dir) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, dir, &db);
    if (!status.ok()) return Unavailable("hand_durable: ", status.ToString());
    return RedoLog(db);
  }
  Status Append(uint64_t batch, const std::string& record) {
    char key[8];
    for (int i = 0; i < 8; ++i) key[i] = static_cast<char>(batch >> (56 - 8 * i));
    rocksdb::WriteBatch write;
    write.Put(rocksdb::Slice(key, sizeof key), record);
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Write(options, &write);
    return status.ok() ? absl::OkStatus() : Unavailable("hand_durable: ", status.ToString());
  }

 private:
  explicit RedoLog(rocksdb::DB* db) : db_(db) {}
  std::unique_ptr<rocksdb::DB> db_;
};

HandResult Finish(const HandWork& work, const Counts& counts, uint64_t words,
                  const Stopwatch& watch) {
  HandResult result{watch.Elapsed(), words, 0};
  const auto found = counts.find(FirstWord(*work.sentences));
  if (found != counts.end()) result.count_of_first = found->second;
  return result;
}

// Runs count_batch(first row, rows, record) for each batch and logs the record.
template <class CountBatch>
Status RunBatches(const HandWork& work, CountBatch&& count_batch) {
  TRIDENT_ASSIGN_OR_RETURN(RedoLog log, RedoLog::Open(work.dir));
  std::string record;
  uint64_t batch = 0;
  for (uint64_t at = 0; at < work.rows; at += work.batch_rows) {
    record.clear();
    count_batch(at, std::min(work.batch_rows, work.rows - at), record);
    TRIDENT_RETURN_IF_ERROR(log.Append(++batch, record));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view FirstWord(const std::vector<Text>& sentences) {
  const std::string_view sentence = sentences.front();
  return sentence.substr(0, sentence.find(' '));
}

HandResult CountByHand(const HandWork& work) {
  const Stopwatch watch;
  Counts counts;
  uint64_t words = 0;
  ForEachWordOf(work, 0, work.rows, [&](std::string_view word) {
    AddTo(counts, word, 1);
    ++words;
  });
  return Finish(work, counts, words, watch);
}

StatusOr<HandResult> CountByHandDurable(const HandWork& work) {
  const Stopwatch watch;
  Counts counts;
  Views changed;
  uint64_t words = 0;
  TRIDENT_RETURN_IF_ERROR(RunBatches(work, [&](uint64_t at, uint64_t rows, std::string& record) {
    changed.clear();
    ForEachWordOf(work, at, rows, [&](std::string_view word) {
      AddTo(counts, word, 1);
      changed.insert(word);
      ++words;
    });
    for (std::string_view word : changed) AppendEntry(record, word, counts.find(word)->second);
  }));
  return Finish(work, counts, words, watch);
}

StatusOr<HandResult> CountByHandCombined(const HandWork& work) {
  const Stopwatch watch;
  Counts counts;
  ViewCounts batch_counts;
  uint64_t words = 0;
  TRIDENT_RETURN_IF_ERROR(RunBatches(work, [&](uint64_t at, uint64_t rows, std::string& record) {
    batch_counts.clear();
    ForEachWordOf(work, at, rows, [&](std::string_view word) {
      ++batch_counts[word];
      ++words;
    });
    for (const auto& [word, n] : batch_counts) {
      AddTo(counts, word, n);
      AppendEntry(record, word, counts.find(word)->second);
    }
  }));
  return Finish(work, counts, words, watch);
}

}  // namespace trident::bench
