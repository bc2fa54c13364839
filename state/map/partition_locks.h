// SPDX-License-Identifier: Apache-2.0
//
// PartitionLocks: the two locks of a partition, and the rules for what they guard.
//
//   turn   The holder acts as the owner. The executor takes it once a call; only the fold waits for
//          it for long.
//   read   The holder acts as a reader. It is held for some microseconds, and never during I/O. The
//          user code that runs under it is short: MapOptions::combine, and the callbacks that say
//          so.
//
// The content of the partition (its table, its log, how far its base is) may be looked at under
// either lock and changed under both. So a reader and the owner look at it at the same time, and a
// change waits for both.
//
// clang's -Wthread-safety checks these rules: a PartitionLocks is itself a capability that stands
// for the content. OwnerLock and ReaderLock hold it shared, ChangeLock holds it alone. A member is
// then TRIDENT_GUARDED_BY(locks_), (locks_.turn) or (locks_.read). clang looks at assignments only:
// it takes a call of a non-const method of a guarded member for a look.
#ifndef TRIDENT_STATE_MAP_PARTITION_LOCKS_H_
#define TRIDENT_STATE_MAP_PARTITION_LOCKS_H_

#include "base/mutex.h"

// Which locks the caller of a method holds: those of the owner, of a reader, or of both. A method
// that may be called under either lock has TRIDENT_BY_EITHER.
#define TRIDENT_BY_OWNER(locks) TRIDENT_REQUIRES((locks).turn) TRIDENT_REQUIRES_SHARED(locks)
#define TRIDENT_BY_READER(locks) TRIDENT_REQUIRES((locks).read) TRIDENT_REQUIRES_SHARED(locks)
#define TRIDENT_BY_EITHER(locks) TRIDENT_REQUIRES_SHARED(locks)
#define TRIDENT_BY_BOTH(locks) TRIDENT_REQUIRES((locks).turn, (locks).read, locks)

namespace trident {

// Taken by OwnerLock, ReaderLock and ChangeLock only. Order: `turn` before `read`.
class TRIDENT_CAPABILITY("content") PartitionLocks {
 public:
  Mutex turn;
  Mutex read;
};

// Takes the owner's turn; the content may be looked at.
class TRIDENT_SCOPED_CAPABILITY OwnerLock {
 public:
  explicit OwnerLock(PartitionLocks& locks) TRIDENT_EXCLUDES(locks.read) TRIDENT_ACQUIRE(locks.turn)
      TRIDENT_ACQUIRE_SHARED(locks) TRIDENT_NO_THREAD_SAFETY_ANALYSIS : locks_(locks) {
    locks_.turn.Lock();
  }
  ~OwnerLock() TRIDENT_RELEASE() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { locks_.turn.Unlock(); }
  OwnerLock(const OwnerLock&) = delete;
  OwnerLock& operator=(const OwnerLock&) = delete;

 private:
  PartitionLocks& locks_;
};

// Keeps changes out; the content may be looked at.
class TRIDENT_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(PartitionLocks& locks) TRIDENT_EXCLUDES(locks.turn)
      TRIDENT_ACQUIRE(locks.read) TRIDENT_ACQUIRE_SHARED(locks) TRIDENT_NO_THREAD_SAFETY_ANALYSIS
      : locks_(locks) {
    locks_.read.Lock();
  }
  ~ReaderLock() TRIDENT_RELEASE() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { locks_.read.Unlock(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  PartitionLocks& locks_;
};

// Keeps readers out of a partition whose turn the thread has; the content may be changed.
// REQUIRES: an OwnerLock of this thread, which outlives it.
class TRIDENT_SCOPED_CAPABILITY ChangeLock {
 public:
  explicit ChangeLock(PartitionLocks& locks) TRIDENT_ACQUIRE(locks.read)
      TRIDENT_RELEASE_SHARED(locks) TRIDENT_ACQUIRE(locks) TRIDENT_NO_THREAD_SAFETY_ANALYSIS
      : locks_(locks) {
    locks_.read.Lock();
  }
  ~ChangeLock() TRIDENT_RELEASE() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { locks_.read.Unlock(); }
  ChangeLock(const ChangeLock&) = delete;
  ChangeLock& operator=(const ChangeLock&) = delete;

 private:
  PartitionLocks& locks_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_PARTITION_LOCKS_H_
