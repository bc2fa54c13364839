// SPDX-License-Identifier: Apache-2.0
//
// Links that are ended while messages wait to be sent.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "engine/links/peer_links.h"
#include "tests/engine/links/random_messages.h"

namespace trident {
namespace {

constexpr uint32_t kTasks = 2;

std::unique_ptr<PeerLinks> StartLinks(uint32_t worker, std::atomic<uint64_t>& heard) {
  auto links =
      PeerLinks::Start({.self = {Epoch(1), WorkerId(worker), Incarnation(1)},
                        .token = "a secret",
                        .worker_of = [](const TaskAddress& to) { return WorkerId(to.task % 2); },
                        .tasks_of = [](StageId) { return kTasks; },
                        .accept = [](const PeerLife&) { return absl::OkStatus(); },
                        .deliver =
                            [&heard](const DataMessage&) {
                              ++heard;
                              heard.notify_all();
                              return absl::OkStatus();
                            },
                        .on_broken = [](WorkerId, const Status&) {}});
  EXPECT_TRUE(links.ok()) << links.status();
  return *std::move(links);
}

// The thread of the links sends what waits until they have ended.
TEST(EndOfLinks, LinksEndInOrderWhileMuchWaitsToBeSent) {
  constexpr int kRounds = 40;
  constexpr int kGroups = 300;
  RandomMessages random(1, 2, {1});
  uint64_t unsent = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<uint64_t> heard = 0;
    const std::unique_ptr<PeerLinks> to = StartLinks(1, heard);
    std::unique_ptr<PeerLinks> from = StartLinks(0, heard);
    from->Connect(WorkerId(1), Concat("127.0.0.1:", to->port()));
    from->SendTogether(random.Frame(200));
    heard.wait(0);
    for (int group = 0; group < kGroups; ++group) from->SendTogether(random.Frame(200));
    unsent += from->QueuedBytes(WorkerId(1));
    from.reset();
  }
  EXPECT_GT(unsent, 0u);
}

}  // namespace
}  // namespace trident
