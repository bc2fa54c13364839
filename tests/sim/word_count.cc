// SPDX-License-Identifier: Apache-2.0
//
// Word count: a word's count is the number of times that it stands in the committed rows; and the
// stream of new values, kept in a second state, always is where the first one is. In some schedules
// a word that has not come for a second is forgotten.
#include "base/key_encoding.h"
#include "tests/sim/workload.h"

namespace trident::sim {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<int64_t> kLatest{"latest"};
constexpr uint64_t kVocabulary = 7;
constexpr Nanos kForgetAfter = kSecond;

bool HasTimes(const std::string& state) { return state.ends_with("-last-write"); }
std::string TimeText(int64_t micros) { return ToString(Datum{Timestamp{micros}}); }
int64_t MicrosIn(const std::string& text) {
  return std::get<Timestamp>(ParseDatum(TypeOf<Timestamp>(), text)->value).micros;
}

// Keeps the last value.
struct Last {
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, int64_t next) const { value = next; }
};

struct SplitWords {
  void operator()(Text text, Emit<Text>& emit) const {
    for (const std::string& word : WordsOf(std::string(text))) {
      if (word[0] != kPoison) emit(word);
    }
  }
};

// Counts, and looks at the row of each word. It fails behind the functions of single rows, so its
// batch is halved until the row is found.
struct CountOfRow {
  using Value = int64_t;
  std::function<void(Text row)> look;
  Value Zero() const { return 0; }
  Value Init(Text row) const {
    look(row);
    return 1;
  }
  Value Combine(Value a, Value b) const { return a + b; }
};

class WordCount final : public Workload {
 public:
  using Workload::Workload;

  std::string MakeRow(const RowSeed& seed) const override {
    Rng rng(seed.draw);
    std::string row;
    for (uint64_t i = 1 + rng.Below(3); i > 0; --i) row += Concat("w", rng.Below(kVocabulary), " ");
    return row;
  }

  void AddStream(Topology& topology, uint32_t number, std::shared_ptr<Spout> spout) override {
    const bool combiner_throws = trial_.options.seed % 4 == 1;
    auto split = [this, combiner_throws](Text row, Emit<Text>& emit) {
      SplitWords()(row, emit);
      if (!combiner_throws) MayThrow(row);
    };
    Stream words = topology.NewStream(NameFor("rows", number), std::move(spout))
                       .Parallelism(trial_.options.spout_tasks)
                       .Each(kRow, split, kWord);
    if (trial_.options.seed % 3 == 0) words = words.Shuffle();
    const StateOptions state = Forgetting(NameFor("counts", number));
    const auto look = [this](Text row) { MayThrow(row); };
    auto counts =
        combiner_throws
            ? words.GroupBy(kWord).PersistentAggregate(state, kRow, CountOfRow{look}, kCount)
            : words.GroupBy(kWord).PersistentAggregate(state, Count(), kCount);
    if (trial_.options.state_tasks > 0) counts.Parallelism(trial_.options.state_tasks);
    if (KeepsLatest()) {
      counts.NewValuesStream().GroupBy(kWord).PersistentAggregate(
          Forgetting(NameFor("latest", number)), kCount, Last(), kLatest);
    }
    topology.NewDrpcStream(FunctionOf(number))
        .Each(kArgs, SplitWords(), kWord)
        .StateQuery(counts, kWord, MapGet(), kCount)
        .Project(Fields(kWord, kCount));
  }

  Cut EmptyCut(uint32_t number) const override {
    Cut cut{{NameFor("counts", number), {}}};
    if (KeepsLatest()) cut[NameFor("latest", number)];
    const Cut states = cut;
    for (const auto& [name, content] : states) {
      if (Forgets()) cut[name + "-last-write"];
    }
    return cut;
  }

  void Begin(int64_t batch_time_micros, Cut& cut) const override {
    for (auto& [name, times] : cut) {
      if (!HasTimes(name)) continue;
      Content& counts = cut.at(name.substr(0, name.find("-last-write")));
      std::erase_if(times, [&, &of = counts](const auto& time) {
        const bool is_over =
            MicrosIn(time.second) + kForgetAfter / kMicrosecond <= batch_time_micros;
        if (is_over) of.erase(time.first);
        return is_over;
      });
    }
  }
  void Fold(const std::string& row, int64_t batch_time_micros, Cut& cut) const override {
    for (const std::string& word : WordsOf(row)) {
      if (word[0] == kPoison) continue;
      for (auto& [name, content] : cut) {
        content[word] = HasTimes(name) ? TimeText(batch_time_micros)
                                       : std::to_string(NumberAt(content, word) + 1);
      }
    }
  }

  std::optional<std::string> Breach(const Cut& seen) const override {
    if (!KeepsLatest()) return std::nullopt;
    if (seen.begin()->second == seen.lower_bound("latest")->second) return std::nullopt;
    return "the stream of new values is not where the counts are";
  }

  std::string FunctionOf(uint32_t number) const override { return NameFor("words", number); }
  std::string Question(Rng& rng) const override {
    return Concat("w", rng.Below(kVocabulary), " none w", rng.Below(kVocabulary));
  }
  std::vector<std::vector<std::string>> Answer(const std::string& question,
                                               const Cut& cut) const override {
    std::vector<std::vector<std::string>> rows;
    const Content& counts = cut.begin()->second;
    for (const std::string& word : WordsOf(question)) {
      if (counts.contains(word)) rows.push_back({word, counts.at(word)});
    }
    return rows;
  }

 private:
  // Without it the counts are written as deltas.
  bool KeepsLatest() const { return trial_.options.seed % 2 == 0; }
  bool Forgets() const { return trial_.options.seed % 5 == 2; }
  StateOptions Forgetting(std::string name) const {
    StateOptions state = StateNamed(std::move(name));
    if (Forgets()) state.expire_after = kForgetAfter;
    return state;
  }
};

}  // namespace

std::unique_ptr<Workload> MakeWordCount(Trial& trial) { return std::make_unique<WordCount>(trial); }

}  // namespace trident::sim
