// SPDX-License-Identifier: Apache-2.0
//
// How a process opens the store of its states, and how it treats memory.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_STATE_DIRECTORY_H_
#define TRIDENT_TRIDENT_RUN_PARTS_STATE_DIRECTORY_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "trident/run/parts/run_options.h"

namespace trident {

struct OpenedStore {
  std::unique_ptr<DurableStore> store;
  bool made_directory = false;  // it was not there before
};

// The store in options.state_dir; in memory if that is empty. Errors are those of RocksStore::Open;
// a directory that is in use comes with advice.
StatusOr<OpenedStore> OpenStateDirectory(const RunOptions& options);

// Takes back a directory that a refused start has made. It is closed.
void RemoveMadeDirectory(const std::string& dir);

// Has the allocator give large buffers back to the system. Once a process, before its threads.
void ReturnLargeBuffers();

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_STATE_DIRECTORY_H_
