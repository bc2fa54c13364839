// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/cluster_options.h"

#include <algorithm>

#include "base/rng.h"
#include "base/status.h"

namespace trident::model {

ClusterOptions ClusterOptionsFor(uint64_t seed) {
  ClusterOptions options;
  options.group = OptionsFor(seed);
  Rng rng(Mix64(seed ^ 0xC1057E2));
  GroupConfig& config = options.group.config;
  config.commit = CommitBy::kVotes;
  config.voters.clear();
  const uint64_t workers = 1 + rng.Below(5);
  for (uint64_t w = 0; w < workers; ++w) {
    config.voters.push_back(WorkerId(static_cast<uint32_t>(w)));
  }
  options.scribes = static_cast<uint32_t>(1 + rng.Below(std::min<uint64_t>(workers, 3)));
  options.has_outside = config.staging == Staging::kOneAtATime;
  // Messages are lost by kind here, and a spout that forgets is another model's.
  options.group.lost = 0;
  options.group.forgets = 0;
  // A logged cut is repeated without the rows of opaque spouts. It is decided then, so a deadly row
  // of theirs comes in another txid each time, and its ends never count together.
  const bool has_opaque =
      std::any_of(config.spouts.begin(), config.spouts.end(),
                  [](const SpoutConfig& spout) { return spout.kind == SpoutKind::kOpaque; });
  if (config.cut_logging != CutLogging::kNone && has_opaque) options.group.poison_kills = false;
  options.known_noted = rng.Chance(0.3) ? 1 : rng.Unit();
  if (options.group.undisturbed) return options;
  const auto count = [&](double chance, uint64_t max) {
    return static_cast<uint32_t>(rng.Chance(chance) ? 1 + rng.Below(max) : 0);
  };
  for (uint64_t kinds = rng.Below(4); kinds > 0; --kinds) {
    constexpr double kRates[] = {0.1, 0.3, 0.6, 0.9};
    options.lost[rng.Below(kWires)] = kRates[rng.Below(4)];
  }
  options.cas_unknown = rng.Chance(0.4) ? 0.4 * rng.Unit() : 0;
  options.slow_disk = rng.Chance(0.4) ? 0.3 * rng.Unit() : 0;
  options.fails_prepared = rng.Chance(0.5) ? 0.3 * rng.Unit() : 0;
  options.holds = Rng(Mix64(seed ^ 0x401D)).Chance(0.4) ? 0.3 : 0;
  options.scribes_change = Rng(Mix64(seed ^ 0x5C12BE)).Chance(0.6) ? 0.6 : 0;
  options.leader_crashes = count(0.5, 3);
  options.takeovers = count(0.5, 4);
  options.worker_crashes = count(0.6, 4);
  options.power_losses = count(0.3, 2);
  options.spout_crashes = options.group.spout_crashes;
  return options;
}

std::string Describe(const ClusterOptions& o) {
  std::string lost;
  for (size_t kind = 0; kind < kWires; ++kind) {
    if (o.lost[kind] > 0) lost += Concat(" ", kind, ":", o.lost[kind]);
  }
  return Concat(Describe(o.group), "; scribes ", o.scribes, o.scribes_change > 0 ? " changing" : "",
                o.has_outside ? ", outside" : "", ", lost kinds", lost.empty() ? " none" : lost,
                ", noted ", o.known_noted, ", unknown records ", o.cas_unknown, ", slow disk ",
                o.slow_disk, ", holds ", o.holds, ", leader crashes ", o.leader_crashes,
                ", prepared fails ", o.fails_prepared, ", takeovers ", o.takeovers,
                ", worker crashes ", o.worker_crashes, ", power losses ", o.power_losses);
}

}  // namespace trident::model
