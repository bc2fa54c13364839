// SPDX-License-Identifier: Apache-2.0
//
// Ring: every source partition has a ring of members, each of which knows its successor. A row puts
// the ring into another order. At every txid that can be read, who follows the successors comes
// past every member and back (after FoundationDB's Cycle).
#include "tests/sim/workload.h"

namespace trident::sim {
namespace {

constexpr Field<Text> kMember{"member"};
constexpr Field<Text> kNext{"next"};
constexpr uint64_t kMembers = 5;

// The successor that was told last. Order matters: nothing may be combined early or overtake.
struct LastTold {
  using Value = std::string;
  Value Init() const { return {}; }
  void Reduce(Value& value, Text next) const { value = next; }
};

std::string MemberName(const std::string& ring, const std::string& member) {
  return Concat("r", ring, ".", member);
}

class Ring final : public Workload {
 public:
  using Workload::Workload;

  // "<ring> <member> <member> ... #<index> ": each is followed by the next one, the last by the
  // first. No two rows of a batch are alike: a dead letter is known by its text, and if it stood
  // there twice, nobody could tell which of them did not take its turn.
  std::string MakeRow(const RowSeed& seed) const override {
    Rng rng(seed.draw);
    std::vector<uint64_t> order(kMembers);
    for (uint64_t i = 0; i < kMembers; ++i) order[i] = i;
    for (uint64_t i = kMembers; i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
    std::string row = Concat(seed.partition, " ");
    for (uint64_t member : order) row += Concat(member, " ");
    return row + Concat("#", seed.index, " ");
  }

  void AddStream(Topology& topology, uint32_t number, std::shared_ptr<Spout> spout) override {
    auto links = [this](Text row, Emit<Text, Text>& emit) {
      MayThrow(row);
      ForEachLink(std::string(row),
                  [&](const std::string& from, const std::string& to) { emit(from, to); });
    };
    auto ring =
        topology.NewStream(NameFor("turns", number), std::move(spout))
            .Parallelism(trial_.options.spout_tasks)
            .FlatMap(kRow, links, Fields(kMember, kNext))
            .GroupBy(kMember)
            .PersistentAggregate(StateNamed(NameFor("ring", number)), kNext, LastTold(), kNext);
    if (trial_.options.state_tasks > 0) ring.Parallelism(trial_.options.state_tasks);
    topology.NewDrpcStream(FunctionOf(number))
        .StateQuery(ring, kArgs, TextGet(), kNext)
        .Project(kNext);
  }

  Cut EmptyCut(uint32_t number) const override { return {{NameFor("ring", number), {}}}; }

  void Fold(const std::string& row, int64_t /*batch_time_micros*/, Cut& cut) const override {
    Content& ring = cut.begin()->second;
    ForEachLink(row, [&](const std::string& from, const std::string& to) { ring[from] = to; });
  }

  std::optional<std::string> Breach(const Cut& seen) const override {
    const Content& links = seen.begin()->second;
    for (uint32_t ring = 0; ring < trial_.options.source_partitions; ++ring) {
      const std::string first = MemberName(std::to_string(ring), "0");
      if (!links.contains(first)) continue;
      std::string at = first;
      for (uint64_t i = 0; i < kMembers; ++i) {
        if (!links.contains(at)) return Concat("member ", at, " has no successor");
        at = links.at(at);
        if (at == first && i + 1 < kMembers) return Concat("the ring is cut after ", i + 1);
      }
      if (at != first) return Concat("the ring does not close: it ends at ", at);
    }
    return std::nullopt;
  }

  std::string FunctionOf(uint32_t number) const override { return NameFor("follow", number); }
  std::string Question(Rng& rng) const override {
    return MemberName("0", std::to_string(rng.Below(kMembers)));
  }
  std::vector<std::vector<std::string>> Answer(const std::string& question,
                                               const Cut& cut) const override {
    const Content& links = cut.begin()->second;
    if (!links.contains(question)) return {};
    return {{links.at(question)}};
  }

 private:
  struct TextGet {
    void operator()(const std::string* value, Emit<Text>& emit) const {
      if (value != nullptr) emit(*value);
    }
  };

  template <class Link>
  static void ForEachLink(const std::string& row, const Link& link) {
    std::vector<std::string> words = WordsOf(row);
    if (words.back()[0] == kPoison) words.pop_back();
    words.pop_back();  // its index
    for (size_t i = 1; i < words.size(); ++i) {
      const std::string& next = i + 1 < words.size() ? words[i + 1] : words[1];
      link(MemberName(words[0], words[i]), MemberName(words[0], next));
    }
  }
};

}  // namespace

std::unique_ptr<Workload> MakeRing(Trial& trial) { return std::make_unique<Ring>(trial); }

}  // namespace trident::sim
