// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/options.h"

#include "base/rng.h"
#include "base/status.h"

namespace trident::model {
namespace {

// From a generator of its own, so that the rest of a seed's history stays what it was.
Staging StagingFor(uint64_t seed) {
  return Rng(Mix64(seed ^ 0x57A61)).Chance(0.3) ? Staging::kOneAtATime : Staging::kOverlapped;
}

GroupConfig ConfigFor(Rng& rng) {
  GroupConfig config;
  config.group = GroupId(1);
  config.max_pending = static_cast<uint32_t>(1 + rng.Below(4));
  config.limits = {1 + rng.Below(12), 1'000'000};
  config.age_max = rng.Chance(0.3) ? 3 * kMillisecond : 0;
  config.retry_limit = 1000;
  config.retry_delay_min = rng.Chance(0.2) ? 0 : kMillisecond;
  config.retry_delay_max = 8 * kMillisecond;
  config.progress_deadline = 30 * kMillisecond;
  config.cut_logging = rng.Chance(0.35) ? CutLogging::kBeforeStage : CutLogging::kNone;
  config.backlog_max = static_cast<uint32_t>(1 + rng.Below(6));
  const uint64_t spouts = 1 + rng.Below(2);
  for (uint64_t s = 0; s < spouts; ++s) {
    const SpoutKind kind = rng.Chance(0.5) ? SpoutKind::kTransactional : SpoutKind::kOpaque;
    config.spouts.push_back(
        {SpoutId(static_cast<uint32_t>(s)), kind, static_cast<uint32_t>(1 + rng.Below(2))});
  }
  const uint64_t workers = 1 + rng.Below(3);
  for (uint64_t w = 0; w < workers; ++w) {
    config.voters.push_back(WorkerId(static_cast<uint32_t>(w)));
  }
  return config;
}

// Likewise from a generator of its own.
bool NamesPoison(const Options& options) {
  return options.poison_rows > 0 && options.config.policy == FailurePolicy::kDeadLetter &&
         options.config.cut_logging == CutLogging::kNone &&
         Rng(Mix64(options.seed ^ 0xA51DE)).Chance(0.5);
}

// Likewise.
bool PoisonKills(const Options& options) {
  return options.poison_rows > 0 && !options.names_poison &&
         Rng(Mix64(options.seed ^ 0xDEAD)).Chance(0.5);
}
uint32_t KillsFor(const Options& options) {
  Rng rng(Mix64(options.seed ^ 0x816));
  // A spout that forgets may leave a row at a place where nobody stands any more.
  const bool often = options.forgets > 0;
  if (options.undisturbed || !rng.Chance(often ? 0.9 : 0.2)) return 0;
  return static_cast<uint32_t>(1 + rng.Below(often ? 10 : 4));
}

// Poison needs an end: a few retries, then the policy.
void AddPoison(Rng& rng, Options& options) {
  options.poison_rows = static_cast<uint32_t>(1 + rng.Below(2));
  options.config.retry_limit = static_cast<uint32_t>(1 + rng.Below(3));
  options.config.policy = rng.Chance(0.7) ? FailurePolicy::kDeadLetter : FailurePolicy::kStop;
}

void AddFaults(Rng& rng, Options& options) {
  // Each kind is there in some histories only, so that a few faults also meet undisturbed.
  const auto rate = [&](double chance, double max) {
    return rng.Chance(chance) ? max * rng.Unit() : 0;
  };
  const auto count = [&](double chance, uint64_t max) {
    return static_cast<uint32_t>(rng.Chance(chance) ? 1 + rng.Below(max) : 0);
  };
  options.lost = rate(0.4, 0.1);
  options.repeated = rate(0.5, 0.2);
  options.late = rate(0.5, 0.15);
  options.stage_fails = rate(0.4, 0.2);
  options.write_unknown = rate(0.2, 0.1);
  options.coordinator_crashes = count(0.4, 3);
  options.coordinator_zombies = count(0.3, 2);
  options.worker_crashes = count(0.5, 4);
  options.worker_suspicions = count(0.25, 3);
  options.spout_crashes = count(0.4, 4);
  options.pauses = count(0.15, 2);
  options.forgets = rate(0.08, 0.2);
}

}  // namespace

Options OptionsFor(uint64_t seed) {
  Rng rng(Mix64(seed));
  Options options;
  options.seed = seed;
  options.config = ConfigFor(rng);
  options.config.staging = StagingFor(seed);
  options.sources_per_task = static_cast<uint32_t>(1 + rng.Below(2));
  options.rows_per_source = 5 + rng.Below(25);
  options.blank_rows = rng.Chance(0.3) ? 0.3 * rng.Unit() : 0;
  options.input_lasts = static_cast<Nanos>(rng.Below(60 * kMillisecond));
  options.faults_last = 150 * kMillisecond;
  options.undisturbed = rng.Chance(0.1);
  if (!options.undisturbed) AddFaults(rng, options);
  if (rng.Chance(0.25)) AddPoison(rng, options);
  options.names_poison = NamesPoison(options);
  options.poison_kills = PoisonKills(options);
  options.kills = KillsFor(options);
  return options;
}

std::string Describe(const Options& o) {
  std::string spouts;
  for (const SpoutConfig& spout : o.config.spouts) {
    spouts += Concat(spout.kind == SpoutKind::kTransactional ? " transactional x" : " opaque x",
                     spout.tasks);
  }
  return Concat("spouts", spouts, ", workers ", o.config.voters.size(), ", pending ",
                o.config.max_pending, ", rows ", o.config.limits.rows, ", ",
                o.config.cut_logging == CutLogging::kNone ? "cuts not logged" : "cuts logged",
                o.config.staging == Staging::kOneAtATime ? ", one at a time" : "", ", poison ",
                o.poison_rows, o.names_poison ? " named" : "", o.poison_kills ? " deadly" : "",
                ", kills ", o.kills, ", lost ", o.lost, ", repeated ", o.repeated, ", late ",
                o.late, ", stage fails ", o.stage_fails, ", unknown writes ", o.write_unknown,
                ", crashes ", o.coordinator_crashes, "c ", o.worker_crashes, "w ", o.spout_crashes,
                "s, zombies ", o.coordinator_zombies, ", suspicions ", o.worker_suspicions,
                ", forgets ", o.forgets);
}

}  // namespace trident::model
