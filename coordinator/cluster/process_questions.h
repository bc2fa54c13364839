// SPDX-License-Identifier: Apache-2.0
//
// ProcessQuestions: what a process of a topology may ask another one, for people who ask it.
#ifndef TRIDENT_COORDINATOR_CLUSTER_PROCESS_QUESTIONS_H_
#define TRIDENT_COORDINATOR_CLUSTER_PROCESS_QUESTIONS_H_

#include <cstdint>
#include <string>

#include "base/status.h"

namespace trident {

enum class ProcessQuestion : uint8_t {
  kBatches,  // the first three are for who leads
  kPause,
  kResume,
  kAbout,  // what the process is as a worker
};

// Thread-safe. A call may wait for the other process.
class ProcessQuestions {
 public:
  virtual ~ProcessQuestions() = default;
  // The bytes of a BatchesResponse (proto/admin.proto) for kBatches, of a Worker for kAbout, else
  // none.
  // FailedPrecondition: the process does not lead; Unavailable: it cannot be reached.
  virtual StatusOr<std::string> Ask(ProcessQuestion question) = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PROCESS_QUESTIONS_H_
