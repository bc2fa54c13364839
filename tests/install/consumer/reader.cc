// SPDX-License-Identifier: Apache-2.0
//
// Runs a topology within the program and reads its state.
#include <cstdio>

#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/run/state_reader.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace {

constexpr trident::Field<trident::Text> kWord{"word"};
constexpr trident::Field<int64_t> kCount{"count"};

}  // namespace

int main() {
  trident::Topology topology("words");
  const auto counts =
      topology
          .NewStream("words", trident::FixedBatchSpout::Make(trident::Fields(kWord), {},
                                                             {{"the"}, {"cat"}, {"the"}}))
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts"}, trident::Count(), kCount);
  const auto run = trident::Run::Start(topology, {});
  if (!run.ok() || !(*run)->AwaitEnd().ok()) return 1;
  const auto cut = trident::StateReader(**run, counts).Latest();
  if (!cut.ok()) return 1;
  const auto the = cut->Get("the");
  const trident::Status read = cut->ForEach([](const trident::StateKey& key, const int64_t& count) {
    std::printf("%s %lld\n", key.As<std::string>(0).c_str(), static_cast<long long>(count));
  });
  return the.ok() && *the == 2 && read.ok() ? 0 : 1;
}
