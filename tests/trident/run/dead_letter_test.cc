// SPDX-License-Identifier: Apache-2.0
//
// Rows that cannot be processed: they stop the topology, or go to the dead letters, exactly once.
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/codec.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<Text> kChecked{"checked"};
constexpr Field<int64_t> kCount{"count"};

Topology Poisoned(int rows) {
  std::vector<OwnedRow<Text>> words;
  for (int i = 0; i < rows; ++i) words.push_back({i % 10 == 7 ? "poison" : "good"});
  Topology topology("poisoned");
  topology.NewStream("words", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 8}, words))
      .Each(
          kWord,
          [](Text word) -> Text {
            if (word == "poison") throw std::runtime_error("cannot swallow this");
            return word;
          },
          kChecked)
      .Name("check")
      .GroupBy(kChecked)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

std::vector<StateRow> RowsOf(Run& run, const std::string& state) {
  auto found = run.states().Find(state);
  EXPECT_TRUE(found.ok()) << found.status();
  auto page = (*found)->Scan(run.states().Published(GroupId(1)), KeyRange::All(), {});
  EXPECT_TRUE(page.ok()) << page.status();
  return page->rows;
}

TEST(DeadLetterTest, PoisonRowsGoToTheDeadLettersAndTheRestCommits) {
  for (uint32_t executors : {1u, 2u}) {
    auto run = Run::Start(
        Poisoned(40),
        {.executors = executors, .retry_limit = 1, .on_failure = OnFailure::kDeadLetter});
    ASSERT_TRUE(run.ok()) << run.status();
    Status ended = (*run)->AwaitEnd();
    ASSERT_TRUE(ended.ok()) << ended;
    std::vector<StateRow> letters = RowsOf(**run, "dead-letters");
    EXPECT_EQ(letters.size(), 4u);
    for (const StateRow& letter : letters) {
      EXPECT_NE(letter.value.find("[poison] <- "), std::string::npos) << letter.value;
      EXPECT_NE(letter.value.find("cannot swallow this"), std::string::npos) << letter.value;
    }
    auto counts = RowsOf(**run, "counts");
    ASSERT_EQ(counts.size(), 1u);
    ByteReader reader(counts[0].value);
    EXPECT_EQ(Codec<int64_t>::Decode(reader), 36);
  }
}

// Twenty thousand lines of three words; every 20th line has a word that cannot be swallowed, behind
// one that can. Lines are split, then checked, then counted by two states.
Topology Spoiled(int rows) {
  std::vector<OwnedRow<Text>> lines;
  for (int i = 0; i < rows; ++i) lines.push_back({i % 20 == 7 ? "a poison b" : "a b c"});
  Topology topology("spoiled");
  auto split = [](Text line, Emit<Text>& emit) {
    while (!line.empty()) {
      const Text word = line.substr(0, line.find(' '));
      emit(word);
      line.remove_prefix(std::min(line.size(), word.size() + 1));
    }
  };
  auto check = [](Text word) {
    if (word == "poison") throw std::runtime_error("cannot swallow this");
    return true;
  };
  Stream words =
      topology.NewStream("lines", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 1000}, lines))
          .Map(kWord, split, kChecked)
          .Filter(kChecked, check);
  words.GroupBy(kChecked).PersistentAggregate({.name = "counts"}, Count(), kCount);
  words.PersistentAggregate({.name = "all"}, Count(), kCount);
  return topology;
}

int64_t Number(const StateRow& row) {
  ByteReader reader(row.value);
  return Codec<int64_t>::Decode(reader);
}

TEST(DeadLetterTest, RowsThatThrowArePutAsideAtOnceWithAllThatCameOfThem) {
  auto run = Run::Start(Spoiled(20'000), {.on_failure = OnFailure::kDeadLetter});
  ASSERT_TRUE(run.ok()) << run.status();
  Status ended = (*run)->AwaitEnd();
  ASSERT_TRUE(ended.ok()) << ended;
  for (const RunProgress& group : (*run)->progress()) {
    EXPECT_EQ(group.failures, 0u) << "no batch is made again for them";
    EXPECT_EQ(group.rows_aside, 1000u);
  }
  PageLimits all{.rows = 10'000};
  auto letters = *(*run)->states().Find("dead-letters");
  auto page = letters->Scan((*run)->states().Published(GroupId(1)), KeyRange::All(), all);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->rows.size(), 1000u);
  for (const StateRow& letter : page->rows) {
    EXPECT_NE(letter.value.find("[a poison b] <- "), std::string::npos) << letter.value;
  }
  for (const StateRow& count : RowsOf(**run, "counts")) {
    EXPECT_EQ(Number(count), 19'000) << "the a and the b of a spoiled line do not count";
  }
  EXPECT_EQ(Number(RowsOf(**run, "all").at(0)), 3 * 19'000);
}

// A line that can be no row is as good as a row that a function refuses.
TEST(DeadLetterTest, LinesThatCanBeNoRowsGoToTheDeadLetters) {
  const std::string path = testing::TempDir() + "/dead_letter_lines";
  std::ofstream(path) << "good\n" << std::string(200, 'x') << "\ngood\nb\xff\ngood\n";
  Topology topology("lines");
  topology
      .NewStream("lines", TextFileSpout::Make({.paths = {path}, .rules = {.line_bytes_max = 100}}))
      .GroupBy(kLine)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  auto run = Run::Start(topology, {.retry_limit = 1, .on_failure = OnFailure::kDeadLetter});
  ASSERT_TRUE(run.ok()) << run.status();
  const Status ended = (*run)->AwaitEnd();
  ASSERT_TRUE(ended.ok()) << ended;
  std::string letters;
  for (const StateRow& letter : RowsOf(**run, "dead-letters")) letters += letter.value + "\n";
  EXPECT_EQ(RowsOf(**run, "dead-letters").size(), 2u);
  EXPECT_EQ((*run)->progress().at(0).failures, 0u) << "no batch is made again for them";
  EXPECT_NE(letters.find("more than 100 bytes, which starts at byte 5"), std::string::npos);
  EXPECT_NE(letters.find("no UTF-8 at byte 212"), std::string::npos) << letters;
  auto counts = RowsOf(**run, "counts");
  ASSERT_EQ(counts.size(), 1u);
  ByteReader reader(counts[0].value);
  EXPECT_EQ(Codec<int64_t>::Decode(reader), 3);
}

TEST(DeadLetterTest, ByDefaultThePoisonStopsTheTopologyWithItsStepRowAndCause) {
  auto run = Run::Start(Poisoned(40), {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  Status ended = (*run)->AwaitEnd();
  ASSERT_FALSE(ended.ok());
  std::string message(Message(ended));
  for (const char* part : {"check", "poison", "cannot swallow this", "position \"7\""}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }
  // What stands before it is committed: a batch that fails is halved.
  auto counts = RowsOf(**run, "counts");
  ASSERT_EQ(counts.size(), 1u);
  ByteReader reader(counts[0].value);
  EXPECT_EQ(Codec<int64_t>::Decode(reader), 7);
}

}  // namespace
}  // namespace trident
