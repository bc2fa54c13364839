// SPDX-License-Identifier: Apache-2.0
//
// Bank: each row moves money from one account to another; what goes out is kept in one state, what
// comes in in another, by other tasks. At every txid that can be read, as much came in as went out.
#include "tests/sim/workload.h"

namespace trident::sim {
namespace {

constexpr Field<Text> kFrom{"from"};
constexpr Field<Text> kTo{"to"};
constexpr Field<int64_t> kAmount{"amount"};
constexpr Field<int64_t> kOut{"out"};
constexpr Field<int64_t> kIn{"in"};
constexpr uint64_t kAccounts = 6;

struct Transfer {
  std::string from;
  std::string to;
  int64_t amount;
};
Transfer ParseTransfer(const std::string& row) {
  const std::vector<std::string> words = WordsOf(row);
  return {words.at(0), words.at(1), std::stoll(words.at(2))};
}

// As Sum, but not combined early.
struct Add {
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, int64_t amount) const { value += amount; }
};

class Bank final : public Workload {
 public:
  using Workload::Workload;

  std::string MakeRow(const RowSeed& seed) const override {
    Rng rng(seed.draw);
    return Concat("a", rng.Below(kAccounts), " a", rng.Below(kAccounts), " ", 1 + rng.Below(100),
                  " ");
  }

  void AddStream(Topology& topology, uint32_t number, std::shared_ptr<Spout> spout) override {
    auto parse = [this](Text row, Emit<Text, Text, int64_t>& emit) {
      MayThrow(row);
      const Transfer transfer = ParseTransfer(std::string(row));
      emit(transfer.from, transfer.to, transfer.amount);
    };
    Stream rows = topology.NewStream(NameFor("transfers", number), std::move(spout))
                      .Parallelism(trial_.options.spout_tasks);
    // Behind an exchange a row that throws fails its batch.
    if (trial_.options.seed % 2 == 0) rows = rows.Shuffle();
    Stream transfers = rows.Each(kRow, parse, Fields(kFrom, kTo, kAmount));
    auto paid = transfers.GroupBy(kFrom).PersistentAggregate(StateNamed(NameFor("paid", number)),
                                                             kAmount, Sum(), kOut);
    auto got = transfers.GroupBy(kTo).PersistentAggregate(StateNamed(NameFor("got", number)),
                                                          kAmount, Add(), kIn);
    if (trial_.options.state_tasks > 0) got.Parallelism(trial_.options.state_tasks);
    topology.NewDrpcStream(FunctionOf(number))
        .StateQuery(paid, kArgs, OrZero(), kOut)
        .StateQuery(got, kArgs, OrZero(), kIn)
        .Project(Fields(kOut, kIn));
  }

  Cut EmptyCut(uint32_t number) const override {
    return {{NameFor("paid", number), {}}, {NameFor("got", number), {}}};
  }

  void Fold(const std::string& row, int64_t /*batch_time_micros*/, Cut& cut) const override {
    const Transfer transfer = ParseTransfer(row);
    for (auto& [name, content] : cut) {
      const std::string& account = IsPaid(name) ? transfer.from : transfer.to;
      content[account] = std::to_string(NumberAt(content, account) + transfer.amount);
    }
  }

  std::optional<std::string> Breach(const Cut& seen) const override {
    int64_t balance = 0;
    for (const auto& [name, content] : seen) {
      for (const auto& [account, sum] : content) {
        balance += IsPaid(name) ? -std::stoll(sum) : std::stoll(sum);
      }
    }
    if (balance == 0) return std::nullopt;
    return Concat("money came from nowhere or went there: ", balance);
  }

  std::string FunctionOf(uint32_t number) const override { return NameFor("account", number); }
  std::string Question(Rng& rng) const override { return Concat("a", rng.Below(kAccounts)); }
  std::vector<std::vector<std::string>> Answer(const std::string& question,
                                               const Cut& cut) const override {
    std::vector<std::string> row(2);
    for (const auto& [name, content] : cut) {
      row[IsPaid(name) ? 0 : 1] = std::to_string(NumberAt(content, question));
    }
    return {row};
  }

 private:
  struct OrZero {
    void operator()(const int64_t* value, Emit<int64_t>& emit) const {
      emit(value == nullptr ? 0 : *value);
    }
  };
  static bool IsPaid(const std::string& state) { return state[0] == 'p'; }
};

}  // namespace

std::unique_ptr<Workload> MakeBank(Trial& trial) { return std::make_unique<Bank>(trial); }

}  // namespace trident::sim
