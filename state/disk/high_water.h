// SPDX-License-Identifier: Apache-2.0
//
// HighWater: one number in a small file beside the log, that only grows: how far writes were
// acknowledged as synced. A log that ends before it has lost something. Never synced itself.
#ifndef TRIDENT_STATE_DISK_HIGH_WATER_H_
#define TRIDENT_STATE_DISK_HIGH_WATER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/status.h"

namespace rocksdb {
class Env;
class RandomRWFile;
}  // namespace rocksdb

namespace trident {

// Thread-safe.
class HighWater {
 public:
  // Makes the file, durably, at 0.
  static Status Make(rocksdb::Env& env, const std::string& path);
  // What the file says. 0 when it is not there or not readable as a number: it is a proof of loss,
  // and without it there is none.
  static uint64_t Read(rocksdb::Env& env, const std::string& path);

  HighWater(rocksdb::Env& env, const std::string& path);
  ~HighWater();
  // A failure to write is no failure: the number stays lower than it could be.
  void Raise(uint64_t to);

 private:
  Mutex mutex_;
  uint64_t raised_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<rocksdb::RandomRWFile> file_ TRIDENT_GUARDED_BY(mutex_);  // null: not writable
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_HIGH_WATER_H_
