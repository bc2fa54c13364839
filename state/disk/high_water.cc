// SPDX-License-Identifier: Apache-2.0
#include "state/disk/high_water.h"

#include <rocksdb/env.h>

#include "base/coding.h"
#include "base/hash.h"
#include "state/disk/rocks_errors.h"

namespace trident {
namespace {

// The number and its XXH3-64: 16 bytes, always written at once, so within one sector of the disk.
std::string Encode(uint64_t v) {
  std::string out;
  PutFixed64(out, v);
  PutFixed64(out, HashBytes(out));
  return out;
}

}  // namespace

Status HighWater::Make(rocksdb::Env& env, const std::string& path) {
  return FromRocks(rocksdb::WriteStringToFile(&env, Encode(0), path, /*should_sync=*/true),
                   "write the high water", path);
}

uint64_t HighWater::Read(rocksdb::Env& env, const std::string& path) {
  std::string bytes;
  if (!rocksdb::ReadFileToString(&env, path, &bytes).ok()) return 0;
  const uint64_t v = ByteReader(bytes).Fixed64();
  return bytes == Encode(v) ? v : 0;
}

HighWater::HighWater(rocksdb::Env& env, const std::string& path) {
  MutexLock lock(mutex_);
  if (!env.FileExists(path).ok()) (void)Make(env, path);
  raised_ = Read(env, path);
  if (!env.NewRandomRWFile(path, &file_, rocksdb::EnvOptions()).ok()) file_ = nullptr;
}

HighWater::~HighWater() = default;

void HighWater::Raise(uint64_t to) {
  const std::string bytes = Encode(to);
  MutexLock lock(mutex_);
  if (file_ == nullptr || to <= raised_) return;
  raised_ = to;
  if (!file_->Write(0, bytes).ok()) file_ = nullptr;
}

}  // namespace trident
