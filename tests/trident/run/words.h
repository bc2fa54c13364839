// SPDX-License-Identifier: Apache-2.0
//
// What the tests of running topologies share: the sentences of Trident's tutorial and starter, the
// step that splits them, a step that collects rows, and readers of states.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_WORDS_H_
#define TRIDENT_TESTS_TRIDENT_RUN_WORDS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "base/coding.h"
#include "base/mutex.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/feeder_spout.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {

inline constexpr Field<Text> kSentence{"sentence"};
inline constexpr Field<Text> kWord{"word"};
inline constexpr Field<int64_t> kCount{"count"};
inline constexpr Field<int64_t> kSum{"sum"};

struct Split {
  void operator()(Text sentence, Emit<Text>& emit) const {
    size_t begin = 0;
    while (begin < sentence.size()) {
      size_t end = std::min(sentence.find(' ', begin), sentence.size());
      if (end > begin) emit(sentence.substr(begin, end - begin));
      begin = end + 1;
    }
  }
};

inline std::vector<std::string> TutorialSentences() {
  return {"the cow jumped over the moon", "the man went to the store and bought some candy",
          "four score and seven years ago", "how many apples can you eat"};
}
inline std::vector<std::string> StarterSentences() {
  std::vector<std::string> sentences = TutorialSentences();
  sentences.push_back("to be or not to be the person");
  return sentences;
}

inline std::vector<OwnedRow<Text>> AsRows(const std::vector<std::string>& sentences) {
  std::vector<OwnedRow<Text>> rows;
  for (const std::string& sentence : sentences) rows.emplace_back(sentence);
  return rows;
}

using WordCounts = std::map<std::string, int64_t>;

// The independent count.
inline void AddWords(const std::string& sentence, WordCounts* counts) {
  std::string word;
  for (char c : sentence + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      ++(*counts)[std::exchange(word, "")];
    }
  }
}

// All of an int64 state at a txid, by encoded key.
inline WordCounts StateAt(const Run& run, const std::string& name, TxId at,
                          GroupId group = GroupId(1)) {
  WordCounts counts;
  auto state = run.states().Find(name);
  auto pinned = run.states().Pin(group, ReadAt::Exactly(at));
  EXPECT_TRUE(state.ok() && pinned.ok()) << state.status() << pinned.status();
  if (!state.ok() || !pinned.ok()) return counts;
  KeyRange range = KeyRange::All();
  for (;;) {
    auto page = (*state)->Scan(pinned->txid(), range, PageLimits{.rows = 7});
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return counts;
    for (const StateRow& row : page->rows) {
      ByteReader reader(row.value);
      EXPECT_TRUE(counts.emplace(row.key, Codec<int64_t>::Decode(reader)).second) << row.key;
    }
    if (!page->resume) return counts;
    range.begin = *page->resume;
  }
}
inline WordCounts LatestState(const Run& run, const std::string& name, GroupId group = GroupId(1)) {
  return StateAt(run, name, run.states().Published(group), group);
}

// The answer's rows as text, sorted: their order is not promised.
inline std::vector<std::string> Answer(Run& run, const std::string& function,
                                       const std::string& args) {
  auto answer = run.Drpc(function, args);
  EXPECT_TRUE(answer.ok()) << answer.status();
  std::vector<std::string> rows;
  if (!answer.ok()) return rows;
  for (const auto& row : answer->rows) rows.push_back(RowText(row));
  std::sort(rows.begin(), rows.end());
  return rows;
}

// The rows that came by, in the order in which they came; several threads may add.
template <class... Ts>
class Collected {
 public:
  using Row = std::tuple<Owned<Ts>...>;

  void Add(const Ts&... values) {
    MutexLock lock(mutex_);
    rows_.emplace_back(Owned<Ts>(values)...);
  }
  std::vector<Row> InOrder() const {
    MutexLock lock(mutex_);
    return rows_;
  }
  std::vector<Row> Sorted() const {
    std::vector<Row> rows = InOrder();
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Row> rows_;
};

// A consumer for Peek that adds its rows to a Collected.
template <class... Ts>
struct CollectInto {
  std::shared_ptr<Collected<Ts...>> rows;
  void operator()(Ts... values) const { rows->Add(values...); }
};
template <class... Ts>
CollectInto<Ts...> Collect(const std::shared_ptr<Collected<Ts...>>& rows) {
  return {rows};
}

// Runs a topology whose sources end, in memory.
inline std::unique_ptr<Run> RunToEnd(const Topology& topology, RunOptions options = {}) {
  auto run = Run::Start(topology, std::move(options));
  EXPECT_TRUE(run.ok()) << run.status();
  if (!run.ok()) return nullptr;
  Status ended = (*run)->AwaitEnd();
  EXPECT_TRUE(ended.ok()) << ended;
  return *std::move(run);
}

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_WORDS_H_
