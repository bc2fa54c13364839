// SPDX-License-Identifier: Apache-2.0
//
// LeaderQuestions: what any process of a topology may ask the one that leads, for people who ask
// that process.
#ifndef TRIDENT_COORDINATOR_CLUSTER_LEADER_QUESTIONS_H_
#define TRIDENT_COORDINATOR_CLUSTER_LEADER_QUESTIONS_H_

#include <cstdint>
#include <string>

#include "base/status.h"

namespace trident {

enum class LeaderQuestion : uint8_t { kBatches, kPause, kResume };

// Thread-safe. A call may wait for the other process.
class LeaderQuestions {
 public:
  virtual ~LeaderQuestions() = default;
  // The bytes of a BatchesResponse (proto/admin.proto) for kBatches, else none.
  // FailedPrecondition: the process does not lead; Unavailable: it cannot be reached.
  virtual StatusOr<std::string> Ask(LeaderQuestion question) = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_LEADER_QUESTIONS_H_
