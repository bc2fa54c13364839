// SPDX-License-Identifier: Apache-2.0
//
// The word count from spout to query, in one process.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "trident/run/run.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kSentence{"sentence"};
constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<int64_t> kSum{"sum"};

// Rows of a list, in batches of at most `max_rows`; a batch ends with the list.
class ListSpout final : public Spout {
 public:
  ListSpout(std::vector<std::string> rows, size_t max_rows, size_t rounds)
      : rows_(std::make_shared<std::vector<std::string>>(std::move(rows))),
        max_rows_(max_rows),
        rounds_(rounds),
        schema_(std::make_shared<const Schema>(*Schema::Make({kSentence.Describe()}))) {}

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{"list"};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp) override {
    return std::unique_ptr<SourceReader>(new Reader(*this));
  }
  std::string Describe() const override { return "a list"; }

 private:
  class Reader final : public SourceReader {
   public:
    explicit Reader(const ListSpout& spout) : spout_(spout) {}
    StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
      size_t at = request.start.empty() ? 0 : std::stoul(request.start);
      size_t total = spout_.rows_->size() * spout_.rounds_;
      auto column = std::make_shared<ColumnOf<Text>>();
      column->Retain(spout_.rows_);
      ReadResult result;
      while (at < total && result.rows < spout_.max_rows_ && result.rows < request.limits.rows) {
        column->Append((*spout_.rows_)[at % spout_.rows_->size()]);
        ++at;
        ++result.rows;
        if (at % spout_.rows_->size() == 0) break;
      }
      TRIDENT_RETURN_IF_ERROR(out.Emit(Batch(spout_.schema_, {column}, result.rows)));
      result.end = std::to_string(at);
      result.next = at == total ? ReadResult::Next::kEnded : ReadResult::Next::kCut;
      return result;
    }
    StatusOr<Availability> Poll(const Position& position) override {
      size_t at = position.empty() ? 0 : std::stoul(position);
      bool more = at < spout_.rows_->size() * spout_.rounds_;
      return Availability{more ? Availability::State::kReady : Availability::State::kEnded, 0};
    }

   private:
    const ListSpout& spout_;
  };

  std::shared_ptr<std::vector<std::string>> rows_;
  size_t max_rows_;
  size_t rounds_;
  SchemaRef schema_;
};

struct Split {
  void operator()(Text sentence, Emit<Text>& emit) const {
    size_t begin = 0;
    while (begin < sentence.size()) {
      size_t end = sentence.find(' ', begin);
      if (end == Text::npos) end = sentence.size();
      if (end > begin) emit(sentence.substr(begin, end - begin));
      begin = end + 1;
    }
  }
};

const std::vector<std::string> kStarter = {
    "the cow jumped over the moon", "the man went to the store and bought some candy",
    "four score and seven years ago", "how many apples can you eat",
    "to be or not to be the person"};

Topology WordCount(size_t rounds) {
  Topology topology("word-count");
  auto counts = topology.NewStream("sentences", std::make_shared<ListSpout>(kStarter, 3, rounds))
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Aggregate(kCount, Sum(), kSum)
      .Project(kSum);
  return topology;
}

int64_t SumOf(Run& run, const std::string& args) {
  auto answer = run.Drpc("words", args);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return -1;
  EXPECT_EQ(answer->rows.size(), 1u);
  return std::get<int64_t>(answer->rows.at(0).at(0).value);
}

TEST(WordCountTest, CountsTheStarterListInMemory) {
  for (uint32_t executors : {1u, 2u}) {
    auto run = Run::Start(WordCount(3), {.executors = executors});
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ((*run)->states().Published(GroupId(1)), TxId(6));
    EXPECT_EQ(SumOf(**run, "the"), 15);
    EXPECT_EQ(SumOf(**run, "to be jumped"), 9 + 6 + 3);
    EXPECT_EQ(SumOf(**run, "cat dog"), 0);
    EXPECT_EQ(SumOf(**run, ""), 0);
  }
}

TEST(WordCountTest, GoesOnWhereAnEarlierRunStoppedWithItsStateOnDisk) {
  std::string dir = testing::TempDir() + "/word_count_state";
  std::filesystem::remove_all(dir);
  for (size_t rounds : {1, 2, 3}) {
    auto run = Run::Start(WordCount(rounds), {.state_dir = dir});
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ(SumOf(**run, "the"), static_cast<int64_t>(5 * rounds));
  }
}

}  // namespace
}  // namespace trident
