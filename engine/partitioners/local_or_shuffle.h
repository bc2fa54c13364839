// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_LOCAL_OR_SHUFFLE_H_
#define TRIDENT_ENGINE_PARTITIONERS_LOCAL_OR_SHUFFLE_H_

#include "engine/partitioner.h"

namespace trident {

// What a worker knows of the stage that receives, and of its own.
// `tasks` are the receiving tasks of this process, ascending; `senders` all tasks of the sending
// stage.
struct LocalTasks {
  std::vector<uint32_t> tasks;
  uint32_t senders = 1;
};

// Whole slices to tasks of this process, where they cost a pointer; nothing is copied or sent. A
// sender keeps to the task of its own number if that is here and there are no more tasks than
// senders. Else its slices take turns among the tasks here, so that none stays idle. With no task
// here it shuffles over all.
PartitionerRef LocalOrShufflePartitioner(LocalTasks local);

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_LOCAL_OR_SHUFFLE_H_
