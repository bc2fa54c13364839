// SPDX-License-Identifier: Apache-2.0
#include "tests/trident/run/cluster/word_cluster.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "base/key_encoding.h"
#include "base/user_value.h"
#include "coordinator/serve/state_access.h"
#include "trident/functions/aggregators.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<Text> kDots{"dots"};
constexpr Field<int64_t> kTotal{"total"};
constexpr uint32_t kPartitions = 4;

std::string WordOf(const GeneratedRow& row) {
  const uint64_t n = row.rng().Below(5000);
  return n % 7 == 0 ? Concat("a word that is longer than its place ", n) : Concat("w", n);
}

// A text with a dot for each row.
struct Dots {
  using Value = std::string;
  Value Init() const { return "so many: "; }
  void Reduce(Value& dots, Text /*word*/) const { dots += '.'; }
};

}  // namespace

// A type of the program that owns memory.
struct Tally {
  int64_t count = 0;
  std::string in_words = {};
  std::vector<int64_t> lengths = {};
};
template <>
struct UserCodec<Tally> {
  static constexpr std::string_view kName = "tally";
  static void Encode(const Tally& tally, std::string& out) {
    Codec<int64_t>::Encode(tally.count, out);
    Codec<std::string>::Encode(tally.in_words, out);
    Codec<std::vector<int64_t>>::Encode(tally.lengths, out);
  }
  static bool Decode(std::string_view bytes, Tally& out) {
    ByteReader in(bytes);
    out.count = Codec<int64_t>::Decode(in);
    out.in_words = Codec<std::string>::Decode(in);
    out.lengths = Codec<std::vector<int64_t>>::Decode(in);
    return in.done();
  }
};

namespace {

struct Tallied {
  using Value = Tally;
  Value Init() const { return {}; }
  void Reduce(Value& tally, Text word) const {
    tally.in_words = Concat(++tally.count, " times a word of this length or that");
    tally.lengths.assign({tally.count, static_cast<int64_t>(word.size())});
  }
};

// Throws for a word that nobody has said.
struct CountOfTally {
  void operator()(const Tally* tally, Emit<int64_t>& emit) const {
    if (tally == nullptr) throw std::runtime_error("nobody has said this word");
    const bool is_whole =
        tally->lengths.size() == 2 && tally->lengths[0] == tally->count &&
        tally->in_words == Concat(tally->count, " times a word of this length or that");
    emit(is_whole ? tally->count : -1);
  }
};

struct SplitWords {
  void operator()(Text args, Emit<Text>& emit) const {
    for (size_t begin = 0; begin < args.size();) {
      const size_t end = std::min(args.find(',', begin), args.size());
      emit(args.substr(begin, end - begin));
      begin = end + 1;
    }
  }
};

constexpr Field<Tally> kTally{"tally"};

std::shared_ptr<const LogicalPlan> CountWords(uint64_t rows) {
  Topology topology("words");
  auto spout = GeneratorSpout::Make(
      Fields(kWord), {.partitions = kPartitions, .rows_per_partition = rows, .seed = 7},
      [](const GeneratedRow& row, Emit<Text>& emit) { emit(WordOf(row)); });
  const Stream words = topology.NewStream("words", *std::move(spout));
  auto counts =
      words.GroupBy(kWord).PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
  auto dots =
      words.GroupBy(kWord).PersistentAggregate(StateOptions{.name = "dots"}, kWord, Dots(), kDots);
  auto tallies = words.GroupBy(kWord).PersistentAggregate(StateOptions{.name = "tallies"}, kWord,
                                                          Tallied(), kTally);
  words.PersistentAggregate(StateOptions{.name = "total"}, Count(), kTotal);
  topology.NewDrpcStream("tally")
      .Each(kArgs, SplitWords(), kWord)
      .StateQuery(tallies, kWord, CountOfTally(), kCount)
      .Project(Fields(kWord, kCount));
  topology.NewDrpcStream("look")
      .Each(kArgs, SplitWords(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .StateQuery(dots, kWord, MapGet(), kDots)
      .Project(Fields(kWord, kCount, kDots));
  return *topology.Build();
}

const std::vector<KeyField>& KeyFields() {
  static const std::vector<KeyField> fields = {{.name = "word", .type = &TypeOf<Text>()}};
  return fields;
}

}  // namespace

std::map<std::string, int64_t> ExpectedCounts(uint64_t rows) {
  std::map<std::string, int64_t> counts;
  for (uint32_t partition = 0; partition < kPartitions; ++partition) {
    for (uint64_t i = 0; i < rows; ++i) {
      ++counts[WordOf({.seed = 7, .partition = partition, .index = i})];
    }
  }
  return counts;
}

std::string WordOfKey(std::string_view key) { return ToString((*DecodeKey(KeyFields(), key))[0]); }
std::string KeyOfWord(std::string_view word) {
  StateInfo state;
  state.spec.name = "counts";
  state.spec.key_fields = KeyFields();
  Datum datum;
  datum.value = std::string(word);
  return *EncodeStateKey(state, {{datum}});
}
int64_t CountOf(std::string_view value) {
  ByteReader in(value);
  return Codec<int64_t>::Decode(in);
}

WordCluster::WordCluster(uint32_t workers, uint64_t rows, AtEnd at_end)
    : rows_(rows), at_end_(at_end), processes_(workers) {}

RunOptions WordCluster::OptionsOf(uint32_t worker) const {
  RunOptions options;
  options.state_dir = DirOf(worker);
  options.address = "127.0.0.1:0";
  options.batch_rows = 500;
  options.memory_bytes = uint64_t{128} << 20;
  return options;
}

ClusterOptions WordCluster::ClusterOptionsOf(uint32_t worker) const {
  ClusterOptions cluster;
  cluster.workers = workers();
  cluster.worker = worker;
  cluster.token = "a secret";
  cluster.tls = tls_;
  cluster.keep_serving = at_end_ == AtEnd::kServes;
  if (worker == 0) {
    cluster.control_address = control_address_.empty() ? "127.0.0.1:0" : control_address_;
  } else {
    cluster.leader = control_address_;
  }
  return cluster;
}

void WordCluster::Start(uint32_t worker) {
  auto run = ClusterRun::Start(CountWords(rows_), OptionsOf(worker), ClusterOptionsOf(worker));
  ASSERT_TRUE(run.ok()) << run.status();
  processes_[worker] = *std::move(run);
  if (worker == 0) control_address_ = processes_[0]->control_address();
}

StatusOr<std::unique_ptr<ClusterRun>> WordCluster::TryStart(uint32_t worker, const Other& other) {
  RunOptions options = OptionsOf(worker);
  options.address = other.address;
  if (!other.dir.empty()) options.state_dir = other.dir;
  ClusterOptions cluster = ClusterOptionsOf(worker);
  cluster.workers = other.workers;
  return ClusterRun::Start(CountWords(rows_), options, cluster);
}

std::map<std::string, int64_t> WordCluster::Counts() {
  const TxId last = processes_[0]->StatusOf(kWordGroup)->last_decided;
  std::map<std::string, int64_t> counts;
  for (const auto& process : processes_) {
    const auto parts = process->parts();
    auto snapshot = parts->states().Pin(kWordGroup, ReadAt::AtLeast(last, 10 * kSecond));
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    const ReadableState* state = *parts->states().Find("counts");
    KeyRange range = KeyRange::All();
    for (bool more = true; more;) {
      const auto page = state->Scan(last, range, {});
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return counts;
      for (const StateRow& row : page->rows) counts[WordOfKey(row.key)] = CountOf(row.value);
      more = page->resume.has_value();
      if (more) range.begin = *page->resume;
    }
  }
  return counts;
}

void WordCluster::AwaitBatches(uint64_t batches) {
  std::optional<TxId> from;
  for (;;) {
    const auto status = processes_[0]->StatusOf(kWordGroup);
    if (status && !from) from = status->last_decided;
    if (status && status->last_decided.value() >= from->value() + batches) return;
    if (processes_[0]->Ended()) return;
    const auto ended = processes_[0]->AwaitEndFor(5 * kMillisecond);
    ASSERT_TRUE(ended.ok()) << ended.status();
    if (*ended) return;
  }
}

void WordCluster::AwaitAll() {
  while (!processes_[0]->Ended()) {
    const auto ended = processes_[0]->AwaitEndFor(5 * kMillisecond);
    ASSERT_TRUE(ended.ok()) << ended.status();
  }
  const TxId last = processes_[0]->StatusOf(kWordGroup)->last_decided;
  for (const auto& process : processes_) {
    const auto seen = process->states().Pin(kWordGroup, ReadAt::AtLeast(last, 30 * kSecond));
    ASSERT_TRUE(seen.ok()) << seen.status();
  }
}

}  // namespace trident
