// SPDX-License-Identifier: Apache-2.0
//
// control_worker LEADER WORKER: dials the leader, and answers the number of each round. It goes on
// until a signal ends it.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "coordinator/cluster/control_client.h"

namespace trident {
namespace {

// The client, once it is made: events come before that too.
class Made {
 public:
  void Set(ControlClient* client) {
    MutexLock lock(mutex_);
    client_ = client;
    set_.NotifyAll();
  }
  ControlClient& Await() {
    MutexLock lock(mutex_);
    while (client_ == nullptr) set_.Wait(mutex_);
    return *client_;
  }

 private:
  Mutex mutex_;
  CondVar set_;
  ControlClient* client_ TRIDENT_GUARDED_BY(mutex_) = nullptr;
};

int Main(const std::string& leader, uint32_t worker) {
  Made made;
  ControlClientOptions options{.leader = leader,
                               .hello = {.worker = WorkerId(worker),
                                         .incarnation = Incarnation(1),
                                         .store = "store",
                                         .topology = "wordcount",
                                         .exchange_address = "127.0.0.1:7500"}};
  ControlClient client(options, {.on_words =
                                     [&](std::vector<LeaderWord> words) {
                                       for (const LeaderWord& word : words) {
                                         const auto& round = std::get<word::LeaseRound>(word);
                                         made.Await().Tell(word::LeaseAcknowledged{
                                             round.epoch, round.round, WorkerId(worker)});
                                       }
                                     },
                                 .on_gone = [](const Status&) { fprintf(stderr, "gone\n"); }});
  made.Set(&client);
  while (true) pause();
}

}  // namespace
}  // namespace trident

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return trident::Main(argv[1], static_cast<uint32_t>(std::stoul(argv[2])));
}
