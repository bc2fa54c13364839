// SPDX-License-Identifier: Apache-2.0
//
// Dead letters that are tried again or dropped, over all parts of a run within the process.
#include "trident/run/parts/letter_desk.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/key_encoding.h"
#include "base/mutex.h"
#include "state/disk/memory_store.h"
#include "tests/trident/states/outside_table.h"
#include "trident/run/parts/run_parts.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/pull_spout.h"
#include "trident/topology.h"

namespace trident {

struct Price {
  int64_t cents = 0;
};
template <>
struct UserCodec<Price> {
  static constexpr std::string_view kName = "price";
  static void Encode(const Price& price, std::string& out) { PutVarint(out, ZigZag(price.cents)); }
  static bool Decode(std::string_view bytes, Price& out) {
    ByteReader in(bytes);
    out.cents = UnZigZag(in.Varint());
    return in.done();
  }
};

namespace {

using Now = LetterStanding::Now;

constexpr Field<Text> kWord{"word"};
constexpr Field<List<Text>> kTags{"tags"};
constexpr Field<Price> kPrice{"price"};
constexpr Field<std::optional<int64_t>> kAge{"age"};
constexpr Field<Text> kSeen{"seen"};
constexpr Field<int64_t> kCount{"count"};

constexpr Nanos kLookAgain = 5 * kMillisecond;

// One process over a store that outlives it.
class Life final : private CoordinatorEvents {
 public:
  Life(MemoryStore& store, const Topology& topology, RunOptions options = {.retry_limit = 0}) {
    options.on_failure = OnFailure::kDeadLetter;
    auto logical = topology.Build();
    EXPECT_TRUE(logical.ok()) << logical.status();
    auto plan = MakePlan(*logical, {.executors = options.executors});
    auto parts =
        RunParts::Open(*plan, options, {.store = &store, .events = this, .changed = [] {}});
    EXPECT_TRUE(parts.ok()) << parts.status();
    parts_ = *std::move(parts);
    EXPECT_TRUE(parts_->Settle().ok());
    parts_->Start();
  }
  template <class Condition>
  void Await(const Condition& is_so) {
    MutexLock lock(mutex_);
    while (!is_so()) never_.WaitFor(mutex_, kLookAgain);
  }
  void AwaitEnd() {
    Await([this] { return parts_->Ended(); });
  }
  LetterStanding Do(LetterAction action, const LetterName& letter) {
    return parts_->letters().Do(action, {letter}, [this](GroupId group) {
      return parts_->coordinator().StatusOf(group).halted;
    })[0];
  }
  // What has become of it.
  LetterStanding Settled(LetterAction action, const LetterName& letter) {
    LetterStanding standing = Do(action, letter);
    Await([&] {
      if (standing.now == Now::kUnderWay) standing = Do(LetterAction::kLook, letter);
      return standing.now != Now::kUnderWay;
    });
    return standing;
  }
  std::map<std::string, std::string> Rows(const std::string& state) {
    std::map<std::string, std::string> rows;
    auto found = parts_->states().Find(state);
    EXPECT_TRUE(found.ok()) << found.status();
    const auto group = (*found)->info().spec.group;
    auto page = (*found)->Scan(parts_->states().Published(group), KeyRange::All(), {});
    EXPECT_TRUE(page.ok()) << page.status();
    for (const StateRow& row : page->rows) rows[row.key] = row.value;
    return rows;
  }
  std::vector<LetterName> Letters() {
    std::vector<LetterName> letters;
    const auto& fields = (*parts_->states().Find("dead-letters"))->info().spec.key_fields;
    for (const auto& [key, letter] : Rows("dead-letters")) {
      const std::vector<Datum> name = *DecodeKey(fields, key);
      letters.push_back({std::get<std::string>(name[0].value), std::get<int64_t>(name[1].value),
                         std::get<int64_t>(name[2].value)});
    }
    return letters;
  }
  GroupStatus GroupNow() { return parts_->coordinator().StatusOf(GroupId(1)); }
  GroupCounters Counters() { return parts_->coordinator().CountersOf(GroupId(1)); }
  TxId LastDecided() { return GroupNow().last_decided; }

 private:
  void OnHalted(GroupId /*group*/, const Status& cause) override { ADD_FAILURE() << cause; }
  void OnDrained(GroupId /*group*/, TxId /*last*/) override {}
  void OnIdle(GroupId /*group*/) override {}

  Mutex mutex_;
  CondVar never_;
  std::unique_ptr<RunParts> parts_;
};

using Row = OwnedRow<Text, List<Text>, Price, std::optional<int64_t>>;

class LetterDeskTest : public testing::Test {
 protected:
  // Words are joined with their other fields, and counted; those that begin with "bad" are refused
  // while `bad_` is set.
  void AddWords(Topology& topology, const std::string& stream) {
    const std::vector<Row> rows = {{"good", {"a"}, Price{1}, 1},
                                   {"bad", {"x", "", "z"}, Price{-250}, std::nullopt},
                                   {"bad2", {}, Price{7}, 42},
                                   {"fine", {"b"}, Price{2}, 2}};
    const auto join = [bad = bad_](Text word, List<Text> tags, Price price,
                                   std::optional<int64_t> age) -> std::string {
      if (word.starts_with("bad") && *bad) throw std::runtime_error("it is bad");
      std::string out(word);
      for (Text tag : tags) out += Concat("+", tag);
      return Concat(out, " ", price.cents, " ", age ? std::to_string(*age) : "none");
    };
    topology
        .NewStream(stream, FixedBatchSpout::Make(Fields(kWord, kTags, kPrice, kAge),
                                                 {.batch_rows = 2}, rows))
        .Each(Fields(kWord, kTags, kPrice, kAge), join, kSeen)
        .Name("join")
        .GroupBy(kSeen)
        .PersistentAggregate({.name = Concat("counts-", stream)}, Count(), kCount);
  }
  Topology Words() {
    Topology topology("letters");
    AddWords(topology, "words");
    return topology;
  }

  std::shared_ptr<std::atomic<bool>> bad_ = std::make_shared<std::atomic<bool>>(true);
  MemoryStore store_;
};

TEST_F(LetterDeskTest, ARowOfListsNullsAndUserTypesIsTriedAgainAsItWas) {
  Life life(store_, Words());
  life.AwaitEnd();
  EXPECT_EQ(life.Rows("dead-letters").size(), 2u);
  *bad_ = false;
  EXPECT_EQ(life.Settled(LetterAction::kRetry, {"words", 1, 0}).now, Now::kGone);
  EXPECT_EQ(life.Rows("dead-letters").size(), 1u);
  EXPECT_EQ(life.Settled(LetterAction::kRetry, {"words", 2, 0}).now, Now::kGone);
  const auto counts = life.Rows("counts-words");
  EXPECT_EQ(counts.size(), 4u);
  EXPECT_TRUE(counts.contains("bad+x++z -250 none"));
  EXPECT_TRUE(counts.contains("bad2 7 42"));
  EXPECT_TRUE(life.Rows("dead-letters").empty());
  EXPECT_TRUE(life.Rows("dead-letter-rows").empty());
  EXPECT_EQ(life.Settled(LetterAction::kRetry, {"words", 1, 0}).now, Now::kGone) << "once is all";
  EXPECT_EQ(life.Rows("counts-words"), counts);
}

TEST_F(LetterDeskTest, ARowThatFailsAgainStaysTheSameLetterWithItsTries) {
  Life life(store_, Words());
  life.AwaitEnd();
  for (int tries = 2; tries < 5; ++tries) {
    EXPECT_EQ(life.Settled(LetterAction::kRetry, {"words", 1, 0}).now, Now::kThere);
    const auto letters = life.Rows("dead-letters");
    EXPECT_EQ(letters.size(), 2u);
    const std::string& letter = letters.begin()->second;
    EXPECT_NE(letter.find(Concat("; try ", tries)), std::string::npos) << letter;
    EXPECT_NE(letter.find("spout partition \"rows\", row 1 from position \"\""), std::string::npos)
        << "where it came from: " << letter;
  }
  EXPECT_EQ(life.Rows("counts-words").size(), 2u);
  EXPECT_EQ(life.GroupNow().rows_diverted, 2u) << "they are letters once, however often tried";
  EXPECT_EQ(life.Counters().rows_committed, 4u) << "as many as the source has";
  EXPECT_EQ(life.Counters().letters_retried, 3u);
}

TEST_F(LetterDeskTest, ALetterThatIsDroppedGoesByABatchOfItsOwn) {
  Life life(store_, Words());
  life.AwaitEnd();
  const TxId before = life.LastDecided();
  const auto counts = life.Rows("counts-words");
  EXPECT_EQ(life.Settled(LetterAction::kDrop, {"words", 2, 0}).now, Now::kGone);
  EXPECT_EQ(life.LastDecided(), before.Next());
  EXPECT_EQ(life.Rows("dead-letters").size(), 1u);
  EXPECT_EQ(life.Rows("dead-letter-rows").size(), 1u);
  EXPECT_EQ(life.Rows("counts-words"), counts);
}

// Behind an exchange a call fails now and then, so that attempts are made again, halved, and made
// again with the rows of letters in them.
TEST_F(LetterDeskTest, RowsCountOnceAlsoWhenTheirBatchesFailNowAndThen) {
  constexpr int kRows = 60;
  auto calls = std::make_shared<std::atomic<uint64_t>>(0);
  const auto check = [bad = bad_](Text word) {
    if (*bad) throw std::runtime_error("it is bad");
    return word.size() > 0;
  };
  const auto stumble = [calls](Text) {
    if (++*calls % 5 == 0) throw std::runtime_error("now and then");
  };
  std::vector<OwnedRow<Text>> rows;
  for (int i = 0; i < kRows; ++i) rows.push_back({Concat("w", i)});
  Topology topology("letters");
  topology.NewStream("words", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 7}, rows))
      .Filter(kWord, check)
      .PartitionBy(kWord)
      .Peek(kWord, stumble)
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  Life life(store_, topology, {.executors = 2, .batch_rows = 4, .retry_limit = 30});
  life.AwaitEnd();
  const std::vector<LetterName> letters = life.Letters();
  EXPECT_EQ(letters.size(), size_t{kRows});
  *bad_ = false;
  for (const LetterName& letter : letters) {
    EXPECT_EQ(life.Do(LetterAction::kRetry, letter).now, Now::kUnderWay);
  }
  for (const LetterName& letter : letters) {
    EXPECT_EQ(life.Settled(LetterAction::kRetry, letter).now, Now::kGone);
  }
  EXPECT_TRUE(life.Rows("dead-letters").empty());
  const auto counts = life.Rows("counts");
  EXPECT_EQ(counts.size(), size_t{kRows});
  for (const auto& [word, count] : counts) {
    ByteReader in(count);
    EXPECT_EQ(Codec<int64_t>::Decode(in), 1) << word;
  }
}

// Letters that fail again share batches with new rows of a source that lives in memory.
TEST_F(LetterDeskTest, NewRowsOfASourceInMemoryCountBesideLettersThatFailAgain) {
  constexpr int kRows = 200;
  auto available = std::make_shared<std::atomic<int>>(0);
  auto pull = [available, next = 0](Emit<Text>& emit) mutable {
    if (next == kRows) return Pulled::kEnd;
    if (next == *available) return Pulled::kNothingNow;
    emit(Concat(next % 10 == 3 ? "bad" : "w", next));
    ++next;
    return Pulled::kMore;
  };
  const auto check = [](Text word) {
    if (word.starts_with("bad")) throw std::runtime_error("it is bad");
  };
  Topology topology("letters");
  topology.NewStream("words", PullSpout::Make(Fields(kWord), {.poll_nanos = kMillisecond}, pull))
      .PartitionBy(kWord)
      .Peek(kWord, check)
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  Life life(store_, topology, {.executors = 2, .batch_rows = 8, .retry_limit = 0});
  for (*available = 20; *available < kRows; *available += 20) {
    life.Await([&] { return life.Letters().size() >= size_t(*available) / 10 - 1; });
    for (const LetterName& letter : life.Letters()) life.Do(LetterAction::kRetry, letter);
  }
  for (const LetterName& letter : life.Letters()) {
    EXPECT_EQ(life.Settled(LetterAction::kLook, letter).now, Now::kThere);
  }
  life.AwaitEnd();
  EXPECT_EQ(life.Letters().size(), size_t{kRows / 10});
  const auto counts = life.Rows("counts");
  EXPECT_EQ(counts.size(), size_t{kRows - kRows / 10});
  for (const auto& [word, count] : counts) {
    ByteReader in(count);
    EXPECT_EQ(Codec<int64_t>::Decode(in), 1) << word;
  }
}

TEST_F(LetterDeskTest, TheNextProcessWorksWithTheLettersOfTheOnesBefore) {
  for (const char* what : {"fails", "goes"}) {
    Life life(store_, Words(), {.executors = 2, .retry_limit = 0});
    life.AwaitEnd();
    *bad_ = what == std::string_view("fails");
    const Now now = life.Settled(LetterAction::kRetry, {"words", 1, 0}).now;
    EXPECT_EQ(now, *bad_ ? Now::kThere : Now::kGone);
  }
  Life life(store_, Words());
  EXPECT_EQ(life.Rows("dead-letters").size(), 1u);
  EXPECT_EQ(life.Rows("counts-words").size(), 3u);
}

TEST_F(LetterDeskTest, TheRowsOfTwoStreamsOfAGroupGoTheirOwnWay) {
  Topology topology("letters");
  std::vector<Stream> all;
  for (const char* stream : {"one", "two"}) {
    const auto mark = [bad = bad_, stream](Text word) -> std::string {
      if (*bad) throw std::runtime_error("it is bad");
      return Concat(stream, " ", word);
    };
    const std::vector<OwnedRow<Text>> rows = {{"a"}, {"b"}};
    all.push_back(topology.NewStream(stream, FixedBatchSpout::Make(Fields(kWord), {}, rows))
                      .Each(kWord, mark, kSeen)
                      .Project(kSeen));
  }
  topology.Merge(all).GroupBy(kSeen).PersistentAggregate({.name = "counts"}, Count(), kCount);
  Life life(store_, topology);
  life.AwaitEnd();
  *bad_ = false;
  EXPECT_EQ(life.Letters().size(), 4u);
  for (const LetterName& letter : life.Letters()) {
    EXPECT_EQ(life.Settled(LetterAction::kRetry, letter).now, Now::kGone);
  }
  std::string words;
  for (const auto& [word, count] : life.Rows("counts")) words += word + ";";
  EXPECT_EQ(words, "one a;one b;two a;two b;");
}

TEST_F(LetterDeskTest, ARowOfFieldsThatItsStreamHasNoMoreIsRefusedAndCanBeDropped) {
  {
    Life life(store_, Words());
    life.AwaitEnd();
  }
  Topology other("letters");
  const std::vector<OwnedRow<Text>> rows = {{"a"}, {"b"}, {"c"}, {"d"}};
  other.NewStream("words", FixedBatchSpout::Make(Fields(kSeen), {}, rows))
      .GroupBy(kSeen)
      .PersistentAggregate({.name = "counts-words"}, Count(), kCount);
  Life life(store_, other);
  const LetterStanding refused = life.Do(LetterAction::kRetry, {"words", 1, 0});
  EXPECT_EQ(refused.now, Now::kRefused);
  EXPECT_NE(refused.why.find("the row has the fields [word:"), std::string::npos) << refused.why;
  EXPECT_EQ(life.Rows("dead-letters").size(), 2u);
  EXPECT_EQ(life.Settled(LetterAction::kDrop, {"words", 1, 0}).now, Now::kGone);
}

// After a crash a batch whose cut is logged must come again row for row.
TEST_F(LetterDeskTest, WhereCutsAreRepeatedLettersAreRefused) {
  auto table = std::make_shared<OutsideTable<TransactionalValue<int64_t>>>();
  Topology topology("letters");
  const std::vector<OwnedRow<Text>> rows = {{"a"}, {"b"}};
  topology.NewStream("words", FixedBatchSpout::Make(Fields(kWord), {}, rows))
      .GroupBy(kWord)
      .PersistentAggregate(In(table, "counts"), Count(), kCount);
  Life life(store_, topology);
  life.AwaitEnd();
  for (const LetterAction action : {LetterAction::kRetry, LetterAction::kDrop}) {
    const LetterStanding standing = life.Do(action, {"words", 1, 0});
    EXPECT_EQ(standing.now, Now::kRefused);
    EXPECT_NE(standing.why.find("row for row"), std::string::npos) << standing.why;
  }
}

}  // namespace
}  // namespace trident
