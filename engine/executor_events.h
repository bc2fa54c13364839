// SPDX-License-Identifier: Apache-2.0
//
// What executors report. Most of it is meant for the leader as it is; of what every executor has to
// say, the worker makes one word.
#ifndef TRIDENT_ENGINE_EXECUTOR_EVENTS_H_
#define TRIDENT_ENGINE_EXECUTOR_EVENTS_H_

#include <string>

#include "base/ids.h"
#include "engine/transport/words.h"

namespace trident {

// Called on executor threads; must be quick and must not call back into the executor but by Post.
class ExecutorEvents {
 public:
  virtual ~ExecutorEvents() = default;
  // InputReady, InputEnded, Emitted, Failed, or Progressed (said of an attempt at most once in
  // kProgressToldMs by an executor).
  virtual void OnWord(GroupId group, WordToLeader word) = 0;
  // Every task of the group on this executor is through with the attempt; `record` is this
  // executor's part of the batch's durable record.
  virtual void OnStaged(uint32_t executor, const BatchId& id, std::string record) = 0;
  virtual void OnApplied(uint32_t executor, const BatchId& id) = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_EXECUTOR_EVENTS_H_
