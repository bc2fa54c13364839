// SPDX-License-Identifier: Apache-2.0
//
// The read lease: for how long a worker may say "this is the latest", though it may have been cut
// off and another epoch may have gone on without it. Pure, as the protocol is: time comes in with
// each call, and every party has a clock of its own. Clocks need not agree; they must run at almost
// the same rate.
//
// The leader runs numbered rounds. Round k + 1 starts when every worker has acknowledged round k,
// so who hears of round k + 1 knows that round k is complete.
//
// Its rules:
//   1. A worker that hears of round k + 1 may serve the latest for `lease` after it acknowledged
//      round k - 1, on its own clock, and no longer.
//   2. A worker that promises a newer epoch serves no more in this one.
//   3. Who takes over without a worker that did not promise waits as long as any one that promised
//      says (Left): `lease_max` after it acknowledged its last round, on its own clock.
//
// Why this is enough. Say worker w may serve, because round k is complete, and worker v promises.
// Then v has acknowledged round k, which started when w had acknowledged round k - 1. So v counts
// from a later moment than w, and for longer.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_READ_LEASE_H_
#define TRIDENT_COORDINATOR_PROTOCOL_READ_LEASE_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace trident {

namespace word {

// From the leader to its workers. Said again until it is acknowledged.
struct LeaseRound {
  Epoch epoch;
  uint64_t round = 0;
};

struct LeaseAcknowledged {
  Epoch epoch;
  uint64_t round = 0;
  WorkerId worker;
};

}  // namespace word

struct LeaseConfig {
  Nanos round_every = 100 * kMillisecond;
  Nanos lease = 500 * kMillisecond;
  // The same on a clock that runs faster than any, measured while the holder's runs slower than
  // any: greater than `lease` by the factor (1 + r) / (1 - r), where no clock's rate is off by more
  // than r. These allow r = 0.02.
  Nanos lease_max = 521 * kMillisecond;
};

// The leader's half, of one epoch. Not thread-safe.
class LeaseRounds {
 public:
  LeaseRounds(Epoch epoch, const std::vector<WorkerId>& workers, LeaseConfig config = {});

  // Tells every worker that has not acknowledged the round, at once and every `round_every`.
  // Nothing is due before the time that is returned.
  Nanos Tick(Nanos now, std::vector<std::pair<WorkerId, word::LeaseRound>>& out);
  void Hear(const word::LeaseAcknowledged& word);

  uint64_t round() const { return round_; }

 private:
  const Epoch epoch_;
  const std::vector<WorkerId> workers_;
  const LeaseConfig config_;
  uint64_t round_ = 0;
  std::set<WorkerId> awaited_;  // in this round
  bool has_begun_ = false;
  Nanos told_at_ = 0;
};

// A worker's half, of one life in one epoch. A life that starts again has no lease, and does not
// know how long those of others last: it counts as one that did not promise. Not thread-safe.
class ReadLease {
 public:
  ReadLease(Epoch epoch, WorkerId worker, LeaseConfig config = {});

  // The answer to a round, which is of this epoch: nothing if it is not, or is late.
  std::vector<word::LeaseAcknowledged> Hear(const word::LeaseRound& word, Nanos now);

  // May it serve the latest now?
  bool IsValid(Nanos now) const;

  // A newer epoch is promised: IsValid is false from now on.
  void Promise() { has_promised_ = true; }
  // How long a leader of the newer epoch waits, on its clock, from the moment at which this was
  // asked, before it can know that no other worker's lease is valid.
  Nanos Left(Nanos now) const;

 private:
  const Epoch epoch_;
  const WorkerId worker_;
  const LeaseConfig config_;
  std::map<uint64_t, Nanos> acknowledged_at_;  // the last rounds, when first
  Nanos valid_until_ = 0;
  bool has_promised_ = false;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_READ_LEASE_H_
