// SPDX-License-Identifier: Apache-2.0
//
// Sources that cannot be read again, under rows that fail: while the process lives each good row
// counts once, and each bad one is a letter once, or stops the run with its reason.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/codec.h"
#include "base/rng.h"
#include "engine/spout.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/spouts/encoded_files.h"
#include "trident/run/run.h"
#include "trident/spouts/pull_spout.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident::testing {
namespace {

constexpr Field<int64_t> kCount{"count"};
constexpr uint64_t kLineBytesMax = 100;

// Counts lines, but those that begin with "aggregator".
struct PickyCount {
  using Value = int64_t;
  Value Zero() const { return 0; }
  Value Init(Text line) const {
    if (line.starts_with("aggregator")) throw std::runtime_error("the aggregator refuses it");
    return 1;
  }
  Value Combine(Value a, Value b) const { return a + b; }
};

// Throws for lines that begin with `word`.
std::function<void(Text)> Refuse(const std::string& word) {
  return [word](Text line) {
    if (line.starts_with(word)) throw std::runtime_error("step refuses it: " + word);
  };
}

Topology Lines(StatusOr<std::shared_ptr<Spout>> spout) {
  Topology topology("lines");
  topology.NewStream("lines", std::move(spout))
      .Peek(kLine, Refuse("before"))
      .PartitionBy(kLine)
      .Peek(kLine, Refuse("behind"))
      .GroupBy(kLine)
      .PersistentAggregate({.name = "counts"}, kLine, PickyCount(), kCount);
  return topology;
}

std::vector<StateRow> RowsOf(const Run& run, const std::string& state) {
  auto found = run.states().Find(state);
  EXPECT_TRUE(found.ok()) << found.status();
  auto page = (*found)->Scan(run.states().Published(GroupId(1)), KeyRange::All(), {.rows = 10'000});
  EXPECT_TRUE(page.ok()) << page.status();
  return page->rows;
}

std::multiset<int64_t> CountsOf(const Run& run) {
  std::multiset<int64_t> counts;
  for (const StateRow& row : RowsOf(run, "counts")) {
    ByteReader reader(row.value);
    counts.insert(Codec<int64_t>::Decode(reader));
  }
  return counts;
}

// What a letter is about: the line, or why it is none.
std::string LineOf(const StateRow& letter) {
  const size_t end = letter.value.find("] <- ");
  return letter.value.substr(letter.value.find('[') + 1, end - letter.value.find('[') - 1);
}

// Good lines and bad ones of all kinds, each different from all others.
struct Input {
  std::string text;
  size_t good = 0;
  std::set<std::string> bad;
};
Input RandomInput(Rng& rng, uint64_t lines, double bad_part) {
  const char* const kBad[] = {"before", "behind", "aggregator", "long"};
  Input input;
  for (uint64_t i = 0; i < lines; ++i) {
    std::string line = "w" + std::to_string(i);
    if (rng.Chance(bad_part)) {
      const std::string kind = kBad[rng.Below(4)];
      line = kind + std::to_string(i);
      if (kind == "long") line += std::string(kLineBytesMax, 'x');
      // Of a line that is too long, so much is kept that one can see that it is.
      input.bad.insert(line.substr(0, kLineBytesMax + 2));
    } else {
      ++input.good;
    }
    input.text += line + "\n";
  }
  return input;
}

class PipeRunTest : public ::testing::Test {
 protected:
  PipeRunTest() { EXPECT_EQ(::mkfifo(pipe_.c_str(), 0600), 0); }
  ~PipeRunTest() override {
    if (writer_.joinable()) writer_.join();
  }

  StatusOr<std::shared_ptr<Spout>> Pipe(uint64_t read_bytes = 256 * 1024) {
    return TextPipeSpout::Make(
        {.path = pipe_, .rules = {.line_bytes_max = kLineBytesMax}, .read_bytes = read_bytes});
  }
  // In pieces of any size; who reads may go away.
  void Write(std::string bytes, uint64_t seed) {
    writer_ = std::thread([this, bytes = std::move(bytes), seed] {
      Rng rng(seed);
      const int to = ::open(pipe_.c_str(), O_WRONLY | O_CLOEXEC);
      for (size_t at = 0; at < bytes.size();) {
        const size_t piece = std::min<size_t>(bytes.size() - at, 1 + rng.Below(2000));
        const ssize_t n = ::write(to, bytes.data() + at, piece);
        if (n < 0) break;
        at += static_cast<size_t>(n);
      }
      ::close(to);
    });
  }
  void Join() {
    writer_.join();
    writer_ = std::thread();
  }

  const TempDir dir_;
  const std::string pipe_ = dir_.path() + "/pipe";
  std::thread writer_;
};

TEST_F(PipeRunTest, EachGoodLineCountsOnceAndEachBadOneIsALetterOnce) {
  for (uint64_t seed = 1; seed <= 16 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Input input = RandomInput(rng, 20 + rng.Below(200), rng.Chance(0.3) ? 0 : 0.03);
    const std::string forms[] = {input.text, Gzip(input.text), Zstd(input.text),
                                 Utf16(input.text, Utf16Order::kBig)};
    Write(forms[rng.Below(4)], seed);
    auto run = Run::Start(Lines(Pipe(1 + rng.Below(3000))),
                          {.executors = 1 + static_cast<uint32_t>(rng.Below(3)),
                           .max_pending = 1 + static_cast<uint32_t>(rng.Below(5)),
                           .batch_rows = 1 + rng.Below(150),
                           .retry_limit = 0,
                           .on_failure = OnFailure::kDeadLetter});
    ASSERT_TRUE(run.ok()) << run.status();
    const Status ended = (*run)->AwaitEnd();
    EXPECT_TRUE(ended.ok()) << ended;
    const std::multiset<int64_t> counts = CountsOf(**run);
    EXPECT_EQ(counts.size(), input.good);
    EXPECT_EQ(counts.count(1), input.good);
    std::multiset<std::string> letters;
    for (const StateRow& letter : RowsOf(**run, "dead-letters")) letters.insert(LineOf(letter));
    EXPECT_EQ(letters, std::multiset<std::string>(input.bad.begin(), input.bad.end()));
    EXPECT_EQ((*run)->progress().at(0).rows, input.good + input.bad.size());
    EXPECT_EQ((*run)->progress().at(0).rows_lost, 0u);
    Join();
  }
}

TEST_F(PipeRunTest, ABadLineStopsTheRunWithItsReasonAndTheLinesBeforeItCount) {
  std::map<std::string, std::string> reason_of = {
      {"before", "step refuses it: before"},
      {"behind", "step refuses it: behind"},
      {"aggregator", "the aggregator refuses it"},
      {"long" + std::string(kLineBytesMax, 'x'), "has a line of more than 100 bytes"}};
  for (const auto& [line, reason] : reason_of) {
    SCOPED_TRACE(line);
    std::string text;
    for (int i = 0; i < 400; ++i) text += (i == 250 ? line : "w" + std::to_string(i)) + "\n";
    Write(text, 1);
    auto run = Run::Start(Lines(Pipe()), {.batch_rows = 8, .retry_limit = 4});
    ASSERT_TRUE(run.ok()) << run.status();
    const Status ended = (*run)->AwaitEnd();
    EXPECT_NE(Message(ended).find(reason), std::string_view::npos) << ended;
    const std::multiset<int64_t> counts = CountsOf(**run);
    EXPECT_EQ(counts.size(), 250u);
    EXPECT_EQ(counts.count(1), 250u);
    run->reset();
    Join();
  }
}

// The error must not overtake the batches before it.
TEST_F(PipeRunTest, WhatComesBeforeDamageCounts) {
  for (uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string text;
    for (int i = 0; i < 500; ++i) text += "w" + std::to_string(i) + "\n";
    Write(Gzip(text) + "more", seed);
    auto run = Run::Start(Lines(Pipe(1000)), {.executors = 2, .batch_rows = 1 + seed * 7});
    ASSERT_TRUE(run.ok()) << run.status();
    const Status ended = (*run)->AwaitEnd();
    EXPECT_NE(Message(ended).find("it goes on behind its end"), std::string_view::npos) << ended;
    EXPECT_EQ(CountsOf(**run).size(), 500u);
    run->reset();
    Join();
  }
}

TEST_F(PipeRunTest, RowsOfAFunctionAreAskedForAgainAndEachCountsOnce) {
  for (uint64_t seed = 1; seed <= 4 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    int next = 0, thrown = 0;
    size_t bad = 0;
    auto pull = [&](Emit<Text>& emit) {
      for (uint64_t n = rng.Below(20); n > 0; --n) {
        if (next == 300) return Pulled::kEnd;
        const bool is_bad = next % 97 == 50;
        bad += is_bad ? 1 : 0;
        emit((is_bad ? "behind" : "w") + std::to_string(next++));
      }
      if (++thrown % 25 == 0) throw std::runtime_error("the function stumbles");
      return rng.Chance(0.1) ? Pulled::kNothingNow : Pulled::kMore;
    };
    auto run = Run::Start(Lines(PullSpout::Make(Fields(kLine), {.poll_nanos = 1}, pull)),
                          {.executors = 2,
                           .batch_rows = 1 + rng.Below(100),
                           .retry_limit = 3,
                           .on_failure = OnFailure::kDeadLetter});
    ASSERT_TRUE(run.ok()) << run.status();
    const Status ended = (*run)->AwaitEnd();
    EXPECT_TRUE(ended.ok()) << ended;
    EXPECT_EQ(CountsOf(**run).count(1), 300 - bad);
    EXPECT_EQ(RowsOf(**run, "dead-letters").size(), bad);
  }
}

// A spout of a program's own, which keeps nothing of what it gave.
class ForgetfulSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kNonTransactional; }
  const SchemaRef& schema() const override { return kept_->schema(); }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{"rows"};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp wake_up) override {
    TRIDENT_ASSIGN_OR_RETURN(auto reader, kept_->OpenReader("pull", std::move(wake_up)));
    return std::make_unique<Reader>(std::move(reader));
  }
  std::string Describe() const override { return "forgetful"; }

 private:
  class Reader final : public SourceReader {
   public:
    explicit Reader(std::unique_ptr<SourceReader> reader) : reader_(std::move(reader)) {}
    StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
      auto result = reader_->Read({.start = at_, .limits = request.limits}, out);
      if (result.ok()) at_ = result->end;
      return result;
    }
    StatusOr<Availability> Poll(const Position&) override { return reader_->Poll(at_); }

   private:
    std::unique_ptr<SourceReader> reader_;
    Position at_;
  };

  const std::shared_ptr<Spout> kept_ =
      *PullSpout::Make(Fields(kLine), {}, [next = 0](Emit<Text>& emit) mutable {
        if (next == 100) return Pulled::kEnd;
        emit((next == 55 ? "behind" : "w") + std::to_string(next));
        ++next;
        return Pulled::kMore;
      });
};

TEST_F(PipeRunTest, RowsThatAFailedAttemptTookAlongAreCountedAsLost) {
  auto run = Run::Start(Lines(std::make_shared<ForgetfulSpout>()),
                        {.batch_rows = 10, .on_failure = OnFailure::kDeadLetter});
  ASSERT_TRUE(run.ok()) << run.status();
  const Status ended = (*run)->AwaitEnd();
  EXPECT_TRUE(ended.ok()) << ended;
  const uint64_t lost = (*run)->progress().at(0).rows_lost;
  EXPECT_GE(lost, 10u);
  EXPECT_EQ(CountsOf(**run).size(), 100 - lost);
}

}  // namespace
}  // namespace trident::testing
