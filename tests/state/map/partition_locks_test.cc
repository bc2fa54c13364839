// SPDX-License-Identifier: Apache-2.0
#include "state/map/partition_locks.h"

#include <gtest/gtest.h>

#include <thread>

namespace trident {
namespace {

// Asked on another thread.
bool IsFree(Mutex& mutex) {
  bool free = false;
  std::thread other([&] {
    free = mutex.TryLock();
    if (free) mutex.Unlock();
  });
  other.join();
  return free;
}

TEST(PartitionLocksTest, OwnerAndReaderLookTogetherAndAChangeKeepsBothOut) {
  PartitionLocks locks;
  {
    OwnerLock turn(locks);
    EXPECT_FALSE(IsFree(locks.turn));
    EXPECT_TRUE(IsFree(locks.read)) << "readers go on during the owner's turn";
    {
      ChangeLock change(locks);
      EXPECT_FALSE(IsFree(locks.turn));
      EXPECT_FALSE(IsFree(locks.read));
    }
    EXPECT_FALSE(IsFree(locks.turn)) << "the turn goes on after the change";
    EXPECT_TRUE(IsFree(locks.read));
  }
  {
    ReaderLock read(locks);
    EXPECT_TRUE(IsFree(locks.turn)) << "the owner goes on while somebody reads";
    EXPECT_FALSE(IsFree(locks.read));
  }
  EXPECT_TRUE(IsFree(locks.turn));
  EXPECT_TRUE(IsFree(locks.read));
}

}  // namespace
}  // namespace trident
