// SPDX-License-Identifier: Apache-2.0
//
// FaultyDisk: the machine's file system, except that one chosen operation fails, and that it knows
// what a loss of power would take.
//
// The model of a loss of power: what was appended to a file after its last sync is kept up to some
// byte; what a failed sync left behind is never written, and reads as zeros, even if later syncs
// succeed. What was made, renamed, linked or deleted in a directory after its last sync is kept up
// to some operation, in the order in which it was done (file systems journal them). A number
// written in place is the old or the new one. Everything else stays.
#ifndef TRIDENT_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_
#define TRIDENT_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>

#include "base/rng.h"

namespace rocksdb {
class Env;
}

namespace trident {

// Thread-safe, but for LosePower, which wants all files closed.
class FaultyDisk {
 public:
  enum class Fault : uint8_t {
    kInputOutput,  // the operation fails with EIO; those after it succeed
    kDiskFull,     // it and those after it that need space fail with ENOSPC
    kPowerCut,     // it and everything after it fails; an append may have written a part
    kReadOnly,     // it and everything after it fails with EROFS
    kFailedSync,   // counts syncs of files alone; the sync fails, and what it was to write is lost
  };

  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  rocksdb::Env& env();

  // Operations that change files or make them durable, since the last call of FailAt.
  uint64_t operations() const;
  uint64_t file_syncs() const;
  // The n-th operation from now fails, beginning with 1.
  void FailAt(uint64_t n, Fault fault);
  // Whether it came to that.
  bool failed() const;
  // All operations succeed again.
  void Repair();

  // Takes from the files what a loss of power takes, and forgets what was not synced.
  void LosePower(Rng& rng);

 private:
  class Journal;
  class FileSystem;

  std::shared_ptr<Journal> journal_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_FAULTY_FILE_SYSTEM_H_
