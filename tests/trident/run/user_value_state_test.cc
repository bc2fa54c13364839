// SPDX-License-Identifier: Apache-2.0
//
// States whose values are of types that only the program knows: one that owns memory, one of plain
// bytes, and a list. Combined, reduced, updated, queried, restarted.
#include <stdexcept>

#include "base/user_value.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/partition_persist.h"

namespace trident {

// What is known of the sentences that a word is in.
struct Seen {
  int64_t count = 0;
  std::string longest = {};
  std::vector<int64_t> lengths = {};
  friend bool operator==(const Seen&, const Seen&) = default;
};
template <>
struct UserCodec<Seen> {
  static constexpr std::string_view kName = "seen";
  static void Encode(const Seen& s, std::string& out) {
    Codec<int64_t>::Encode(s.count, out);
    Codec<std::string>::Encode(s.longest, out);
    Codec<std::vector<int64_t>>::Encode(s.lengths, out);
  }
  static bool Decode(std::string_view bytes, Seen& out) {
    ByteReader in(bytes);
    out.count = Codec<int64_t>::Decode(in);
    out.longest = Codec<std::string>::Decode(in);
    out.lengths = Codec<std::vector<int64_t>>::Decode(in);
    return in.done();
  }
  static std::string Render(const Seen& s) { return Concat(s.count, " ", s.longest); }
};
struct Range {
  int64_t least = 0;
  int64_t greatest = 0;
};
template <>
struct UserCodec<Range> {
  static constexpr std::string_view kName = "range";
  static void Encode(const Range& r, std::string& out) {
    Codec<int64_t>::Encode(r.least, out);
    Codec<int64_t>::Encode(r.greatest, out);
  }
  static bool Decode(std::string_view bytes, Range& out) {
    ByteReader in(bytes);
    out.least = Codec<int64_t>::Decode(in);
    out.greatest = Codec<int64_t>::Decode(in);
    return in.done();
  }
};

namespace {

constexpr Field<Seen> kSeen{"seen"};
constexpr Field<Range> kRange{"range"};
constexpr Field<int64_t> kLength{"length"};

// Sorted, so that the order in which partial results meet does not matter.
struct Gather {
  using Value = Seen;
  Value Zero() const { return {}; }
  Value Init(Text sentence) const {
    return {1, std::string(sentence), {static_cast<int64_t>(sentence.size())}};
  }
  Value Combine(Value a, Value b) const {
    a.count += b.count;
    const bool longer = b.longest.size() > a.longest.size() ||
                        (b.longest.size() == a.longest.size() && b.longest > a.longest);
    if (longer) a.longest = b.longest;
    a.lengths.insert(a.lengths.end(), b.lengths.begin(), b.lengths.end());
    std::sort(a.lengths.begin(), a.lengths.end());
    return a;
  }
};
struct Spread {
  using Value = Range;
  Value Init() const { return {std::numeric_limits<int64_t>::max(), 0}; }
  void Reduce(Value& value, int64_t length) const {
    value.least = std::min(value.least, length);
    value.greatest = std::max(value.greatest, length);
  }
};

using SeenByWord = std::map<std::string, Seen>;

SeenByWord Expected(const std::vector<std::string>& sentences, size_t upto) {
  SeenByWord seen;
  for (size_t i = 0; i < upto; ++i) {
    WordCounts words;
    AddWords(sentences[i], &words);
    for (const auto& [word, count] : words) {
      for (int64_t n = 0; n < count; ++n) {
        seen[word] = Gather().Combine(seen[word], Gather().Init(sentences[i]));
      }
    }
  }
  return seen;
}

SeenByWord SeenAt(const Run& run, TxId at) {
  SeenByWord out;
  auto state = run.states().Find("seen");
  auto pinned = run.states().Pin(GroupId(1), ReadAt::Exactly(at));
  EXPECT_TRUE(state.ok() && pinned.ok()) << state.status() << pinned.status();
  if (!state.ok() || !pinned.ok()) return out;
  auto page = (*state)->Scan(at, KeyRange::All(), PageLimits{});
  EXPECT_TRUE(page.ok()) << page.status();
  if (!page.ok()) return out;
  for (const StateRow& row : page->rows) {
    ByteReader in(row.value);
    out[row.key] = Codec<Seen>::Decode(in);
    EXPECT_TRUE(in.done()) << row.key;
  }
  return out;
}

Topology Gathering(const std::vector<std::string>& sentences,
                   const std::shared_ptr<std::atomic<int>>& failures) {
  Topology topology("seen");
  auto seen =
      topology
          .NewStream("sentences",
                     FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows(sentences)))
          .Each(kSentence, Split(), kWord)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "seen", .partitions = 4}, kSentence, Gather(), kSeen);
  seen.NewValuesStream().Peek(kSeen, [failures](const Seen&) {
    if (failures->fetch_sub(1) > 0) throw std::runtime_error("not yet");
  });
  topology.NewDrpcStream("longest")
      .Each(kArgs, Split(), kWord)
      .StateQuery(
          seen, kWord,
          [](const Seen* value, Emit<Text, int64_t>& emit) {
            if (value != nullptr) emit(value->longest, value->count);
          },
          Fields(kSentence, kCount))
      .Project(Fields(kWord, kSentence, kCount));
  return topology;
}

TEST(UserValueStateTest, CombinedValuesAreRightAtEachTxidAlsoAfterFailures) {
  const std::vector<std::string> sentences = StarterSentences();
  for (uint32_t executors : {1u, 3u}) {
    auto run = RunToEnd(Gathering(sentences, std::make_shared<std::atomic<int>>(3)),
                        {.executors = executors, .retry_limit = 100, .readable_versions = 100});
    ASSERT_NE(run, nullptr);
    EXPECT_GT(run->progress().at(0).failures, 0u);
    for (size_t t = 1; t <= sentences.size(); ++t) {
      EXPECT_EQ(SeenAt(*run, TxId(t)), Expected(sentences, t)) << "txid " << t;
    }
    EXPECT_EQ(Answer(*run, "longest", "cow be nobody"),
              (std::vector<std::string>{"[be, to be or not to be the person, 2]",
                                        "[cow, the cow jumped over the moon, 1]"}));
  }
}

TEST(UserValueStateTest, ARestartGoesOnFromTheValuesOnDisk) {
  const TempDir dir;
  const std::vector<std::string> sentences = StarterSentences();
  const auto no_failures = std::make_shared<std::atomic<int>>(0);
  for (size_t upto = 1; upto <= sentences.size(); upto += 2) {
    const std::vector<std::string> first(sentences.begin(),
                                         sentences.begin() + static_cast<ptrdiff_t>(upto));
    auto run = RunToEnd(Gathering(first, no_failures),
                        {.state_dir = dir.path() + "/state", .executors = 2});
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(SeenAt(*run, run->states().Published(GroupId(1))), Expected(sentences, upto));
  }
}

TEST(UserValueStateTest, ReducedPlainValuesAndUpdatedLists) {
  Topology topology("spread");
  Stream lengths =
      topology
          .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 2},
                                                        AsRows(StarterSentences())))
          .Each(kSentence, Split(), kWord)
          .Each(
              kWord, [](Text word) { return static_cast<int64_t>(word.size()); }, kLength);
  auto spread = lengths.PersistentAggregate({.name = "spread"}, kLength, Spread(), kRange);
  auto words = lengths.GroupBy(kLength).PartitionPersist(
      {.name = "words"}, kWord,
      [](MapAccess<std::vector<std::string>>& state, const PersistRows<Text>& rows) -> Status {
        for (size_t i = 0; i < rows.size(); ++i) {
          const std::string_view key = rows.key(i);
          TRIDENT_ASSIGN_OR_RETURN(auto known, state.MultiGet({&key, 1}));
          std::vector<std::string> list = known[0].value_or(std::vector<std::string>());
          list.emplace_back(std::get<0>(rows[i]));
          // A list is forgotten when it has become long.
          if (list.size() > 6) {
            TRIDENT_RETURN_IF_ERROR(state.MultiRemove({&key, 1}));
          } else {
            TRIDENT_RETURN_IF_ERROR(state.MultiPut({&key, 1}, {&list, 1}));
          }
        }
        return absl::OkStatus();
      });
  topology.NewDrpcStream("spread").StateQuery(
      spread, FieldList<>{},
      [](const Range* range, Emit<int64_t, int64_t>& emit) {
        if (range != nullptr) emit(range->least, range->greatest);
      },
      Fields(kLength, kCount));
  topology.NewDrpcStream("words")
      .Each(
          kArgs, [](Text args) { return static_cast<int64_t>(args.size()); }, kLength)
      .StateQuery(
          words, kLength,
          [](const std::vector<std::string>* list, Emit<Text>& emit) {
            if (list == nullptr) return;
            for (const std::string& word : *list) emit(word);
          },
          kWord)
      .Project(kWord);
  auto run = RunToEnd(topology, {.executors = 2});
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(Answer(*run, "spread", "").size(), 1u);
  EXPECT_EQ(Answer(*run, "spread", "?"), (std::vector<std::string>{"[?, 2, 6]"}));
  EXPECT_EQ(Answer(*run, "words", "......"),
            (std::vector<std::string>{"[apples]", "[bought]", "[jumped]", "[person]"}));
  EXPECT_EQ(Answer(*run, "words", ".........."), (std::vector<std::string>{}));
}

}  // namespace
}  // namespace trident
