// SPDX-License-Identifier: Apache-2.0
#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace trident {
namespace {

TEST(MutexTest, LockedSectionsDoNotOverlap) {
  constexpr int kThreads = 4, kRounds = 10'000;
  Mutex mutex;
  int64_t counter = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        MutexLock lock(mutex);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, kThreads * kRounds);
}

bool AnotherThreadCanLock(Mutex& mutex) {
  bool could = false;
  std::thread([&] {
    if (!mutex.TryLock()) return;
    could = true;
    mutex.Unlock();
  }).join();
  return could;
}

TEST(MutexTest, TryLockFailsWhileAnotherHoldsIt) {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    EXPECT_FALSE(AnotherThreadCanLock(mutex));
  }
  EXPECT_TRUE(AnotherThreadCanLock(mutex));
}

TEST(CondVarTest, WaitGivesTheMutexUpAndTakesItBack) {
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  std::thread other([&] {
    MutexLock lock(mutex);
    while (turn != 1) changed.Wait(mutex);
    turn = 2;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    turn = 1;
    changed.NotifyAll();
    while (turn != 2) changed.Wait(mutex);
  }
  other.join();
  EXPECT_EQ(turn, 2);
}

TEST(CondVarTest, WaitForSaysThatTheTimePassed) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  // Wakes without cause are allowed, so it may take a few.
  while (never.WaitFor(mutex, 1'000)) {
  }
}

}  // namespace
}  // namespace trident
