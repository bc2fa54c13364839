// SPDX-License-Identifier: Apache-2.0
//
// Both ends of control streams for tests: they note what happens, and tests wait for it.
#ifndef TRIDENT_TESTS_COORDINATOR_CLUSTER_CONTROL_ENDS_H_
#define TRIDENT_TESTS_COORDINATOR_CLUSTER_CONTROL_ENDS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/cluster/control_client.h"
#include "coordinator/cluster/control_server.h"

namespace trident {

// What happened at one end, in its order.
class Notes {
 public:
  void Add(std::string note);
  // The n-th note that starts with `start`, as soon as it is there; "" when it does not come.
  std::string Await(const std::string& start, size_t n = 1);
  std::vector<std::string> all() const;
  size_t Count(const std::string& start) const;

 private:
  mutable Mutex mutex_;
  CondVar added_;
  std::vector<std::string> notes_ TRIDENT_GUARDED_BY(mutex_);
};

// Waits until it holds, for ten seconds at most; whether it does.
bool AwaitThat(const std::function<bool()>& condition);

// Nobody counts as gone because a test machine is busy.
ControlTiming PatientTiming();

WorkerHello HelloOf(uint32_t worker, uint64_t incarnation = 1);

// Words that carry a number.
LeaderWord Down(uint64_t number);
WorkerWord Up(uint32_t worker, uint64_t number);

// Notes "hello 3.1", "open 3.1", "word 3.1 NUMBER" (or its index in the variant when it has none),
// and "gone 3.1 CODE: message".
struct LeaderEnd {
  explicit LeaderEnd(ControlServerOptions options = {.timing = PatientTiming()});

  Notes notes;
  // Set before a worker comes.
  std::function<Status(const WorkerHello&)> judge = [](const WorkerHello&) { return Status(); };
  std::function<void(WorkerId, const std::vector<WorkerWord>&)> heard;
  std::unique_ptr<ControlServer> server;
};

// Notes "open", "word NUMBER", "gone CODE: message", "refused CODE: message".
struct WorkerEnd {
  explicit WorkerEnd(ControlClientOptions options);

  Notes notes;
  std::function<void(const std::vector<LeaderWord>&)> heard;
  std::unique_ptr<ControlClient> client;
};

// Options of a worker of that leader, with patience.
ControlClientOptions Dialling(const std::string& address, uint32_t worker,
                              uint64_t incarnation = 1);

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_CLUSTER_CONTROL_ENDS_H_
