// SPDX-License-Identifier: Apache-2.0
//
// What one simulated history of several workers consists of, beyond the options of a group. All of
// it follows from the seed.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_OPTIONS_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_OPTIONS_H_

#include <array>
#include <cstdint>
#include <string>

#include "tests/protocol_model/options.h"

namespace trident::model {

// Kinds of messages, each of which may be lost at a rate of its own: a loss that is the same for
// all finds little.
enum class Wire : uint8_t {
  kPromiseAsked,
  kPromised,
  kWriteLog,
  kLogWritten,
  kSettled,
  kRefused,
  kBegin,
  kEmit,
  kData,
  kPermit,
  kVoted,
  kAbort,
  kVoided,
  kApply,
  kApplied,
  kJoined,
  kOther,
};
inline constexpr size_t kWires = static_cast<size_t>(Wire::kOther) + 1;

struct ClusterOptions {
  Options group;              // votes, input and spouts; its own faults of messages and stages
  uint32_t scribes = 1;       // workers that keep the log
  double scribes_change = 0;  // of each epoch
  // A state outside is written while a batch is staged, and remembers the last attempt alone.
  bool has_outside = false;
  std::array<double, kWires> lost{};
  double known_noted = 1;  // of each applied txid: durable at once
  double cas_unknown = 0;  // of each change of the epoch record
  double slow_disk = 0;    // of each write
  double holds = 0;        // of each time that a worker says that it lives: it holds, or releases
  double fails_prepared = 0;  // of each record that is durable: said to have failed, and no vote
  uint32_t leader_crashes = 0;
  uint32_t takeovers = 0;  // though the leader lives, and goes on as a zombie
  uint32_t worker_crashes = 0;
  uint32_t power_losses = 0;  // of all workers and the leader at once
  uint32_t spout_crashes = 0;
};

ClusterOptions ClusterOptionsFor(uint64_t seed);

// One line, for the report of a failing seed.
std::string Describe(const ClusterOptions& options);

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_OPTIONS_H_
