// SPDX-License-Identifier: Apache-2.0
//
// LeaderLine: a worker's line to its leader. It is dialled anew when a link of the epoch to another
// worker broke and the leader does not end the epoch by itself: that the worker goes and comes
// again the leader sees.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_LEADER_LINE_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_LEADER_LINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/cluster/control_client.h"

namespace trident {

// Thread-safe but for Open and Stop.
class LeaderLine {
 public:
  struct Listeners {
    // Says what the leader says; see ControlClientEvents.
    std::function<void(std::vector<LeaderWord>)> hear;
    // The epoch in which the worker takes part; zero: none.
    std::function<Epoch()> joined;
  };
  explicit LeaderLine(Listeners listeners) : listeners_(std::move(listeners)) {}
  ~LeaderLine();  // Stop()

  // Dials, until Stop. Its thread may hear words before this returns.
  void Open(ControlClientOptions options);
  // Dropped before Open, after Stop, and while there is no stream.
  void Tell(const WorkerWord& word);
  // A link of this epoch to another worker has broken. Does not wait.
  void LinkBroke(Epoch epoch, const Status& cause);
  void Stop();

 private:
  struct Broken {
    Epoch epoch;
    Status cause;
  };
  void Dial();
  void HangUp();
  void RunKeeper();
  bool IsInForLong(Epoch epoch);

  const Listeners listeners_;
  ControlClientOptions options_;  // constant after Open

  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<ControlClient> client_ TRIDENT_GUARDED_BY(mutex_);
  std::optional<Broken> broken_ TRIDENT_GUARDED_BY(mutex_);
  bool stops_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread keeper_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_LEADER_LINE_H_
