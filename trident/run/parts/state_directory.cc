// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/state_directory.h"

#include <malloc.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "base/logging.h"
#include "state/disk/memory_budget.h"
#include "state/disk/memory_store.h"
#include "state/disk/rocks_directory.h"
#include "state/disk/rocks_store.h"

namespace trident {

StatusOr<OpenedStore> OpenStateDirectory(const RunOptions& options) {
  const MemoryShares shares = ShareMemory(options.memory_bytes);
  if (options.state_dir.empty()) return OpenedStore{std::make_unique<MemoryStore>(), false};
  RocksStoreOptions rocks;
  rocks.dir = options.state_dir;
  rocks.cache_bytes = shares.block_cache;
  rocks.write_buffer_bytes = shares.write_buffers;
  std::error_code unknown;
  const bool is_there = std::filesystem::exists(options.state_dir, unknown);
  auto opened = RocksStore::Open(rocks);
  if (!opened.ok()) {
    return InUseAdvice(opened.status(), ". Stop it first, or use another directory");
  }
  return OpenedStore{*std::move(opened), !is_there && !unknown};
}

// Large buffers go back to the system when they are freed. By default glibc stops doing so once it
// has seen a few, and what it keeps, an arena a thread, is no part of any budget: a third of what a
// state larger than its memory took.
void ReturnLargeBuffers() {
  constexpr int kLargeBytes = 256 * kKiB;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  ::mallopt(M_TRIM_THRESHOLD, 4 * kLargeBytes);
}

void RemoveMadeDirectory(const std::string& dir) {
  const Status removed = RocksDirectory::Remove(dir);
  if (removed.ok()) return;
  TRIDENT_LOG(WARN) << "the start was refused, and the directory that it has made stays: "
                    << Message(removed);
}

}  // namespace trident
