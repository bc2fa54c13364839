// SPDX-License-Identifier: Apache-2.0
//
// Links carry words between a leader and its workers. Inside a process a link is a plain call; no
// word needs more than that.
#ifndef TRIDENT_ENGINE_TRANSPORT_LINKS_H_
#define TRIDENT_ENGINE_TRANSPORT_LINKS_H_

#include "base/ids.h"
#include "engine/transport/words.h"

namespace trident {

// From the leader to its workers. Every word goes to all of them, except Emit, which goes to the
// one that has the emitter. Must not block.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;
  virtual void Tell(WordToWorker word) = 0;
};

// From a worker to its leader. Any thread; must not block.
class LeaderLink {
 public:
  virtual ~LeaderLink() = default;
  virtual void Tell(GroupId group, WordToLeader word) = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_LINKS_H_
