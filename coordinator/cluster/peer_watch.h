// SPDX-License-Identifier: Apache-2.0
//
// PeerWatch: whether the other end of a stream still lives. Pure: time comes in with each call.
#ifndef TRIDENT_COORDINATOR_CLUSTER_PEER_WATCH_H_
#define TRIDENT_COORDINATOR_CLUSTER_PEER_WATCH_H_

#include <algorithm>

#include "base/clock.h"

namespace trident {

// A peer says at least every `look_every` that it lives. One of which nothing was heard for
// `silence_max` counts as gone; time in which this end itself did not run does not count, because
// then nobody was there to hear.
class PeerWatch {
 public:
  struct Options {
    Nanos look_every = 0;
    Nanos silence_max = 0;
  };
  explicit PeerWatch(Options options) : options_(options) {}

  // To be called before the first look.
  void Start(Nanos now) { heard_ = looked_ = now; }

  void Heard(Nanos now) { heard_ = now; }

  // To be called every `look_every`.
  bool IsSilent(Nanos now) {
    const Nanos late = now - looked_ - options_.look_every;
    if (late > options_.look_every) heard_ = std::min(heard_ + late, now);
    looked_ = now;
    return now - heard_ > options_.silence_max;
  }

 private:
  const Options options_;
  Nanos heard_ = 0;
  Nanos looked_ = 0;
};

// At most one line of a kind every so often.
class LinePace {
 public:
  explicit LinePace(Nanos every) : every_(every) {}
  bool IsDue(Nanos now) {
    if (was_said_ && now - said_ < every_) return false;
    was_said_ = true;
    said_ = now;
    return true;
  }

 private:
  const Nanos every_;
  bool was_said_ = false;
  Nanos said_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PEER_WATCH_H_
